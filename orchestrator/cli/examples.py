"""Examples in docstrings, shown at the end of a command's help, which cyclopts alone leaves out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

from cyclopts import App

Command = TypeVar("Command", bound=Callable[..., Any])
_SECTION = re.compile(r"^Examples\n-+\n(?P<lines>.+)", re.MULTILINE | re.DOTALL)


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
