"""Variables of a goal, and a reader that tells them from constants by what is in scope. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.goals.tokens import BRACKETS, Token, TokenKind, is_affix, is_neutral, is_operand, tokenize

GLUE = "‿"  # in front of a bracket or field that touches the word before it: xs[i] is not xs [i]


@dataclass(eq=False, slots=True)
class Variable:
    """Something that may be renamed: a hypothesis, a bound variable or a numbered metavariable."""

    spelling: str
    is_hypothesis: bool = False


Atom = str | Variable
Undo = list[tuple[str, Variable | None]]


@dataclass(slots=True)
class Notes:
    """What the reading of one goal found out about spellings.

    Attributes:
        doubtful: spellings that occur where it is not certain what they mean.
        frozen: spellings that must not be renamed anywhere.
        constants: spellings that also occur where no variable of that name is in scope.
    """

    doubtful: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    variables: dict[str, list[Variable]] = field(default_factory=dict)
    metavariables: dict[str, Variable] = field(default_factory=dict)

    def new_variable(self, spelling: str, *, is_hypothesis: bool = False) -> Variable:
        """Register one more variable of that spelling."""
        variable = Variable(spelling, is_hypothesis)
        self.variables.setdefault(spelling, []).append(variable)
        return variable

    def settle(self) -> None:
        """Freeze every doubtful spelling that could mean anything but one hypothesis of that name."""
        for spelling in self.doubtful:
            owners = self.variables.get(spelling, [])
            if not (len(owners) == 1 and owners[0].is_hypothesis and spelling not in self.constants):
                self.frozen.add(spelling)

    @property
    def order_matters(self) -> bool:
        """A frozen spelling means different things in different hypotheses."""
        return any(
            sum(owner.is_hypothesis for owner in self.variables.get(spelling, ())) + (spelling in self.constants) > 1
            for spelling in self.frozen
        )


def prefixes(name: str) -> list[str]:
    """A dotted name and everything it begins with, longest first: a.b.c, a.b, a."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


class NameReader:
    """A cursor over tokens that writes atoms: text as it is, and variables for the names in scope."""

    def __init__(self, tokens: Sequence[Token], scope: dict[str, Variable], notes: Notes) -> None:
        self._tokens = tokens
        self._scope = dict(scope)
        self._notes = notes
        self._position = 0
        self._out: list[Atom] = []
        self._doubt = False
        self._after_operand = False
        self._header: frozenset[str] = frozenset()  # names whose own binder's header is being read

    def read_flat(self) -> list[Atom]:
        """The atoms without looking for binders at all, so that every name is doubtful."""
        self._doubt = True
        while (token := self._peek()) is not None:
            self._name() if token.kind is TokenKind.NAME else self._emit()
        return self._out

    def _peek(self, ahead: int = 0) -> Token | None:
        index = self._position + ahead
        return self._tokens[index] if 0 <= index < len(self._tokens) else None

    def _text(self, ahead: int = 0) -> str:
        token = self._peek(ahead)
        return token.text if token else ""

    def _kind(self, ahead: int = 0) -> TokenKind | None:
        token = self._peek(ahead)
        return token.kind if token else None

    def _emit(self) -> None:
        """Copy the token at the cursor as it is; numbered metavariables become variables."""
        token = self._tokens[self._position]
        before = self._peek(-1)
        if token.kind is TokenKind.METAVARIABLE and any(char.isdigit() for char in token.text):
            self._append(self._notes.metavariables.setdefault(token.text, Variable(token.text)))
        else:
            self._append(GLUE + token.text if _is_glued(token, before) else token.text)
        if token.kind is TokenKind.TEXT and token.attached and before and before.kind is TokenKind.NAME:
            self._freeze(name for inside in tokenize(token.text[1:-1]) for name in prefixes(inside.text))  # s!"{x}"
        self._after_operand = is_operand(token)

    def _append(self, atom: Atom) -> None:
        """Write `atom` for the token at the cursor."""
        self._out.append(atom)
        self._after_operand = True
        self._position += 1

    def _copy_until(self, end: int, *, freeze: bool) -> None:
        """Copy the tokens up to `end`, which is left, without reading them."""
        while self._position < end:
            if freeze and self._kind() is TokenKind.NAME:
                self._freeze(prefixes(self._text()))
            self._emit()

    def _name(self) -> None:
        """The name at the cursor, in term position: the longest part of it that is in scope is that variable."""
        text = self._text()
        candidates = prefixes(text)
        if self._belongs_to_notation():
            self._freeze(candidates)
            self._append(GLUE + text)
            return
        self._notes.doubtful.update(name for name in candidates if self._doubt or name in self._header)
        for name in candidates:
            variable = self._scope.get(name)
            if variable is not None:
                self._append(variable)
                if name != text:
                    self._out.append(GLUE + text[len(name) :])
                return
        self._notes.constants.update(candidates)
        self._append(text)

    def _belongs_to_notation(self) -> bool:
        """The name at the cursor is part of an operator or bracket: →o, ≃L[𝕜], =O[l], C(X, Y)."""
        before, token, after = self._peek(-1), self._tokens[self._position], self._peek(1)
        opens = after.text if after is not None and after.attached else ""
        if opens == "(":
            return True
        if not token.attached or before is None or before.kind is not TokenKind.SYMBOL or is_affix(before.text):
            return False
        return is_neutral(before.text) and (opens == "[" or not before.text.isascii())

    def _names_before_colon(self) -> list[str]:
        """The names of `(x y : …`, with the cursor on the bracket; none when it does not look like that."""
        names: list[str] = []
        while self._kind(len(names) + 1) is TokenKind.NAME:
            names.append(self._text(len(names) + 1))
        return names if self._text(len(names) + 1) == ":" else []

    def _declare(self) -> list[Variable]:
        """The name at the cursor as a new variable, not yet in scope; none for `_`."""
        spelling = self._text()
        if spelling == "_":
            self._emit()
            return []
        variable = self._notes.new_variable(spelling)
        if self._doubt:
            self._notes.doubtful.add(spelling)
        self._append(variable)
        return [variable]

    def _bind(self, variables: Iterable[Variable]) -> Undo:
        """Put variables in scope; `_unbind` with the answer takes them out."""
        undo: Undo = []
        for variable in variables:
            undo.append((variable.spelling, self._scope.get(variable.spelling)))
            self._scope[variable.spelling] = variable
        return undo

    def _unbind(self, undo: Undo) -> None:
        for spelling, variable in reversed(undo):
            if variable is None:
                del self._scope[spelling]
            else:
                self._scope[spelling] = variable

    def _freeze(self, names: Iterable[str]) -> None:
        self._notes.frozen.update(names)

    def _give_up(self, variables: Iterable[Variable]) -> None:
        """Something unexpected: these variables keep their names, and the rest of the bracket is doubtful."""
        self._freeze(variable.spelling for variable in variables)
        self._doubt = True


def _is_glued(token: Token, before: Token | None) -> bool:
    if not token.attached or before is None or before.kind is TokenKind.OPEN or before.text == ",":
        return False
    if token.kind is TokenKind.FIELD or token.text == "[":
        return True
    return token.text in BRACKETS and before.kind in (TokenKind.NAME, TokenKind.CLOSE)
