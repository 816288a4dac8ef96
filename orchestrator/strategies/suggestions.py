"""What Lean says in messages: proofs that it suggests (`Try this: …`), goals printed without field notation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator.lean.protocol import Message, TacticReply

_HEADING = re.compile(r"Try (?:this|these):[ \t]*(?P<rest>.*)", re.DOTALL)
_BULLET = re.compile(r"^([ \t]*)(?:\[[\w ]+\]|•)[ \t]+", re.MULTILINE)
_SEARCHING = re.compile(
    r"(?<![\w.])(?:exact|apply|simp|simp_all|rw|aesop|grind|try|hint|says|decide|suggest_tactics)\?"
)

_FOUND = "found a proof, but the corresponding tactic failed"
_BETA = "set_option pp.beta true in"
RESTATED = (
    f"{_BETA} exact?",
    f"{_BETA} set_option pp.explicit true in set_option pp.fullNames true in exact?",
)
"""Searches that write down what they find without shortcuts that Lean may not read back."""


def suggestions(messages: Iterable[Message]) -> tuple[str, ...]:
    """Suggested tactic texts in the order of the messages, dedented, without repetition.

    Both shapes are read: `Try this: exact h` on one line, and `Try this:` or `Try these:` followed by a line
    `  [apply] exact h` for each. Suggestions that themselves search are left out: they are no stable proofs.
    """
    found: list[str] = []
    for message in messages:
        match = _HEADING.match(message.text.strip())
        if match is None:
            continue
        rest = match["rest"]
        pieces = _BULLET.split(rest)[1:] or ["", rest]
        found.extend(_dedent(part, len(margin)) for margin, part in zip(pieces[::2], pieces[1::2], strict=True))
    return tuple(text for text in dict.fromkeys(found) if text and not is_search(text))


def found_a_proof(reply: TacticReply) -> bool:
    """Whether a search failed only because Lean cannot read its own text of the proof back."""
    return _FOUND in reply.error


def is_search(text: str) -> bool:
    """Whether a tactic text contains a tactic that only searches (`exact?`, …)."""
    return _SEARCHING.search(text) is not None


_SAID = "plain:"
# An error's text is the one way to have a goal printed with options.
PRINT_PLAINLY = f'set_option pp.fieldNotation false in fail "{_SAID}"'


def printed_plainly(reply: TacticReply) -> str:
    """The first goal, as it was printed by `PRINT_PLAINLY` at the end of a tactic; "" when something failed before."""
    said, _, goals = reply.error.partition("\n")
    return goals.partition("\n\n")[0] if said == _SAID else ""


def _dedent(text: str, margin: int) -> str:
    """The text with its first line at column 0; it stands at column `margin`, unless it starts on a line of its own."""
    if text.startswith("\n"):
        text = text.strip("\n")
        margin = len(text) - len(text.lstrip())
    first, *others = text.rstrip().split("\n")
    return "\n".join([first.strip(), *(line[min(margin, len(line) - len(line.lstrip())) :] for line in others)])
