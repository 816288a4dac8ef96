"""What working on a project with its own Lean costs: `python -m bench.native_cost CHECKOUT`, without any Lean.

A session that answers at once and counts stands in for it: headers imported, files and lines elaborated to extract the
sorries, headers imported for a first shot at every goal by as many processes as the memory holds, files elaborated to
judge a patch of one file, and files elaborated again after one line was edited. Beside it stands what the same costs
where own modules are not imported but elaborated again for each file that imports them.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.command import run_command, write_figures
from orchestrator.config import LeanSettings
from orchestrator.errors import RequestRefused
from orchestrator.gate.gate import Gate
from orchestrator.goals.goal import Goal, SourceSpan
from orchestrator.lean.extraction import Extraction, extract, known_extraction, to_elaborate
from orchestrator.lean.native.session import BuiltElsewhere
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    CompareFile,
    ComparisonReply,
    Describe,
    DescribeReply,
    ExportConstants,
    ExportReply,
    File,
    Forget,
    ForgetReply,
    JudgeConstants,
    JudgedReply,
    Reply,
    Request,
    Sorry,
)
from orchestrator.lean.servers import server_count
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.machine import LocalMachine
from orchestrator.scheduler.queue import GoalQueue
from orchestrator.scheduler.slots import Weight
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project, SourceModule
from orchestrator.source.scan import scan


@dataclass
class CountingSession:
    """A session that knows what a text leaves open, and nothing else; `compiled` is None to elaborate imports again."""

    compiled: BuiltElsewhere | None
    generation: int = 1
    headers: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    _made: int = 0

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        self._made += 1
        match request:
            case Command(env=None):
                if self.compiled is not None and self.headers and self.headers[-1] != request.cmd:
                    self.generation += 1
                self.headers.append(request.cmd)
                return CommandReply(env=self._made)
            case Command():
                return CommandReply(env=self._made)
            case File():
                self.files.append(request)
                return CommandReply(
                    env=self._made, sorries=tuple(_sorry(request, word.span) for word in scan(request.text))
                )
            case CompareFile():
                self.files.append(request.original)
                return ComparisonReply(self._made, (), (), ())
            case ExportConstants():
                return ExportReply(())
            case JudgeConstants():
                return JudgedReply(self._made, ())
            case Describe():
                return DescribeReply(())
            case Forget():
                return ForgetReply(ok=True)
        raise RequestRefused("This session only counts")

    async def recycle_if_grown(self) -> bool:
        return False

    async def close(self) -> None:
        """Nothing runs."""


def _sorry(file: File, span: SourceSpan) -> Sorry:
    return Sorry(goal="⊢ True", span=span, proof_state=0, command=span, before=file.env)


@dataclass(frozen=True)
class Cost:
    """What one way of working costs.

    Attributes:
        headers: imported for extraction, by however many processes.
        files, lines: elaborated for extraction.
        shots: headers imported for a first shot at every goal; -1 where own modules are not imported.
        gate: files elaborated to judge a patch of one file: the median over the files with sorries.
        again: files elaborated after one line of a file was edited: the most over all files that were looked at, beyond
            the edited one and those with sorries that import it.
    """

    headers: int
    files: int
    lines: int
    shots: int
    gate: float
    again: int


@dataclass(frozen=True)
class Figures:
    """A project, and what it costs."""

    project: str
    modules: int
    lines: int
    open_files: int
    open_lines: int
    open_headers: int
    processes: int
    imported: Cost
    elaborated_again: Cost


def _lines(texts: Sequence[str]) -> int:
    return sum(text.count("\n") for text in texts)


async def _shots(project: Project, goals: Sequence[Goal], processes: int) -> int:
    """Headers that processes import where each takes the nearest goal when it is free; goals come in no order."""
    sessions = [CountingSession(BuiltElsewhere()) for _ in range(processes)]
    pool, queue = Pool(sessions, project), GoalQueue()
    for goal in sorted(goals, key=lambda goal: goal.id):
        queue.add(goal, Weight.LIGHT)

    async def work() -> None:
        while (waiting := queue.next(Weight.LIGHT, 0.0, pool.distance)) is not None:
            async with pool.workspace(waiting.goal.module) as workspace:
                await workspace.load(waiting.goal.module)
                await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(processes)))
    return sum(len(session.headers) for session in sessions)


async def cost(project: Project, *, compiled: bool, samples: int, processes: int = 1) -> Cost:
    """What a project costs, its own modules imported or elaborated again."""

    def session() -> CountingSession:
        return CountingSession(BuiltElsewhere() if compiled else None)

    async def work(project: Project, counted: CountingSession, modules: Sequence[SourceModule]) -> Extraction:
        return await extract(Workspace(counted, project), await to_elaborate(counted, modules))

    first = session()
    with tempfile.TemporaryDirectory() as folder:
        cache = ContentCache(Path(folder))
        found = await known_extraction(cache, project, "counted", partial(work, project, first))
        with_sorries = [module for module in project.modules if scan(module.text)]
        beyond = 0
        for module in _spread(project.modules, samples):
            edited = project.with_texts({module.path: module.text + "\n-- edited\n"})
            again = session()
            await known_extraction(cache, edited, "counted", partial(work, edited, again))
            wanted = {m.name for m in with_sorries if m == module or module in project.closure(m.name)}
            beyond = max(beyond, len(again.files) - len(wanted))
    judged = [await _gate(project, found, module, session()) for module in _spread(with_sorries, samples)]
    texts = [file.text for file in first.files]
    shots = await _shots(project, found.goals, processes) if compiled else -1
    return Cost(len(first.headers), len(first.files), _lines(texts), shots, median(judged or [0]), beyond)


async def _gate(project: Project, found: Extraction, module: SourceModule, session: CountingSession) -> int:
    @asynccontextmanager
    async def fresh(patched: Project) -> AsyncIterator[Workspace]:
        yield Workspace(session, patched)

    last = scan(module.text)[-1]
    text = module.text[: last.offset] + "trivial" + module.text[last.offset + len(last.word) :]
    await Gate(project, found, fresh).verify({module.path: text})
    return len({file.module for file in session.files})


def _spread(modules: Sequence[SourceModule], samples: int) -> Sequence[SourceModule]:
    return modules[:: max(1, len(modules) // samples)]


def figures(folder: Path, *, megabytes: int, samples: int) -> Figures:
    """What a checkout costs."""
    project = load_project(folder)
    with_sorries = [module for module in project.modules if scan(module.text)]
    machine = LocalMachine(root=Path("/none"), available_memory=lambda: megabytes * 10**6, usable_cores=lambda: 64)
    processes = server_count(LeanSettings(), machine, native=True)
    return Figures(
        project=project.name,
        modules=len(project.modules),
        lines=_lines([module.text for module in project.modules]),
        open_files=len(with_sorries),
        open_lines=_lines([module.text for module in with_sorries]),
        open_headers=len({module.header for module in with_sorries}),
        processes=processes,
        imported=asyncio.run(cost(project, compiled=True, samples=samples, processes=processes)),
        # Much slower to count, and much the same for every file.
        elaborated_again=asyncio.run(cost(project, compiled=False, samples=1)),
    )


def main() -> int:
    """Print the figures of each checkout."""
    parser = argparse.ArgumentParser(prog="python -m bench.native_cost", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("checkout", nargs="+", type=Path, help="folder of a Lean project")
    parser.add_argument("--memory", type=int, default=16000, help="MB of memory for Lean (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=20, help="files to edit and to judge (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    found = [figures(folder, megabytes=asked.memory, samples=asked.samples) for folder in asked.checkout]
    table = Table("project", "modules / lines", "open files / lines / headers", "way", "headers", "files", "lines")
    for column in ("first shots", "gate", "again beyond", f"processes in {asked.memory} MB"):
        table.add_column(column)
    for one in found:
        size, left = f"{one.modules} / {one.lines}", f"{one.open_files} / {one.open_lines} / {one.open_headers}"
        for way, spent in (("imported", one.imported), ("elaborated again", one.elaborated_again)):
            shots = spent.shots if spent.shots >= 0 else ""
            counts = (spent.headers, spent.files, spent.lines, shots, f"{spent.gate:g}", spent.again, one.processes)
            table.add_row(one.project, size, left, way, *map(str, counts))
    Console(width=200).print(table)
    write_figures(asked.json, [asdict(one) for one in found])
    return 0


if __name__ == "__main__":
    run_command(main)
