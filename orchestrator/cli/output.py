"""What every command shares: its parameters, JSON on standard output, and how long work shows how far it is."""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from cyclopts import App, Parameter
from cyclopts.validators import Number
from pydantic import BaseModel
from rich.console import Console
from rich.progress import track

from orchestrator.config import load_settings

if TYPE_CHECKING:
    from orchestrator.ledger.store import Ledger

Item = TypeVar("Item")
Command = TypeVar("Command", bound=Callable[..., Any])
_SECTION = re.compile(r"^Examples\n-+\n(?P<lines>.+)", re.MULTILINE | re.DOTALL)

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON on standard output.")]
Repository = Annotated[str, Parameter(help="Folder or URL of a git repository.")]
Reference = Annotated[str, Parameter(help="Branch, tag or commit to work on.")]
OptionalRef = Annotated[
    str | None, Parameter(name="--ref", help="Branch, tag or commit; without it, the folder as it is.")
]
Out = Annotated[Path, Parameter(help="Folder for the results.")]
Seconds = Annotated[
    float | None,
    Parameter(
        validator=Number(gte=0.1),
        help="Seconds that strategies may work; half an hour, a night eight, unless the project says it.",
    ),
]
ProfileNumber = Annotated[
    int | None, Parameter(validator=Number(gte=0, lte=2), help="0 stub workers, 1 normal (the default), 2 thorough.")
]

Runner = Annotated[
    Literal["local", "dask"] | None,
    Parameter(help="Who makes the attempts: this process (the default), or the workers of a Dask cluster."),
]


def to_json(value: Any) -> str:
    """A value as indented JSON: dataclasses and models by their fields, what JSON does not know as text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n"


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    sys.stdout.write(to_json(value))


def print_bytes(content: bytes) -> None:
    """Print a file's content on standard output as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def counted_along(console: Console, items: Iterable[Item], words: str) -> Iterator[Item]:
    """The items; a bar on a terminal, and one line at the end elsewhere."""
    if console.is_interactive:
        yield from track(items, description=words, console=console, transient=True)
        return
    done = 0
    for item in items:
        yield item
        done += 1
    console.print(f"{words}: {done}", highlight=False)


def absolute(path: Path | str) -> Path:
    """A path as it was typed, seen from the root."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def open_ledger() -> Ledger:
    """The ledger of the settings, to be used in a `with` block."""
    from orchestrator.ledger.store import Ledger

    return Ledger.open(load_settings().ledger)


def shown_origin(repo: str | None) -> str | None:
    """A folder as runs name it; a URL or None stays as it is. Raises CheckoutError: the folder is no git repository."""
    if repo is None or "://" in repo or not Path(repo).expanduser().is_dir():
        return repo
    from orchestrator.git.origin import open_origin

    return open_origin(repo, timeout=60.0).shown


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def with_examples(app: App, name: str | None = None) -> Callable[[Command], Command]:
    """A decorator as `app.command`, for functions with a section *Examples* at the end of their docstring."""

    def register(function: Command) -> Command:
        examples = examples_of(function)
        app.command(function, name=name, help_epilogue=f"Examples:\n\n```text\n{examples}\n```" if examples else None)
        return function

    return register


def examples_of(function: Callable[..., Any]) -> str:
    """The lines of the section *Examples* of a docstring, "" when it has none."""
    found = _SECTION.search(inspect.getdoc(function) or "")
    return found["lines"].strip() if found else ""
