"""The same goals and the same tactics through four ways of asking Lean, in one run.

(a) one Lean process for each attempt, (b) one process, asked for a whole text at a time on top of what was imported,
(c) lean-interact's own loop, `LeanServer.run(Command(…))` for each attempt, on top of the same, (d) ours: goals opened
once, tactics in batches, several servers, what closes a goal checked in its declaration. All use the embedded Lean; (c)
reaches it through the shim of the tests, so this needs a source checkout. Every way gets the same seconds and the same
order of goals.

`python -m bench.peers` prints goals solved, wall seconds, attempts a second and goals a minute, and exits 1 when ours
solves less than 20 times as many goals a minute as (a), or 1.5 times as many as (b) or (c). A way that solves none
counts as if it had solved one.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bank import BankGoal, load_bank, source
from bench.command import run_command, write_figures
from orchestrator.config import load_settings
from orchestrator.errors import RequestRefused, SessionError
from orchestrator.lean.extraction import goals_of
from orchestrator.lean.protocol import Command, CommandReply, Limits
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.lean.session import ask
from orchestrator.run.bank import BankEntry, bank_project, goals_for
from orchestrator.source.project import Project
from orchestrator.strategies.micro.portfolio import CORE_CHEAP

TACTICS = CORE_CHEAP
LEAST_GOALS = 60
FLOORS = {"a": 20.0, "b": 1.5, "c": 1.5}
_SHIM = Path(__file__).parents[1] / "tests" / "shim"
_LIMITS = Limits(milliseconds=3_000)
_LONG = 60.0


@dataclass(slots=True)
class Tally:
    """What one way came to."""

    name: str
    tried: int = 0
    attempts: int = 0
    solved: int = 0
    seconds: float = 0.0

    @property
    def per_minute(self) -> float:
        """Goals solved in a minute."""
        return 60 * self.solved / self.seconds if self.seconds else 0.0


Attempt = Callable[[str], Awaitable[bool]]
"""Whether Lean takes a whole text without an error and without a sorry."""


async def loop(tally: Tally, goals: Sequence[BankGoal], seconds: float, attempt: Attempt) -> Tally:
    """Goal by goal, tactic by tactic, until the first that works."""
    begun = time.monotonic()
    for goal in goals:
        for tactic in TACTICS:
            if time.monotonic() - begun > seconds:
                break
            tally.attempts += 1
            if await attempt(source(goal, f"by\n  {tactic}")):
                tally.solved += 1
                break
        else:
            tally.tried += 1
            continue
        if time.monotonic() - begun > seconds:
            break
        tally.tried += 1
    tally.seconds = time.monotonic() - begun
    return tally


def proved(reply: CommandReply) -> bool:
    """No error and nothing left open."""
    return not reply.errors and not reply.interrupted and not any(d.has_sorry for d in reply.declarations)


async def one_process_each(servers: Servers, goals: Sequence[BankGoal], seconds: float) -> Tally:
    """(a)"""

    async def attempt(text: str) -> bool:
        session = servers.session()
        try:
            return proved(await ask(session, Command(text, limits=_LIMITS), timeout=_LONG))
        except (SessionError, RequestRefused):
            return False
        finally:
            await session.close()

    return await loop(Tally("a  a process each"), goals, seconds, attempt)


async def plain_repl(servers: Servers, goals: Sequence[BankGoal], seconds: float) -> Tally:
    """(b)"""
    session = servers.session()
    start = (await ask(session, Command(""), timeout=_LONG)).env

    async def attempt(text: str) -> bool:
        try:
            return proved(await ask(session, Command(text, env=start, limits=_LIMITS), timeout=_LONG))
        except (SessionError, RequestRefused):
            return False

    try:
        return await loop(Tally("b  plain REPL"), goals, seconds, attempt)
    finally:
        await session.close()


async def lean_interact(servers: Servers, goals: Sequence[BankGoal], seconds: float) -> Tally:
    """(c)"""
    sys.path.insert(0, str(_SHIM))
    from lean_interact import Command as ReplCommand
    from lean_interact import LeanREPLConfig, LeanServer, LocalProject
    from lean_interact.interface import CommandResponse
    from shims import write_shims

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shims = write_shims(folder / "shims", servers.launch)
        (folder / "lean-toolchain").write_text("leanprover/lean4:v4.28.0-rc1\n", encoding="utf-8")
        project = LocalProject(directory=folder, lake_path=shims.lake, auto_build=False)
        config = LeanREPLConfig(project=project, local_repl_path=shims.repl, build_repl=False, lake_path=shims.lake)
        with LeanServer(config) as server:

            async def attempt(text: str) -> bool:
                try:
                    reply = await asyncio.to_thread(server.run, ReplCommand(cmd=text, env=0), timeout=_LONG)
                except (TimeoutError, ConnectionError):
                    server.restart()
                    server.run(ReplCommand(cmd="\n"), timeout=_LONG)
                    return False
                return isinstance(reply, CommandResponse) and reply.lean_code_is_valid(allow_sorry=False)

            server.run(ReplCommand(cmd="\n"), timeout=_LONG)
            return await loop(Tally("c  lean-interact"), goals, seconds, attempt)


async def ours(servers: Servers, goals: Sequence[BankGoal], seconds: float) -> Tally:
    """(d)"""
    entries = [BankEntry(g.id, source(g, "by\n  sorry"), g.imports, g.difficulty, g.tags) for g in goals]
    project = bank_project(entries)
    tally = Tally("d  ours")
    async with servers.pool(project) as pool:
        await pool.start()
        begun = time.monotonic()
        waiting = list(reversed(entries))

        async def work() -> None:
            while waiting and time.monotonic() - begun < seconds:
                entry = waiting.pop()
                async with pool.workspace() as workspace:
                    loaded = await workspace.load(entry.module)
                module = project.by_name[entry.module]
                found = goals_for([entry], goals_of(module, loaded.reply.sorries, lambda _text: 0.5))
                tally.tried += 1
                if not found:
                    continue
                async with pool.open(found[0]) as context:
                    left = list(TACTICS)
                    while left:
                        replies = await context.tactics(left, limits=_LIMITS, budget_seconds=_LONG)
                        if not replies:
                            break
                        tally.attempts += len(replies)
                        left = left[len(replies) :]
                        done = [reply for reply in replies if reply.completed]
                        if done and (await context.check(done[-1].tactic)).accepted:
                            tally.solved += 1
                            break

        await asyncio.gather(*(work() for _ in range(pool.size)))
        tally.seconds = time.monotonic() - begun
    return tally


def times_over(mine: Tally, other: Tally) -> tuple[float, bool]:
    """How many times as many goals a minute, and whether that is a lower bound since the other solved none."""
    least = other.per_minute or (60 / other.seconds if other.seconds else math.inf)
    return mine.per_minute / least, other.solved == 0


def shortfalls(tallies: Sequence[Tally], floors: dict[str, float]) -> list[str]:
    """What falls short of what is asked, in words."""
    by_letter = {tally.name[0]: tally for tally in tallies}
    found = {letter: times_over(by_letter["d"], by_letter[letter])[0] for letter in floors}
    return [
        f"ours solves {found[letter]:.1f} times as many goals as ({letter}), not {floor:g}"
        for letter, floor in floors.items()
        if not found[letter] >= floor
    ]


def table(tallies: Sequence[Tally]) -> str:
    """The figures, a line for each way."""
    lines = ["way                goals tried  attempts  solved     wall  attempts/s  solved/min  ours over it"]
    for t in tallies:
        rate = t.attempts / t.seconds if t.seconds else 0.0
        times, bound = times_over(tallies[-1], t)
        lines.append(
            f"{t.name:18} {t.tried:11} {t.attempts:9} {t.solved:7} {t.seconds:6.1f} s"
            f" {rate:11.2f} {t.per_minute:11.1f} {'≥' if bound else ' '}{times:10.1f} ×"
        )
    return "\n".join(lines)


async def run(servers: Servers, goals: Sequence[BankGoal], seconds: float) -> list[Tally]:
    """All four, one after the other."""
    tallies = []
    for way in (one_process_each, plain_repl, lean_interact, ours):
        tallies.append(await way(servers, goals, seconds))
        sys.stderr.write(f"{tallies[-1].name}: {tallies[-1].solved} solved in {tallies[-1].seconds:.1f} s\n")
    return tallies


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--goals", type=int, default=LEAST_GOALS, help="how many goals of the bank")
    parser.add_argument("--seconds", type=float, default=120.0, help="the longest that each way may take")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args(arguments)
    settings = load_settings()
    paths = settings.paths
    servers = provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))
    # Spread over the whole bank, in an order of no meaning: a slow way that gets to a few goals meets all kinds.
    bank = [goal for goal in load_bank() if not goal.imports]
    goals = bank[:: max(1, len(bank) // given.goals)][: given.goals]
    random.Random(0).shuffle(goals)
    tallies = asyncio.run(run(servers, goals, given.seconds))
    sys.stdout.write(f"{len(goals)} goals, {len(TACTICS)} tactics, {servers.count} servers for ours\n")
    sys.stdout.write(table(tallies) + "\n")
    short = shortfalls(tallies, FLOORS)
    sys.stdout.write("".join(f"too little: {words}\n" for words in short))
    value = [
        {
            "way": t.name[0],
            "name": t.name[3:],
            "goals_tried": t.tried,
            "attempts": t.attempts,
            "solved": t.solved,
            "seconds": round(t.seconds, 2),
            "solved_per_minute": round(t.per_minute, 2),
        }
        for t in tallies
    ]
    write_figures(given.json, value)
    return 1 if short else 0


if __name__ == "__main__":
    run_command(main)
