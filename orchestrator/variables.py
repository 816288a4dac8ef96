"""Environment variables as values: how a text becomes a setting, and what to say when it cannot. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its name, how a text becomes a value, which values are good, and the words for that."""

    name: str
    parse: Callable[[str], Any]
    accept: Callable[[Any], bool]
    allowed: str
    secret: bool = False

    @property
    def label(self) -> str:
        """The environment variable."""
        return "ORCH_" + self.name.upper()

    def parsed(self, text: str, *, where: str = "") -> Any:
        """The value that `text` stands for; `where` it was written, unless in the environment.

        Raises:
            ConfigError: it stands for none, or for one that is not allowed.
        """
        try:
            value = self.parse(text)
        except ValueError as error:
            raise self._refusal(text, where) from error
        if not self.accept(value):
            raise self._refusal(text, where)
        return value

    def checked(self, value: Any) -> Any:
        """The value itself.

        Raises:
            ConfigError: it is not allowed.
        """
        if not self.accept(value):
            raise self._refusal(str(value))
        return value

    def _refusal(self, value: str, where: str = "") -> ConfigError:
        shown = "(hidden)" if self.secret else repr(value)
        name = self.name if where else self.label
        return ConfigError(f"{name} cannot be {shown}", where=where or self.label, hint=f"Allowed: {self.allowed}")


def integer(name: str, least: int, most: int, words: str = "") -> Variable:
    """A whole number between two bounds, both included."""
    return Variable(name, int, lambda value: least <= value <= most, words or f"a whole number from {least} to {most}")


def number(name: str, least: float, most: float, words: str) -> Variable:
    """A number between two bounds, both included."""
    return Variable(name, float, lambda value: math.isfinite(value) and least <= value <= most, words)


def seconds(name: str, least: float = 0.1) -> Variable:
    """A duration."""
    return number(name, least, 1e7, f"seconds, {least:g} or more")


def share(name: str) -> Variable:
    """A weight."""
    return number(name, 0.001, 1.0, "a number above 0 and up to 1")


def folder(name: str) -> Variable:
    """A folder, which need not exist."""
    return Variable(name, _path, lambda value: bool(value.is_absolute()), "an absolute path, or one that starts with ~")


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # no such user, or no home folder
        raise ValueError(text) from error
