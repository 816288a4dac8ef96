"""Strategies of other packages: the example of the manual, installed as anybody would, is offered, run and set up."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from orchestrator.config import STRATEGY_SECONDS
from orchestrator.goals.result import StrategyType
from orchestrator.strategies.registry import OURS, specs

ROOT = Path(__file__).parents[3]
PROVES = """
import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from orchestrator.config import load_settings, described_settings
from orchestrator.lean.protocol import CheckReply, TacticReply
from orchestrator.scheduler import Goal, Scheduler, StrategyType
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.strategies.local_context import VisibleDeclarations
from orchestrator.strategies.registry import make_strategies
from orchestrator.strategies.spec import StrategyTools


class Lean:
    goals = 1

    @asynccontextmanager
    async def open(self, goal):
        yield self

    async def tactics(self, tactics, **_):
        return tuple(TacticReply(tactic=tactic, completed=tactic.startswith("symm;")) for tactic in tactics)

    async def check(self, script, **_):
        return CheckReply(script.startswith("symm;"))


settings = load_settings()
tools = StrategyTools(
    settings=settings, prover=Lean(), definitions=lambda _: (), declarations=lambda _: VisibleDeclarations()
)
kind = StrategyType("symmetry")
strategies = {kind: make_strategies(tools)[kind]}
context = replace(SchedulerContext.of(settings), strategies=strategies, memory=MemoryLedger())
result = asyncio.run(Scheduler(context, settings=settings).run_goal(Goal("g", "h : b = a\\n⊢ a = b")))
print(result.success, result.strategy.value, *result.tactics)
print(settings.timeouts[kind], described_settings()["timeout_symmetry"].variable, list(StrategyType)[-1].value)
"""


def test_every_strategy_of_ours_has_a_row() -> None:
    assert [spec.type for spec in OURS] == [kind for kind in StrategyType if kind in STRATEGY_SECONDS]
    assert set(specs()) >= {StrategyType.MICRO, StrategyType.HAMMER, StrategyType.COPILOT}
    assert {spec.type: spec.seconds for spec in OURS} == STRATEGY_SECONDS


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package in it, as pip installs it."""
    for needed in ("pip", "setuptools"):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    for file in (ROOT / "docs/example-strategy").glob("*.*"):
        (source / file.name).write_bytes(file.read_bytes())
    options = ("-q", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    return target


def run(code: str, installed: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(installed), str(ROOT)])
    everything = {**os.environ, "PYTHONPATH": paths, **environ}
    return subprocess.run([sys.executable, "-c", code], env=everything, capture_output=True, text=True, check=False)


def test_a_strategy_of_another_package_is_offered_and_run(installed: Path) -> None:
    done = run(PROVES, installed, ORCH_TIMEOUT_SYMMETRY="3")
    assert done.stdout.splitlines() == [
        "True symmetry symm; assumption",
        "3.0 ORCH_TIMEOUT_SYMMETRY symmetry",
    ], done.stderr


def test_a_package_that_cannot_be_loaded_is_named(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "example_strategy.py").write_text("SPEC = 1\n")
    code = "from orchestrator.strategies.registry import specs\ntry: specs()\nexcept Exception as e: print(e)"
    paths = os.pathsep.join([str(tmp_path), str(installed)])
    assert "symmetry is no StrategySpec of that name" in run(code, Path(paths)).stdout
    (tmp_path / "example_strategy.py").write_text("import nothing_of_the_kind\n")
    assert "The strategy symmetry cannot be loaded" in run(code, Path(paths)).stdout
