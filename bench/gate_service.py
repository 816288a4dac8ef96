"""What a gate that stays open gives over one process per verdict: `python -m bench.gate_service`.

Patches of the examples, each with one proof from `examples/expected.json`, all different. They are judged by the
service with some clients at a time, then by `orchestrator verify` in a process for each, as many at a time as the
middle number of clients. The service has been open for a while when it is measured: it has judged these patches once,
so that the processes that stay are there; no verdict is kept. Verdicts per minute go by the wall clock of the same
machine in the same run; processor seconds per verdict, of all processes together, say the same on a machine that others
use, too. Exit code 1 when the service gives less than five times as many verdicts, or one of its verdicts is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

import psutil
from rich.console import Console
from rich.table import Table

from bench.command import run_command, write_figures
from orchestrator.config import load_settings
from orchestrator.goals.goal import Position, SorryKind, SourceSpan
from orchestrator.ledger.store import Ledger
from orchestrator.run.service.opening import open_service
from orchestrator.source.diff import unified_diff
from orchestrator.source.splice import splice

ROOT = Path(__file__).parents[1]
TIMES = 5.0
_KINDS = {kind.value: kind for kind in SorryKind}

Judge = Callable[[str, str], Awaitable[bool]]
"""A client and a patch → whether the patch was accepted."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Some clients that asked for verdicts at the same time.

    Attributes:
        a_minute: verdicts, by the clock on the wall.
        processor: seconds of processor time for each verdict, over all processes.
        wrong: verdicts that should have been others.
    """

    way: str
    clients: int
    verdicts: int
    a_minute: float
    processor: float
    wrong: int


def patches(folder: Path) -> Iterator[str]:
    """A patch for each sorry of the examples whose proof is known."""
    known = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["sorries"]
    for one in known:
        if one["truth"] == "provable" and one.get("proof") and one["kind"] in _KINDS:
            text = (folder / one["file"]).read_text(encoding="utf-8")
            span = SourceSpan(Position(*one["span"]["start"]), Position(*one["span"]["end"]))
            yield unified_diff({one["file"]: (text, splice(text, span, one["proof"], _KINDS[one["kind"]]))})


async def measured(way: str, judge: Judge, clients: int, asked: Sequence[str]) -> Measured:
    """Let some clients ask for these verdicts, each the next one as soon as it has its last."""
    waiting = iter(asked)
    wrong = 0

    async def client(name: str) -> None:
        nonlocal wrong
        for patch in waiting:
            wrong += not await judge(name, patch)

    began, spent = monotonic(), processor_seconds()
    await asyncio.gather(*(client(f"client {number}") for number in range(clients)))
    seconds, spent = monotonic() - began, processor_seconds() - spent
    return Measured(
        way=way,
        clients=clients,
        verdicts=len(asked),
        a_minute=60 * len(asked) / seconds,
        processor=spent / len(asked),
        wrong=wrong,
    )


def processor_seconds() -> float:
    """What this process, its children and those that have ended have taken."""
    here, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    total = here.ru_utime + here.ru_stime + ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


@asynccontextmanager
async def service(repo: Path, data: Path) -> AsyncIterator[Judge]:
    """The service, open for as long as the block goes on."""
    settings = load_settings(data_dir=data)
    with Ledger.open(settings.ledger) as store:
        async with open_service(str(repo), "HEAD", settings, store) as opened:

            async def judge(client: str, patch: str) -> bool:
                return (await opened.verify(client, patch=patch)).accepted

            yield judge


def alone(repo: Path, scratch: Path) -> Judge:
    """One process per verdict: `orchestrator verify`."""

    async def judge(client: str, patch: str) -> bool:
        file = scratch / f"{client.replace(' ', '-')}.patch"
        await asyncio.to_thread(file.write_text, patch, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "orchestrator.main", "verify", str(repo), str(file), "--json"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            return await process.wait() == 0
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    return judge


def _repository(folder: Path) -> Path:
    """The examples as a repository of their own."""
    script = ROOT / "scripts" / "demo_repository.sh"
    subprocess.run(["bash", str(script), str(ROOT / "examples"), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


async def compared(console: Console, clients: Sequence[int], most: int, apart: int) -> list[Measured]:
    """The service with each number of clients, then a process for each of `apart` verdicts."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as made:
        scratch = Path(made)
        repo = await asyncio.to_thread(_repository, scratch / "examples")
        asked = list(patches(repo))
        found: list[Measured] = []
        async with service(repo, scratch / "data") as judge:
            await measured("service", judge, max(clients), asked[: min(most, len(asked))])
            for number in clients:
                found.append(await measured("service", judge, number, asked[: min(most, len(asked))]))
                console.print(f"service, {number} clients: {found[-1].a_minute:.1f} a minute")
        middle = sorted(clients)[len(clients) // 2]
        found.append(await measured("a process each", alone(repo, scratch), middle, asked[:apart]))
        return found


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate_service", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], help="clients at a time")
    parser.add_argument("--verdicts", type=int, default=24, help="verdicts for each number of clients, at most")
    parser.add_argument("--apart", type=int, default=8, help="verdicts in a process each")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    console = Console()
    found = asyncio.run(compared(console, given.clients, given.verdicts, given.apart))
    last = found[-1]
    beside = next(one for one in found if one.clients == last.clients)
    table = Table("way", "clients", "verdicts", "a minute", "processor s", "wrong")
    for one in found:
        row = (str(one.clients), str(one.verdicts), f"{one.a_minute:.1f}", f"{one.processor:.1f}", str(one.wrong))
        table.add_row(one.way, *row)
    console.print(table)
    times, work = beside.a_minute / last.a_minute, last.processor / beside.processor
    console.print(
        f"At {last.clients} clients: {times:.1f} times as many verdicts, {work:.1f} times less processor time"
    )
    write_figures(given.json, {"measured": [asdict(one) for one in found], "times": times, "processor_times": work})
    return int(times < TIMES or any(one.wrong for one in found))


if __name__ == "__main__":
    run_command(main)
