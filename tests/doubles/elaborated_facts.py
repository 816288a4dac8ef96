"""Declarations as elaborated, for tests that judge them."""

from __future__ import annotations

from typing import Any

from orchestrator.goals.declaration import Fingerprint


def fact(name: str, **changes: Any) -> Fingerprint:
    """A theorem's fingerprint that rests on nothing, but for what `changes` says."""
    plain: dict[str, Any] = {
        "kind": "theorem",
        "levels": (),
        "type": f"type of {name}",
        "value": "",
        "axioms": (),
        "has_sorry": False,
        "user_name": name.rpartition(".0.")[2],
    }
    return Fingerprint(name, **{**plain, **changes})


def sorried(name: str, **changes: Any) -> Fingerprint:
    """The same with a sorry of its own."""
    return fact(name, **{"axioms": ("sorryAx",), "has_sorry": True, "own_sorry": True, **changes})


def named(*facts: Fingerprint) -> dict[str, Fingerprint]:
    """Fingerprints by exact name."""
    return {one.name: one for one in facts}
