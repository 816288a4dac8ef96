"""Blueprints kept in Lean files by LeanArchitect, `@[blueprint "label" (statement := /-- ... -/) ...]`: read only.

LeanArchitect writes their TeX and its marks itself, so there is nothing to edit: what is true is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from orchestrator.blueprint.nodes import Blueprint, BlueprintProblem, Node, Part, ProblemKind, Span, line_of
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.commands import MODIFIERS
from orchestrator.source.lexer import RegionKind, regions
from orchestrator.source.scan import declared

_CODE = re.compile(rf"(?P<name>{IDENTIFIER})|(?P<number>\d+)|(?P<symbol>@\[|:=|\S)")
_RAW_STRING = re.compile(r'r(?P<hashes>#*)"(?P<content>.*?)(?:"(?P=hashes))?', re.S)
_ESCAPE = re.compile(r"\\(\r?\n\s*|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class AttributeTokenKind(StrEnum):
    """What a token is. Ordinary comments and blanks are none."""

    NAME = "name"
    STRING = "string"
    DOC = "doc"
    NUMBER = "number"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class AttributeToken:
    """A token: a string's or doc comment's `text` is its content, anything else's is as written."""

    kind: AttributeTokenKind
    text: str
    start: int

    def is_symbol(self, *texts: str) -> bool:
        """It is one of these symbols."""
        return self.kind is AttributeTokenKind.SYMBOL and self.text in texts

    def is_name(self, *texts: str) -> bool:
        """It is one of these names or keywords."""
        return self.kind is AttributeTokenKind.NAME and self.text in texts


def tokens(text: str) -> Iterator[AttributeToken]:
    """The tokens of a Lean file. Never fails: what is not understood comes as one-character symbols."""
    position = 0
    for region in regions(text):
        yield from _code_tokens(text, position, region.start)
        position = region.end
        content = text[region.start : region.end]
        if region.kind is RegionKind.DOC and content.startswith("/--"):
            yield AttributeToken(AttributeTokenKind.DOC, content[3:].removesuffix("-/").strip(), region.start)
        elif region.kind is RegionKind.STRING:
            raw = _RAW_STRING.fullmatch(content)
            plain = raw["content"] if raw else _ESCAPE.sub(_unescaped, content[1:].removesuffix('"'))
            yield AttributeToken(AttributeTokenKind.STRING, plain, region.start)
    yield from _code_tokens(text, position, len(text))


def _code_tokens(text: str, start: int, end: int) -> Iterator[AttributeToken]:
    for match in _CODE.finditer(text, start, end):
        yield AttributeToken(AttributeTokenKind(str(match.lastgroup)), match.group(), match.start())


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    return "" if code.isspace() else _ESCAPED.get(code, code)


LEAN_FILES = "Lean files"
"""What a blueprint without TeX has in place of the file that reading begins with."""

_OPEN, _CLOSE = ("(", "[", "{", "@["), (")", "]", "}")


@dataclass(frozen=True, slots=True)
class ArchitectNode:
    """One `blueprint` attribute.

    Attributes:
        label: LaTeX label; the declaration's name when none is given.
        declaration: full name of the tagged declaration ("" for an unnamed instance).
        uses: declarations and labels added to those inferred for the statement and the proof.
        has_proof: the blueprint shows a proof apart from the statement.
    """

    label: str
    declaration: str
    file: str
    line: int
    uses: tuple[str, ...] = ()
    not_ready: bool = False
    has_proof: bool = False


def collect(texts: Mapping[str, str]) -> tuple[ArchitectNode, ...]:
    """Every node tagged in these Lean files (path → text), by path and place."""
    return tuple(node for path in sorted(texts) for node in _collect_file(path, texts[path]))


def with_lean_nodes(blueprint: Blueprint, found: Iterable[ArchitectNode]) -> Blueprint:
    """The blueprint with the nodes in Lean files as well; where a label is in both, the node in TeX is kept."""
    by_label: dict[str, list[ArchitectNode]] = {}
    for node in found:
        by_label.setdefault(node.label or f"{node.file}:{node.line}", []).append(node)
    if not by_label:
        return blueprint
    label_of = {node.declaration: node.label for own in by_label.values() for node in own}
    nodes, problems = list(blueprint.nodes), list(blueprint.problems) if blueprint.found else []
    for label, (first, *others) in by_label.items():
        if label in blueprint.by_label:
            message = f"label {label} is already in {blueprint.by_label[label].file}"
            problems.append(BlueprintProblem(ProblemKind.DUPLICATE_LABEL, message, first.file, first.line))
            continue
        own, has_proof = (first, *others), first.has_proof or any(node.has_proof for node in others)
        begin = Span(first.file, first.line, first.line)
        statement = Part(
            environment="theorem" if has_proof else "definition",
            begin=begin,
            line=first.line,
            labels=(first.label,) if first.label else (),
            lean=tuple(dict.fromkeys(node.declaration for node in own if node.declaration)),
            uses=tuple(dict.fromkeys(label_of.get(use, use) for node in own for use in node.uses)),
            notready=any(node.not_ready for node in own),
        )
        proofs = (Part("proof", begin, first.line),) if has_proof else ()
        nodes.append(Node(statement, proofs, generated=True))
    uses = blueprint.uses + sum(len(node.uses) for own in by_label.values() for node in own)
    root = blueprint.root or LEAN_FILES
    return replace(blueprint, nodes=tuple(nodes), problems=tuple(problems), root=root, uses=uses)


@dataclass
class _Options:
    """What one `blueprint` attribute says, before its declaration is known."""

    start: int
    label: str = ""
    said: dict[str, str] = field(default_factory=dict)
    uses: list[str] = field(default_factory=list)


def _collect_file(path: str, text: str) -> Iterable[ArchitectNode]:
    if "blueprint" not in text:
        return
    stream = list(tokens(text))
    names = {found.start: found.name for found in declared(text)}
    position = 0
    while position < len(stream):
        token = stream[position]
        detached = token.is_name("attribute") and _symbol_at(stream, position + 1, "[")
        if not detached and not token.is_symbol("@["):
            position += 1
            continue
        start = position + 2 if detached else position + 1
        position = _closing(stream, start)
        options = _options(stream[start - 1 : position])
        position += 1
        tagged = _tagged(stream, position, text) if detached else (_declared(stream, position, names),)
        for keyword, name in tagged:
            for each in options:
                yield _node(each, keyword, name, path, line_of(text, each.start))


def _declared(stream: Sequence[AttributeToken], position: int, names: Mapping[int, str]) -> tuple[str, str]:
    """Keyword and full name of the declaration that begins at `position`, its further attributes stepped over.

    `names` are those of the file's declarations, by the offset of their keyword.
    """
    while position < len(stream):
        token = stream[position]
        if token.is_symbol("@["):
            position = _closing(stream, position + 1)
        elif token.kind is not AttributeTokenKind.DOC and not token.is_name(*MODIFIERS):
            break
        position += 1
    # The keyword of `class inductive C` is its second word.
    begins = stream[position : position + 2]
    keyword = begins[0].text if begins else ""
    return keyword, next((names[token.start] for token in begins if token.start in names), "")


def _tagged(stream: Sequence[AttributeToken], position: int, text: str) -> Iterable[tuple[str, str]]:
    """The names after `attribute [...]`, as written. They end with the command, where the next begins a line."""
    for token in stream[position:]:
        if token.kind is not AttributeTokenKind.NAME or text[token.start - 1] == "\n":
            return
        yield "", token.text


def _options(stream: Sequence[AttributeToken]) -> list[_Options]:
    """Every `blueprint` entry of an attribute list, also inside `(attr := ...)`."""
    return [
        _read_options(stream, position)
        for position in range(1, len(stream))
        if stream[position].is_name("blueprint", "blueprint?") and stream[position - 1].is_symbol("@[", "[", ",", ":=")
    ]


def _read_options(stream: Sequence[AttributeToken], position: int) -> _Options:
    options = _Options(stream[position].start)
    position += 1
    if _symbol_at(stream, position, "?"):
        position += 1
    if position < len(stream) and stream[position].kind in (AttributeTokenKind.STRING, AttributeTokenKind.DOC):
        options.label = stream[position].text
        position += 1
    while _symbol_at(stream, position, "("):
        end = _closing(stream, position + 1)
        inner = stream[position + 1 : end]
        if len(inner) >= 3 and inner[0].kind is AttributeTokenKind.NAME and inner[1].is_symbol(":="):
            if inner[0].text in ("uses", "proofUses"):
                options.uses += _added(inner[2:])
            else:
                options.said[inner[0].text] = inner[2].text
        position = end + 1
    return options


def _added(stream: Sequence[AttributeToken]) -> Iterable[str]:
    """Names and labels of a `[a, "b", -c]` but those taken away with a `-` in front."""
    for before, token in pairwise(stream):
        if token.kind in (AttributeTokenKind.NAME, AttributeTokenKind.STRING) and not before.is_symbol("-"):
            yield token.text


def _node(options: _Options, keyword: str, name: str, path: str, line: int) -> ArchitectNode:
    said = options.said
    shown = said.get("hasProof")
    return ArchitectNode(
        label=said.get("latexLabel") or options.label or name,
        declaration=name,
        file=path,
        line=line,
        uses=tuple(options.uses),
        not_ready=said.get("notReady") == "true",
        has_proof=shown == "true" if shown else keyword in ("theorem", "lemma") or "proof" in said,
    )


def _symbol_at(stream: Sequence[AttributeToken], position: int, *texts: str) -> bool:
    return position < len(stream) and stream[position].is_symbol(*texts)


def _closing(stream: Sequence[AttributeToken], position: int) -> int:
    """Place of the bracket that closes the one before `position`; the end when there is none."""
    depth = 1
    while position < len(stream):
        token = stream[position]
        depth += 1 if token.is_symbol(*_OPEN) else -1 if token.is_symbol(*_CLOSE) else 0
        if depth == 0:
            return position
        position += 1
    return position
