"""Sorries in a text: filled by an axiom, so that what they hide shows; whether a patch changed anything else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.goals.goal import SorryKind, SourceSpan
from orchestrator.lean.protocol import Sorry
from orchestrator.source.lexer import code_mask
from orchestrator.source.splice import splice_all


def hole_script(kind: SorryKind, hole: str) -> str:
    """What fills a sorry with the axiom `hole`."""
    return f"all_goals exact {hole}" if kind is SorryKind.STOP else f"exact {hole}"


def fill_holes(text: str, sorries: Sequence[Sorry], hole: str) -> str:
    """`text` with the sorries filled by the axiom `hole`, so that any other sorry shows.

    Raises:
        PatchError: the places overlap.
    """
    places = {sorry.span: sorry for sorry in sorries if sorry.syntax != SorryKind.MACRO}
    return splice_all(
        text,
        [(span, hole_script(SorryKind(s.syntax), hole), SorryKind(s.syntax)) for span, s in places.items()],
    )


def only_places_changed(original: str, spans: Iterable[SourceSpan], patched: str) -> bool:
    """Whether `patched` is `original` with something else, or the same, at each of the spans.

    White space at the edges of a place may differ. What stands in a place is not looked at here, except that it may
    not turn what follows into a comment or a string.
    """
    pieces = _around(original, sorted(spans))
    if len(pieces) == 1:
        return original == patched
    kept = [piece.strip() for _, piece in pieces]
    kept[0], kept[-1] = pieces[0][1].rstrip(), pieces[-1][1].lstrip()
    if not patched.startswith(kept[0]) or not patched.endswith(kept[-1]):
        return False
    stop = len(patched) - len(kept[-1])
    before, after = code_mask(original), code_mask(patched)
    same = [before[place + piece.find(text) :][: len(text)] for (place, piece), text in zip(pieces, kept, strict=True)]
    position = len(kept[0])
    for piece, code in zip(kept[1:-1], same[1:-1], strict=True):
        # Leftmost is right: it leaves the most room to what follows, as in matching a glob.
        found = patched.find(piece, position, stop)
        while found >= 0 and after[found : found + len(piece)] != code:
            found = patched.find(piece, found + 1, stop)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= stop and after.startswith(same[0]) and after.endswith(same[-1])


def _around(text: str, spans: Sequence[SourceSpan]) -> list[tuple[int, str]]:
    """The stretches between the spans, each with its offset."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    pieces = []
    position = 0
    for span in spans:
        pieces.append((position, text[position : starts[span.start.line - 1] + span.start.column]))
        position = starts[span.end.line - 1] + span.end.column
    return [*pieces, (position, text[position:])]
