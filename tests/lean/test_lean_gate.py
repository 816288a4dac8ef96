"""The gate and the selection on a real Lean: what passes, what is partial or conditional, and who is to blame."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_lean import project

from orchestrator.gate.fillings import Allowance
from orchestrator.gate.gate import Gate
from orchestrator.gate.report import PatchReport
from orchestrator.gate.selection import GateReport, Proof, Selection
from orchestrator.gate.verdict import CheckName, Verdict, VerdictStatus
from orchestrator.git.apply import apply_patch
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.goals.goal import Goal, SorryKind
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Limits
from orchestrator.lean.servers import Servers
from orchestrator.lean.workspace import Workspace
from orchestrator.source.diff import unified_diff
from orchestrator.source.project import Project
from orchestrator.source.splice import splice_all
from orchestrator.strategies.micro.strategy import run_micro

BASE = """macro "trust_me" : tactic => `(tactic| sorry)
axiom choice_of_ours (p : Prop) : p
def two : Nat := 2
theorem plain (p : Prop) (h : p) : p := by sorry
theorem pair (p q : Prop) (hp : p) (hq : q) : p ∧ q := ⟨by sorry, by sorry⟩
theorem lemma_open (n : Nat) : n * 0 = 0 := by sorry
theorem from_lemma (n : Nat) : n * 0 + 1 = 1 := by sorry
theorem from_pair (p : Prop) (h : p) : p ∧ p := by sorry
private theorem hidden : two = 2 := by sorry
theorem stopped (p : Prop) (h : p) : p ∧ p ∧ p := by
  refine ⟨?_, ?_, ?_⟩
  stop
  exact h
theorem beside (p q : Prop) (h : q) : p ∧ q := ⟨by trust_me, by sorry⟩
"""
OTHER = """axiom choice_of_another (p : Prop) : p
def least (n : Nat) : { m : Nat // m ≤ n } := ⟨sorry, by sorry⟩
def halve (n : Nat) : Nat := if n ≤ 1 then 0 else halve (n - 2) + 1
termination_by n
decreasing_by sorry
class Law (α : Type) where
  op : α → α → α
  comm : ∀ a b, op a b = op b a
instance : Law Nat where
  op := fun a b => a + b
  comm := sorry
def outer (n : Nat) : Nat := n
where
  fact (n : Nat) : n = n + 0 := by sorry
mutual
theorem ping (n : Nat) : n = n := by sorry
theorem pong (n : Nat) : n = n := by sorry
end
def total (n : Nat) : Nat := Id.run do
  let mut sum := 0
  for i in [0:n] do
    sum := sum + i
  return sum
theorem total_zero : total 0 = 0 := by sorry
structure Ranged where
  low : Nat
  fits : low ≤ low + 1 := sorry
structure Wide where
  grows : ∀ n : Nat, n ≤ n + 1
structure Wider extends Wide where
  more : Nat
  grows := sorry
class Loose (α : Type) where
  rel : α → α → Prop
  (sym : ∀ a, rel a a → rel a a := sorry)
structure Twice where
  low : Nat
  same : low = low := sorry
  fits : low ≤ low := sorry
"""
ABOVE = """import Base
theorem uses_two : two + 1 = 3 := by sorry
theorem rests : ∀ n, n * 0 = 0 := lemma_open
"""
PROJECT = project(Base=BASE, Other=OTHER, Above=ABOVE)


@dataclass(frozen=True)
class Bench:
    """The original project, elaborated, and a gate for it on one session."""

    session: EmbeddedSession
    extraction: Extraction

    @asynccontextmanager
    async def workspace(self, patched: Project) -> AsyncIterator[Workspace]:
        """A fresh workspace; the process is shared, since the comparison is what is tested here."""
        await self.session.recycle_if_grown()
        yield Workspace(self.session, patched)

    def gate(self, allowed_axioms: frozenset[str] = STANDARD_AXIOMS) -> Gate:
        """A gate."""
        return Gate(PROJECT, self.extraction, self.workspace, allowance=Allowance(axioms=allowed_axioms))

    def goals(self, declaration: str) -> list[Goal]:
        """The sorries of a declaration."""
        return [goal for goal in self.extraction.goals if goal.declaration == declaration]

    def proofs(self, scripts: Mapping[str, str]) -> list[Proof]:
        """Proofs by declaration, `declaration.2` being its second place."""
        found = []
        for key, script in scripts.items():
            name, _, number = key.partition("#")
            found.append(Proof(self.goals(name)[int(number or 1) - 1], script))
        return found

    async def verify(self, scripts: Mapping[str, str], **options: frozenset[str]) -> PatchReport:
        """The gate's word on some proofs."""
        texts = dict[str, str]()
        for path in {proof.goal.file for proof in self.proofs(scripts)}:
            places = [
                (proof.goal.span, proof.script, proof.goal.kind)
                for proof in self.proofs(scripts)
                if proof.goal.file == path and proof.goal.span is not None
            ]
            texts[path] = splice_all(PROJECT.by_path[path].text, places)
        return await self.gate(**options).verify(texts)

    async def verdict(self, scripts: Mapping[str, str], declaration: str, **options: frozenset[str]) -> Verdict:
        """The verdict on one declaration."""
        report = await self.verify(scripts, **options)
        assert report.errors == {}, report.errors
        (verdict,) = (verdict for verdict in report.verdicts if verdict.declaration == declaration)
        return verdict

    async def select(self, scripts: Mapping[str, str]) -> GateReport:
        """What is kept of some proofs."""
        return await Selection(self.gate()).select(self.proofs(scripts))


@pytest.fixture(scope="module")
async def bench(shared_lean: EmbeddedSession) -> Bench:
    """The project as it is."""
    await shared_lean.recycle_if_grown()
    extraction = await extract(Workspace(shared_lean, PROJECT), PROJECT.modules)
    assert extraction.problems == ()
    return Bench(shared_lean, extraction)


PASSING = {
    "a theorem": ("plain", {"plain": "exact h"}),
    "classical logic": ("plain", {"plain": "exact Classical.byContradiction fun g => g h"}),
    "both places": ("pair", {"pair": "exact hp", "pair#2": "exact hq"}),
    "a measure": ("halve", {"halve": "omega"}),
    "a field of an instance": ("instLawNat", {"instLawNat": "intro a b\nexact Nat.add_comm a b"}),
    "a theorem in where": ("outer.fact", {"outer.fact": "rfl"}),
    "a private theorem": ("hidden", {"hidden": "rfl"}),
    "a proof cut short": ("stopped", {"stopped": "all_goals exact h"}),
    "a proof cut short, in bullets": ("stopped", {"stopped": "· exact h\n· exact h\n· exact h"}),
    "one of two mutual ones": ("ping", {"ping": "rfl"}),
    "a file read as noncomputable": ("total_zero", {"total_zero": "simp [total]"}),
    "a lemma inside": ("plain", {"plain": "have key : p ∧ p := ⟨h, h⟩\nexact key.1"}),
    "another file": ("uses_two", {"uses_two": "rfl"}),
    "a default": ("Ranged", {"Ranged": "omega"}),
    "an inherited default": ("Wider", {"Wider": "intro n\nomega"}),
    "a default in brackets": ("Loose", {"Loose": "exact fun _ h => h"}),
    "a default of two": ("Twice", {"Twice": "rfl"}),
}


@pytest.mark.parametrize(("declaration", "scripts"), PASSING.values(), ids=PASSING.keys())
async def test_a_proof_passes(bench: Bench, declaration: str, scripts: dict[str, str]) -> None:
    report = await bench.verify(scripts)
    assert report.accepted, (report.errors, report.differences, report.verdicts)
    (verdict,) = report.verdicts
    assert (verdict.declaration, verdict.status, verdict.reason) == (declaration, VerdictStatus.PASSED, "")
    assert set(verdict.axioms) <= STANDARD_AXIOMS


async def test_one_of_two_places_makes_it_partial(bench: Bench) -> None:
    for scripts in ({"pair": "exact hp"}, {"pair#2": "exact hq"}):
        verdict = await bench.verdict(scripts, "pair")
        assert (verdict.status, verdict.accepted, verdict.axioms) == (VerdictStatus.PARTIAL, True, ())
    data = await bench.verdict(
        {"least#2": "exact choice_of_another _"}, "least", allowed_axioms=frozenset({"choice_of_another"})
    )
    assert data.status is VerdictStatus.PARTIAL


async def test_a_proof_beside_a_sorry_that_a_macro_makes_is_partial(bench: Bench) -> None:
    macro, written = bench.goals("beside")
    assert (macro.kind, written.kind) == (SorryKind.MACRO, SorryKind.TACTIC)
    assert (await bench.verdict({"beside#2": "exact h"}, "beside")).status is VerdictStatus.PARTIAL
    assert not (await bench.verdict({"beside#2": "trust_me"}, "beside")).accepted


HIDING = {
    "a macro": "trust_me",
    "a macro among others": "first | trust_me | exact hp",
    "an axiom": "exact choice_of_ours p",
    "the hole itself": "first | exact orchestratorHole | trust_me",
    "any axiom there is": "first | exact hole | exact hole_ | trust_me",
    "native code": "have : two = 2 := by native_decide\nexact hp",
}


@pytest.mark.parametrize("script", HIDING.values(), ids=HIDING.keys())
async def test_a_partial_proof_is_looked_at_as_closely_as_a_whole_one(bench: Bench, script: str) -> None:
    assert not (await bench.verdict({"pair": script}, "pair")).accepted
    assert not (await bench.verdict({"pair": script, "pair#2": "exact hq"}, "pair")).accepted


async def test_a_proof_from_a_theorem_with_a_sorry_is_conditional_and_names_it(bench: Bench) -> None:
    verdict = await bench.verdict({"from_lemma": "rw [lemma_open]"}, "from_lemma")
    assert (verdict.status, verdict.rests_on) == (VerdictStatus.CONDITIONAL, ("lemma_open",))
    assert "sorryAx" in verdict.axioms
    both = await bench.verdict({"from_lemma": "rw [lemma_open]", "lemma_open": "rfl"}, "from_lemma")
    assert (both.status, both.rests_on) == (VerdictStatus.PASSED, ())


async def test_a_proof_from_a_partial_one_is_conditional(bench: Bench) -> None:
    scripts = {"from_pair": "exact pair p p h h", "pair": "exact hp"}
    verdict = await bench.verdict(scripts, "from_pair")
    assert (verdict.status, verdict.rests_on) == (VerdictStatus.CONDITIONAL, ("pair",))
    assert (await bench.verdict(scripts, "pair")).status is VerdictStatus.PARTIAL


async def test_an_axiom_passes_only_where_the_owner_allows_it(bench: Bench) -> None:
    scripts = {"plain": "exact choice_of_ours p"}
    verdict = await bench.verdict(scripts, "plain")
    assert [check.name for check in verdict.checks if not check.passed] == [CheckName.AXIOMS]
    assert "choice_of_ours" in verdict.reason
    allowed = await bench.verdict(scripts, "plain", allowed_axioms=STANDARD_AXIOMS | {"choice_of_ours"})
    assert (allowed.status, allowed.axioms) == (VerdictStatus.PASSED, ("choice_of_ours",))


async def test_a_proof_in_a_file_that_others_import_is_checked_in_them(bench: Bench) -> None:
    report = await bench.verify({"plain": "exact h\nmacro_rules | `(tactic| sorry) => `(tactic| fail)"})
    assert not report.accepted
    assert "Above.lean" in report.errors or any(report.differences.values())


# Selection

GOOD = {"plain": "exact h", "pair": "exact hp", "lemma_open": "rfl", "uses_two": "rfl", "stopped": "all_goals exact h"}
BAD = {
    "an error": "exact h.1.1",
    "an error on several lines": "have g := h\n\nexact g.1",
    "a cheat": "trust_me",
    "an axiom": "exact choice_of_ours p",
    "a declaration of its own": "exact h\ntheorem more : 1 = 1 := rfl",
    "an end too many": "exact h\nend",
}


@pytest.mark.parametrize("script", BAD.values(), ids=BAD.keys())
async def test_exactly_the_bad_proof_is_dropped(bench: Bench, script: str) -> None:
    report = await bench.select({**GOOD, "plain": script})
    assert sorted(proof.goal.declaration for proof in report.accepted) == sorted(set(GOOD) - {"plain"})
    statuses = {proof.goal.declaration: report.verdicts[proof.goal.id].status.value for proof in report.accepted}
    assert statuses == {"pair": "partial", "lemma_open": "passed", "uses_two": "passed", "stopped": "passed"}
    (dropped,) = bench.goals("plain")
    assert report.verdicts[dropped.id].status is VerdictStatus.FAILED
    assert report.verdicts[dropped.id].reason
    assert f": p := by {script}" not in report.texts["Base.lean"]
    assert "theorem plain (p : Prop) (h : p) : p := by sorry" in report.texts["Base.lean"]
    assert "Above" in report.declarations


async def test_of_two_proofs_in_one_declaration_the_good_one_is_kept(bench: Bench) -> None:
    for bad in ("exact hq.1", "trust_me"):
        report = await bench.select({"pair": "exact hp", "pair#2": bad})
        assert [proof.script for proof in report.accepted] == ["exact hp"]
        assert [verdict.status.value for verdict in report.verdicts.values()] == ["failed", "partial"] or [
            verdict.status.value for verdict in report.verdicts.values()
        ] == ["partial", "failed"]


async def test_a_proof_that_breaks_another_file_is_dropped_and_the_one_there_is_kept(bench: Bench) -> None:
    macro = 'rfl\nmacro_rules | `(tactic| rfl) => `(tactic| fail "broken")'
    report = await bench.select({"lemma_open": macro, "uses_two": "rfl", "plain": "exact h"})
    assert sorted(proof.goal.declaration for proof in report.accepted) == ["plain", "uses_two"]


# From goals to a patch and back

FIRST = (
    "namespace Trees\r\n\r\ninductive Tree where\r\n  | leaf\r\n  | node (left right : Tree)\r\n\r\n"
    "def Tree.size : Tree → Nat\r\n  | leaf => 1\r\n  | node l r => l.size + r.size\r\n\r\n"
    "theorem size_pos (t : Tree) : 0 < t.size := by\r\n  induction t with\r\n  | leaf => sorry\r\n"
    "  | node l r hl hr => sorry\r\n\r\n"
    "theorem all_leaves (t : Tree) : t = Tree.leaf := by\r\n  sorry\r\n\r\nend Trees\r\n"
)
SECOND = """import First

open Trees

/-- Not the sorry we look for. -/
theorem size_ne_zero (t : Tree) : t.size ≠ 0 := by
  have h : 0 < t.size := sorry
  sorry

theorem size_lt (t : Tree) (n : Nat) (hα : t.size ≤ n) : t.size < n + 1 ∧ n = n :=
  ⟨sorry, by sorry⟩

theorem impossible (t : Tree) : t.size = 7 := by sorry
"""


async def test_the_patch_holds_the_proofs_and_what_is_left_is_what_was_not_proved(
    lean: EmbeddedSession, tmp_path: Path
) -> None:
    small = project(First=FIRST, Second=SECOND)
    for module in small.modules:
        (tmp_path / module.path).write_bytes(module.text.encode())
    before = await extract(Workspace(lean, small), small.modules)
    assert before.problems == ()
    pool = Pool([lean], small, limits=Limits(milliseconds=20_000))
    results = {
        goal.id: await run_micro(goal, 120.0, prover=pool, definitions=lambda _goal: ["Trees.Tree.size"])
        for goal in before.goals
    }
    proofs = [Proof(goal, "\n".join(results[goal.id].tactics)) for goal in before.goals if results[goal.id].success]
    unproved = {goal.declaration for goal in before.goals if not results[goal.id].success}
    assert unproved == {"Trees.all_leaves", "impossible"}

    report = await Selection(Gate(small, before, Bench(lean, before).workspace)).select(proofs)
    assert len(report.accepted) == len(proofs) == 6
    assert all(verdict.status is VerdictStatus.PASSED for verdict in report.verdicts.values())

    texts = {module.path: module.text for module in small.modules}
    patch = unified_diff({path: (texts[path], text) for path, text in report.texts.items()})
    assert apply_patch(tmp_path, patch) == report.texts
    patched = small.with_texts(report.texts)
    after = await extract(Workspace(lean, patched), patched.modules)
    assert after.problems == ()
    assert {goal.id for goal in after.goals} == {goal.id for goal in before.goals if not results[goal.id].success}
    assert after.declarations["Second"]["size_ne_zero"].axioms == report.declarations["Second"]["size_ne_zero"].axioms
    assert "sorryAx" not in after.declarations["Second"]["size_lt"].axioms


PARTIAL = """theorem both (n : Nat) (h : n = 0) : n + 0 = n ∧ n = 0 := by
  constructor
  · sorry
  · sorry

theorem other (n : Nat) : n = n ∧ 0 = 0 := ⟨sorry, sorry⟩
"""


async def test_files_that_stay_as_they_were_are_not_judged_again(servers: Servers, lean: EmbeddedSession) -> None:
    small = project(First="def two : Nat := 2\n", Second="import First\n" + PARTIAL)
    before = await extract(Workspace(lean, small), small.modules)
    first, _, third, _ = before.goals
    proofs = [Proof(first, "simp"), Proof(third, "rfl")]
    gate = Gate(small, before, servers.fresh)
    processes = servers.meter.processes
    report = await Selection(gate).select(proofs)
    assert {verdict.status for verdict in report.verdicts.values()} == {VerdictStatus.PARTIAL}
    # One in which the patch runs, and one that judges it.
    assert servers.meter.processes == processes + 2
    assert await Selection(gate).select(proofs) == report
    assert servers.meter.processes == processes + 2
    with_sorry = [Proof(first, "simp"), Proof(third, "sorry")]
    report = await Selection(Gate(small, before, Bench(lean, before).workspace)).select(with_sorry)
    assert [proof.goal.id for proof in report.accepted] == [first.id]
