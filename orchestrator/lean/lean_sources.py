"""Programs in Lean that are made of several files: each is compiled as one text. Pure but for reading them."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
_PARTS = ("Declarations.lean", "Compare.lean", "Judge.lean")
"""Files beside this one, which the embedded server and the programs for the user's own Lean share."""


def assembled(program: Path) -> str:
    """The text of a program, in which each line `-- NAME stands here` has given way to the shared file of that name.

    Raises:
        OSError: a file is missing.
    """
    text = program.read_text(encoding="utf-8")
    for part in _PARTS:
        line = f"-- {part} stands here\n"
        if line in text:
            text = text.replace(line, (_FOLDER / part).read_text(encoding="utf-8"))
    return text
