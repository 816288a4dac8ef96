"""Where a `\\leanok` goes and how one is taken out, in the style of the file around it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.blueprint.nodes import Blueprint, Part, Span

MARK = "\\leanok"

_LINE_END = re.compile(r"\r\n|\n|\r")
_END_AT_END = re.compile(r"(?:\r\n|\n|\r)\Z")
_REST_IS_EMPTY = re.compile(r"[ \t]*(?:%[^\r\n]*)?(?=[\r\n]|\Z)")
_BLANKS = re.compile(r"[ \t]*")
_LINE_OF_MACROS = re.compile(r"[ \t]*(?:\\(?:lean|label|uses|discussion|notready)\b(?:\{[^{}]*\})?[ \t]*)*")
_LETTER = re.compile(r"[A-Za-z@]")
_WOULD_JOIN = re.compile(r"[A-Za-z@{]")
_CONTROL_WORD_BEFORE = re.compile(r"\\[A-Za-z]+\Z")


MarkChange = tuple[Span, str]
"""A stretch of a file, and the text that takes its place."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a file sets its marks.

    Attributes:
        statement_inline: after the macro before them, on its line, even when the line would allow otherwise.
        proof_gap: what stands between `\\begin{proof}` and an inline mark.
        proof_indent: what the line of a mark in a proof has more than that of `\\begin{proof}`.
    """

    statement_inline: bool = False
    proof_inline: bool = False
    proof_gap: str = ""
    proof_indent: str = "  "


def styles(blueprint: Blueprint) -> Callable[[str], Style]:
    """The style of each file; files without marks follow the blueprint as a whole."""
    whole = _style(blueprint, None)
    by_file = {file: _style(blueprint, file, whole) for file in blueprint.files}
    return lambda file: by_file.get(file, whole)


def add_to_statement(blueprint: Blueprint, part: Part, style: Style) -> MarkChange:
    """A mark behind the statement's last `\\lean`, or its last `\\label`, or its beginning."""
    anchor = (part.lean_macros or part.label_macros or (part.begin,))[-1]
    text = blueprint.files[anchor.file]
    if _alone(text, anchor) and not style.statement_inline:
        return _new_line(text, anchor, _indent(text, anchor.start))
    return _inline(text, anchor, "")


def add_to_proof(blueprint: Blueprint, part: Part, style: Style) -> MarkChange:
    """A mark first thing in the proof."""
    anchor = part.begin
    text = blueprint.files[anchor.file]
    empty = _REST_IS_EMPTY.match(text, anchor.end)
    if empty is None:
        return _inline(text, anchor, "")
    if style.proof_inline:
        return _inline(text, anchor, style.proof_gap)
    following = _next_line(text, anchor.end)
    usable = following.strip() and not following.lstrip().startswith(("\\end{", "%"))
    outer = _indent(text, anchor.start)
    return _new_line(text, anchor, _indent(following, 0) if usable else outer + style.proof_indent)


def runs(blueprint: Blueprint, marks: Iterable[Span]) -> tuple[Span, ...]:
    """The marks, those with nothing but blanks between them made one stretch."""
    joined: list[Span] = []
    for mark in sorted(marks):
        last = joined[-1] if joined else None
        if last and last.file == mark.file and not blueprint.files[mark.file][last.end : mark.start].strip(" \t"):
            joined[-1] = Span(mark.file, last.start, mark.end)
        else:
            joined.append(mark)
    return tuple(joined)


def remove(blueprint: Blueprint, mark: Span) -> MarkChange:
    """Take a mark, or a run of marks, out, with its line when nothing else stands on it."""
    text = blueprint.files[mark.file]
    start, end = mark.start, mark.end
    line_start = _line_start(text, start)
    before = text[line_start:start]
    blanks = _BLANKS.match(text, end)
    after = blanks.end() if blanks else end
    line_end = _LINE_END.match(text, after)
    if not before.strip(" \t") and (line_end or after == len(text)):
        if line_end:
            return Span(mark.file, line_start, line_end.end()), ""
        # A file whose last line has no end keeps none.
        return Span(mark.file, len(_END_AT_END.sub("", text[:line_start])), after), ""
    if line_end or after == len(text):
        # Blanks in front of the mark would be left at the end of the line.
        start = line_start + len(before.rstrip(" \t"))
    elif not before.strip(" \t") or before[-1] in " \t":
        end = after
    glued = _CONTROL_WORD_BEFORE.search(text[line_start:start]) and _LETTER.match(text, end)
    return Span(mark.file, start, end), " " if glued else ""


def _style(blueprint: Blueprint, file: str | None, default: Style | None = None) -> Style:
    default = default or Style()
    statements: Counter[bool] = Counter()
    proofs: Counter[bool] = Counter()
    gaps: Counter[str] = Counter()
    indents: Counter[str] = Counter()
    for node in blueprint.nodes:
        for mark, anchor in _marked(node.statement, node.statement.lean_macros, file):
            text = blueprint.files[mark.file]
            if anchor.end <= mark.start and _begins_line(text, anchor):
                statements[_same_line(text, anchor.end, mark.start)] += 1
        for proof in node.proofs:
            for mark, begin in _marked(proof, (proof.begin,), file):
                text = blueprint.files[mark.file]
                gap = text[begin.end : mark.start]
                same_line = _same_line(text, begin.end, mark.start)
                proofs[same_line] += 1
                if same_line and not gap.strip(" \t"):
                    gaps[gap] += 1
                outer, inner = _indent(text, begin.start), _indent(text, mark.start)
                if not same_line and inner.startswith(outer):
                    indents[inner[len(outer) :]] += 1
    return Style(
        statement_inline=statements[True] > statements[False] if statements else default.statement_inline,
        proof_inline=proofs[True] > proofs[False] if proofs else default.proof_inline,
        proof_gap=_most_common(gaps, default.proof_gap),
        proof_indent=_most_common(indents, default.proof_indent),
    )


def _marked(part: Part, anchors: tuple[Span, ...], file: str | None) -> Iterable[tuple[Span, Span]]:
    """The part's first mark and its anchor, when both are in `file` (None: in the same file, whichever)."""
    if part.marks and anchors and part.marks[0].file == anchors[-1].file and file in (None, anchors[-1].file):
        yield part.marks[0], anchors[-1]


def _most_common(counts: Counter[str], default: str) -> str:
    # Ties go to the smaller text, so that the answer does not depend on the order of the nodes.
    return min(counts, key=lambda text: (-counts[text], text)) if counts else default


def _new_line(text: str, anchor: Span, indent: str) -> MarkChange:
    line_end = _LINE_END.search(text, anchor.end)
    end = line_end.start() if line_end else len(text)
    ending = line_end.group() if line_end else _usual_line_end(text)
    return Span(anchor.file, end, end), f"{ending}{indent}{MARK}"


def _inline(text: str, anchor: Span, gap: str) -> MarkChange:
    ending = " " if _WOULD_JOIN.match(text, anchor.end) else ""
    return Span(anchor.file, anchor.end, anchor.end), f"{gap}{MARK}{ending}"


def _alone(text: str, anchor: Span) -> bool:
    """Nothing follows on the anchor's last line, and only macros of leanblueprint precede it on its first."""
    return _begins_line(text, anchor) and _REST_IS_EMPTY.match(text, anchor.end) is not None


def _begins_line(text: str, anchor: Span) -> bool:
    return _LINE_OF_MACROS.fullmatch(text, _line_start(text, anchor.start), anchor.start) is not None


def _same_line(text: str, start: int, end: int) -> bool:
    return _LINE_END.search(text, start, end) is None


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _indent(text: str, offset: int) -> str:
    match = _BLANKS.match(text, _line_start(text, offset))
    return match.group() if match else ""


def _next_line(text: str, offset: int) -> str:
    """The line after that of `offset`, without its end."""
    first = _LINE_END.search(text, offset)
    if first is None:
        return ""
    second = _LINE_END.search(text, first.end())
    return text[first.end() : second.start() if second else len(text)]


def _usual_line_end(text: str) -> str:
    match = _LINE_END.search(text)
    return match.group() if match else "\n"
