"""A small ledger with one of everything, some of it hostile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scripted_checker import ScriptedChecker
from scripted_service import ScriptedServices

from orchestrator.dashboard.site import PremiseSearch, Site
from orchestrator.dashboard.tickets import Board
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.records import (
    AttemptRecord,
    BlueprintNode,
    BlueprintRecord,
    GoalRecord,
    NodeState,
    ProofRecord,
    ProofVerdict,
)
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial
from orchestrator.ledger.ticket_records import Ticket, TicketLocation, TicketRequester
from orchestrator.marketplace.marketplace import Marketplace

EVIL = "<script>alert('x')</script>\"'&"
TOKEN = "a token for the tests"
TICKET = Ticket(
    ticket_id="0123456789ab",
    goal=EVIL,
    name=EVIL,
    signature=f"{EVIL} : 1 = 1",
    goal_text=f"h : {EVIL}\n⊢ {EVIL}",
    goal_hash="1" * 64,
    repo=EVIL,
    labels=(EVIL,),
    location=TicketLocation(file=EVIL, declaration=EVIL),
)


def a_goal(name: str, line: int = 1, *, difficulty: float = 0.5) -> Goal:
    """A goal of one file."""
    return Goal(
        id=f"id-{name}",
        text=f"h : {name} = {EVIL}\n⊢ {name}",
        file="A/B.lean",
        module="A.B",
        declaration=name,
        span=SourceSpan(Position(line, 2), Position(line, 7)),
        estimated_difficulty=difficulty,
    )


def fill(ledger: Ledger) -> None:
    """Two runs, three goals, attempts, proofs, a blueprint."""
    for number, run_id in enumerate(("one", "two")):
        ledger.start_run(repo=EVIL, run_id=run_id, configuration={"prefect_url": "javascript:alert(1)"})
        goals = [a_goal("solved", 3), a_goal("open", 9, difficulty=0.9), a_goal(EVIL, 12, difficulty=0.1)]
        status = (GoalStatus.SOLVED, GoalStatus.OPEN, GoalStatus.REJECTED)
        ledger.record_goals(
            GoalRecord(goal=goal, repo=EVIL, status=one, source=f"{EVIL}\n  sorry", source_line=g, last_seen_run=run_id)
            for g, (goal, one) in enumerate(zip(goals, status, strict=True), start=1)
        )
        for goal, outcome in zip(goals, (Outcome.PROVED, Outcome.TIMEOUT, Outcome.PROVED), strict=True):
            proved = outcome is Outcome.PROVED
            ledger.record_attempt(
                AttemptRecord(
                    goal_text=goal.text,
                    goal_id=goal.id,
                    repo=EVIL,
                    strategy="micro",
                    outcome=outcome,
                    run_id=run_id,
                    tactics=(EVIL,) if proved else (),
                    error="" if proved else EVIL,
                )
            )
        for goal, verdict in ((goals[0], ProofVerdict.PASSED), (goals[number], ProofVerdict.FAILED)):
            ledger.record_proof(
                ProofRecord(
                    goal_text=goal.text,
                    goal_id=goal.id,
                    declaration=goal.declaration,
                    repo=EVIL,
                    script=EVIL,
                    verdict=verdict,
                    checks={EVIL: EVIL, "fine": True},
                    run_id=run_id,
                )
            )
        ledger.update_strategy_statistics([StrategyTrial(strategy="micro", success=True, seconds=1.0)])
    ledger.finish_run("one", totals={"goals_total": 3, "goals_solved": 1})
    nodes = (
        BlueprintNode(key="a", title=EVIL, kind="lemma", declarations=("solved",), state=NodeState.PROVED),
        BlueprintNode(key=EVIL, uses=("a",), declarations=(EVIL,), state=NodeState.READY, unblocks=1, note=EVIL),
        BlueprintNode(key="c", uses=("a", EVIL, "c"), state=NodeState.NOT_READY),
    )
    ledger.record_blueprint(BlueprintRecord(repo=EVIL, nodes=nodes, run_id="two"))
    ledger.open_ticket(TICKET, TicketRequester(requester=EVIL, goal_id="id-open", declaration="open", file=EVIL))


def a_site(ledger: Ledger) -> Site:
    """The pages of a ledger, with a marketplace that takes every proof without a `sorry`."""

    @asynccontextmanager
    async def market(repo: str) -> AsyncIterator[Marketplace]:
        yield Marketplace(ledger, ScriptedChecker(), repo=repo)

    return Site(ledger=ledger, board=Board(ledger, market), search=PremiseSearch(ledger), services=ScriptedServices())
