"""Whether memory stays flat: `python -m bench.soak [--requests N] [--minutes M] [--servers S] [--json FILE]`.

Requests go through a pool of real Lean servers the way strategies make them: goals are opened, tactics tried that fail,
succeed, run out of work or leave a state to go on from, scripts checked and refused, sketches split, variants of the
project opened and dropped. One server in a while is killed. Memory, open files and tasks are looked at all along; the
exit code is 1 when the last tenth of the requests needs more than the second by more than the limits below, when a
server outgrew its limit, or when anything is left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.command import run_command, write_figures
from orchestrator.config import LeanChoice, load_settings
from orchestrator.errors import SessionError
from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool, VariantPool
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.source.project import Project, SourceModule

REQUESTS = 5000
TENTHS = 10
KILL_EVERY = 1000
OWN_MEGABYTES = 15.0
"""What our own process may need more at the end."""
SERVER_SHARE = 0.15
"""By what share a server may have grown at the end, beside the limit at which it is replaced."""
OPEN_FILES = 5

_TEXT = """theorem {m}_a (a b : Nat) : a + b = b + a := by sorry

theorem {m}_b (p q : Prop) (h : p ∧ q) : q ∧ p := by
  sorry

theorem {m}_c (l : List Nat) : (l ++ []).length = l.length := by sorry

def {m}_double (n : Nat) : Nat := n + n

theorem {m}_d (n : Nat) : {m}_double n = 2 * n := by
  sorry
"""
_TACTICS = ("exact 3", "rw [Nat.mul_comm]", "intro x", "simp_all", "omega", "nonsense", "constructor", "decide", "rfl")
_SCRIPTS = ("omega", "exact ⟨h.2, h.1⟩", "simp", "unfold A_double B_double", "exact (by omega)", "sorry")
_SKETCH = "have step : 1 = 1 := by sorry\nexact sorry"


def project() -> Project:
    """Two files with open goals."""
    texts = {name: _TEXT.format(m=name) for name in ("A", "B")}
    return Project("soak", "/nowhere", modules=tuple(SourceModule(n, f"{n}.lean", t) for n, t in texts.items()))


@dataclass(frozen=True)
class Sample:
    """What is in use after so many requests: megabytes, files, tasks, and servers started so far."""

    requests: int
    seconds: float
    own: float
    servers: float
    files: int
    tasks: int
    started: int


class Soak:
    """The requests, one after the other or side by side; `samples` is what was seen on the way."""

    def __init__(self, pool: Pool, sessions: Sequence[EmbeddedSession], goals: Sequence[Goal], requests: int) -> None:
        self._pool = pool
        self._sessions = sessions
        self._goals = itertools.cycle(goals)
        self._left = requests
        self._dice = random.Random(7)
        self._process = psutil.Process()
        self._began = time.monotonic()
        self.made = 0
        self.broken = 0
        self.samples: list[Sample] = []

    async def run(self, until: float) -> None:
        """Make all requests, or as many as fit until that moment of the monotonic clock; two hands a server."""
        await asyncio.gather(*(self._hand(until) for _ in range(2 * len(self._sessions))))

    async def _hand(self, until: float) -> None:
        while self._left > 0 and time.monotonic() < until:
            goal = next(self._goals)
            where: Pool | VariantPool = self._pool
            if self._dice.random() < 0.1:
                where = self._pool.variant(self._pool.project.with_texts({goal.file: self._text(goal) + "\n-- more\n"}))
            try:
                async with where.open(goal) as opened:
                    for ask in self._dice.choices(self._ways(opened), k=6):
                        await ask()
                        self._count()
            except SessionError:
                self.broken += 1

    def _ways(self, opened: OpenGoal) -> list[Callable[[], Awaitable[object]]]:
        async def further() -> None:
            replies = await opened.tactics(["constructor", "intro x", "induction 1"], stop_on_success=False)
            for reply in replies:
                if reply.proof_state is not None:
                    await opened.tactics(_TACTICS, proof_state=reply.proof_state)
                    self._count()

        return [
            lambda: opened.tactics(_TACTICS),
            lambda: opened.tactics(self._dice.sample(_TACTICS, 3), stop_on_success=False),
            lambda: opened.check(self._dice.choice(_SCRIPTS)),
            lambda: opened.split(_SKETCH),
            opened.mentions,
            further,
        ]

    def _text(self, goal: Goal) -> str:
        return self._pool.project.by_path[goal.file].text

    def _count(self) -> None:
        self.made += 1
        self._left -= 1
        if self.made % KILL_EVERY == 0:
            pid = self._dice.choice(self._sessions).pid
            if pid is not None:
                psutil.Process(pid).kill()
        if self.made % 50 == 0:
            self.samples.append(self._sample())

    def _sample(self) -> Sample:
        gc.collect()
        return Sample(
            requests=self.made,
            seconds=time.monotonic() - self._began,
            own=self._process.memory_info().rss / 1e6,
            servers=max(session.resident_megabytes for session in self._sessions),
            files=self._process.num_fds(),
            tasks=len(asyncio.all_tasks()),
            started=sum(session.generation for session in self._sessions),
        )


async def soak(requests: int, minutes: float, servers: int) -> tuple[Soak, list[str]]:
    """Run it, close the pool, and say what was left behind."""
    settings = load_settings(lean=LeanChoice.EMBEDDED, start_timeout=600)
    paths = settings.paths
    work = project()
    lean = provision(settings, paths, choose_lean(settings, paths, work))
    limit = settings.memory_mb
    sessions = [EmbeddedSession(lean.launch, rss_limit_megabytes=limit) for _ in range(servers)]
    pool = Pool(sessions, work)
    async with pool:
        async with pool.workspace() as workspace:
            found = await extract(workspace, work.modules)
        run = Soak(pool, sessions, found.goals, requests)
        await run.run(time.monotonic() + 60 * minutes)
    left = [" ".join(child.cmdline())[:80] for child in psutil.Process().children(recursive=True)]
    return run, left


def tenths(samples: Sequence[Sample]) -> list[Sample]:
    """The medians of each tenth of the requests."""
    size = len(samples) / TENTHS
    parts = [samples[round(i * size) : round((i + 1) * size)] for i in range(TENTHS)]
    return [
        Sample(
            requests=part[-1].requests,
            seconds=part[-1].seconds,
            own=statistics.median(s.own for s in part),
            servers=statistics.median(s.servers for s in part),
            files=round(statistics.median(s.files for s in part)),
            tasks=round(statistics.median(s.tasks for s in part)),
            started=part[-1].started,
        )
        for part in parts
        if part
    ]


def complaints(parts: Sequence[Sample], samples: Sequence[Sample], limit: float, left: Sequence[str]) -> list[str]:
    """What is not flat, in words. The first tenth is warming up."""
    if len(parts) < 3:
        return ["too few requests to say anything"]
    early, late = parts[1], parts[-1]
    found = []
    if late.own - early.own > OWN_MEGABYTES:
        found.append(f"our own process grew by {late.own - early.own:.0f} MB")
    if late.servers > early.servers * (1 + SERVER_SHARE):
        found.append(f"a server grew from {early.servers:.0f} to {late.servers:.0f} MB")
    # It is looked at between two requests only, so one may end a little above.
    most = max(sample.servers for sample in samples)
    if most > limit * 1.25:
        found.append(f"a server had {most:.0f} MB, with a limit of {limit:.0f}")
    if late.files > early.files + OPEN_FILES:
        found.append(f"open files went from {early.files} to {late.files}")
    if late.tasks > early.tasks + OPEN_FILES:
        found.append(f"tasks went from {early.tasks} to {late.tasks}")
    return [*found, *(f"left behind: {line}" for line in left)]


def main(words: Sequence[str] | None = None) -> int:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--minutes", type=float, default=600.0, help="the longest it may take")
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--json", type=Path, default=None, help="write every sample to this file, too")
    given = parser.parse_args(words)
    run, left = asyncio.run(soak(given.requests, given.minutes, given.servers))
    parts = tenths(run.samples)
    limit = load_settings().memory_mb
    grid = Table(title=f"{run.made} requests on {given.servers} servers; medians of each tenth")
    for heading in ("requests", "seconds", "our MB", "largest server, MB", "open files", "tasks", "servers started"):
        grid.add_column(heading, justify="right")
    for part in parts:
        numbers = (f"{part.seconds:.0f}", f"{part.own:.1f}", f"{part.servers:.0f}")
        grid.add_row(str(part.requests), *numbers, str(part.files), str(part.tasks), str(part.started))
    Console(width=120).print(grid)
    wrong = complaints(parts, run.samples, limit, left)
    print(f"{run.broken} goals were open on a server that was killed, and were opened again by the next in turn")
    print("not flat: " + "; ".join(wrong) if wrong else "flat: nothing grew, nothing was left behind")
    value = {"requests": run.made, "complaints": wrong, "samples": [asdict(sample) for sample in run.samples]}
    write_figures(given.json, value)
    if run.made < given.requests:
        print(f"ended after {run.made} of {given.requests} requests")
    return 1 if wrong else 0


if __name__ == "__main__":
    run_command(main)
