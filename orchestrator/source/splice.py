"""Puts proofs into Lean text in the file's own style. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from orchestrator.errors import PatchError
from orchestrator.goals.goal import SorryKind, SourceSpan
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.indentation import CLOSERS, Neighbour, Stretch
from orchestrator.source.lexer import LineIndex, RegionKind, code_mask, outside_brackets, regions
from orchestrator.text import counted

_WORD_OF = {
    SorryKind.TACTIC: "sorry",
    SorryKind.TERM: "sorry",
    SorryKind.ADMIT: "admit",
    SorryKind.STOP: "stop",
    SorryKind.SORRY_AX: "sorryAx",
}
_TERM_KINDS = frozenset({SorryKind.TERM, SorryKind.SORRY_AX})

# A tactic may stand behind these as it is, and so may several separated by `;`.
_SEQUENCE_STARTS = frozenset({"by", "=>", "then", "else", "·", ".", "(", "{", "|", ";"})
# Behind these, several lines start on a new one.
_BLOCK_STARTS = frozenset({"by", "=>", "then", "else"})
# `by …` may stand behind these without brackets.
_TERM_STARTS = frozenset(
    {":=", "from", "=>", "↦", "<|", "$", "(", "⟨", "[", ",", "exact", "refine", "return", "then", "else"}
)
# Behind these the expected type is known, so `by exact e` may become `e`.
_VALUE_STARTS = frozenset({":=", "from", "=>", "↦", "exact", "refine", "⟨", ","})
# A tactic with one of these outside brackets takes in what follows it, or is more than one tactic.
# fmt: off
_OPEN_ENDED = frozenset({
    "by", "=>", "↦", "fun", "λ", "·", ";", "<;>", "|", "<|", "$", "do", "calc", "first", "try", "repeat", "all_goals",
    "any_goals", "focus", "case", "next", "with", "from", "show", "match", "if", "then", "else", "let", "have",
})
# fmt: on
_TAKES_COMMAS = frozenset({"use", "use!", "exists", "existsi"})
_TAKES_BARS = frozenset({"rcases", "rintro", "obtain", "match", "cases", "induction", "first"})
# A line that starts so does not continue the term above it.
_NEW_ITEMS = frozenset({"|", "where", "termination_by", "decreasing_by", "deriving", "with", "in", "end", "·"})
WIDTH = 100
"""How long a line of a Lean file should be."""
_BRACKETS = frozenset("([{⟨")
_TOKEN = re.compile(rf"{IDENTIFIER}|<;>|=>|<\||\S")
_SENTINEL = "\n∎"


def splice(text: str, span: SourceSpan, script: str, kind: SorryKind) -> str:
    """The text with the sorry at `span` replaced by a proof.

    `script` is a tactic script, its lines relative to column 0. Where a term is wanted it becomes `by …`. Outside the
    span the text stays as it is, but for blanks that would hang at the end of a line in front of the sorry.

    Raises PatchError: the span is not in the text, holds no `kind`, or the script is empty or leaves a comment, a
    string or a bracket open.
    """
    stretch = _stretch(text, span, kind)
    proof = _Script.parse(script)
    written = _as_term(stretch, proof) if kind in _TERM_KINDS else _as_tactic(stretch, proof)
    written = _wrapped(written, stretch.column)
    start = stretch.start
    if written.startswith("\n"):
        start = len(text[:start].rstrip(" \t"))
    if "\r\n" in text and text.count("\r\n") * 2 >= text.count("\n"):
        written = written.replace("\n", "\r\n")
    return text[:start] + written + text[stretch.end :]


def splice_all(text: str, proofs: Sequence[tuple[SourceSpan, str, SorryKind]]) -> str:
    """The text with several sorries replaced; all spans are of the text as given.

    Raises PatchError: two spans overlap, or as in `splice`.
    """
    ordered = sorted(proofs, key=lambda proof: proof[0])
    for (one, *_), (other, *_) in pairwise(ordered):
        if other.start < one.end:
            raise PatchError("two sorries to be replaced overlap", where=_where(other))
    for span, script, kind in reversed(ordered):
        text = splice(text, span, script, kind)
    return text


@dataclass(frozen=True)
class _Script:
    """A tactic script without blank lines around it, its smallest indentation 0."""

    lines: tuple[str, ...]

    @staticmethod
    def parse(script: str) -> _Script:
        text = textwrap.dedent(script.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        lines = text.rstrip().split("\n")
        if not text.strip():
            raise PatchError("the proof is empty")
        mask = code_mask(text + _SENTINEL)
        if not mask.endswith(_SENTINEL):
            raise PatchError("the proof leaves a comment or a string open", where=lines[-1].strip())
        depth = 0
        for character in mask:
            depth += (character in "([{⟨") - (character in CLOSERS)
            if depth < 0:
                break
        if depth:
            raise PatchError("the brackets of the proof do not match", where=lines[0].strip())
        return _Script(tuple(lines))

    @property
    def is_single(self) -> bool:
        return len(self.lines) == 1

    @cached_property
    def words(self) -> frozenset[str]:
        """Words and symbols outside brackets."""
        return frozenset(_TOKEN.findall(outside_brackets("\n".join(self.lines))))

    @property
    def is_sequence(self) -> bool:
        """More than one tactic."""
        return not self.is_single or not self.words.isdisjoint((";", "<;>"))

    @property
    def is_closed(self) -> bool:
        """One tactic that takes in nothing of what follows."""
        return self.is_single and self.words.isdisjoint(_OPEN_ENDED | _TAKES_COMMAS | _TAKES_BARS)

    @property
    def term(self) -> str | None:
        """The term of a script that is just `exact e`."""
        if self.is_single and self.lines[0].startswith("exact ") and not self.is_sequence:
            return self.lines[0].removeprefix("exact ").strip()
        return None

    def without_last_comment(self) -> _Script:
        """The script without a comment at its very end, which would swallow what is written behind it."""
        text = "\n".join(self.lines)
        last = next(reversed(regions(text)), None)
        if last is None or last.kind is not RegionKind.COMMENT or last.end < len(text):
            return self
        return _Script.parse(text[: last.start])

    def written(self, padding: str, *, first: bool = True) -> str:
        """The lines with `padding` in front; not in front of the first if that is put behind something."""
        text = "\n".join(self.lines)
        inside = [region for region in regions(text) if region.kind is RegionKind.STRING]
        offset = 0
        written: list[str] = []
        for number, line in enumerate(self.lines):
            # A string that goes over a line end must keep its characters.
            in_string = any(region.start < offset < region.end for region in inside)
            pad = line and not in_string and (first or number)
            written.append(padding + line if pad else line)
            offset += len(line) + 1
        return "\n".join(written)


def _as_tactic(stretch: Stretch, script: _Script) -> str:
    before, behind = stretch.before, stretch.behind
    ends_here = _ends_here(behind, script) and behind.text != "<;>"
    if behind.same_line:
        script = script.without_last_comment()
    is_item = not before.same_line and before.text != "<;>"
    fits_before = is_item or before.text in _SEQUENCE_STARTS or not script.is_sequence
    if before.same_line and before.text == ";" and not script.is_single:
        fits_before = False
    if not fits_before or not (ends_here or script.is_closed):
        script = script.without_last_comment()
        inside = script.lines[0] if script.is_single else "\n" + script.written(stretch.block_padding)
        return f"({inside})"
    fits = script.is_single and stretch.column + len(script.lines[0]) <= WIDTH
    if not fits and before.same_line and before.text in _BLOCK_STARTS and ends_here:
        return "\n" + script.written(stretch.block_padding)
    return script.written(stretch.padding, first=False)


def _as_term(stretch: Stretch, script: _Script) -> str:
    before, behind = stretch.before, stretch.behind
    if behind.same_line:
        script = script.without_last_comment()
    annotated = before.text == "(" and behind.text == ":" and behind.same_line and script.is_closed
    alone = before.text in _TERM_STARTS and (annotated or (_ends_here(behind, script) and not _goes_on(stretch)))
    term = script.term
    if stretch.is_default and (term is None or term.startswith("by")):
        alone = False
    elif alone and term is not None and before.text in _VALUE_STARTS:
        return term
    if not alone:
        script = script.without_last_comment()
    fits = script.is_single and stretch.column + len(f"by {script.lines[0]}") <= WIDTH
    by = f"by {script.lines[0]}" if fits else "by\n" + script.written(stretch.block_padding)
    return by if alone else f"({by})"


def _wrapped(written: str, column: int) -> str:
    """The text, which starts at a column, with lines that are too long broken behind a comma of a list.

    In other brackets there may be tactics, for which the column matters.
    """
    mask = code_mask(written)
    lines: list[str] = []
    inside: list[str] = []
    offset = 0
    for line in written.split("\n"):
        start = column if not lines else 0
        further = " " * ((column if not lines else len(line) - len(line.lstrip())) + 2)
        breaks = []
        for place, character in enumerate(mask[offset : offset + len(line)]):
            if character in _BRACKETS:
                inside.append(character)
            elif character in CLOSERS and inside:
                inside.pop()
            if inside[-1:] == ["["] and mask.startswith(", ", offset + place):
                breaks.append(place + 1)
        offset += len(line) + 1
        begin = 0
        while start + len(line) - begin > WIDTH:
            fitting = [place for place in breaks if begin < place <= begin + WIDTH - start]
            place = max(fitting, default=0) or min((place for place in breaks if place > begin), default=0)
            if not place:
                break
            lines.append(" " * (start if begin else 0) + line[begin:place])
            begin, start = place + 1, len(further)
        lines.append((further if begin else "") + line[begin:])
    return "\n".join(lines)


def _ends_here(behind: Neighbour, script: _Script) -> bool:
    """Nothing behind the sorry on its line would become part of the script."""
    if behind.text == ",":
        return script.words.isdisjoint(_TAKES_COMMAS)
    if behind.text == "|" and not behind.same_line:
        return script.words.isdisjoint(_TAKES_BARS)
    return not behind.same_line or behind.text in CLOSERS


def _goes_on(stretch: Stretch) -> bool:
    """The term that the sorry starts goes on in the next line."""
    behind = stretch.behind
    if not behind.text or behind.same_line or behind.text in CLOSERS | _NEW_ITEMS | {","}:
        return False
    return stretch.in_brackets or behind.column > stretch.indentation or behind.text in ("|>", "<|", "<;>")


def _stretch(text: str, span: SourceSpan, kind: SorryKind) -> Stretch:
    lines = LineIndex(text)
    start, end = lines.offset(span.start), lines.offset(span.end)
    if start is None or end is None or start >= end:
        raise PatchError("the sorry to be replaced is not in the file", where=_where(span))
    found = text[start:end].rstrip()
    word = _WORD_OF.get(kind)
    if word is None:
        raise PatchError("the sorry is made by a macro, and is not written here", where=_where(span))
    if word not in found:
        raise PatchError(
            f"there is no `{word}` where it is to be replaced",
            where=_where(span),
            hint="The file is not the one the goal was taken from",
        )
    return Stretch(text, start, start + len(found))


def _where(span: SourceSpan) -> str:
    return f"line {span.start.line}, column {span.start.column}"


_SORRY = re.compile(r"(?<![\w.'!?])sorry(?![\w.'!?])")


def assembled(script: str, proofs: Sequence[tuple[SorryKind, str]]) -> str:
    """The script with each `sorry`, in the order of the text, replaced by its proof.

    Raises PatchError: there are more or fewer of them than proofs, or a proof cannot be spliced in.
    """
    index = LineIndex(script)
    spans = [index.span(match.start(), match.end()) for match in _SORRY.finditer(code_mask(script))]
    if len(spans) != len(proofs):
        found = counted(len(spans), "sorry", "sorries")
        raise PatchError(f"the sketch has {found}, and {counted(len(proofs), 'proof')} for them")
    return splice_all(script, [(stretch, proof, kind) for stretch, (kind, proof) in zip(spans, proofs, strict=True)])
