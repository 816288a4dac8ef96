"""The lines of a goal as Lean prints it: hypotheses, one for each name, and the target. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from orchestrator.goals.tokens import WORD

_WORD = re.compile(WORD)
_NAME = r"(?:«[^»]*»|[^\s:«»()\[\]{}⟨⟩])+"
_DECLARED = re.compile(rf"(?P<names>{_NAME}(?:\s+{_NAME})*) : (?P<rest>.*)")
_NAMES = re.compile(_NAME)
_LINE_BREAK = re.compile(r"\s*\n\s*")
_MARK = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?<![\w\'!?])\'(?:\\.|[^\\\'])\'|«[^»]*»|\b(?:let|have|let_fun)\b|:=|[()\[\]{}⟨⟩⦃⦄]'
)
_FACT = re.compile(r"[≠∧∨∃∀¬≤<≥↔∈∉∣⊆⊂]|(?<!:)=(?!>)|(?<!=)>|→ False|\b(?:True|False)\b")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A hypothesis with one name, on one line; `value` is that of a local definition, "" for any other."""

    name: str
    type: str
    value: str = ""

    @property
    def is_accessible(self) -> bool:
        """A tactic can use the name: Lean has not marked it with a dagger."""
        return "✝" not in self.name

    @property
    def is_instance(self) -> bool:
        """An instance without a name of its own, as Lean or `accessible` calls them."""
        return self.name == "inst" or self.name.startswith(("inst✝", "inst_"))

    @property
    def words(self) -> frozenset[str]:
        """What reads like a name in the type."""
        return frozenset(_WORD.findall(self.type))

    @property
    def head(self) -> str:
        """The first name of the type; "" when it begins otherwise."""
        match = _WORD.match(self.type.lstrip("("))
        return match[0] if match else ""

    @property
    def is_sort(self) -> bool:
        """A type or a family of types, such as `α : Type u`."""
        return self.type.partition(" ")[0] in ("Type", "Sort")

    @property
    def is_fact(self) -> bool:
        """It looks like a proposition; a user's own predicate does not."""
        return not self.is_instance and looks_like_fact(self.type)

    @property
    def is_data(self) -> bool:
        """A variable that an induction may go by, as far as it shows: no type, no fact, no instance."""
        return not (self.is_sort or self.is_fact or self.is_instance)


def looks_like_fact(type_: str) -> bool:
    """Whether a type is a statement as far as its text shows; a user's own predicate does not."""
    return _FACT.search(type_) is not None


def split_goal(text: str, turnstiles: Sequence[str] = ("⊢", "|")) -> tuple[list[str], str, str]:
    """Hypotheses (one string each, continuation lines joined), turnstile and target of one goal.

    Without a line that begins with a turnstile everything is target and the turnstile is "".
    """
    hypotheses: list[str] = []
    lines = text.split("\n")
    marks = tuple(turnstiles)
    for index, line in enumerate(lines):
        if line.startswith(marks):
            return hypotheses, line[0], "\n".join([line[1:], *lines[index + 1 :]])
        if line[:1].isspace() and hypotheses:
            hypotheses[-1] += "\n" + line
        elif line.strip() and not line.startswith("case "):
            hypotheses.append(line)
    return [], "", "\n".join(line for line in lines if not line.startswith("case "))


@lru_cache(maxsize=4096)
def hypotheses_of(text: str) -> tuple[Hypothesis, ...]:
    """The hypotheses of a goal as Lean prints it, in order; a line that declares no name is left out."""
    found: list[Hypothesis] = []
    for line in split_goal(text, "⊢")[0]:
        line = _LINE_BREAK.sub(" ", line) if "\n" in line else line
        declared = _DECLARED.fullmatch(line.strip())
        if declared is not None:
            type_, value = _type_and_value(declared["rest"])
            found += [Hypothesis(name, type_, value) for name in _NAMES.findall(declared["names"])]
    return tuple(found)


def _type_and_value(text: str) -> tuple[str, str]:
    """`Nat := 3` as `Nat` and `3`; a `:=` in brackets, or of a `let` in the type, is part of the type."""
    if ":=" not in text:
        return text, ""
    depth = pending = 0
    for mark in _MARK.finditer(text):
        depth += (mark[0] in "([{⟨⦃") - (mark[0] in ")]}⟩⦄")
        if depth == 0 and mark[0] in ("let", "have", "let_fun"):
            pending += 1
        elif depth == 0 and mark[0] == ":=":
            if not pending:
                return text[: mark.start()].rstrip(), text[mark.end() :].lstrip()
            pending -= 1
    return text, ""
