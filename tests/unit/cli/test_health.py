"""`orchestrator doctor` on machines in several conditions: each finding names the command that fixes it."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from orchestrator.cli.main import app, run
from orchestrator.config import Settings
from orchestrator.errors import LedgerError
from orchestrator.lean.embedded.install import inspect_embedded
from orchestrator.ledger.store import Ledger
from orchestrator.machine import EXTRAS, how_to_install


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh machine: own folders, with nothing in them."""
    for name in ("CACHE", "DATA", "STATE"):
        monkeypatch.setenv(f"ORCH_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(lambda: app(["doctor", *words], result_action="return_value", exit_on_error=False))
    return code, capsys.readouterr().out


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """Level and remedy by what was found."""
    _, text = doctor(capsys, "--json")
    return {one["what"]: (one["level"], one["fix"]) for one in json.loads(text)["findings"]}


def test_a_fresh_machine_is_told_to_install_lean(capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys)
    ((level, fix),) = [value for what, value in found.items() if what.startswith("embedded Lean")]
    assert fix == "orchestrator lean install"
    assert level in ("bad", "warn")  # a native Lean would do as well
    assert found["there is no ledger yet; the first run makes it"] == ("ok", "")


def test_a_missing_extra_is_named_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    extras = {what.split()[1]: value for what, value in findings(capsys).items() if what.startswith("extra")}
    assert set(extras) == set(EXTRAS)
    for extra, (level, fix) in extras.items():
        there = all(map(find_spec, EXTRAS[extra]))
        assert (level, fix) == (("ok", "") if there else ("warn", how_to_install(extra)))


def test_what_is_only_a_limitation_is_not_to_be_done_first(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = doctor(capsys)
    listed, _, first = text.partition("Do this first:")
    assert how_to_install("dojo") in listed or find_spec("lean_dojo")
    assert "lean-dojo" not in first


def test_a_broken_lean_is_told_to_be_installed_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = inspect_embedded(Settings(cache_dir=tmp_path / "cache").paths)
    Path(missing.detail.removesuffix(" is missing")).mkdir(parents=True)
    code, text = doctor(capsys)
    listed, _, first = text.partition("Do this first:")
    assert code == 1
    assert "is broken" in listed
    assert "orchestrator lean install" in first


@pytest.mark.parametrize("place", ["", "answers", "checkouts", "checkouts/mirrors"])
def test_a_broken_cache_is_told_to_be_removed(capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str) -> None:
    broken = tmp_path / "cache" / place
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text("not a folder")
    code, text = doctor(capsys)
    assert code == 1
    said, _, first = text.partition("Do this first:")
    assert "is broken" in said
    assert f"rm -rf {broken}   # only a cache" in first


def test_a_broken_clone_is_told_to_be_removed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "cache" / "checkouts" / "mirrors" / "a.git").mkdir(parents=True)
    code, text = doctor(capsys)
    assert code == 1
    assert "a.git is no longer a git repository" in text
    assert f"rm -rf {tmp_path}/cache/checkouts/mirrors" in text


def test_a_damaged_ledger_is_never_told_to_be_removed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "ledger.db"
    file.write_bytes(b"no database at all" * 100)
    code, text = doctor(capsys)
    assert code == 1
    assert f"Move {file} away" in text
    assert "rm -rf" not in text
    with pytest.raises(LedgerError):
        Ledger.open(file)


def test_a_bad_setting_is_the_only_thing_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_PROFILE", "9")
    code, text = doctor(capsys)
    assert code == 1
    assert "ORCH_PROFILE cannot be '9'" in text
    assert "Allowed: 0 or stub" in text


def test_nothing_is_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    doctor(capsys)
    assert os.listdir(tmp_path) == []
