"""How long the ledger takes when it is large: `python -m bench.ledger [--rows N] [--url URL] [--json FILE]`.

Every query that a run makes is timed on a ledger with a million attempts; the exit code is 1 when the median of one is
over `LIMIT_MILLISECONDS`. Without --url a SQLite file in a temporary folder is filled, which takes some minutes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.command import run_command, write_figures
from orchestrator.goals.goal import Goal
from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import Outcome
from orchestrator.ledger.records import AttemptRecord, GoalRecord, ProofRecord, ProofVerdict, RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial
from orchestrator.ledger.ticket_records import Ticket, TicketRequester, TicketStatus, WaitStatus

LIMIT_MILLISECONDS = 20.0
BATCH = 10_000
GOALS = 20_000
REPOSITORIES = 20
TICKETS = 4_000
RUNS = 500
REPEATS = 25
STRATEGIES = ("micro", "hammer", "sketch", "reprover")
NEVER_SUCCEEDS = "sketch"


def text(number: int) -> str:
    """A goal's text."""
    return f"n : Nat\n⊢ n + {number} = {number} + n"


def repository(number: int) -> str:
    """Where a goal or a ticket comes from."""
    return f"repo{number % REPOSITORIES}"


def outcome(number: int, strategy: str) -> Outcome:
    """One strategy never proves anything, and a third of the goals is never proved."""
    return Outcome.PROVED if number % 7 == 0 and number % 3 and strategy != NEVER_SUCCEEDS else Outcome.NOT_PROVED


def fill(ledger: Ledger, rows: int, *, goals: int = GOALS, tickets: int = TICKETS) -> None:
    """Put `rows` attempts in, on `goals` goals, from `RUNS` runs, and what else a long life leaves in a ledger."""
    goals = min(goals, rows)
    hashes = [goal_hash(text(number)) for number in range(goals)]
    for run in range(RUNS):
        ledger.start_run(run_id=f"run{run}", repo=repository(run), ref="HEAD", commit="c", profile=1, configuration={})
    for start in range(0, rows, BATCH):
        ledger.record_attempts(
            AttemptRecord(
                goal_text=text(number % goals),
                goal_hash=hashes[number % goals],
                strategy=(strategy := STRATEGIES[number // goals % len(STRATEGIES)]),
                outcome=outcome(number % goals, strategy),
                time_seconds=1.0,
                tactics=("simp", "omega"),
                configuration=f"c{number // goals // len(STRATEGIES)}",
                environment="e",
                goal_id=f"g{number % goals}",
                repo=repository(number % goals),
                run_id=f"run{number * RUNS // rows}",
            )
            for number in range(start, min(start + BATCH, rows))
        )
    for start in range(0, goals, BATCH):
        ledger.record_goals(goal_record(number) for number in range(start, min(start + BATCH, goals)))
    for number in range(0, goals, 7):
        ledger.record_proof(proof_record(number))
        ledger.update_tactic_cache(text(number), tactics=["simp", "omega"], success_rate=1.0, avg_time=1.0)
    for number in range(min(tickets, goals)):
        ledger.open_ticket(ticket(number), TicketRequester(requester="sketch", goal_id=f"g{number}"))
        if number % 3 == 0:
            ledger.claim_ticket(ticket(number).ticket_id, "lean", lease_seconds=3600)
            ledger.complete_ticket(ticket(number).ticket_id, "lean", proof="theorem", script="simp")


def goal_record(number: int) -> GoalRecord:
    """A goal of a repository."""
    return GoalRecord(goal=Goal(id=f"g{number}", text=text(number)), repo=repository(number), last_seen_run="run1")


def proof_record(number: int) -> ProofRecord:
    """A proof that passed."""
    return ProofRecord(
        goal_text=text(number),
        strategy="micro",
        script="rfl",
        verdict=ProofVerdict.PASSED,
        goal_id=f"g{number}",
        repo=repository(number),
        run_id=f"run{number % RUNS}",
    )


def ticket(number: int) -> Ticket:
    """A lemma that is asked for."""
    return Ticket(
        ticket_id=f"{number:012x}",
        goal=text(number),
        goal_text=text(number),
        goal_hash=goal_hash(text(number)),
        name=f"lemma{number}",
        repo=repository(number),
    )


def queries(ledger: Ledger) -> dict[str, Callable[[int], object]]:
    """Everything that a run asks of the ledger or tells it; the number makes each call another one."""
    hashes = {number: goal_hash(text(number)) for number in range(REPEATS)}
    return {
        "check_duplicate, tried": lambda n: ledger.check_duplicate(
            text(n), "micro", configuration="c0", environment="e"
        ),
        "check_duplicate, never tried": lambda n: ledger.check_duplicate(text(n), "new", configuration="x"),
        "record_attempt": lambda n: ledger.record_attempt(
            AttemptRecord(
                goal_text=text(n), goal_hash=hashes[n], strategy="micro", outcome=Outcome.TIMEOUT, run_id="run1"
            )
        ),
        "attempts on a goal": lambda n: ledger.attempts(goal_text=text(n)),
        "attempts of a run, newest 100": lambda n: ledger.attempts(f"run{n}", limit=100, newest_first=True),
        "newest 100 attempts": lambda n: ledger.attempts(limit=100, newest_first=True),
        "success_seconds": lambda n: ledger.success_seconds("micro"),
        "success_seconds, never succeeded": lambda n: ledger.success_seconds(NEVER_SUCCEEDS),
        "frontier, 100 goals": lambda n: ledger.frontier(limit=100),
        "get_cached_tactics": lambda n: ledger.get_cached_tactics(text(7 * n)),
        "update_tactic_cache": lambda n: ledger.update_tactic_cache(
            text(n), tactics=["rfl"], success_rate=1.0, avg_time=0.1
        ),
        "record_cache_outcome": lambda n: ledger.record_cache_outcome(text(7 * n), True, time_seconds=1.0),
        "cached_scripts, 1,000": lambda n: ledger.cached_scripts(limit=1000),
        "strategy_statistics": lambda n: ledger.strategy_statistics(),
        "strategy_statistics of tactics": lambda n: ledger.strategy_statistics(tactics_of="micro"),
        "update_strategy_statistics": lambda n: ledger.update_strategy_statistics(
            [StrategyTrial(strategy="micro", success=True, seconds=1.0)]
        ),
        "claim_goal": lambda n: ledger.claim_goal(f"g{n}", "bench", lease_seconds=600, repo=repository(n)),
        "holder": lambda n: ledger.holder(f"g{n}", repo=repository(n)),
        "holders": lambda n: ledger.holders(repo=repository(n)),
        "release_goal": lambda n: ledger.release_goal(f"g{n}", "bench", repo=repository(n)),
        "release_expired": lambda n: ledger.release_expired(),
        "record_goals": lambda n: ledger.record_goals([goal_record(n)]),
        "goal_environments, 1,000 goals": lambda n: ledger.goal_environments(repository(n)),
        "record_proof": lambda n: ledger.record_proof(proof_record(n)),
        "proofs of a goal": lambda n: ledger.proofs(goal_text=text(7 * n)),
        "proofs of a run": lambda n: ledger.proofs(run_id=f"run{n}"),
        "start_run": lambda n: ledger.start_run(
            run_id=f"bench{n}", repo="grove", ref="HEAD", commit="c", profile=1, configuration={}
        ),
        "finish_run": lambda n: ledger.finish_run(f"bench{n}", status=RunStatus.FINISHED, totals={}),
        "newest 10 runs": lambda n: ledger.runs(limit=10),
        "open_ticket": lambda n: ledger.open_ticket(
            ticket(TICKETS + n), TicketRequester(requester="sketch", goal_id=f"g{n}")
        ),
        "open_ticket, joined": lambda n: ledger.open_ticket(
            ticket(n), TicketRequester(requester="person", goal_id=f"g{n}")
        ),
        "ticket": lambda n: ledger.ticket(ticket(n).ticket_id),
        "any ticket of a repository": lambda n: ledger.tickets(repo=repository(n), limit=1),
        "open tickets of a repository, 133": lambda n: ledger.tickets(status=TicketStatus.OPEN, repo=repository(n)),
        "completed tickets of one, 66": lambda n: ledger.tickets(status=TicketStatus.COMPLETED, repo=repository(n)),
        "who waits for a ticket": lambda n: ledger.ticket_requesters(ticket(n).ticket_id),
        "what a goal waits for": lambda n: ledger.ticket_requesters(goal_id=f"g{n}", status=WaitStatus.WAITING),
        "claim_ticket": lambda n: ledger.claim_ticket(ticket(3 * n + 1).ticket_id, "lean", lease_seconds=3600),
        "release_ticket": lambda n: ledger.release_ticket(ticket(3 * n + 1).ticket_id, "lean"),
        "expire_claims": lambda n: ledger.expire_claims(),
        "settle_wait": lambda n: ledger.settle_wait(ticket(n).ticket_id, f"g{n}", WaitStatus.USED),
    }


def measure(ledger: Ledger) -> dict[str, float]:
    """Median milliseconds of each query."""
    found = {}
    for name, query in queries(ledger).items():
        times = []
        for number in range(REPEATS):
            start = time.perf_counter()
            query(number)
            times.append(1000 * (time.perf_counter() - start))
        found[name] = statistics.median(times)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", default="", help="an empty database; a SQLite file unless given")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="bench-ledger-") as folder,
        Ledger.open(given.url or Path(folder) / "ledger.db") as ledger,
    ):
        start = time.perf_counter()
        fill(ledger, given.rows)
        filled = time.perf_counter() - start
        found = measure(ledger)
    print(f"{given.rows} attempts, filled in {filled:.0f} s; median of {REPEATS} calls, milliseconds")
    for name, milliseconds in found.items():
        print(f"  {name:<34} {milliseconds:8.2f}{'  too slow' if milliseconds >= LIMIT_MILLISECONDS else ''}")
    good = all(milliseconds < LIMIT_MILLISECONDS for milliseconds in found.values())
    value = {"rows": given.rows, "fill_seconds": filled, "limit_ms": LIMIT_MILLISECONDS, "median_ms": found}
    write_figures(given.json, value)
    return 0 if good else 1


if __name__ == "__main__":
    run_command(main)
