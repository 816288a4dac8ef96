"""When a run collects the library's theorems, and when it reads them at all."""

from __future__ import annotations

import pytest

from orchestrator.config import Profile, Settings, Switch, load_settings
from tasks.premises import wanted


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


def test_the_setting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().premises is Switch.AUTO
    monkeypatch.setenv("ORCH_PREMISES", "off")
    assert load_settings().premises is Switch.OFF
