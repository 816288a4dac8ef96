"""Pairs of a state and a tactic to train on: read from files, and some theorems set apart for validation."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Example:
    """A tactic that made progress on a state.

    Attributes:
        state: the open goals as Lean prints them, separated by blank lines.
        tactic: what was run.
        theorem: where it was recorded; "" when that is not known.
    """

    state: str
    tactic: str
    theorem: str = ""


def read_pairs(paths: Iterable[Path]) -> list[Example]:
    """The pair of every line, no state with a tactic twice. Files whose names end in `.gz` are compressed.

    Raises:
        ConfigError: a file cannot be read, or a line is no pair; file and line are named.
    """
    found: dict[tuple[str, str], Example] = {}
    for path in paths:
        try:
            content = path.read_bytes()
            text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        except (OSError, EOFError, UnicodeDecodeError) as error:
            hint = "Make one with: python -m bench.record --out FILE"
            raise ConfigError("the pairs cannot be read", where=str(path), hint=hint) from error
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                example = _pair(line, f"{path}:{number}")
                found.setdefault((example.state, example.tactic), example)
    return list(found.values())


def set_apart(examples: Sequence[Example], share: float) -> tuple[list[Example], list[Example]]:
    """The examples to train on, and those of about a `share` of the theorems, which training must not see.

    Theorems are chosen by the digest of their names, so that more examples never move one to the other side.
    """
    sides: tuple[list[Example], list[Example]] = ([], [])
    for example in examples:
        digest = hashlib.sha256((example.theorem or example.state).encode("utf-8", "surrogatepass")).digest()
        sides[int.from_bytes(digest[:4]) < share * 2**32].append(example)
    return sides


def _pair(line: str, where: str) -> Example:
    try:
        value = json.loads(line)
        state, tactic, theorem = value["state"], value["tactic"], value.get("declaration", "")
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("no pair of a state and a tactic", where=where) from error
    if not (isinstance(state, str) and isinstance(tactic, str) and tactic.strip()):
        raise ConfigError("state and tactic must be texts, and the tactic not empty", where=where)
    return Example(state, tactic.strip(), str(theorem))
