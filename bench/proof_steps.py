"""A tactic script taken apart into single steps that can be run one after the other. Pure.

Structure becomes holes: `induction n with | zero => … | succ k ih => …` is the step
`induction n with | zero => ?_ | succ k ih => ?_` followed by the steps of each alternative, bullets disappear, and
`have h : T := by …` is `have h : T := ?_`, behind which Lean puts the goal `T` second: its steps come at the end of the
block. Run in order on a Lean proof state, each on the first open goal, they do what the script does; what cannot be
taken apart safely stays one step.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.source.lexer import code_mask

_BY_CASES = re.compile(r"(?:induction|cases|fun_induction|fun_cases|match)\b")
_ALTERNATIVE = re.compile(r"\|(?P<pattern>(?:(?!=>).)*)=>(?P<body>.*)", re.DOTALL)
_HAVE_BY = re.compile(r"(?P<head>(?:have|suffices)\b.*\s:=)\s*by", re.DOTALL)
_DECLARATION = re.compile(r"^(?:@\[[^\]]*\]\s*)?(?:private |protected )?(?:theorem|lemma)\s", re.MULTILINE)
_PROOF = re.compile(r":=\s*by\b[ ]*(?P<body>[^\n]*(?:\n(?:[ \t][^\n]*|[ \t]*))*)")
_SEPARATOR = re.compile(r"(?<!<);(?!>)")
_SWALLOWS = re.compile(r"\bby\b|=>|\bfun\b|\bdo\b|\bfrom\b|↦|\bcalc\b|\bfirst\b")
_OPENERS, _CLOSERS = "([{⟨", ")]}⟩"


@dataclass(frozen=True, slots=True)
class CutProof:
    """A proof that was cut out of a file.

    Attributes:
        line: line (from 1) of the `sorry` that stands there now.
        script: the proof, dedented.
    """

    line: int
    script: str


def steps(script: str) -> tuple[str, ...]:
    """The steps of a script, in the order in which they run."""
    text = "\n".join(line for line in textwrap.dedent(script).split("\n") if line.strip())
    return tuple(_block(text.split("\n"))) if text else ()


def cut_proofs(text: str) -> tuple[str, tuple[CutProof, ...]]:
    """The text of a file with `sorry` for every tactic proof of its theorems, and the proofs.

    Only theorems that begin at the left margin and whose proof is one `by` block are cut; those that hold a `sorry`
    are left as they are.
    """
    mask = code_mask(text)
    pieces: list[str] = []
    proofs: list[CutProof] = []
    done = 0
    starts = [match.start() for match in _DECLARATION.finditer(mask)]
    for start, end in pairwise([*starts, len(mask)]):
        match = _PROOF.search(mask, start, end)
        if start < done or match is None or "\n\n" in mask[start : match.start()].strip():
            continue
        body = text[match.start("body") : match.end("body")]
        body = body.split("\n\n")[0].rstrip()
        code = mask[match.start("body") : match.start("body") + len(body)]
        if not body.strip() or re.search(r"\b(?:sorry|admit|where|termination_by|decreasing_by)\b", code):
            continue
        script = body if body.startswith("\n") else "\n" + body.lstrip()
        pieces += [text[done : match.start("body")].rstrip(" "), " sorry"]
        done = match.start("body") + len(body)
        line = "".join(pieces).count("\n") + 1
        proofs.append(CutProof(line, textwrap.dedent(script).strip("\n")))
    pieces.append(text[done:])
    return "".join(pieces), tuple(proofs)


def _block(lines: Sequence[str]) -> Iterator[str]:
    margin = _margin(lines[0])
    items: list[list[str]] = []
    for line in lines:
        begins = _margin(line) <= margin and not line.lstrip().startswith(("|", "<;>", ")", "]", "⟩", "}"))
        if begins or not items:
            items.append([])
        items[-1].append(line)
    later: list[Sequence[str]] = []
    for item in items:
        yield from _item(item, later)
    for block in reversed(later):
        yield from _block(block)


def _item(lines: Sequence[str], later: list[Sequence[str]]) -> Iterator[str]:
    """The steps of one tactic; the lines of a proof that is to come at the end of its block are added to `later`."""
    first = lines[0].lstrip()
    if first.startswith(("· ", ". ")):
        yield from _block([" " * (_margin(lines[0]) + 2) + first[2:], *lines[1:]])
        return
    parts = _sequence(first)
    if not parts:
        yield from _block(lines[1:]) if len(lines) > 1 else ()
        return
    yield from parts[:-1]
    last, rest = parts[-1], list(lines[1:])
    alternatives = _alternatives(rest) if _BY_CASES.match(last) and last.endswith("with") else []
    have = _HAVE_BY.fullmatch(last)
    if alternatives:
        yield " ".join([last, *(f"| {pattern} => ?_" for pattern, _ in alternatives)])
        for _, body in alternatives:
            yield from _block(body)
    elif have is not None and rest:
        yield f"{have['head']} ?_"
        later.append(rest)
    else:
        yield _joined(last, rest) if rest else last


def _joined(first: str, rest: Sequence[str]) -> str:
    inner = textwrap.indent(textwrap.dedent("\n".join(rest)), "  ")
    return f"{first}\n{inner}"


def _alternatives(lines: Sequence[str]) -> list[tuple[str, list[str]]]:
    """(pattern, lines of the body) of each `| … => …`; empty when the lines are anything else."""
    if not lines or not lines[0].lstrip().startswith("|"):
        return []
    margin = _margin(lines[0])
    groups: list[list[str]] = []
    for line in lines:
        if _margin(line) == margin and line.lstrip().startswith("|"):
            groups.append([line.lstrip()])
        elif groups and _margin(line) > margin:
            groups[-1].append(line)
        else:
            return []
    found: list[tuple[str, list[str]]] = []
    for group in groups:
        match = _ALTERNATIVE.fullmatch(group[0])
        if match is None:
            return []
        body = match["body"].strip()
        nested = group[1:]
        if body:
            # At margin 0, so that what stands below it continues its last tactic.
            found.append((match["pattern"].strip(), [body, *nested]))
        elif nested:
            found.append((match["pattern"].strip(), nested))
        else:
            return []
    return found


def _sequence(line: str) -> list[str]:
    """The tactics of a line that `;` separates, as far as none of them takes in what follows it."""
    mask = code_mask(line)
    depth, start, parts = 0, 0, []
    for index, character in enumerate(mask):
        depth += (character in _OPENERS) - (character in _CLOSERS)
        if character == ";" and depth == 0 and _SEPARATOR.match(mask, index) and mask[index - 1 : index + 2] != "<;>":
            if _swallows(mask[start:index]):
                break
            parts.append(line[start:index].strip())
            start = index + 1
    return [part for part in (*parts, line[start:].strip()) if part]


def _swallows(code: str) -> bool:
    depth = 0
    outside = []
    for character in code:
        depth += (character in _OPENERS) - (character in _CLOSERS)
        outside.append(character if depth == 0 else " ")
    return _SWALLOWS.search("".join(outside)) is not None


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())
