"""A sketch's script and the proofs of its open places, put together. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrator.errors import PatchError
from orchestrator.goal import SorryKind
from orchestrator.lexer import LineIndex, code_mask
from orchestrator.patch import splice_all

_SORRY = re.compile(r"(?<![\w.'!?])sorry(?![\w.'!?])")


def assembled(script: str, proofs: Sequence[tuple[SorryKind, str]]) -> str:
    """The script with each `sorry`, in the order of the text, replaced by its proof.

    Raises:
        PatchError: there are more or fewer of them than proofs, or a proof cannot be spliced in.
    """
    index = LineIndex(script)
    places = [index.span(match.start(), match.end()) for match in _SORRY.finditer(code_mask(script))]
    if len(places) != len(proofs):
        raise PatchError(f"the sketch has {len(places)} open places, and {len(proofs)} proofs were found")
    return splice_all(script, [(place, proof, kind) for place, (kind, proof) in zip(places, proofs, strict=True)])
