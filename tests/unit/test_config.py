"""Settings from the environment and the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.config import (
    LeanChoice,
    LeanSettings,
    Paths,
    Profile,
    SchedulerSettings,
    Settings,
    child_environment,
    described_settings,
    load_settings,
)
from orchestrator.errors import ConfigError
from orchestrator.goals.result import StrategyType

PATHS = {"ORCH_CACHE_DIR": "/c", "ORCH_DATA_DIR": "/d", "ORCH_STATE_DIR": "/s"}


def test_without_variables_everything_has_its_default() -> None:
    assert load_settings({"HOME": "/root", "ORCHESTRA": "no variable of ours"}) == Settings()
    assert {str(strategy): seconds for strategy, seconds in Settings().timeouts.items()} == {
        "micro": 8,
        "copilot": 20,
        "reprover": 60,
        "sketch": 6,
        "hammer": 20,
        "agent": 600,
    }


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_counts_as_not_set(text: str) -> None:
    assert load_settings({"ORCH_SERVERS": text, "ORCH_PROFILE": text, "ORCH_CACHE_DIR": text}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "read", "value"),
    [
        ("ORCH_PROFILE", "0", lambda s: s.profile, Profile.STUB),
        ("ORCH_PROFILE", "Thorough", lambda s: s.profile, Profile.THOROUGH),
        ("ORCH_LEAN", "Native", lambda s: s.lean, LeanChoice.NATIVE),
        ("ORCH_LEDGER_URL", "postgresql+psycopg://u@h/d", lambda s: s.ledger_url, "postgresql+psycopg://u@h/d"),
        ("ORCH_LEDGER_URL", "sqlite:////x/ledger.db", lambda s: s.ledger_url, "sqlite:////x/ledger.db"),
        ("ORCH_SERVERS", " 3 ", lambda s: s.servers, 3),
        ("ORCH_MEMORY_MB", "2000", lambda s: s.memory_mb, 2000),
        ("ORCH_START_TIMEOUT", "90", lambda s: s.start_timeout, 90.0),
        ("ORCH_TACTIC_TIMEOUT", "2.5", lambda s: s.tactic_timeout, 2.5),
        ("ORCH_HEARTBEATS", "0", lambda s: s.heartbeats, 0),
        ("ORCH_TIMEOUT", "10", lambda s: s.timeout, 10.0),
        ("ORCH_TIMEOUT_SKETCH", "30", lambda s: s.timeouts[StrategyType.SKETCH], 30.0),
        ("ORCH_MAX_LIGHT", "4", lambda s: s.max_light, 4),
        ("ORCH_MAX_HEAVY", "1", lambda s: s.max_heavy, 1),
        ("ORCH_LIGHT_THRESHOLD", "1", lambda s: s.light_threshold, 1.0),
        ("ORCH_CPU_TARGET", "0.9", lambda s: s.cpu_target, 0.9),
        ("ORCH_CPU_ALPHA", "0.2", lambda s: s.cpu_alpha, 0.2),
        ("ORCH_EXPLORATION", "0", lambda s: s.exploration, 0.0),
        ("ORCH_EMA_ALPHA", "1", lambda s: s.ema_alpha, 1.0),
        ("ORCH_SPECULATION", "1", lambda s: s.speculation, 1),
    ],
)
def test_a_variable_sets_its_setting_and_no_other(variable: str, text: str, read: Any, value: object) -> None:
    settings = load_settings({variable: text})
    assert read(settings) == value
    if variable != "ORCH_PROFILE":
        same = load_settings({variable: text, **dict.fromkeys(PATHS, "")})
        assert same == settings


def test_folders_are_read_and_may_start_with_a_tilde() -> None:
    assert load_settings(PATHS).paths == Paths(cache=Path("/c"), data=Path("/d"), state=Path("/s"))
    assert load_settings({"ORCH_CACHE_DIR": "~/x"}).cache_dir == Path.home() / "x"


def test_the_command_line_comes_before_the_environment() -> None:
    settings = load_settings({"ORCH_SERVERS": "3", "ORCH_TIMEOUT": "5"}, servers=2, timeout=None, profile=None)
    assert settings.servers == 2
    assert settings.timeout == 5


def test_the_thorough_profile_gives_three_times_as_much_unless_told_otherwise() -> None:
    settings = load_settings({"ORCH_PROFILE": "2", "ORCH_TIMEOUT_MICRO": "9"})
    assert settings.timeouts[StrategyType.REPROVER] == 180
    assert settings.timeouts[StrategyType.MICRO] == 9
    assert (settings.tactic_timeout, settings.heartbeats) == (15, 600_000)


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("ORCH_PROFILE", "3", "thorough"),
        ("ORCH_PROFILE", "fast", "thorough"),
        ("ORCH_LEAN", "wasm", "auto, native or embedded"),
        ("ORCH_CACHE_DIR", "relative/folder", "absolute"),
        ("ORCH_DATA_DIR", "~nobody-of-this-name/x", "absolute"),
        ("ORCH_SERVERS", "0", "1 to 256"),
        ("ORCH_SERVERS", "two", "1 to 256"),
        ("ORCH_SERVERS", "1.5", "1 to 256"),
        ("ORCH_MEMORY_MB", "-1", "megabytes"),
        ("ORCH_START_TIMEOUT", "0", "seconds"),
        ("ORCH_START_TIMEOUT", "inf", "seconds"),
        ("ORCH_TIMEOUT", "nan", "seconds"),
        ("ORCH_TIMEOUT_HAMMER", "-3", "seconds"),
        ("ORCH_LIGHT_THRESHOLD", "1.1", "0 to 1"),
        ("ORCH_CPU_ALPHA", "0", "from 0.001 to 1"),
        ("ORCH_SPECULATION", "7", "1 to 6"),
    ],
)
def test_a_bad_value_is_refused_with_variable_value_and_what_is_allowed(variable: str, text: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({variable: text})
    assert caught.value.where == variable
    assert repr(text) in caught.value.what
    assert allowed in caught.value.hint


def test_a_bad_value_from_the_command_line_is_refused_too() -> None:
    with pytest.raises(ConfigError, match="ORCH_SERVERS cannot be '0'"):
        load_settings({}, servers=0)


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "postgres:secret", "/file/secret.db"])
def test_a_bad_ledger_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"ORCH_LEDGER_URL": url})
    assert "secret" not in str(caught.value)
    assert "sqlite:///" in caught.value.hint


def test_a_password_in_the_ledger_url_is_not_printed() -> None:
    assert "secret" not in repr(load_settings({"ORCH_LEDGER_URL": "postgresql://u:secret@h/d"}))


@pytest.mark.parametrize(
    ("name", "close"), [("ORCH_SERVRES", "ORCH_SERVERS"), ("ORCH_TIMEOUT_MICR", "ORCH_TIMEOUT_MICRO")]
)
def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(name: str, close: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not a setting") as caught:
        load_settings({name: "1"})
    assert close in caught.value.hint


def test_an_unknown_variable_like_no_other_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"ORCH_XQZ": "1"})
    assert "orchestrator settings" in caught.value.hint


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({"ORCH_TACTIC_TIMEOUT": "0", "ORCH_HEARTBEATS": "0"}, "ORCH_HEARTBEATS=0"),
        ({"ORCH_TACTIC_TIMEOUT": "61"}, "ORCH_TACTIC_TIMEOUT=61"),
        ({"ORCH_MAX_LIGHT": "1", "ORCH_MAX_HEAVY": "1", "ORCH_SPECULATION": "3"}, "ORCH_SPECULATION=3"),
        ({"ORCH_MEMORY_MB": "900"}, "ORCH_MEMORY_MB=900"),
        ({"ORCH_MEMORY_MB": "900", "ORCH_LEAN": "embedded"}, "ORCH_MEMORY_MB=900"),
    ],
)
def test_values_that_contradict_one_another_are_refused(environ: dict[str, str], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ)
    assert where in caught.value.where
    assert caught.value.hint


def test_a_small_memory_limit_is_fine_for_the_native_lean() -> None:
    assert load_settings({"ORCH_MEMORY_MB": "900", "ORCH_LEAN": "native"}).memory_mb == 900


def test_every_setting_is_described_and_its_default_is_allowed() -> None:
    for name, setting in described_settings().items():
        assert all((setting.meaning, setting.default, setting.allowed, setting.section)), name
        assert len(setting.default) < 60, name
        default = setting.default.partition(" (thorough")[0]
        if " " not in default and default not in ("none", "-"):
            assert load_settings({setting.variable: default}) == Settings(), name


@pytest.mark.parametrize("value", [Settings(), LeanSettings(), SchedulerSettings()])
def test_settings_are_frozen(value: Any) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        value.servers = 3


def test_a_value_reads_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_SERVERS", "7")
    assert Settings().servers is None


@given(st.sampled_from(["ORCH_SERVERS", "ORCH_TIMEOUT", "ORCH_LEAN", "ORCH_PROFILE", "ORCH_DATA_DIR"]), st.text())
def test_any_text_gives_settings_or_a_config_error_that_names_the_variable(variable: str, text: str) -> None:
    refused = ""
    try:
        load_settings({variable: text})
    except ConfigError as error:
        refused = error.where
    assert refused in ("", variable)


def test_a_child_sees_only_what_is_allowed() -> None:
    environ = {
        "PATH": "/bin",
        "AWS_SECRET": "x",
        "LC_ALL": "C",
        "http_proxy": "p",
        "HTTPS_PROXY": "q",
        "NPM_CONFIG_X": "1",
    }
    allow = ("PATH", "LC_*", "HTTP_PROXY", "https_proxy", "npm_config_*")
    kept = child_environment(allow, environ=environ, extra={"ADDED": "1", "LC_ALL": "C.UTF-8"})
    assert kept == {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "http_proxy": "p",
        "HTTPS_PROXY": "q",
        "NPM_CONFIG_X": "1",
        "ADDED": "1",
    }
    assert child_environment((), environ=environ) == {}


def test_the_pages_say_what_the_settings_are() -> None:
    script = Path(__file__).parents[2] / "scripts" / "settings_pages.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
