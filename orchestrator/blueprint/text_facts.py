"""What the text of Lean files decides about declarations when no Lean can look: never that something is true. Pure.

A sorry decides where it surely becomes part of the declaration. Words that may be names or belong to a command or
tactic of the project's own, alternatives that may not be reached, and names declared twice decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.blueprint.status import SORRY_AXIOM, DeclarationTruth
from orchestrator.source.commands import MODIFIERS
from orchestrator.source.lexer import code_mask
from orchestrator.source.scan import ScannedDeclaration, declared

_PRIVATE = re.compile(rf"\bprivate\s+(?:(?:{'|'.join(sorted(MODIFIERS))}|class)\s+|@\[[^\]]*\]\s*)*\Z")
_TOKEN = re.compile(r"<;>|:=|=>|[\w'!?«».]+|\S")
# The project says itself what `sorry` means.
_OWN_SORRY = re.compile(r"\|\s*`\((?:\w+\|)?\s*sorry\b|\b(?:syntax|macro|elab|notation)\b[^\n]*\"sorry\"")
_BODIES = frozenset({"theorem", "lemma", "def", "abbrev", "instance", "opaque"})
# What follows one of these may not be reached, or may be tried and undone.
_ALTERNATIVES = frozenset(
    {"<;>", "first", "try", "any_goals", "all_goals", "iterate", "repeat", "repeat'", "repeat1'", "solve", "`"}
)
# A `sorry` right after one of these is a proof or a term; elsewhere it may be an argument of a tactic of the project's.
_BEFORE_BODY = frozenset(
    {"by", ":=", "=>", "exact", "refine", "·", "from", "then", "else", "do", "decreasing_by", "⟨", ",", ";"}
)
# At the margin these go on with a declaration; any other word may begin a command.
_GOES_ON = frozenset({"sorry", "by", "where", "deriving", "termination_by", "decreasing_by", "exact", "have", "show"})
_MAYBE_OPEN = frozenset({"admit", "stop"})
_REACH = 200
"""How many characters before a declaration, or of a line, are looked at."""


def facts_shown(texts: Iterable[str]) -> tuple[dict[str, DeclarationTruth], frozenset[str]]:
    """What these files' texts decide, by full name, and every name they declare; of others they decide nothing.

    What has no word in it that could leave it open is in the first as well, and undecided.
    """
    texts = tuple(texts)
    seen: dict[str, list[DeclarationTruth | None]] = {}
    for text in texts:
        mask = code_mask(text)
        for each in declared(text):
            if not _PRIVATE.search(mask, max(0, each.start - _REACH), each.start):
                seen.setdefault(each.name, []).append(_fact(mask, each))
    facts = {name: both for name, found in seen.items() if (both := _of_all(found)) is not None}
    return {} if any(_OWN_SORRY.search(text) for text in texts) else facts, frozenset(seen)


def _of_all(found: Sequence[DeclarationTruth | None]) -> DeclarationTruth | None:
    """What holds whichever of several declarations of one name is meant; None when they differ."""
    return found[0] if all(fact == found[0] for fact in found) else None


def _fact(mask: str, each: ScannedDeclaration) -> DeclarationTruth | None:
    if each.keyword == "axiom":
        return DeclarationTruth(exists=True, axioms=(each.name,), by_text=True)
    if each.keyword not in _BODIES or mask[max(0, each.start - _REACH) : each.start].rstrip().endswith("("):
        return None
    if not each.is_open:
        return DeclarationTruth(exists=True, by_text=True)
    places = tuple(_sorries(mask, each))
    if not places:
        return None
    return DeclarationTruth(
        exists=True,
        statement_has_sorry="statement" in places,
        axioms=(SORRY_AXIOM,),
        sorry_free=False,
        rests_on=(each.name,),
        is_data=each.keyword in ("def", "abbrev", "opaque") and "body" in places,
        body_has_sorry=True,
        by_text=True,
    )


def _sorries(mask: str, each: ScannedDeclaration) -> Iterator[str]:
    """Where each sorry stands that surely ends up in the declaration: its statement, its body, or its termination."""
    margin = _indentation(mask, each.start)
    place, depth, before, reach, tactic = "statement", 0, "", -1, 0
    for token in _TOKEN.finditer(mask, each.start + len(each.keyword), each.end):
        word, start = token.group(), token.start()
        begins_line = not mask[mask.rfind("\n", 0, start) + 1 : start].strip()
        if begins_line:
            indentation = _indentation(mask, start)
            if indentation <= margin and (word[0].isalpha() or word[0] in "@#«") and word not in _GOES_ON:
                return  # the project's own command may begin here
            if reach >= 0 and indentation <= reach and word not in ("|", "<;>"):
                reach = -1
        if word in _ALTERNATIVES and reach < 0:
            reach = _indentation(mask, start)
        sorry = word == "sorry" and (place == "statement" or begins_line or before in _BEFORE_BODY)
        if word == "by" and before == ":=" and depth and place == "statement":
            tactic = tactic or depth  # the default of an argument is run where it is left out
        if reach < 0 and not tactic and (sorry or (word in _MAYBE_OPEN and before in ("by", "·"))):
            yield place
        depth += (word in "([{⟨⦃") - (word in ")]}⟩⦄")
        tactic = tactic if depth >= tactic else 0
        if place == "statement" and depth == 0 and word in (":=", "|", "where"):
            place = "body"
        elif word == "where" or (word == "rec" and before == "let"):
            return  # what follows are declarations of their own
        elif word in ("termination_by", "decreasing_by"):
            place = "termination"
        before = word


def _indentation(mask: str, offset: int) -> int:
    """How far the line that the offset is in is indented."""
    line = mask[mask.rfind("\n", 0, offset) + 1 : offset + _REACH]
    return len(line) - len(line.lstrip(" "))
