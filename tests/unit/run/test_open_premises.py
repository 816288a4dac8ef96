"""When a run collects the library's theorems, and when it reads them at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import tasks.premises
from orchestrator.config import Profile, Settings, Switch, load_settings
from orchestrator.goals.events import Notice, RunEvent, observed_by
from orchestrator.premises.store import DEFAULT_IMPORTS
from tasks.premises import open_premises, wanted


@pytest.mark.parametrize(
    ("choice", "profile", "background", "expected"),
    [
        (Switch.AUTO, Profile.NORMAL, False, False),
        (Switch.AUTO, Profile.NORMAL, True, True),
        (Switch.AUTO, Profile.THOROUGH, False, True),
        (Switch.ON, Profile.NORMAL, False, True),
        (Switch.OFF, Profile.THOROUGH, True, False),
    ],
)
def test_missing_theorems_are_collected_by_runs_that_have_the_time(
    choice: Switch, profile: Profile, background: bool, expected: bool
) -> None:
    settings = Settings(profile=profile, premises=choice)
    assert wanted(settings, background=background) is expected


@pytest.mark.parametrize(
    ("imports", "known", "opened", "words"),
    [
        (DEFAULT_IMPORTS, [DEFAULT_IMPORTS], DEFAULT_IMPORTS, ""),
        (DEFAULT_IMPORTS, [], None, "the library's theorems are not looked up"),
        ((*DEFAULT_IMPORTS, "Mathlib"), [DEFAULT_IMPORTS], DEFAULT_IMPORTS, "theorems of Mathlib are not looked up"),
        ((*DEFAULT_IMPORTS, "Mathlib"), [], None, "premises build --import Std --import Mathlib`"),
    ],
)
async def test_where_a_package_was_not_collected_leans_own_theorems_are_looked_up(
    monkeypatch: pytest.MonkeyPatch,
    imports: tuple[str, ...],
    known: Sequence[tuple[str, ...]],
    opened: tuple[str, ...] | None,
    words: str,
) -> None:
    monkeypatch.setattr(
        tasks.premises, "is_known", lambda _paths, _servers, imports=DEFAULT_IMPORTS: tuple(imports) in known
    )
    monkeypatch.setattr(tasks.premises, "known_library", lambda _paths, _servers, imports, dense: imports)
    said: list[RunEvent] = []
    work: Any = open_premises
    with observed_by(said.append):
        assert await work.__wrapped__(Settings(), None, ["a goal"], imports=imports) == opened
    assert [words in event.text for event in said if isinstance(event, Notice)] == ([True] if words else [])


def test_the_setting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().premises is Switch.AUTO
    monkeypatch.setenv("ORCH_PREMISES", "off")
    assert load_settings().premises is Switch.OFF
