"""Records the attempt matrix on real Lean: `python -m bench.record_matrix` (about an hour; it goes on where it was).

Of what is recorded, a strategy whose code has changed since is recorded again, and nothing else. Then
`python -m bench.policies --write-prior` tunes on it and measures.

Every candidate of `micro` is tried alone on every goal of the bank, whatever the others did, and so is every strategy
that is available. Seconds are those of the processor, so that other work on the machine does not show in them.
Ctrl-C keeps what there is.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import process_time

from bench.bank import BankGoal, load_bank, source
from bench.command import run_command
from bench.matrix import MATRIX_PATH, ArmKind, Row, Trial, read_matrix, shuffled, write_matrix
from bench.server_clock import STRETCH, TimedProver
from orchestrator.config import load_settings
from orchestrator.errors import ConfigError, OrchestratorError, SessionError
from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.retrieval import Choose
from orchestrator.premises.store import chooser, known_library
from orchestrator.source.project import Project, SourceModule
from orchestrator.strategies.base import ProofContext, Timing
from orchestrator.strategies.local_context import VisibleDeclarations, declarations_seen, definitions_seen
from orchestrator.strategies.micro.order import LearnedOrder
from orchestrator.strategies.micro.portfolio import TacticCandidate, Tried, candidates, kind_of
from orchestrator.strategies.micro.strategy import run_micro
from orchestrator.strategies.policy.prior import load_prior, tactic_policy
from orchestrator.strategies.registry import make_strategies
from orchestrator.strategies.spec import StrategyTools

# A search may restate what it found, with checks; the time belongs to the tactic.
_TACTIC_SECONDS = 60.0
ROOT = Path(__file__).parents[1]
_OWN_IMPORT = re.compile(r"^from (orchestrator\.(?:strategies|premises)\.[\w.]+) import", re.MULTILINE)


class Opened:
    """A goal that is open already, as a prover."""

    def __init__(self, context: ProofContext) -> None:
        self._context = context

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        """See `GoalOpener.open`."""
        yield self._context


class Only(LearnedOrder):
    """An order that leaves out all candidates but one, and remembers what it did."""

    def __init__(self, candidate: TacticCandidate) -> None:
        super().__init__(tactic_policy(), load_prior())
        self._candidate = candidate
        self.tried: Sequence[Tried] = ()

    def order(self, goal: Goal, candidates: Sequence[TacticCandidate]) -> Sequence[TacticCandidate]:
        return [self._candidate]

    def learn(self, goal: Goal, tried: Sequence[Tried]) -> None:
        self.tried = tried


@cache
def code_of(strategy: str) -> str:
    """Digest of a strategy's code: its file, and those of strategies and premises that it uses, directly or not."""
    todo, texts = [f"orchestrator.strategies.{strategy}.strategy"], dict[str, str]()
    while todo:
        name = todo.pop()
        file = ROOT / f"{name.replace('.', '/')}.py"
        if name not in texts and file.is_file():
            texts[name] = file.read_text(encoding="utf-8")
            todo += _OWN_IMPORT.findall(texts[name])
    return hashlib.sha256("\x00".join(texts[name] for name in sorted(texts)).encode()).hexdigest()[:16]


def bank_by_area(goals: Sequence[BankGoal]) -> Project:
    """The bank as a project: a module for every goal, in a folder for every area."""
    modules = [SourceModule(m := module_of(g), m.replace(".", "/") + ".lean", source(g), g.imports) for g in goals]
    return Project("Bank", "/nowhere", modules=tuple(modules))


def module_of(goal: BankGoal) -> str:
    """The name of a goal's module."""
    return f"Bank.{goal.tags[0].capitalize()}.{goal.name.capitalize()}"


class Recorder:
    """Fills a matrix, goal by goal.

    Args:
        pool: one session over the bank's project.
        prover: the same, on processor time.
        rows: what was recorded before, by goal.
        library: premises for the hammer.
    """

    def __init__(self, pool: Pool, prover: TimedProver, rows: dict[str, Row], library: Library) -> None:
        self._pool = pool
        self._prover = prover
        # A model runs in this process.
        clock = lambda: prover.clock() + process_time()  # noqa: E731
        self._timing = Timing(clock=clock, grace_seconds=_TACTIC_SECONDS * STRETCH)
        self._library = library
        self.rows = rows

    async def tactics(self, goal: BankGoal) -> None:
        """Every candidate of `micro` on a goal, each by itself.

        Raises:
            SessionError: Lean broke while the goal's file was loaded.
        """
        opened, definitions, _, _ = await self._open(goal)
        names: dict[str, Trial] = {}
        async with self._prover.open(opened) as context:
            for candidate in candidates(opened, definitions):
                name = kind_of(opened, candidate)
                if name in names:
                    continue
                only = Only(candidate)
                await run_micro(opened, _TACTIC_SECONDS, prover=Opened(context), order=only, timing=self._timing)
                for tried in only.tried[:1]:
                    names[name] = Trial(name, ArmKind.TACTIC, tried.success, tried.seconds)
        row = Row(goal.id, goal.tags[0], goal.split, opened.text, opened.module, opened.estimated_difficulty)
        self.rows[goal.id] = replace(row, trials=tuple(names.values()))

    async def strategies(self, goal: BankGoal, again: frozenset[str]) -> None:
        """Every available strategy on a goal that was not recorded yet with its present code, or that is in `again`.

        Raises:
            SessionError: Lean broke while the goal's file was loaded.
        """
        settings = load_settings()
        opened, definitions, around, choose = await self._open(goal)
        strategies = make_strategies(
            StrategyTools(
                settings=settings,
                prover=self._prover,
                definitions=lambda _: definitions,
                declarations=lambda _: around,
                choose=choose,
                timing=self._timing,
            )
        )
        for kind, strategy in strategies.items():
            known = self.rows[goal.id].codes.get(kind.value) == code_of(kind.value)
            if strategy.available(opened) or (known and kind.value not in again):
                continue
            result = await strategy.run(opened, settings.timeouts[kind])
            trial = Trial(kind.value, ArmKind.STRATEGY, result.success, result.time_seconds)
            others = tuple(t for t in self.rows[goal.id].trials if t.arm != trial.arm)
            codes = {**self.rows[goal.id].codes, kind.value: code_of(kind.value)}
            self.rows[goal.id] = replace(self.rows[goal.id], trials=(*others, trial), codes=codes)

    async def _open(self, goal: BankGoal) -> tuple[Goal, tuple[str, ...], VisibleDeclarations, Choose]:
        project = self._pool.project
        async with self._pool.workspace() as workspace:
            found = await extract(workspace, [project.by_name[module_of(goal)]], difficulty=estimated_difficulty)
        if not found.goals:
            raise ConfigError(f"the goal does not elaborate: {found.problems}", where=goal.id)
        opened = found.goals[-1]
        choose = chooser(self._library, premises_seen(project, found))
        return opened, definitions_seen(project, found)(opened), declarations_seen(project, found)(opened), choose


def _parts(goals: Sequence[BankGoal], part: str) -> Iterator[BankGoal]:
    number, of = (int(word) for word in part.split("/"))
    yield from goals[number - 1 :: of]


async def _record(arguments: argparse.Namespace, rows: dict[str, Row]) -> None:
    settings = load_settings(tactic_timeout=8.0)
    paths = settings.paths
    bank = load_bank()
    project = bank_by_area(bank)
    servers = provision(settings, paths, choose_lean(settings, paths, project))
    again = frozenset(arguments.again)
    goals = list(_parts(shuffled(bank)[: arguments.goals], arguments.part))
    library = known_library(paths, servers)
    if library is None:
        raise ConfigError("the hammer has no premises", hint="Build them first: orchestrator premises build")
    session = servers.session()
    assert isinstance(session, EmbeddedSession)  # the bench chooses the embedded Lean
    async with Pool([session], project) as pool:
        recorder = Recorder(pool, TimedProver(session, pool), rows, library)
        for stage in (ArmKind.TACTIC, ArmKind.STRATEGY):
            for number, goal in enumerate(goals, 1):
                try:
                    if stage is ArmKind.STRATEGY:
                        await recorder.strategies(goal, again)
                    elif goal.id not in rows:
                        await recorder.tactics(goal)
                except SessionError as error:
                    sys.stdout.write(f"{goal.id}: {error}\n")
                    continue
                solved = sum(trial.success for trial in rows[goal.id].trials)
                sys.stdout.write(f"{stage} {number}/{len(goals)} {goal.id}: {solved} of {len(rows[goal.id].trials)}\n")
                sys.stdout.flush()
                write_matrix(rows.values(), arguments.out)


def main(words: Sequence[str] | None = None) -> int:
    """Record, and say how far it is."""
    parser = argparse.ArgumentParser(prog="python -m bench.record_matrix", description=__doc__)
    parser.add_argument("--out", type=Path, default=MATRIX_PATH, help="the matrix; what it holds is not tried again")
    parser.add_argument("--goals", type=int, default=None, help="how many goals of the bank; all unless given")
    parser.add_argument("--part", default="1/1", help="such as 1/2: the first half of the work, for two machines")
    parser.add_argument("--merge", type=Path, nargs="*", default=[], help="only put these parts into the matrix")
    parser.add_argument("--again", nargs="*", default=[], help="strategies to be recorded again")
    arguments = parser.parse_args(words)
    try:
        if arguments.merge:
            rows = {row.goal: row for part in arguments.merge for row in read_matrix(part)}
            write_matrix(rows.values(), arguments.out)
        else:
            known = {row.goal: row for row in read_matrix(arguments.out)} if arguments.out.exists() else {}
            asyncio.run(_record(arguments, known))
    except KeyboardInterrupt:
        return 130
    except OrchestratorError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    run_command(main)
