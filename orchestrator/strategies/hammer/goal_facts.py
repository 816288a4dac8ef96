"""What can be read off a goal's text for choosing tactics: variables, hypotheses, applications. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from orchestrator.goals.goal import Goal
from orchestrator.goals.hypotheses import Hypothesis
from orchestrator.goals.tokens import WORD, closing
from orchestrator.strategies.local_context import LocalContext

_WORD = re.compile(WORD)
_RELATIONS = ("=", "∧", "∨", "∃", "¬", "≤", "<", "≥", ">", "≠", "↔", "∈", "∉", "∣", "⊆", "∀")
_SORTS = ("Type", "Sort", "Prop")
LIBRARY_RELATIONS = frozenset({"List.Perm", "List.Sublist", "List.Pairwise", "List.Mem", "Acc"})
"""Inductive propositions of Lean's library, as they are printed without field notation."""


@dataclass(frozen=True)
class GoalFacts:
    """A goal's text taken apart."""

    text: str
    local: LocalContext

    @cached_property
    def goal(self) -> Goal:
        """The text as a goal."""
        return Goal(id="", text=self.text)

    @cached_property
    def target(self) -> str:
        """What is to be proved."""
        return self.goal.target

    @cached_property
    def every(self) -> tuple[Hypothesis, ...]:
        """All hypotheses, those with inaccessible names (`✝`) included."""
        return self.goal.hypotheses

    @cached_property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """Those with names that a tactic can use."""
        return tuple(h for h in self.every if h.is_accessible)

    @cached_property
    def hidden(self) -> int:
        """How many hypotheses have names that a tactic cannot use."""
        return sum(not h.is_accessible for h in self.every)

    @cached_property
    def sorts(self) -> frozenset[str]:
        """Names that stand for types and propositions."""
        return frozenset(h.name for h in self.every if h.type.startswith(_SORTS))

    @cached_property
    def facts(self) -> tuple[Hypothesis, ...]:
        """Hypotheses that say something."""
        propositions = {h.name for h in self.every if h.type == "Prop"} | set(self.predicates)
        return tuple(h for h in self.hypotheses if self._says_something(h, propositions))

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The target, and what the hypotheses say."""
        return (self.target, *(h.type for h in self.facts))

    @cached_property
    def predicates(self) -> frozenset[str]:
        """Inductive propositions, whose proofs an induction may go by."""
        return LIBRARY_RELATIONS | set(self.local.predicates)

    def _says_something(self, hypothesis: Hypothesis, propositions: set[str]) -> bool:
        if hypothesis.name in self.sorts or hypothesis.type.endswith(_SORTS):
            return False
        if any(f" {symbol} " in hypothesis.type or hypothesis.type.startswith(symbol) for symbol in _RELATIONS):
            return True
        last = hypothesis.type.rpartition("→")[2].strip().lstrip("(")
        head = _WORD.match(last)
        return head is not None and (head.group() in propositions or head.group() in self._prop_functions)

    @cached_property
    def _prop_functions(self) -> frozenset[str]:
        return frozenset(h.name for h in self.every if h.type.endswith("Prop"))

    @cached_property
    def data(self) -> tuple[Hypothesis, ...]:
        """Variables of a type that may have constructors: no types, no functions, no facts."""
        facts = set(self.facts)
        return tuple(
            h
            for h in self.hypotheses
            if h not in facts
            and h.name not in self.sorts
            and "→" not in h.type
            and h.head
            and h.head not in self.sorts
            and not h.type.endswith(_SORTS)
        )

    @cached_property
    def introduces(self) -> bool:
        """The target starts with something to introduce: a quantifier, an implication."""
        return self.target.startswith("∀ ") or _is_implication(self.target)

    def fresh(self, count: int) -> list[str]:
        """Names that no hypothesis has."""
        used = {h.name for h in self.every}
        names = (f"x{number}" for number in range(1, len(used) + count + 1))
        return [name for name in names if name not in used][:count]

    @cached_property
    def target_words(self) -> tuple[str, ...]:
        """Identifiers of the target, in order, with repetition; `t.size` gives `t` too."""
        words = []
        for word in _WORD.findall(self.target):
            words.append(word)
            if "." in word:
                words.append(word.partition(".")[0])
        return tuple(words)


def applications(text: str, function: str) -> tuple[str, ...]:
    """Argument lists of `function` in a text printed without field notation, such as `n (x :: xs)`."""
    found: dict[str, None] = {}
    for match in re.finditer(rf"(?<![\w.]){re.escape(function)}(?![\w.'!?])", text):
        arguments = " ".join(arguments_of(f"f{text[match.end() :]}"))
        if arguments:
            found.setdefault(arguments)
    return tuple(found)


def arguments_of(text: str) -> list[str]:
    """The arguments of an application that is the whole text: `Star R (f a) b` → R, (f a), b."""
    head = re.match(r"[\w.'!?₀-₉✝]+", text)
    if head is None:
        return []
    place, found = head.end(), list[str]()
    while place < len(text) and text[place] == " ":
        argument = _argument(text, place + 1)
        if not argument:
            break
        found.append(argument)
        place += 1 + len(argument)
    return found


def _argument(text: str, start: int) -> str:
    if start < len(text) and text[start] in "([⟨":
        return text[start : closing(text, start) + 1]
    match = re.compile(r"[\w.'!?₀-₉✝]+").match(text, start)
    return match.group() if match and match.group() not in _STOP else ""


def _is_implication(target: str) -> bool:
    if target.startswith(("∃", "fun ", "if ", "match ")):
        return False
    depth = 0
    for char in target:
        depth += (char in "([⟨{") - (char in ")]⟩}")
        if depth == 0 and char in "→=↔∧∨<≤≠":
            return char == "→"
    return False


_STOP = frozenset({"then", "else", "with", "in", "fun", "do", "at"})
