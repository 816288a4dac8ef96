"""What every command shares: JSON on standard output, and how long work shows how far it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter
from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")]


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def counted_along(console: Console, items: Iterable[Item], words: str, total: int | None = None) -> Iterator[Item]:
    """The items; a bar on a terminal, and one line at the end elsewhere."""
    if console.is_interactive:
        yield from track(items, description=words, total=total, console=console, transient=True)
        return
    done = 0
    for item in items:
        yield item
        done += 1
    console.print(f"{words}: {done}", highlight=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
