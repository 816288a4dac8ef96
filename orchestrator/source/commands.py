"""Cuts Lean text into commands, as far as text alone can tell: the REPL answers for a whole text at once. Pure.

A command is taken to start at the left margin with a word that begins one. Whoever elaborates piece by piece compares
with the text as a whole where a piece does not elaborate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.lexer import RegionKind, code_mask, name_parts, plain_words, regions

# fmt: off
DECLARATION_WORDS = frozenset({
    "theorem", "lemma", "def", "abbrev", "instance", "example", "axiom", "opaque", "structure", "inductive", "class",
    "coinductive", "alias", "proof_wanted", "irreducible_def",
})
MODIFIERS = frozenset({
    "private", "protected", "public", "noncomputable", "unsafe", "partial", "nonrec", "scoped", "local", "meta",
})
_WITH_IN = frozenset({"set_option", "open", "variable", "omit", "include", "attribute", "universe"})
COMMAND_WORDS = DECLARATION_WORDS | MODIFIERS | _WITH_IN | frozenset({
    "namespace", "section", "end", "mutual", "export", "notation", "infix", "infixl", "infixr", "prefix", "postfix",
    "macro", "macro_rules", "syntax", "declare_syntax_cat", "elab", "elab_rules", "run_cmd", "run_elab", "run_meta",
    "initialize", "builtin_initialize", "simproc", "dsimproc", "builtin_simproc", "add_decl_doc", "register_option",
    "register_simp_attr", "unif_hint", "suppress_compilation", "compile_inductive", "library_note", "assert_not_exists",
    "grind_pattern", "unseal", "seal", "init_quot", "deriving_instance",
})
# fmt: on
_LINE_START = re.compile(rf"^(?:(?P<attribute>@\[)|(?P<hash>#[a-z_]+)|(?P<word>{IDENTIFIER}))", re.MULTILINE)
_ATTRIBUTES = r"@\[[^\]]*\]"
_PREFIX_ONLY = re.compile(
    rf"(?:\s|{_ATTRIBUTES}|(?:{'|'.join(sorted(MODIFIERS))})\b|(?:{'|'.join(sorted(_WITH_IN))})\b[^\n]*?\bin\b(?=\s))*"
)
_DERIVING = re.compile(r"deriving\s+instance\b")
SCOPE_NAME = re.compile(rf"[ \t]+({IDENTIFIER})")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, as offsets."""

    start: int
    end: int


def command_starts(text: str, start: int = 0) -> tuple[int, ...]:
    """Offsets behind `start` where commands begin, doc comments and attributes included."""
    mask = code_mask(text)
    found: dict[int, str] = {}
    for match in _LINE_START.finditer(mask, start):
        word = match["word"] or match["attribute"] or match["hash"]
        if match["word"] and word not in COMMAND_WORDS and not _DERIVING.match(mask, match.start()):
            continue
        found[match.start()] = word
    for region in regions(text):
        at_margin = region.start == 0 or text[region.start - 1] == "\n"
        if region.kind is RegionKind.DOC and region.start >= start and at_margin:
            found[region.start] = "/--"
    starts: list[int] = []
    inside_mutual = False
    for offset in sorted(found):
        if starts and _PREFIX_ONLY.fullmatch(mask, starts[-1], offset) and not text.startswith("/-!", starts[-1]):
            inside_mutual = inside_mutual or found[offset] == "mutual"
            continue
        if inside_mutual:
            inside_mutual = found[offset] != "end"
            continue
        inside_mutual = found[offset] == "mutual"
        starts.append(offset)
    return tuple(starts)


def cut(text: str, offsets: Iterable[int], start: int = 0) -> tuple[Piece, ...]:
    """`text` from `start` on in pieces: the commands around `offsets`, and what lies between them."""
    starts = command_starts(text, start)
    ends = (*starts[1:], len(text)) if starts else ()
    wanted = list(offsets)
    pieces: list[Piece] = []
    done = start
    for begin, end in zip(starts, ends, strict=True):
        if any(begin <= offset < end for offset in wanted):
            if done < begin:
                pieces.append(Piece(done, begin))
            pieces.append(Piece(begin, end))
            done = end
    if done < len(text) or not pieces:
        pieces.append(Piece(done, len(text)))
    return tuple(pieces)


def scope_ends(text: str) -> str:
    """Commands that end what `text` opens and does not close, the innermost first ("" for none)."""
    mask = code_mask(text)
    names: list[str] = []
    for word in plain_words(mask):
        name = SCOPE_NAME.match(mask, word.end)
        parts = name_parts(name[1]) if name and name[1] not in COMMAND_WORDS else ()
        match word.text:
            case "namespace":
                names += parts
            case "section":
                names += parts or [""]
            case "mutual":
                names.append("\0")
            case "end":
                del names[max(0, len(names) - max(1, len(parts))) :]
            case _:
                pass
    return "\n".join(f"end {name}".rstrip() for name in reversed(names) if name != "\0")


def command_words(text: str, start: int = 0) -> tuple[str, ...]:
    """Every word in `text` that can only be a command's, in order.

    It stands in for the commands' syntax kinds where Lean does not tell them: whatever a proof smuggles in besides
    itself needs one of these words.
    """
    mask = code_mask(text)
    return tuple(word.text for word in plain_words(mask[start:]) if word.text in COMMAND_WORDS - MODIFIERS)


def declared_names(text: str) -> tuple[str, ...]:
    """Names that stand behind `theorem`, `def` and the like, as written."""
    mask = code_mask(text)
    found = []
    for word in plain_words(mask):
        if word.text in DECLARATION_WORDS:
            name = re.compile(rf"\s+({IDENTIFIER})").match(mask, word.end)
            if name and name[1] not in COMMAND_WORDS and word.text != "example":
                found.append(name[1])
    return tuple(found)
