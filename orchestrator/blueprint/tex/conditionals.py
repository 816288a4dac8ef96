"""TeX's conditionals while reading: which branches are live, as far as that can be told without executing TeX."""

from __future__ import annotations

from orchestrator.blueprint.tex.scanner import Scanner

_PRIMITIVES = frozenset(
    {"if", "ifcase", "ifcat", "ifcsname", "ifdefined", "ifdim", "ifeof", "iffalse", "ifhbox", "ifhmode", "ifinner"}
    | {"ifmmode", "ifnum", "ifodd", "iftrue", "ifvbox", "ifvmode", "ifvoid", "ifx", "ifplastex", "ifpdf", "ifxetex"}
)


class Conditionals:
    """The conditionals open at the current position. Both branches are live when the condition is not known.

    `plastex`: value of `\\ifplastex`: the file is the one plasTeX reads.
    """

    def __init__(self, *, plastex: bool) -> None:
        self._values = {"iftrue": True, "iffalse": False, "ifplastex": plastex}
        self._open: list[bool | None] = []

    def take(self, name: str, scanner: Scanner) -> bool:
        """Handle the command just read if it belongs to a conditional, moving past dead branches; whether it did."""
        if name == "newif":
            if conditional := scanner.control_word():
                self._values[conditional] = False
        elif name == "else":
            if self._open and self._open[-1] is True:
                self._skip_branch(scanner)
                self._open.pop()
        elif name == "fi":
            if self._open:
                self._open.pop()
        elif self._is_conditional(name):
            value = self._values.get(name)
            if value is not False or self._skip_branch(scanner) == "else":
                self._open.append(value)
        else:
            return self._set(name)
        return True

    def _is_conditional(self, name: str) -> bool:
        return name in _PRIMITIVES or name in self._values

    def _set(self, name: str) -> bool:
        for ending, value in (("true", True), ("false", False)):
            conditional = f"if{name.removesuffix(ending)}"
            if name.endswith(ending) and conditional in self._values:
                self._values[conditional] = value
                return True
        return False

    def _skip_branch(self, scanner: Scanner) -> str:
        """Move past the `\\else` or `\\fi` that ends the branch; its name. The end of the file ends it as well."""
        depth = 0
        while command := scanner.next_command():
            if command.name == "newif":
                scanner.control_word()
            elif self._is_conditional(command.name):
                depth += 1
            elif command.name == "fi" and depth:
                depth -= 1
            elif command.name in ("fi", "else") and depth == 0:
                return command.name
        return "fi"
