"""Open places filled by an axiom, so that what they hide shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.goals.goal import SorryKind
from orchestrator.lean.protocol import Sorry
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
