"""What text alone tells a session over the user's own Lean: where a header ends, and words that leave proofs open."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.lexer import LineIndex
from orchestrator.repo.header import parse_header
from orchestrator.repo.scan import scan


def header_end(text: str) -> int:
    """Offset behind a file's imports."""
    return parse_header(text).end


def open_words(text: str) -> Iterator[tuple[str, int, str]]:
    """Words that may leave a proof open: each with its offset and the declaration around it."""
    lines = LineIndex(text)
    for candidate in scan(text):
        offset = lines.offset(candidate.span.start)
        if offset is not None:
            yield candidate.word.value, offset, candidate.declaration
