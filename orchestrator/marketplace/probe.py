"""A statement elaborated in its location, and read: its texts, what it negates, whether it is plainly false."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.errors import MarketplaceError
from orchestrator.goals.normal_form import goal_hash
from orchestrator.lean.open_goal import try_tactics
from orchestrator.lean.protocol import Command, CommandReply, Describe, Limits, TacticReply
from orchestrator.lean.session import ask
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.ticket_records import TicketLocation
from orchestrator.marketplace.statements import proposition
from orchestrator.source.helper_lemmas import universes
from orchestrator.strategies.refute.counterexample import find_counterexample
from orchestrator.strategies.refute.values import declared

PROBE = "market_probe"
# The text of a statement that depends on nothing but the statement.
_CANONICAL = "".join(
    f"set_option {option} in "
    for option in ("pp.fullNames true", "pp.explicit true", "pp.notation false", "pp.maxSteps 100000", "pp.proofs true")
)
STRICT = "set_option autoImplicit false in "
_SECONDS = 30.0
_REFUTING_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that Lean has elaborated.

    Attributes:
        signature: closed over its hypotheses, as it follows a theorem's name.
        text: the goal as Lean prints it, hypotheses then `⊢ target`.
        hash: equal for statements that differ in names and in the order of hypotheses only.
        digest: equal for statements that differ in names only.
        negation: `hash` of the negation ("" when it was not looked at), and of what this negates, if it negates.
        refuted: the values for which it is false ("" when none were found).
    """

    signature: str
    text: str
    hash: str
    digest: str
    negation: tuple[str, ...] = ()
    refuted: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's word on a proof: the script that passed, or why it was refused."""

    script: str = ""
    refusal: str = ""


async def probe(workspace: Workspace, env: int, signature: str, location: TicketLocation) -> Statement:
    """Elaborate a signature and read its texts.

    Raises:
        MarketplaceError: Lean does not take it.
    """
    said = f"{universes(signature)} {signature} := by\n  intros\n  sorry\n"
    name = probe_name(location)
    source = f"{STRICT}theorem {name}{said}{STRICT}{_CANONICAL}theorem {name}_text{said}"
    reply = await run(workspace, source, env)
    if reply.errors or reply.env is None:
        raise MarketplaceError(f"Lean does not take the statement: {first_error(reply)}", where=signature)
    if len(reply.commands) not in (2, 3) or len(reply.sorries) != 2:
        hint = "Ask for one proposition, written out without `sorry`"
        raise MarketplaceError("the statement is more than a statement, or holds a sorry", where=signature, hint=hint)
    described = await workspace.same_process(
        ask(workspace.session, Describe(env=reply.env, base=env), timeout=2 * _SECONDS)
    )
    (facts,) = (f for f in described.declarations if f.user_name.rpartition(".")[2] == PROBE)
    negations = [f"¬ ({proposition(signature)})"]
    if proposition(signature).startswith("¬"):
        negations.append(proposition(signature)[1:].strip())
    hashes = [await _hash_of(workspace, env, f": {other}", name) for other in negations]
    shown = reply.sorries[0]
    known = declared(module.text for module in workspace.project.modules)

    async def attempt(
        tactics: Sequence[str], state: int | None, limits: Limits, seconds: float
    ) -> tuple[TacticReply, ...]:
        own = shown.proof_state if state is None else state
        return await try_tactics(workspace, tactics, own, limits, False, seconds)

    refuted = await find_counterexample(attempt, shown.goal, known, seconds=_REFUTING_SECONDS)
    return Statement(
        signature=signature,
        text=shown.goal,
        hash=goal_hash(reply.sorries[1].goal),
        digest=hashlib.sha256(facts.type.encode()).hexdigest(),
        negation=tuple(found for found in hashes if found),
        refuted=refuted,
    )


async def _hash_of(workspace: Workspace, env: int, signature: str, name: str) -> str:
    source = f"{STRICT}{_CANONICAL}theorem {name}{universes(signature)} {signature} := by\n  intros\n  sorry\n"
    reply = await run(workspace, source, env)
    return "" if reply.errors or len(reply.sorries) != 1 else goal_hash(reply.sorries[0].goal)


async def run(workspace: Workspace, source: str, env: int, *, seconds: float = _SECONDS) -> CommandReply:
    """Elaborate commands in an environment of a workspace, which remembers what the reply left behind."""
    request = Command(source, env=env, limits=Limits(milliseconds=int(seconds * 1000)))
    reply = await workspace.same_process(ask(workspace.session, request, timeout=2 * seconds + 10))
    workspace.note(reply)
    return reply


def probe_name(location: TicketLocation) -> str:
    """What a statement is called while it is looked at: in the namespace that its declaration's own name opens."""
    return f"{location.prefix}.{PROBE}" if location.prefix else PROBE


def first_error(reply: CommandReply) -> str:
    """The first thing that Lean has against it."""
    return reply.errors[0].text if reply.errors else "it gave no environment"
