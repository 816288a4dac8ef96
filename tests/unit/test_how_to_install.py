"""What a message about a missing library tells its reader to type."""

from __future__ import annotations

import shlex
import sys

import pytest

from orchestrator import machine
from orchestrator.machine import how_to_install


def test_the_command_names_packages_and_the_python_that_runs_us() -> None:
    python, *words = shlex.split(how_to_install("models"))
    assert python in (sys.executable, "uv")
    assert "torch==2.13.0" in words
    assert not any("lean-orchestrator" in word for word in words), "no index has it"


def test_an_extra_whose_packages_refuse_this_python_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lagging = "lean-dojo<5,>=4; python_version < '3.0' and extra == 'dojo'"
    monkeypatch.setattr(machine, "requires", lambda _name: ["prefect>=3", lagging])
    assert how_to_install("dojo").startswith("its packages do not run on Python 3.")


def test_without_metadata_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_name: str) -> list[str]:
        raise machine.PackageNotFoundError

    monkeypatch.setattr(machine, "requires", absent)
    assert how_to_install("llm").endswith("its extra llm")
