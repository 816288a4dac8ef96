"""`orchestrator nightly`: what it refuses at once, and the unit it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.main import app, run
from orchestrator.cli.nightly import answers, write_unit


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "25:00"), "'25:00' is no time of day (--at). Give hours and minutes, such as 01:00"),
        (("--at", "1"), "'1' is no time of day"),
        (("--timezone", "Middle/Earth"), "there is no time zone 'Middle/Earth'"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["nightly", str(tmp_path), *words]
    assert run(lambda: app(given, result_action="return_value", exit_on_error=False)) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_repository_that_is_not_there_is_refused_before_anything_is_registered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["nightly", str(tmp_path / "nowhere")]
    assert run(lambda: app(given, result_action="return_value", exit_on_error=False)) == 3
    assert "there is no such folder" in capsys.readouterr().err


def test_the_unit_keeps_the_environment_and_is_its_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    unit = write_unit({"ORCH_LLM_KEY": 'a "quoted" 100% \\ key', "PATH": "/bin"})
    assert unit == tmp_path / "systemd/user/lean-orchestrator.service"
    assert unit.stat().st_mode & 0o777 == 0o600
    text = unit.read_text()
    assert 'Environment="ORCH_LLM_KEY=a \\"quoted\\" 100%% \\\\ key"\nEnvironment="PATH=/bin"\n' in text
    assert '"-m" "orchestrator.main" "worker"\n' in text


def test_nobody_answers_where_nobody_listens() -> None:
    assert not answers("http://127.0.0.1:9/api")
