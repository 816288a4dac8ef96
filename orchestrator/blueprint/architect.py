"""Blueprints kept in Lean files by LeanArchitect, `@[blueprint "label" (statement := /-- ... -/) ...]`: read only.

LeanArchitect writes the TeX and its marks itself, so there is nothing to edit: what is true is reported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.blueprint.nodes import line_of
from orchestrator.blueprint.status import Facts, NodeStatus, judge
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.source.lexer import IDENTIFIER, RegionKind, regions

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


_THEOREMS = frozenset({"theorem", "lemma"})
_SCOPES = frozenset({"namespace", "section", "mutual"})
_MODIFIERS = frozenset(
    {"private", "protected", "public", "noncomputable", "unsafe", "partial", "nonrec", "meta"} | {"local", "scoped"}
)
_COMMANDS = frozenset(
    {"end", "def", "abbrev", "instance", "structure", "class", "inductive", "example", "axiom", "opaque", "alias"}
    | {"open", "variable", "universe", "attribute", "set_option", "include", "omit", "export", "import", "deriving"}
    | {"notation", "infix", "infixl", "infixr", "prefix", "postfix", "macro", "macro_rules", "syntax", "elab"}
    | {"initialize", "blueprint_comment", "suppress_compilation", "run_cmd"}
)
_KEYWORDS = _THEOREMS | _SCOPES | _MODIFIERS | _COMMANDS
_OPEN, _CLOSE = ("(", "[", "{", "@["), (")", "]", "}")


@dataclass(frozen=True, slots=True)
class ArchitectNode:
    """One `blueprint` attribute.

    Attributes:
        label: LaTeX label; the declaration's name when none is given.
        declaration: full name of the tagged declaration ("" for an unnamed instance).
        kind: its keyword, such as `theorem` ("" for one that is tagged elsewhere, by `attribute [...]`).
        file: path of the Lean file.
        line: line of the attribute, from 1.
        uses: declarations and labels added to those inferred for the statement.
        proof_uses: likewise for the proof.
        not_ready: marked as not ready.
        has_proof: the blueprint shows a proof apart from the statement.
    """

    label: str
    declaration: str
    kind: str
    file: str
    line: int
    uses: tuple[str, ...] = ()
    proof_uses: tuple[str, ...] = ()
    not_ready: bool = False
    has_proof: bool = False


def collect(texts: Mapping[str, str]) -> tuple[ArchitectNode, ...]:
    """Every node tagged in these Lean files (path → text), by path and place."""
    return tuple(node for path in sorted(texts) for node in _collect_file(path, texts[path]))


def evaluate_architect(
    nodes: Iterable[ArchitectNode], facts: Facts, *, allowed_axioms: Collection[str] = STANDARD_AXIOMS
) -> tuple[NodeStatus, ...]:
    """What is true of each label, in the order the labels come; one label may be on several declarations."""
    by_label: dict[str, list[ArchitectNode]] = {}
    for node in nodes:
        by_label.setdefault(node.label, []).append(node)
    return tuple(
        judge(
            label,
            (node.declaration for node in own if node.declaration),
            facts,
            has_proof=any(node.has_proof for node in own),
            allowed_axioms=allowed_axioms,
        )
        for label, own in by_label.items()
    )


@dataclass
class _Options:
    """What one `blueprint` attribute says, before its declaration is known."""

    start: int
    label: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)


def _collect_file(path: str, text: str) -> Iterable[ArchitectNode]:
    if "blueprint" not in text:
        return
    stream = list(tokens(text))
    scopes: list[str] = []
    position = 0
    while position < len(stream):
        token = stream[position]
        detached = token.is_name("attribute") and _symbol_at(stream, position + 1, "[")
        if detached or token.is_symbol("@["):
            start = position + 2 if detached else position + 1
            position = _closing(stream, start)
            options = _options(stream[start - 1 : position])
            position += 1
            for kind, name in _tagged(stream, position) if detached else (_declared(stream, position, scopes),):
                for each in options:
                    yield _node(each, kind, name, path, line_of(text, each.start))
        else:
            position = _scope(stream, position, scopes)


def _scope(stream: Sequence[AttributeToken], position: int, scopes: list[str]) -> int:
    """Open or close a namespace, section or mutual block; the place after it. Sections count as namespaces `""`."""
    token = stream[position]
    if position and _symbol_at(stream, position - 1, "."):
        return position + 1
    if token.is_name(*_SCOPES, "end"):
        name = _name_on(stream, position + 1) if not token.is_name("mutual") else ""
        parts = name.split(".") if name else [""]
        if token.is_name("end"):
            del scopes[max(0, len(scopes) - len(parts)) :]
        else:
            scopes.extend(parts if token.is_name("namespace") else [""] * len(parts))
        return position + (2 if name else 1)
    return position + 1


def _name_on(stream: Sequence[AttributeToken], position: int) -> str:
    """The name at `position`, if it is one and no keyword that begins the next command."""
    if position >= len(stream) or stream[position].kind is not AttributeTokenKind.NAME:
        return ""
    return "" if stream[position].text in _KEYWORDS else stream[position].text


def _declared(stream: Sequence[AttributeToken], position: int, scopes: Sequence[str]) -> tuple[str, str]:
    """Keyword and full name of the declaration that begins at `position`, its further attributes stepped over."""
    while position < len(stream):
        token = stream[position]
        if token.is_symbol("@["):
            position = _closing(stream, position + 1)
        elif token.kind is not AttributeTokenKind.DOC and not token.is_name(*_MODIFIERS):
            break
        position += 1
    if position >= len(stream) or stream[position].kind is not AttributeTokenKind.NAME:
        return "", ""
    kind = stream[position].text
    position += 1
    if kind == "class" and position < len(stream) and stream[position].is_name("inductive", "abbrev"):
        position += 1
    if kind == "instance" and _symbol_at(stream, position, "("):
        inner = position + 1
        if inner < len(stream) and stream[inner].is_name("priority", "prio"):
            position = _closing(stream, inner) + 1
    if position >= len(stream) or stream[position].kind is not AttributeTokenKind.NAME:
        return kind, ""
    name = stream[position].text
    if name.startswith("_root_."):
        return kind, name.removeprefix("_root_.")
    return kind, ".".join((*(scope for scope in scopes if scope), name))


def _tagged(stream: Sequence[AttributeToken], position: int) -> Iterable[tuple[str, str]]:
    """The names after `attribute [...]`, as written. They end with the line's command: at the first keyword."""
    while name := _name_on(stream, position):
        yield "", name
        position += 1


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
            if inner[2].is_symbol("["):
                options.lists.setdefault(inner[0].text, []).extend(_list(inner[3:]))
            else:
                options.texts[inner[0].text] = inner[2].text
        position = end + 1
    return options


def _list(stream: Sequence[AttributeToken]) -> Iterable[str]:
    """Names and labels of a `[a, "b", -c]`, those taken away with a `-` in front."""
    minus = ""
    for token in stream:
        if token.is_symbol("-"):
            minus = "-"
        elif token.kind in (AttributeTokenKind.NAME, AttributeTokenKind.STRING):
            yield minus + token.text
            minus = ""


def _node(options: _Options, kind: str, name: str, path: str, line: int) -> ArchitectNode:
    texts = options.texts
    uses, proof_uses = options.lists.get("uses", []), options.lists.get("proofUses", [])
    shown = texts.get("hasProof")
    return ArchitectNode(
        label=texts.get("latexLabel") or options.label or name,
        declaration=name,
        kind=kind,
        file=path,
        line=line,
        uses=tuple(each for each in uses if not each.startswith("-")),
        proof_uses=tuple(each for each in proof_uses if not each.startswith("-")),
        not_ready=texts.get("notReady") == "true",
        has_proof=shown == "true" if shown else kind in _THEOREMS or "proof" in texts,
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
