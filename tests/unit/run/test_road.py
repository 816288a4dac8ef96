"""The road of a goal: eight stops from the flow to the patch, as docs/architecture.md names them."""

from __future__ import annotations

import re
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest
from prefect.logging import disable_run_logger
from small_lean import SmallLean

import flows.nightly
import tasks.attempt
import tasks.begin
import tasks.judge
from orchestrator.config import LeanSettings, load_settings
from orchestrator.gate.assessment import FileAnswers
from orchestrator.gate.gate import Gate
from orchestrator.gate.judge import KernelReport
from orchestrator.gate.shape import Shape
from orchestrator.goals.result import Result, StrategyType
from orchestrator.lean.embedded.process import Launch
from orchestrator.lean.protocol import Reply, Request, Tactics
from orchestrator.lean.servers import Servers
from orchestrator.lean.testing import ScriptedSession
from orchestrator.lean.toolchain import LeanFound, LeanKind
from orchestrator.ledger.store import Ledger
from orchestrator.run.conclude import Conclusion, write_results
from orchestrator.run.plan import nothing_to_do
from orchestrator.run.request import request_of
from orchestrator.scheduler.goal_runner import REPEATED
from orchestrator.scheduler.middleware import Attempt, Handler
from orchestrator.source.project import SourceModule
from orchestrator.strategies.base import Strategy
from orchestrator.strategies.micro.strategy import SPEC
from orchestrator.strategies.spec import StrategyTools

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/architecture.md"
QUICK = {"ORCH_SPECULATION": "1", "ORCH_MARKET": "off", "ORCH_COUNTEREXAMPLES": "off", "ORCH_PREMISES": "off"}

Stop = tuple[str, str]


def stops() -> list[Stop]:
    """The stops on the page, file and function, in their order."""
    section = PAGE.read_text(encoding="utf-8").partition("## The road of a goal")[2].partition("\n## ")[0]
    return re.findall(r"^\d\. `([^`]+)` `([^`]+)`", section, re.MULTILINE)


class Watched(ScriptedSession):
    """A session of a small Lean that notes who asks it to try tactics."""

    def __init__(self) -> None:
        super().__init__(SmallLean({0: frozenset({"omega"})}).answer)
        self.callers: list[list[Stop]] = []

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """Note the stack of calls, and answer."""
        if isinstance(request, Tactics):
            self.callers.append([(_file(each.filename), each.name) for each in traceback.extract_stack()])
        return await super().exchange(request, timeout=timeout)


FOUND = LeanFound(kind=LeanKind.EMBEDDED, version="4", why="asked")
SESSIONS: list[Watched] = []


@dataclass(frozen=True)
class ScriptedServers(Servers):
    """Servers whose sessions are scripted."""

    def session(self, _has_room: object = None) -> Watched:  # type: ignore[override]
        """A session that starts nothing."""
        SESSIONS.append(Watched())
        return SESSIONS[-1]


class StrictGate(Gate):
    """A gate that finds a fault with every patch; what is right is judged on a real Lean."""

    async def _answers(
        self, case: object, modules: Sequence[SourceModule], *_: object
    ) -> dict[SourceModule, FileAnswers]:
        fault = Shape(problems=("nothing passes",))
        return {module: FileAnswers(fault, KernelReport({}, {})) for module in modules}


def scripted_servers() -> Servers:
    """One server of a small Lean."""
    return ScriptedServers(Launch(command=(), environment={}, folder="/"), 1, LeanSettings(), "scripted", "scripted")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with one sorry, a scripted Lean for it, and stages that are plain calls."""
    for name, value in {**QUICK, **{f"ORCH_{kind}_DIR": str(tmp_path / kind) for kind in ("DATA", "CACHE")}}.items():
        monkeypatch.setenv(name, value)
    for module in (flows.nightly, tasks.begin, tasks.judge):
        _without_prefect(module, monkeypatch)

    async def servers(*_: object) -> Servers:
        return scripted_servers()

    async def nothing(*_: object, **_options: object) -> None:
        return None

    async def only_files(end: Conclusion, out: str) -> Conclusion:
        return write_results(end, out)

    @asynccontextmanager
    async def no_artifact(_goals: int) -> AsyncIterator[None]:
        yield

    async def untasked(attempt: Attempt, run: Handler) -> Result:
        return await run(attempt)

    def only_micro(tools: StrategyTools) -> dict[StrategyType, Strategy]:
        return {SPEC.type: SPEC.make(tools)}

    monkeypatch.setattr("orchestrator.run.assembly.make_strategies", only_micro)
    monkeypatch.setattr(tasks.begin, "set_up_lean", servers)
    monkeypatch.setattr(tasks.begin, "run_link", lambda: "")
    monkeypatch.setattr(tasks.attempt, "progress_artifact", no_artifact)
    monkeypatch.setattr(flows.nightly, "ensure_limits", nothing)
    monkeypatch.setattr(flows.nightly, "report", only_files)
    monkeypatch.setattr(tasks.attempt, "prefect_task", lambda _settings: untasked)
    monkeypatch.setattr("orchestrator.run.verify.Gate", StrictGate)
    monkeypatch.setattr("orchestrator.run.run.usable", lambda _settings, _paths, project: project)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "lakefile.toml").write_text('name = "A"\n\n[[lean_lib]]\nname = "A"\n')
    (folder / "A.lean").write_text("theorem a : 1 = 1 := by\n  sorry\n")
    commit(folder)
    with disable_run_logger():
        yield folder


def commit(folder: Path) -> None:
    """All that is in a folder, as a commit."""
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "change"]):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def _without_prefect(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(module).copy().items():
        code = getattr(value, "__code__", None)
        if code is not None and code.co_filename.endswith("tasks/stage.py") and hasattr(value, "__wrapped__"):
            monkeypatch.setattr(module, name, value.__wrapped__)


def _file(path: str) -> str:
    return path.removeprefix(f"{ROOT}/")


def recorder(calls: list[Stop]) -> Callable[[FrameType, str, Any], None]:
    """Notes each function of ours when it is called for the first time."""
    seen: set[Stop] = set()

    def record(frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(ROOT)):
            return
        stop = (_file(frame.f_code.co_filename), frame.f_code.co_qualname)
        if stop not in seen:
            seen.add(stop)
            calls.append(stop)

    return record


async def test_a_goal_passes_the_eight_stops_of_the_page_in_their_order(repository: Path) -> None:
    SESSIONS.clear()
    calls: list[Stop] = []
    sys.setprofile(recorder(calls))
    try:
        await flows.nightly.nightly.fn(str(repository))
    finally:
        sys.setprofile(None)
    road = stops()
    assert len(road) == 8
    assert [stop for stop in road if stop not in calls] == []
    assert sorted(road, key=calls.index) == road
    stack = next(callers for session in SESSIONS for callers in session.callers)
    names = [stop for stop in stack if not stop[0].startswith("/")]
    inner = [(file, name.rpartition(".")[2]) for file, name in road[3:6]]
    assert list(dict.fromkeys(stop for stop in names if stop in inner)) == inner
    assert names[-1] == ("tests/unit/run/test_road.py", "exchange")


async def test_there_is_work_until_all_is_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.run.plan.choose_lean", lambda *_: FOUND)
    monkeypatch.setattr("orchestrator.run.plan.provision", lambda *_, **_options: scripted_servers())
    out = repository.parent / "out"
    request = request_of({"repo": str(repository), "out": str(out)})
    assert await nothing_to_do(request) is None
    await flows.nightly.nightly.fn(str(repository))
    SESSIONS.clear()
    known = await nothing_to_do(request)
    assert known is not None
    assert not any(session.asked for session in SESSIONS)
    assert [report.note for report in known.goals] == [REPEATED]
    assert {file.name for file in out.iterdir()} >= {"summary.json", "proofs.patch", "report.md"}
    (repository / "A.lean").write_text("theorem a : 1 = 1 := by\n  sorry\n\ntheorem b : 2 = 2 := by\n  sorry\n")
    commit(repository)
    assert await nothing_to_do(request) is None
    with Ledger.open(load_settings().paths.ledger_file) as ledger:
        assert len(ledger.runs()) == 2
