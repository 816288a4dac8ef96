"""What a policy may look at in a goal: its corner of mathematics, the shape of its target, its hypotheses. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.goals.goal import Goal
from orchestrator.goals.hypotheses import Hypothesis


@dataclass(frozen=True, slots=True)
class GoalFeatures:
    """What a policy may look at.

    Attributes:
        key: names the goal; only feeds the random draws.
        levels: contexts the goal belongs to, from the general to the particular, each refining the one before.
    """

    key: str = ""
    levels: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


# Loosest first, as Lean binds them: the shape is the loosest connective outside all brackets.
_LOOSE = ("↔", "→", "∨", "∧")
_TIGHT = (
    ("=", "≠", "≤", "<", "≥", ">", "∈", "∉", "⊆", "⊂", "∣", "≡", "≃", "≅", "≈", "~"),
    ("∪", "∩", "⊔", "⊓", "+", "-", "*", "/"),
)
_BINDERS = {"∀": "∀", "∃": "∃", "∃!": "∃", "fun": "fun", "λ": "fun", "let": "let", "have": "let"}
_OPEN, _CLOSE = "([{⟨⟪⌊⌈", ")]}⟩⟫⌋⌉"
_MANY = 3
_WORD = re.compile(r"[^¬\s()\[\]{}⟨⟩⟪⟫⌊⌋⌈⌉,:]+|\S")
_FIRST_WORD = re.compile(r"[^¬\s()\[\]{}⟨⟩⟪⟫⌊⌋⌈⌉,:]+|[^\s(\[{⟨⟪⌊⌈]")


def features_of(goal: Goal) -> GoalFeatures:
    """The features of a goal.

    Levels are the first two parts of its module, then that with the target's shape. Marks are the head of the
    conclusion, the size of the target, its quantifiers, and the hypotheses: how many facts, and the types of the data.
    """
    domain = ".".join((goal.module or goal.context.namespace).split(".")[:2])
    words = _WORD.findall(goal.target)
    shape = _shape(words)
    marks = (f"shape {shape}", *_marks(words, goal.hypotheses))
    return GoalFeatures(key=goal.id, levels=(domain, f"{domain}|{shape}"), marks=marks)


def _marks(words: Sequence[str], hypotheses: Sequence[Hypothesis]) -> tuple[str, ...]:
    quantifiers = "".join(dict.fromkeys(_BINDERS[word] for word in words if word in _BINDERS))
    facts, data = 0, dict[str, None]()
    for hypothesis in hypotheses:
        if hypothesis.is_fact:
            facts += 1
        elif len(data) < _MANY:
            data[_first_word(hypothesis.type)] = None
    return (
        f"head {_conclusion_head(words)}",
        f"size {len(words).bit_length()}",
        f"binders {quantifiers}",
        f"facts {min(facts, _MANY)}",
        *(f"over {name}" for name in data),
    )


def _conclusion_head(words: Sequence[str]) -> str:
    """The first word of a statement behind its leading binders and brackets: as a rule the constant it is about."""
    start = 0
    while start < len(words) and words[start][0] in "∀∃" and "," in words[start:]:
        start = words.index(",", start) + 1
    return next((word for word in words[start:] if word not in _OPEN), "")


def _first_word(text: str) -> str:
    word = _FIRST_WORD.search(text)
    return word[0] if word else ""


def target_shape(target: str) -> str:
    """The outermost connective or binder of a statement as Lean prints it; its first word when there is neither."""
    return _shape(_WORD.findall(target))


def _shape(words: Sequence[str]) -> str:
    outside: list[str] = []
    depth = 0
    for word in words:
        if word in _OPEN:
            depth += 1
        elif word in _CLOSE:
            depth = max(0, depth - 1)
        elif depth == 0:
            outside.append(word)
    if not outside:
        return "()" if words else ""
    if outside[0] in _BINDERS:
        return _BINDERS[outside[0]]
    # A binder reaches as far to the right as it can, so nothing behind it is outermost.
    reach = next((index for index, word in enumerate(outside) if word in _BINDERS), len(outside))
    for connective in _LOOSE:
        if connective in outside[:reach]:
            return connective
    if outside[0] == "¬":
        return "¬"
    for connectives in _TIGHT:
        found = next((word for word in outside[:reach] if word in connectives), "")
        if found:
            return found
    return outside[0]
