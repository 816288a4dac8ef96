"""Helper lemmas: theorems that a patch adds in front of the declaration whose proof needs them. Pure.

They are the one thing a patch may add to a file, so their text is narrow: `theorem NAME SIGNATURE := by` and a tactic
script; no attribute, no modifier, no option, and nothing in front or behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.errors import PatchError
from orchestrator.goals.goal import Position, SorryKind, SourceSpan
from orchestrator.goals.result import HelperLemma
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.lexer import RegionKind, code_mask, outside_brackets, regions
from orchestrator.source.splice import WIDTH, splice

_UNIVERSE = re.compile(r"\bu_\d+\b")
_FORBIDDEN = re.compile(
    r"@\[|(?<!\.)\b(attribute|instance|notation|infix[lr]?|prefix|postfix|macro|macro_rules|syntax|elab|elab_rules|axiom|"
    r"opaque|unsafe|implemented_by|extern|csimp|native_decide|initialize|deriving|universe|variable|sorry|admit|sorryAx"
    r"|run_cmd|#eval|theorem|lemma|def|abbrev|end|namespace|section)\b"
)
_COLON = re.compile(":(?!=)")


def helper_text(helper: HelperLemma) -> str:
    """The lemma as it goes into the file, with an empty line behind it.

    Raises PatchError: the script cannot stand there (see `orchestrator.source.splice.splice`).
    """
    return lemma_text(helper.short, helper.signature, helper.script) + "\n\n"


def helper_problem(helper: HelperLemma) -> str:
    """Why a lemma may not be added, "" when its text is nothing but a theorem. Lean has the last word."""
    if not re.fullmatch(IDENTIFIER, helper.name) or not helper.name.endswith(helper.short.removeprefix("_root_.")):
        return f"`{helper.name}` is no name for a lemma"
    for part in (helper.signature, helper.script):
        found = _FORBIDDEN.search(code_mask(part))
        if found:
            return f"`{helper.name}`: a helper lemma is a theorem and nothing else, without `{found.group()}`"
    if any(region.kind in (RegionKind.COMMENT, RegionKind.DOC) for region in regions(helper.signature)):
        return f"`{helper.name}`: its statement holds a comment"
    if ":=" in outside_brackets(helper.signature):
        return f"`{helper.name}`: its statement is more than a statement"
    try:
        helper_text(helper)
    except PatchError as error:
        return f"`{helper.name}`: {error}"
    return ""


def stub_text(short: str, signature: str) -> str:
    """The lemma with its proof left open; the `sorry` is the last word of the last line."""
    short += universes(signature)
    head = f"theorem {short} {signature} := by"
    split = colon(signature)
    if len(head) > WIDTH and split > 0:
        head = f"theorem {short} {signature[:split].rstrip()} :\n    {signature[split + 1 :].strip()} := by"
    return f"{head}\n  sorry"


def lemma_text(short: str, signature: str, script: str) -> str:
    """The lemma with its proof. Raises PatchError: the script is empty, or leaves something open."""
    stub = stub_text(short, signature)
    line, column = stub.count("\n") + 1, 2
    return splice(stub, SourceSpan(Position(line, column), Position(line, column + 5)), script, SorryKind.TACTIC)


def universes(signature: str) -> str:
    """The universe names that Lean made up, as they follow a theorem's name; "" for none."""
    names = sorted(set(_UNIVERSE.findall(signature)))
    return f".{{{', '.join(names)}}}" if names else ""


def short_name(name: str, namespace: str) -> str:
    """`name` as it is written inside `namespace`."""
    if not namespace:
        return name
    return name.removeprefix(f"{namespace}.") if name.startswith(f"{namespace}.") else f"_root_.{name}"


@dataclass(frozen=True)
class WithHelpers:
    """A file's text with helper lemmas put in, and where positions of the original are now.

    `inserted`: line of the original in front of which lines were put in, and how many, in order.
    """

    text: str
    inserted: Sequence[tuple[int, int]] = field(default=())

    def moved(self, span: SourceSpan) -> SourceSpan:
        """Where a stretch of the original is now."""
        down = sum(lines for before, lines in self.inserted if before <= span.start.line)
        return SourceSpan(
            Position(span.start.line + down, span.start.column), Position(span.end.line + down, span.end.column)
        )

    def lines_before(self, command: SourceSpan) -> int:
        """How many lines were put in right in front of a command of the original."""
        return sum(lines for before, lines in self.inserted if before == command.start.line)


def with_helpers(text: str, helpers: Iterable[HelperLemma]) -> WithHelpers:
    """`text` with the lemmas in front of their commands; a lemma named twice goes in once, at its first position.

    Raises PatchError: something else stands in front of the command on its line, or a script cannot stand there.
    """
    first: dict[str, HelperLemma] = {}
    for helper in sorted(helpers, key=lambda helper: helper.before):
        first.setdefault(helper.name, helper)
    lines = text.split("\n")
    inserted: list[tuple[int, int]] = []
    ends = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    by_line: dict[int, list[HelperLemma]] = {}
    for helper in first.values():
        by_line.setdefault(helper.before.line, []).append(helper)
    for line in sorted(by_line, reverse=True):
        here = by_line[line]
        if line > len(lines) or lines[line - 1][: here[0].before.column].strip():
            raise PatchError("a helper lemma needs a line of its own", where=f"{here[0].file}:{line}")
        added = "".join(map(helper_text, here)).removesuffix("\n").split("\n")
        lines[line - 1 : line - 1] = [part + ends.removesuffix("\n") for part in added]
        inserted.insert(0, (line, len(added)))
    return WithHelpers("\n".join(lines), tuple(inserted))


_NAMING = "Helper-lemma:"


def naming(helpers: Iterable[HelperLemma]) -> str:
    """What a patch says of the lemmas it adds, in front of its first file; git passes over it."""
    return "".join(f"{_NAMING} {name}\n" for name in dict.fromkeys(helper.name for helper in helpers))


def named_helpers(patch: str) -> frozenset[str]:
    """The full names of the lemmas that a patch says it adds."""
    head = re.split(r"^(?:diff --git|---) ", patch, maxsplit=1, flags=re.MULTILINE)[0]
    return frozenset(re.findall(rf"^{_NAMING}\s*(\S+)\s*$", head, re.MULTILINE))


def colon(signature: str) -> int:
    """Where the colon in front of the conclusion stands; -1 when there is none outside brackets."""
    found = _COLON.search(outside_brackets(signature))
    return found.start() if found else -1
