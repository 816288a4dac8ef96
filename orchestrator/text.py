"""Text that people read: counted nouns, one line, no control characters."""

from __future__ import annotations

import re


def counted(number: int, word: str, plural: str = "") -> str:
    """Such as "1 file" or "2 files"; `plural` for words that do not just take an s."""
    return f"{number} {word if number == 1 else plural or word + 's'}"


# Control characters, halves of characters, and marks that turn the direction of what follows.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    """`text` with line ends as "↵", other blanks as one space."""
    return " ↵ ".join(" ".join(line.split()) for line in harmless(text).strip().split("\n"))


def harmless(text: str) -> str:
    """`text` without what a terminal would obey: a repository may hold anything."""
    return _CONTROL.sub("�", text)


def duration(seconds: float) -> str:
    """Seconds as people say them: "9.2 s", "3 min 28 s", "30 min", "2 h 5 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    parts = (minutes, "min", rest, "s") if minutes < 60 else (minutes // 60, "h", minutes % 60, "min")
    return " ".join(map(str, parts if parts[2] else parts[:2]))
