"""The configuration file: under variables and flags, over defaults, and never a repository's."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config import Profile, SettingSource, given_settings, load_settings
from orchestrator.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "lean-orchestrator").mkdir(parents=True)
    return tmp_path


def write(home: Path, text: str) -> dict[str, str]:
    """An environment in which the file has this content."""
    (home / ".config" / "lean-orchestrator" / "config.toml").write_text(text, encoding="utf-8")
    return {"HOME": str(home)}


def test_flags_win_over_variables_and_those_over_the_file(home: Path) -> None:
    environ = write(home, 'profile = 2\nservers = 3\nmax_light = 5\nlean = "embedded"\n')
    environ |= {"ORCH_SERVERS": "4", "ORCH_MAX_LIGHT": "6"}
    settings = load_settings(environ, max_light=7)
    assert settings.profile is Profile.THOROUGH
    assert settings.servers == 4
    assert settings.max_light == 7
    assert settings.max_heavy == 2


def test_where_each_setting_is_from(home: Path) -> None:
    secret = "postgresql://me:secret@host/ledger"
    rows, file = given_settings(write(home, f'ledger_url = "{secret}"\n') | {"ORCH_SERVERS": "2"})
    found = {row.name: (row.text, row.source) for row in rows}
    assert found["ledger_url"] == ("(hidden)", SettingSource.FILE)
    assert found["servers"] == ("2", SettingSource.ENVIRONMENT)
    assert found["max_heavy"] == ("", SettingSource.DEFAULT)
    assert file == home / ".config" / "lean-orchestrator" / "config.toml"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("profile = 9\n", "profile cannot be '9'"),
        ("max_haevy = 3\n", "max_haevy is not a setting"),
        ("profile = [1]\n", "profile cannot be '[1]'"),
        ("servers = true\n", "servers cannot be 'True'"),
        ("timeout_micro = 0\n", "timeout_micro cannot be '0'"),
        ("profile 1\n", "not TOML"),
        ('dashboard_token = "short"\n', "dashboard_token cannot be (hidden)"),
    ],
)
def test_a_mistake_is_told_with_its_place(home: Path, text: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(home, text))
    assert what in caught.value.what
    assert "config.toml" in caught.value.where


def test_values_may_be_written_as_toml_writes_them(home: Path) -> None:
    settings = load_settings(write(home, 'market = false\ntimeout = 9\nallowed_axioms = ["A.b", "c"]\nservers = ""\n'))
    assert (settings.market, settings.timeout, settings.servers) == (False, 9.0, None)
    assert settings.allowed_axioms == {"A.b", "c"}


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    environ = write(home, "")
    file = home / ".config" / "lean-orchestrator" / "config.toml"
    file.write_bytes(b"lean = '\xff'")
    with pytest.raises(ConfigError, match="not TOML") as caught:
        load_settings(environ)
    assert caught.value.where == str(file)
    assert caught.value.hint


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings({"ORCH_CONFIG": str(tmp_path / "none.toml")})
    (tmp_path / "own.toml").write_text("servers = 9\n")
    assert load_settings({"ORCH_CONFIG": str(tmp_path / "own.toml")}).servers == 9


def test_without_a_home_there_is_no_file() -> None:
    assert load_settings({}).servers is None
