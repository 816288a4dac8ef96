"""What the settings name and cannot be used is said."""

from __future__ import annotations

from pathlib import Path

from orchestrator.config import load_settings
from orchestrator.strategies.registry import neglected_models


def test_a_folder_without_a_model_is_named_with_the_reason(tmp_path: Path) -> None:
    settings = load_settings({"ORCH_REPROVER_GENERATOR": str(tmp_path / "nowhere")})
    (words,) = neglected_models(settings)
    assert words.startswith("ORCH_REPROVER_GENERATOR is set and is not used: ")


def test_nothing_is_said_of_what_nobody_set() -> None:
    assert neglected_models(load_settings({})) == ()
