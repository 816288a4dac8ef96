"""What a policy may look at in a goal: its corner of mathematics and the outermost shape of its target. Pure."""

from __future__ import annotations

import re

from orchestrator.bandit import GoalFeatures
from orchestrator.goal import Goal

# Loosest first, as Lean binds them: the shape is the loosest connective outside all brackets.
_LOOSE = ("↔", "→", "∨", "∧")
_TIGHT = (
    ("=", "≠", "≤", "<", "≥", ">", "∈", "∉", "⊆", "⊂", "∣", "≡", "≃", "≅", "≈", "~"),
    ("∪", "∩", "⊔", "⊓", "+", "-", "*", "/"),
)
_BINDERS = {"∀": "∀", "∃": "∃", "∃!": "∃", "fun": "fun", "λ": "fun", "let": "let", "have": "let"}
_OPEN, _CLOSE = "([{⟨⟪⌊⌈", ")]}⟩⟫⌋⌉"
_WORD = re.compile(r"[^¬\s()\[\]{}⟨⟩⟪⟫⌊⌋⌈⌉,:]+|.", re.DOTALL)


def features_of(goal: Goal) -> GoalFeatures:
    """The features of a goal: levels are the first two parts of its module, then that with the target's shape."""
    domain = ".".join((goal.module or goal.context.namespace).split(".")[:2])
    return GoalFeatures(key=goal.id, levels=(domain, f"{domain}|{target_shape(goal.target)}"))


def target_shape(target: str) -> str:
    """The outermost connective or binder of a statement as Lean prints it; its first word when there is neither."""
    outside: list[str] = []
    depth = 0
    for word in _WORD.findall(target):
        if word in _OPEN:
            depth += 1
        elif word in _CLOSE:
            depth = max(0, depth - 1)
        elif depth == 0 and not word.isspace():
            outside.append(word)
    if not outside:
        return "()" if target.strip() else ""
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
