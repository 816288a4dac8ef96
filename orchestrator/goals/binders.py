"""How far each binder of a goal's text reaches, as far as the text alone says so for certain. Pure.

Knows ∀ ∃ ∃! λ fun Σ Π, ∑ ∏ ⋃ ⋂ ⨆ ⨅, let, have, `if h : …`, set builders, subtypes and dependent arrows; names in
`match` patterns are left as they are. Behind a word whose syntax it does not know (∫, unknown notation) names are
doubtful up to the next closing bracket, and a doubtful name that could mean two things keeps its spelling everywhere:
doubt costs a missed equality of goals and never a wrong one. One file, long as it is: one cursor reads every construct.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from orchestrator.goals.names import Atom, NameReader, Notes, Undo, Variable
from orchestrator.goals.tokens import (
    BINDERS,
    PRECEDENCE,
    RELATIONS,
    Token,
    TokenKind,
    is_affix,
    is_neutral,
    match_brackets,
)

_BODY = frozenset((",", "=>", "↦"))
_TERMINATORS = _BODY | {";", ":", ":=", "then", "else", "with", "//", ".."}
_BARS = ("|", "‖")
_MAX_DEPTH = 100


class TooDeep(Exception):
    """Raised when a text nests deeper than is worth following."""


class ScopeReader(NameReader):
    """Reads one hypothesis (from its colon on) or one target."""

    def __init__(self, tokens: Sequence[Token], scope: dict[str, Variable], notes: Notes) -> None:
        super().__init__(tokens, scope, notes)
        self._partner = match_brackets(tokens)
        self._depth = 0

    def read(self) -> list[Atom]:
        """The atoms of the whole declaration. Raises TooDeep: use `read_flat` of a fresh reader instead."""
        if not self._partner and self._tokens:
            return self.read_flat()
        self._elements(len(self._tokens), (":", ":="))
        return self._out

    def _elements(self, end: int, separators: Sequence[str] = (",", ":", ":=")) -> None:
        """Terms up to token `end`, with nothing but separators between them unless the syntax is unknown."""
        while self._position < end:
            self._term(0)
            if self._position < end:
                self._doubt = self._doubt or self._text() not in separators
                self._emit()

    def _term(self, floor: int) -> None:
        """Read up to a word that belongs to an enclosing construct, or an operator that binds looser than `floor`."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TooDeep
        typed = self._text(-1) == ":"
        self._after_operand = False
        while (token := self._peek()) is not None:
            if token.kind is TokenKind.CLOSE or token.text in _TERMINATORS:
                break
            if self._after_operand and token.kind is TokenKind.SYMBOL:
                if token.text.startswith(_BARS) and token.text not in PRECEDENCE:
                    break
                if floor and PRECEDENCE.get(token.text, floor) < floor:
                    break
                if floor and token.text not in PRECEDENCE and not is_affix(token.text):
                    self._doubt = True
            self._step(token, typed)
        self._depth -= 1

    def _step(self, token: Token, typed: bool) -> None:
        if token.kind is TokenKind.NAME and self._text(1) == ":=" and not typed:
            # A field's or an argument's name, which is no variable.
            known = self._position and (self._kind(-1) is TokenKind.OPEN or self._text(-1) in (",", "with"))
            self._copy_until(self._position + 1, freeze=not known)
        elif token.text in ("Type", "Sort") and not self._after_operand:
            self._universe()
        elif token.kind is TokenKind.NAME:
            self._name()
        elif token.kind is TokenKind.OPEN:
            self._bracket(self._partner[self._position])
        elif token.text in BINDERS:
            self._binder()
        elif token.text in ("let", "have", "let_fun"):
            self._let()
        elif token.text == "if":
            self._conditional()
        elif token.text == "match":
            self._match()
        elif token.text in _BARS:
            self._bars(token.text)
        else:
            if token.kind is TokenKind.SYMBOL and not is_neutral(token.text):
                self._doubt = True
            self._emit()

    def _universe(self) -> None:
        """`Type u`, `Sort (max u v)`: level names are not variables of the goal."""
        self._append(self._text())
        if self._kind() is TokenKind.NAME:
            self._append(self._text())
        elif self._text() == "(":
            self._copy_until(self._partner[self._position] + 1, freeze=False)

    def _bars(self, bar: str) -> None:
        """|x| and ‖x‖ with the cursor on the opening bar."""
        doubt = self._doubt
        self._emit()
        self._term(0)
        if self._text().startswith(bar):
            self._emit()
            self._after_operand = True
            self._doubt = doubt
        else:
            self._doubt = True

    def _bracket(self, close: int) -> None:
        """Whatever begins with the bracket at the cursor, which ends at `close`."""
        if self._text() == ".{":
            self._copy_until(close + 1, freeze=False)
            return
        following = self._text(close + 1 - self._position)
        if self._names_before_colon() and following in ("→", "->") and self._may_bind():
            bound = self._binder_group(close)
            undo = self._bind(bound)
            self._emit()
            self._term(0)
            self._unbind(undo)
            return
        if following in ("×", "×'"):
            self._freeze(self._names_before_colon())
        if self._tokens[self._position].attached and self._text() in ("[", "⟦"):
            # R[X] may be notation in which X is no variable.
            self._freeze(t.text for t in self._tokens[self._position : close] if len(t.text) == 1 and t.text.isupper())
        doubt = self._doubt
        set_builder = self._text() == "{" and self._has_bar(close)
        self._emit()
        undo = self._bind(self._set_builder() if set_builder else ())
        self._elements(close)
        self._unbind(undo)
        self._emit()
        self._doubt = doubt

    def _may_bind(self) -> bool:
        """The bracket at the cursor stands where `(x : α) → …` can begin; behind `f` it would be an argument."""
        before = self._peek(-1)
        if before is None or before.kind is TokenKind.OPEN or before.text in _TERMINATORS:
            return True
        return PRECEDENCE.get(before.text, 100) <= PRECEDENCE["→"]

    def _has_bar(self, close: int) -> bool:
        """The braces at the cursor read `{x | …`, `{x : α | …`, `{x ∈ s | …` or the like with `//`."""
        if self._kind(1) is not TokenKind.NAME or self._text(2) not in ("|", "//", ":", *RELATIONS):
            return False
        index = self._position + 2
        while index < close and self._tokens[index].text not in ("|", "//"):
            index = max(index, self._partner[index]) + 1
        return index < close

    def _set_builder(self) -> list[Variable]:
        """The variable of a set builder with the cursor on it; leaves the cursor behind the bar."""
        bound = self._declare()
        if self._text() not in ("|", "//"):
            self._condition(bound)
        if self._text() in ("|", "//"):
            self._emit()
        else:
            self._give_up(bound)
        return bound

    def _binder(self) -> None:
        """∀, fun, ∑ and their like: header, separator, body."""
        floor = BINDERS[self._text()]
        self._emit()
        if self._text() == "|":
            self._alternatives()
            return
        undo: Undo = []
        pending: list[Variable] = []
        bound: list[Variable] = []
        while self._text() not in _BODY:
            if self._kind() is TokenKind.NAME:
                pending += self._declare()
            elif self._kind() is TokenKind.OPEN and self._text() != ".{":
                undo += self._bind(pending)
                group = self._binder_group(self._partner[self._position])
                undo += self._bind(group)
                bound += [*pending, *group]
                pending = []
            elif pending and (self._text() == ":" or self._text() in RELATIONS):
                self._condition(pending)
            else:
                self._give_up([*bound, *pending])
                break
        undo += self._bind(pending)
        if self._text() in _BODY:
            self._emit()
            self._term(floor)
        self._unbind(undo)

    def _condition(self, names: Sequence[Variable]) -> None:
        """`: α`, `∈ s` or `< n` behind bound names. Those are out of scope in a type; elsewhere that varies."""
        outer = self._header
        if self._text() != ":":
            self._header = outer | {variable.spelling for variable in names}
        self._emit()
        self._term(0)
        self._header = outer

    def _binder_group(self, close: int) -> list[Variable]:
        """`(x y : α)`, `{x}`, `[inst : C]`, `[C]` up to token `close`: what it binds, not yet in scope."""
        names = self._names_before_colon()
        inside = self._tokens[self._position + 1 : close]
        instance = self._text() == "["
        if not instance and not names:
            names = [token.text for token in inside]
            if not all(token.kind is TokenKind.NAME for token in inside):
                self._copy_until(close + 1, freeze=True)  # a pattern
                return []
        doubt = self._doubt
        self._emit()
        bound = [variable for _ in names for variable in self._declare()]
        self._elements(close)
        self._emit()
        self._doubt = doubt
        return bound

    def _let(self) -> None:
        """`let x : T := v; body`; `have : T := v; body` binds `this`."""
        self._emit()
        bound = self._declare() if self._kind() is TokenKind.NAME else [self._notes.new_variable("this")]
        for mark in (":", ":="):
            if self._text() == mark:
                self._emit()
                self._term(0)
        if self._text() != ";":
            self._give_up(bound)
            return
        self._emit()
        undo = self._bind(bound)
        self._term(0)
        self._unbind(undo)

    def _conditional(self) -> None:
        """`if h : c then t else e`, with or without the name."""
        self._emit()
        bound: list[Variable] = []
        if self._kind() is TokenKind.NAME and self._text(1) == ":":
            bound = self._declare()
            self._emit()
        self._term(0)
        undo: Undo = []
        for word in ("then", "else"):
            if self._text() != word:
                self._give_up(bound)
                break
            undo = undo or self._bind(bound)
            self._emit()
            self._term(0)
        self._unbind(undo)

    def _match(self) -> None:
        """`match x, h : y with | pattern => term …`."""
        self._emit()
        while self._position < len(self._tokens):
            if self._kind() is TokenKind.NAME and self._text(1) == ":":
                self._copy_until(self._position + 2, freeze=True)
            self._term(0)
            if self._text() != ",":
                break
            self._emit()
        if self._text() != "with":
            self._doubt = True
            return
        self._emit()
        self._alternatives()

    def _alternatives(self) -> None:
        """`| pattern => term` again and again. Which names of a pattern are variables is not to be seen."""
        while self._text() == "|":
            arrow = self._position
            while arrow < len(self._tokens) and self._tokens[arrow].text not in ("=>", "↦"):
                arrow = max(arrow, self._partner[arrow]) + 1
            self._copy_until(arrow, freeze=True)
            if self._text() not in ("=>", "↦"):
                self._doubt = True
                return
            self._emit()
            self._term(0)


_PARTNER = {"{": "}", "⦃": "⦄", "[": "]"}


@dataclass(frozen=True)
class _Group:
    """One binder in its brackets, for a single name; `binds` is None for an unnamed instance."""

    atoms: tuple[Atom, ...]
    binds: Variable | None


def sort_implicit(atoms: Sequence[Atom], frozen: Collection[str]) -> list[Atom]:
    """`atoms` with each run of implicit groups split by name and sorted, every group behind those it mentions.

    Runs that bind a spelling in `frozen` stay as they are. Groups that look alike but for other variables keep the
    order given.
    """
    result = list(atoms)
    for start in range(len(result) - 1, -1, -1):  # inner ∀ before outer ones
        if result[start] != "∀":
            continue
        groups: list[_Group] = []
        end = start + 1
        while end < len(result) and result[end] in _PARTNER:
            close = _closing(result, end)
            if close < 0:
                break
            groups += _split(result[end : close + 1])
            end = close + 1
        if len(groups) > 1 and all(group.binds is None or group.binds.spelling not in frozen for group in groups):
            result[start + 1 : end] = [atom for group in _sorted(groups) for atom in group.atoms]
    return result


def _closing(atoms: Sequence[Atom], start: int) -> int:
    """Index of the bracket that closes the one at `start`; -1 when it stays open."""
    opening, closing = atoms[start], _PARTNER[str(atoms[start])]
    depth = 0
    for index in range(start, len(atoms)):
        atom = atoms[index]
        if isinstance(atom, str):
            depth += (atom.endswith(str(opening)) and atom != '"') - (atom == closing)
            if depth == 0:
                return index
    return -1


def _split(group: Sequence[Atom]) -> list[_Group]:
    """`{x y : α}` as `{x : α}` and `{y : α}`."""
    names: list[Variable] = []
    while isinstance(atom := group[1 + len(names)], Variable):
        names.append(atom)
    rest = tuple(group[1 + len(names) :])
    if not names or (rest[0] != ":" and len(rest) > 1):
        return [_Group(tuple(group), None)]
    return [_Group((group[0], name, *rest), name) for name in names]


def _sorted(groups: Sequence[_Group]) -> list[_Group]:
    left, placed = list(groups), list[_Group]()
    while left:
        waiting = {group.binds for group in left} - {None}
        ready = [group for group in left if not any(a in waiting and a is not group.binds for a in group.atoms)]
        chosen = min(ready or left[:1], key=lambda group: _key(group, placed))
        left.remove(chosen)
        placed.append(chosen)
    return placed


def _key(group: _Group, placed: Sequence[_Group]) -> list[str]:
    """The group as text that does not depend on names."""
    rank = {before.binds: f"${index}" for index, before in enumerate(placed) if before.binds}
    return [atom if isinstance(atom, str) else rank.get(atom, "*") for atom in group.atoms]
