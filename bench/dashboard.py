"""How fast the dashboard answers with 100,000 goals and 1,000,000 attempts, and whether 50 live clients hold.

    python -m bench.dashboard [--goals N] [--attempts N] [--clients N] [--json FILE] [--ledger FILE]

Medians over repeated requests to a server of its own, with the ledger changing in between so that nothing is answered
from memory. Exits 1 when a page's median is over 300 ms, `/api/stats` over 100 ms, or a live client misses a change.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from bench.command import run_command, write_figures
from orchestrator.config import Settings
from orchestrator.dashboard.app import Dashboard
from orchestrator.dashboard.site import make_site
from orchestrator.goals.result import Outcome
from orchestrator.ledger.records import AttemptRecord, BlueprintNode, BlueprintRecord, NodeState
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial
from orchestrator.run.service.listening import listen

PAGE_LIMIT, STATS_LIMIT = 0.300, 0.100
REPEATS = 15
STRATEGIES = ("micro", "hammer", "copilot", "reprover", "sketch")
REPO = "https://example.org/big.git"
START = datetime(2026, 1, 1, tzinfo=UTC)


def fill(file: Path, goals: int, attempts: int, *, runs: int = 100) -> None:
    """Put generated goals, attempts, proofs, runs and a blueprint into a new ledger file.

    The rows are written by hand, which the schema allows and which takes a tenth of the time; hashes are made up.
    """
    chance = random.Random(20260101)
    with Ledger.open(file) as ledger:
        for number in range(runs):
            run = ledger.start_run(repo=REPO, commit=f"{number:040x}", run_id=f"run{number:04}")
            ledger.finish_run(run.id, totals={"goals_total": goals, "goals_solved": number * goals // (2 * runs)})
        ledger.update_strategy_statistics(
            StrategyTrial(strategy=name, success=chance.random() < 0.1, seconds=2.0) for name in STRATEGIES * 40
        )
        ledger.record_blueprint(BlueprintRecord(repo=REPO, nodes=_nodes(chance)))
    hashes = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(goals)]
    texts = [f"n m : Nat\nh : n < m + {number}\n⊢ n * {number} + m = m + {number} * n" for number in range(goals)]
    with closing(sqlite3.connect(file)) as rows:
        statuses = ("open", "solved", "conditional", "looks_false", "rejected")
        rows.executemany(
            "INSERT INTO goals (repo, id, goal_hash, goal_text, file, module, declaration, span, difficulty, status, "
            "source, source_line, last_seen_run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    REPO,
                    f"{number:012x}",
                    hashes[number],
                    texts[number],
                    f"Big/Part{number % 997}.lean",
                    f"Big.Part{number % 997}",
                    f"Big.Part{number % 997}.lemma_{number}",
                    f"[{number % 900 + 1}, 2, {number % 900 + 1}, 7]",
                    chance.random(),
                    chance.choices(statuses, (60, 30, 5, 3, 2))[0],
                    "theorem t : p := by\n  sorry\n" * 8,
                    number % 900 + 1,
                    f"run{runs - 1:04}",
                )
                for number in range(goals)
            ),
        )
        rows.executemany(
            "INSERT INTO attempts (goal_hash, goal_text, goal_id, repo, strategy, success, outcome, time_seconds, "
            "tactics, error, run_id, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_attempt(number, chance, hashes, texts, runs, attempts) for number in range(attempts)),
        )
        rows.executemany(
            "INSERT INTO proofs (goal_hash, goal_id, declaration, repo, script, strategy, verdict, run_id, timestamp) "
            "VALUES (?, ?, ?, ?, 'simp', 'micro', 'passed', ?, ?)",
            (
                (
                    hashes[number],
                    f"{number:012x}",
                    f"lemma_{number}",
                    REPO,
                    f"run{number * runs // goals:04}",
                    str((START + timedelta(minutes=number)).replace(tzinfo=None)),
                )
                for number in range(0, goals, 3)
            ),
        )
        rows.commit()
    with Ledger.open(file) as ledger:
        ledger.recount()


def _attempt(
    number: int, chance: random.Random, hashes: list[str], texts: list[str], runs: int, attempts: int
) -> tuple[Any, ...]:
    goal = number % len(hashes)
    outcome = chance.choices(("not_proved", "timeout", "proved", "error"), (60, 28, 8, 4))[0]
    proved = outcome == "proved"
    return (
        hashes[goal],
        texts[goal],
        f"{goal:012x}",
        REPO,
        STRATEGIES[number // len(hashes) % len(STRATEGIES)],
        proved,
        outcome,
        chance.random() * 8,
        '["simp [Nat.add_comm]", "omega"]' if proved else "[]",
        "" if proved else "not proved",
        f"run{number * runs // attempts:04}",
        str((START + timedelta(seconds=number * 20)).replace(tzinfo=None)),
    )


def _nodes(chance: random.Random) -> tuple[BlueprintNode, ...]:
    return tuple(
        BlueprintNode(
            key=f"lem:{number}",
            title=f"Lemma {number}",
            kind="lemma",
            declarations=(f"Big.Part{number % 997}.lemma_{number}",),
            uses=tuple(f"lem:{chance.randrange(number)}" for _ in range(min(number, 2))),
            state=chance.choice(list(NodeState)),
        )
        for number in range(300)
    )


@contextmanager
def serving(ledger: Ledger) -> Iterator[str]:
    """The dashboard, served in a thread; its address."""
    dashboard = Dashboard(make_site(ledger, Settings(), Settings().paths))
    config = uvicorn.Config(dashboard.application, log_level="warning", timeout_graceful_shutdown=2, lifespan="on")
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.05)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            dashboard.hub.close()
            server.should_exit = True
            thread.join()


def addresses(goals: int) -> dict[str, str]:
    """What is measured, by name."""
    last = max(1, goals // 50)
    return {
        "overview": "/",
        "goals": "/goals",
        "goals, last page": f"/goals?page={last}",
        "goals, sorted by difficulty": "/goals?sort=difficulty&order=down",
        "goals, open, by name": "/goals?status=open&sort=declaration&page=40",
        "goals, search": f"/goals?q=lemma_{goals // 2}",
        "goals, search without a hit": "/goals?q=no+such+thing",
        "goal": f"/goal?repo={REPO}&id={goals // 3:012x}",
        "strategies": "/strategies",
        "runs": "/runs",
        "run": "/run?id=run0050",
        "compare": "/compare?a=run0010&b=run0090",
        "blueprint": "/blueprint",
        "marketplace": "/marketplace",
        "premises": f"/premises?q=lemma_{goals // 4}",
        "/api/stats": "/api/stats",
        "/api/goals": "/api/goals?limit=100",
    }


def measure(base: str, ledger: Ledger, goals: int) -> dict[str, tuple[float, float]]:
    """Median seconds by name: until the answer is there, and of processor time, in which no other program counts."""
    found = {}
    with httpx.Client(base_url=base, timeout=60) as client:
        for name, address in addresses(goals).items():
            times, busy = [], []
            for _ in range(REPEATS):
                ledger.record_attempt(AttemptRecord(goal_text="⊢ p", strategy="micro", outcome=Outcome.NOT_PROVED))
                begun, worked = time.perf_counter(), time.process_time()
                answer = client.get(address)
                times.append(time.perf_counter() - begun)
                busy.append(time.process_time() - worked)
                if answer.status_code != 200:
                    raise SystemExit(f"{address} answered {answer.status_code}: {answer.text[:300]}")
            found[name] = statistics.median(times), statistics.median(busy)
    return found


async def live(base: str, ledger: Ledger, clients: int, *, changes: int = 10) -> dict[str, Any]:
    """Let clients look at the overview while proofs are found: how many saw each, and how long it took."""
    waits: list[float] = []
    begun: dict[str, float] = {}
    ready = asyncio.Semaphore(0)
    numbers = count()

    async def look(client: httpx.AsyncClient) -> None:
        seen: set[str] = set()
        first = True
        async with client.stream("GET", "/live/overview") as answer:
            async for line in answer.aiter_lines():
                if first and line == "":
                    first = False
                    ready.release()
                for mark, at in list(begun.items()):
                    if mark in line and mark not in seen:
                        seen.add(mark)
                        waits.append(time.perf_counter() - at)
                if len(seen) == changes:
                    return

    limits = httpx.Limits(max_connections=clients + 10)
    async with httpx.AsyncClient(base_url=base, timeout=120, limits=limits) as client:
        looking = [asyncio.create_task(look(client)) for _ in range(clients)]
        for _ in range(clients):
            await ready.acquire()
        for _ in range(changes):
            mark = f"mark_{next(numbers):04}"
            begun[mark] = time.perf_counter()
            attempt = AttemptRecord(
                goal_text=f"⊢ {mark}", strategy="micro", outcome=Outcome.PROVED, tactics=(f"exact {mark}",)
            )
            await asyncio.to_thread(ledger.record_attempt, attempt)
            await asyncio.sleep(1.5)
        _, missing = await asyncio.wait(looking, timeout=30)
        for task in missing:
            task.cancel()
    seen = len(waits) / (clients * changes)
    return {"clients": clients, "seen": seen, "median": statistics.median(waits), "slowest": max(waits)}


def main() -> int:
    """Measure, print a table, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--goals", type=int, default=100_000)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--ledger", type=Path, help="keep the generated ledger there, or use the one that is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = given.ledger or Path(folder) / "ledger.db"
        new = not file.exists()
        if new:
            begun = time.perf_counter()
            fill(file, given.goals, given.attempts)
            took = time.perf_counter() - begun
            print(f"generated {given.goals:,} goals and {given.attempts:,} attempts in {took:.0f} s", flush=True)
        with Ledger.open(file) as ledger, Ledger.open(file) as writer, serving(ledger) as base:
            medians = measure(base, writer, given.goals)
            clients = asyncio.run(live(base, writer, given.clients))
    late = [
        name for name, (value, _) in medians.items() if value > (STATS_LIMIT if name == "/api/stats" else PAGE_LIMIT)
    ]
    print(f"{'median of':<30} {'answer':>11} {'processor':>11}")
    for name, (value, busy) in medians.items():
        print(f"{name:<30} {value * 1000:8.1f} ms {busy * 1000:8.1f} ms{'   too slow' if name in late else ''}")
    print(
        f"{clients['clients']} live clients saw {clients['seen']:.1%} of the changes, after {clients['median']:.2f} s "
        f"in the median and {clients['slowest']:.2f} s at most"
    )
    write_figures(given.json, {"medians": medians, "live": clients})
    return 1 if late or clients["seen"] < 1 or clients["slowest"] > 2 else 0


if __name__ == "__main__":
    run_command(main)
