"""Lean options that a `lakefile.lean` gives: lists, by name or joined with `++`, in any of their notations. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from orchestrator.goals.tokens import IDENTIFIER

Value = TypeVar("Value")
_TOKEN = re.compile(rf'"(?:[^"\\]|\\.)*"|`{{1,2}}{IDENTIFIER}|#\[|\+\+|:=|=>|\.?{IDENTIFIER}|[\d_]+|\S')
_DEFINITION = re.compile(
    rf"^[ \t]*(?:(?:private|protected|@\[[^\]]*\])\s+)*(?:def|abbrev)\s+(?P<name>{IDENTIFIER})(?:(?!:=).)*?:=",
    re.MULTILINE | re.DOTALL,
)
_WEAK = re.compile(r"fun(\S+)(?:↦|=>)\{\1withname:=`weak\+\+\1\.name,?\}")
_CONSTRUCTORS = ("ofBool", "ofNat", "ofString")


class UnreadableOptions(Exception):
    """The lakefile computes something that only Lake can."""


def options_at(code: str, start: int) -> list[tuple[str, str]]:
    """The options in the expression at `start` of a lakefile without comments: names, and values as Lean writes them.

    Raises UnreadableOptions: they are computed.
    """
    return _Expression(code, start).items(_Expression.option)


def strings_at(code: str, start: int) -> list[str]:
    """The strings in the expression at `start`, such as Lean's arguments.

    Raises UnreadableOptions: they are computed.
    """
    return _Expression(code, start).items(_Expression.string)


class _Expression:
    """Reads one expression; names are looked up in the whole file; one that leads to itself is unreadable."""

    def __init__(self, code: str, start: int, inside: frozenset[str] = frozenset()) -> None:
        self._code, self._inside = code, inside
        self._tokens = _TOKEN.finditer(code, start)
        self._next = self._advance()

    def items(self, item: Callable[[_Expression], Value]) -> list[Value]:
        found = self._list(item)
        while self._took("++"):
            found += self._list(item)
        return found

    def option(self) -> tuple[str, str]:
        if self._took("⟨"):
            name = self._name()
            self._expect(",")
            value = self._value()
            self._expect("⟩")
            return name, value
        if self._took("{"):
            name = value = ""
            while not self._took("}"):
                field = self._take()
                self._expect(":=")
                if field == "name":
                    name = self._name()
                elif field == "value":
                    value = self._value()
                else:
                    raise UnreadableOptions(field)
                self._took(",")
            return name, value
        return self._other(_Expression.option)

    def string(self) -> str:
        return self._take()[1:-1] if self._next.startswith('"') else self._other(_Expression.string)

    def _list(self, item: Callable[[_Expression], Value]) -> list[Value]:
        if self._took("#[") or self._took("["):
            found: list[Value] = []
            while not self._took("]"):
                found.append(item(self))
                self._took(",")
            return found
        if self._took("("):
            return self._closing(self.items(item))
        name = self._take()
        base, dot, method = name.rpartition(".")
        if dot and method in ("toArray", "toList"):
            name = base
        elif dot and method == "map":
            name = base
            self._made_weak()
        return self._definition(name, lambda inner: inner.items(item))

    def _made_weak(self) -> None:
        """Options that Lean need not know: the only way of computing them that is common."""
        closing = self._took("(")
        words = "".join(self._take() for _ in range(12 if self._next == "fun" else 1))
        if self._next == "}":
            words += self._take()
        if not _WEAK.fullmatch(words) or (closing and not self._took(")")):
            raise UnreadableOptions(words)

    def _name(self) -> str:
        token = self._take()
        if not token.startswith("`"):
            raise UnreadableOptions(token)
        return token.lstrip("`")

    def _value(self) -> str:
        self._took("↑")
        if self._took("("):
            return self._closing(self._value())
        if self._next.rpartition(".")[2] in _CONSTRUCTORS:
            self._take()
            return self._value()
        if self._next in ("true", "false") or self._next.startswith('"'):
            return self._take()
        if self._next[:1].isdigit():
            return self._take().replace("_", "")
        return self._definition(self._take(), _Expression._value)

    def _other(self, item: Callable[[_Expression], Value]) -> Value:
        if self._took("("):
            return self._closing(item(self))
        return self._definition(self._take(), item)

    def _closing(self, value: Value) -> Value:
        """Behind `(value`: its type, if one is named, and the parenthesis."""
        if self._took(":"):
            while self._next not in (")", ""):
                self._take()
        self._expect(")")
        return value

    def _definition(self, name: str, read: Callable[[_Expression], Value]) -> Value:
        found = [match.end() for match in _DEFINITION.finditer(self._code) if match["name"] == name]
        if len(found) != 1 or name in self._inside:
            raise UnreadableOptions(name)
        return read(_Expression(self._code, found[0], self._inside | {name}))

    def _advance(self) -> str:
        match = next(self._tokens, None)
        return match[0] if match else ""

    def _take(self) -> str:
        token, self._next = self._next, self._advance()
        if not token:
            raise UnreadableOptions("the end of the file")
        return token

    def _took(self, token: str) -> bool:
        if self._next != token:
            return False
        self._next = self._advance()
        return True

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise UnreadableOptions(self._next)
