"""A bench that is told to end takes with it what it started."""

from __future__ import annotations

import asyncio
import json
import runpy
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from waiting import until

from bench.command import write_figures

BENCH = """
import os, sys
from pathlib import Path
from bench.command import run_child, run_command
child = (
    "import os, subprocess, sys, time; from pathlib import Path;"
    "below = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "Path('child').write_text(f'{os.getpid()} {below.pid}'); time.sleep(600)"
)
def main():
    with Path("output").open("wb") as output:
        return run_child([sys.executable, "-c", child], environment=os.environ, output=output, folder=Path.cwd())
run_command(main)
"""
ROOT = Path(__file__).parents[3]
WRITERS = {"plots", "record", "record_matrix", "record_queries", "train"}
"""They measure nothing: the file they are given is what they make."""
COMMANDS = sorted(
    path.parent.name if path.stem == "__main__" else path.stem
    for path in (ROOT / "bench").rglob("*.py")
    if "\nif __name__ ==" in path.read_text(encoding="utf-8")
)


async def test_sigterm_ends_the_child_and_what_it_started_and_then_the_bench(tmp_path: Path) -> None:
    written = tmp_path / "child"
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    bench = await asyncio.create_subprocess_exec(sys.executable, "-c", BENCH, cwd=tmp_path, env=environment)
    await until(lambda: written.exists() and bool(written.read_text()))
    bench.send_signal(signal.SIGTERM)
    assert await bench.wait() == 130
    child, below = map(int, written.read_text().split())
    assert not psutil.pid_exists(child)
    await until(lambda: not psutil.pid_exists(below) or psutil.Process(below).status() == psutil.STATUS_ZOMBIE)


@pytest.fixture
def signals() -> Iterator[None]:
    """What SIGTERM did before a bench took it over."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # another test has imported it
@pytest.mark.parametrize("name", COMMANDS)
def test_every_bench_says_what_it_does_takes_json_and_ends_in_order(
    name: str, signals: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"bench.{name}", run_name="__main__")
    assert ended.value.code == 0
    assert ("--json" in capsys.readouterr().out) is (name not in WRITERS)
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.mark.parametrize("named", [True, False])
def test_figures_are_written_where_they_are_asked_for(tmp_path: Path, named: bool) -> None:
    path = tmp_path / "figures.json"
    write_figures(path if named else None, {"ours": 1.5})
    assert path.exists() is named
    assert not named or json.loads(path.read_text()) == {"ours": 1.5}
