"""What a run of the power benchmark has measured so far: a row for each goal and method, kept in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one goal.

    Attributes:
        goal: id in the bank.
        method: what was tried.
        key: digest of all that the outcome depends on; a row with another key is measured again.
        solved: Lean took the proof in the declaration, within the time.
        seconds: processor seconds of the Lean server.
        wall: seconds by the clock, which other work on the machine stretches.
        script: the proof ("" for none).
        note: why there is none.
        details: of our own methods.
    """

    goal: str
    method: str
    key: str
    solved: bool
    seconds: float
    wall: float = 0.0
    script: str = ""
    note: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


class Rows:
    """Rows in a file of one JSON object a line, written as they come; a half-written last line is left out.

    Raises:
        ConfigError: the file holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[str, str], Row] = {}
        if path.exists():
            lines = path.read_text(encoding="utf-8").split("\n")
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row = Row(**json.loads(line))
                except (ValueError, TypeError) as error:
                    if number == len(lines):
                        break
                    raise ConfigError("not a row of the power benchmark", where=f"{path}:{number}") from error
                self._rows[row.goal, row.method] = row

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def has(self, goal: str, method: str, key: str) -> bool:
        """Whether this very thing was measured before."""
        row = self._rows.get((goal, method))
        return row is not None and row.key == key

    def add(self, row: Row) -> None:
        """Keep a row, instead of an older one of the same goal and method."""
        self._rows[row.goal, row.method] = row
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
