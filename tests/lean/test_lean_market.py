"""The marketplace on a real Lean: statements, proofs that are refused, likeness, and goals closed through a ticket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from real_lean import project

from orchestrator.errors import MarketplaceError
from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import Proof, Selection
from orchestrator.gate.verdict import VerdictStatus
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.pool import Pool
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.ticket_records import TicketLocation, TicketStatus
from orchestrator.marketplace.conjecture import find_needs
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import How, Marketplace
from orchestrator.marketplace.placement import location_of
from orchestrator.marketplace.supplier import run_induction
from orchestrator.source.project import Project
from orchestrator.strategies.local_context import definitions_seen

TEXT = """namespace Shop
universe u
open Nat (succ)
section
variable {α : Type u}
@[simp] def onto : List α → List α → List α
  | [], acc => acc
  | x :: xs, acc => onto xs (x :: acc)
theorem onto_nil (xs : List α) : onto xs [] = xs.reverse := by
  sorry
end
inductive Marks where
  | none : Marks
  | more (n : Marks) : Marks
@[simp] def Marks.plus : Marks → Marks → Marks
  | .none, m => m
  | .more n, m => .more (n.plus m)
theorem Marks.plus_comm (n m : Marks) : n.plus m = m.plus n := by
  sorry
inductive Row (α : Type) where
  | nil : Row α
  | cons (x : α) (xs : Row α) : Row α
@[simp] def Row.snoc {α : Type} : Row α → α → Row α
  | .nil, y => .cons y .nil
  | .cons x xs, y => .cons x (xs.snoc y)
@[simp] def Row.turn {α : Type} : Row α → Row α
  | .nil => .nil
  | .cons x xs => xs.turn.snoc x
theorem Row.turn_turn {α : Type} (xs : Row α) : xs.turn.turn = xs := by
  sorry
end Shop
"""
PROJECT = project(Shop=TEXT)
PLACE = TicketLocation(module="Shop", file="Shop.lean", declaration="Shop.onto_nil", namespace="Shop")
ONTO = "∀ (α : Type) (xs acc : List α), onto xs acc = xs.reverse ++ acc"
GOOD = "intro α xs\ninduction xs with\n| nil => intro acc; rfl\n| cons x xs ih => intro acc; simp [ih]"


@dataclass(frozen=True)
class Shop:
    """A marketplace over one project on the tests' server."""

    market: Marketplace
    checker: LeanChecker
    pool: Pool
    extraction: Extraction
    session: EmbeddedSession

    @asynccontextmanager
    async def again(self, variant: Project) -> AsyncIterator[Workspace]:
        yield Workspace(self.session, variant)

    async def ask(self, goal: str, place: TicketLocation = PLACE, name: str = "Shop.lemma") -> str:
        return await self.market.request_lemma(goal, place, name)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.open("sqlite://") as opened:
        yield opened


@pytest.fixture
async def shop(lean: EmbeddedSession, ledger: Ledger) -> Shop:
    pool = Pool([lean], PROJECT)
    async with pool.workspace() as workspace:
        extraction = await extract(workspace, PROJECT.modules)
    assert extraction.problems == ()

    @asynccontextmanager
    async def again(variant: Project) -> AsyncIterator[Workspace]:
        yield Workspace(lean, variant)

    checker = LeanChecker(pool, again, extraction.goals)
    return Shop(Marketplace(ledger, checker), checker, pool, extraction, lean)


async def test_statements_are_one_up_to_names_and_order_and_form(shop: Shop) -> None:
    first = await shop.ask("∀ (n m : Nat), n < m → n ≤ m")
    for same in (
        "∀ (a b : Nat), a < b → a ≤ b",
        "x y : Nat\nh : x < y\n⊢ x ≤ y",
        "(y : Nat) {x : Nat} (h : x < y) : x ≤ y",
        "y x : Nat\nh : x < y\n⊢ x ≤ y",
    ):
        assert await shop.ask(same) == first, same
    for other in ("∀ (n m : Nat), n < m → m ≤ n + m", "∀ (n m : Int), n < m → n ≤ m"):
        assert await shop.ask(other) != first, other
    ticket = await shop.market.get_ticket(first)
    assert "⊢" in ticket.goal_text


async def test_what_does_not_elaborate_is_refused_in_the_words_of_lean(shop: Shop, ledger: Ledger) -> None:
    for bad, words in (
        ("∀ n, unknown_thing n", "unknown_thing"),
        ("1 + 1", "failed to synthesize|type expected"),
        ("(n : Nat) : n = n := rfl theorem x : False", "more than a statement|without"),
        ("∀ n : Nat, (sorry : Prop)", "sorry"),
        ("", "empty"),
        ("1 = ", "unexpected|expected"),
    ):
        with pytest.raises(MarketplaceError, match=words):
            await shop.ask(bad)
    with pytest.raises(MarketplaceError, match="has no sorry"):
        await shop.ask("True", TicketLocation(module="Shop", declaration="Shop.nothing"))
    with pytest.raises(MarketplaceError, match="no module"):
        await shop.ask("True", TicketLocation(module="Elsewhere"))
    assert ledger.tickets() == ()


async def test_what_can_be_refuted_is_cancelled(shop: Shop) -> None:
    for false in ("False", "1 = 2", "¬ (1 = 1)", "∀ n : Nat, n = 0", "∀ p : Prop, p ∧ ¬ p → False ∧ p ∨ False"):
        ticket = await shop.market.get_ticket(await shop.ask(false))
        wanted = TicketStatus.OPEN if "∨" in false else TicketStatus.CANCELLED
        assert ticket.status is wanted, (false, ticket.reason)
        assert ("false" in ticket.reason) == (wanted is TicketStatus.CANCELLED)


async def test_the_negation_of_a_proved_lemma_is_cancelled(shop: Shop) -> None:
    ticket_id = await shop.ask(ONTO)
    assert await shop.market.claim_ticket(ticket_id, "me")
    await shop.market.complete_ticket(ticket_id, GOOD, "me")
    negation = await shop.market.get_ticket(await shop.ask(f"¬ ({ONTO})"))
    assert negation.status is TicketStatus.CANCELLED
    assert "negation is proved" in negation.reason


@pytest.mark.parametrize(
    ("proof", "because"),
    [
        ("by\n  simp", "unsolved|simp|failed|no progress"),
        ("sorry", "without `sorry`"),
        ("intro α xs acc\nhave h : False := by admit\nexact h.elim", "without `admit`"),
        ("theorem Shop.lemma : ∀ n : Nat, n = n := by intro n; rfl", "another statement"),
        ("theorem Shop.lemma : ∀ n, nonsense n := by simp", "does not elaborate"),
        ("trivial\naxiom bad : False", "without `axiom`"),
        ("exact onto_nil", "mismatch|unknown|Unknown|failed"),
    ],
)
async def test_a_proof_that_is_none_is_refused_with_the_reason(shop: Shop, proof: str, because: str) -> None:
    ticket_id = await shop.ask(ONTO)
    await shop.market.claim_ticket(ticket_id, "me")
    with pytest.raises(MarketplaceError, match=because):
        await shop.market.complete_ticket(ticket_id, proof, "me")
    assert (await shop.market.get_ticket(ticket_id)).status is TicketStatus.OPEN


async def test_a_whole_theorem_with_binders_completes_a_ticket(shop: Shop) -> None:
    ticket_id = await shop.ask(ONTO)
    await shop.market.claim_ticket(ticket_id, "me")
    proof = (
        "theorem anything (β : Type) (ys acc : List β) : onto ys acc = ys.reverse ++ acc := by\n"
        "  induction ys generalizing acc with\n  | nil => rfl\n  | cons y ys ih => simp [ih]\n"
    )
    done = await shop.market.complete_ticket(ticket_id, proof, "me")
    assert done.status is TicketStatus.COMPLETED
    assert done.completed_proof.startswith("theorem Shop.lemma : ∀ (α : Type)")


async def test_a_lemma_that_closes_the_goal_is_found(shop: Shop) -> None:
    ticket_id = await shop.ask(ONTO)
    await shop.market.claim_ticket(ticket_id, "me")
    await shop.market.complete_ticket(ticket_id, GOOD, "me")
    far = await shop.ask("∀ n : Nat, n + 0 = n", name="Shop.far")
    found = await shop.market.search_similar("∀ (xs : List Nat), onto xs [1, 2] = xs.reverse ++ [1, 2]", context=PLACE)
    assert (found[0].ticket_id, found[0].how, found[0].by) == (ticket_id, How.INSTANCE, "exact")
    assert all(similar.how is How.WORDS for similar in found[1:])
    exact = await shop.market.search_similar("∀ k : Nat, k + 0 = k", context=PLACE)
    assert (exact[0].ticket_id, exact[0].how) == (far, How.EXACT)
    variant = await shop.market.search_similar("{k : Nat} : k + 0 = k", context=PLACE)
    assert (variant[0].ticket_id, variant[0].how) == (far, How.VARIANT)


async def test_a_statement_of_no_project(shop: Shop) -> None:
    place = TicketLocation(opens=("Nat",))
    ticket_id = await shop.market.request_lemma("∀ n : Nat, succ n ≠ 0", place, "fresh_lemma")
    await shop.market.claim_ticket(ticket_id, "me")
    done = await shop.market.complete_ticket(ticket_id, "intro n h\nexact Nat.noConfusion h", "me")
    assert done.status is TicketStatus.COMPLETED


@pytest.mark.parametrize(
    "declaration", ["Shop.onto_nil", pytest.param("Shop.Marks.plus_comm", marks=pytest.mark.slow), "Shop.Row.turn_turn"]
)
async def test_a_stuck_goal_is_closed_through_tickets(shop: Shop, declaration: str) -> None:
    (goal,) = (goal for goal in shop.extraction.goals if goal.declaration == declaration)
    place = location_of(goal, PROJECT)
    seen = definitions_seen(PROJECT, shop.extraction)
    need, *_ = await find_needs(goal, prover=shop.pool, namespace=place.namespace, definitions=seen(goal), timeout=300)
    helpers = []
    for lemma in need.lemmas:
        ticket_id = await shop.market.request_lemma(lemma.signature, place, lemma.name)
        ticket = await shop.market.get_ticket(ticket_id)
        stub = shop.checker.stub(ticket)
        opened = await shop.checker.stub_goal(ticket, stub)
        found = await run_induction(opened, 300, prover=shop.pool.variant(stub.project), definitions=seen(goal))
        assert found.success, found.error
        await shop.market.claim_ticket(ticket_id, "induction")
        helpers.append(shop.checker.helper(await shop.market.complete_ticket(ticket_id, found.tactics[0], "induction")))
    gate = Gate(PROJECT, shop.extraction, shop.again)
    report = await Selection(gate).select([Proof(goal, need.script, tuple(helpers))])
    assert report.verdicts[goal.id].status is VerdictStatus.PASSED, report.verdicts[goal.id].reason
    assert all(helper.short in report.texts["Shop.lean"] for helper in helpers)
    without = await Selection(gate).select([Proof(goal, need.script)])
    assert without.verdicts[goal.id].status is VerdictStatus.FAILED
