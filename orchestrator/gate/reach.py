"""What a patch reaches beside the sorries that it fills: files above, and code that Lean runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from orchestrator.gate.canonical import constants
from orchestrator.goals.declaration import Fingerprint
from orchestrator.source.lexer import code_mask, name_parts, suffixes, words
from orchestrator.source.project import Project

_CODE = re.compile(
    r"Lean\.(?:Macro|Elab|Meta|Parser|ParserDescr|TrailingParserDescr|PrettyPrinter|Syntax|TSyntax|Core|Environment)\b"
)
_OPENS = re.compile(r"\b(?:namespace|open|export)\b(.*)")
_PLAIN = re.compile(r"[\w.'!?]+")


def is_code(fact: Fingerprint) -> bool:
    """Whether a declaration is a metaprogram: Lean runs it while it elaborates what comes after."""
    return fact.kind != "theorem" and any(map(_CODE.match, constants(fact.type)))


def read_above(project: Project, module: str, names: Iterable[str]) -> Iterator[str]:
    """Which new names of a module a file above it may take for something else, each in words.

    Such a file is not elaborated again: a word in it must not begin to mean a helper.
    """
    above = [one for one in project.modules if module in {below.name for below in project.closure(one.name)}]
    texts = {one.path: code_mask(one.text) for one in above}
    seen = {path: {word.text for word in words(mask)} for path, mask in texts.items()}
    opened = {path: " ".join(_OPENS.findall(mask)) for path, mask in texts.items()}
    for name in names:
        parts = name_parts(name)
        for index, short in enumerate(suffixes(name)):
            for path in texts:
                is_open = index == 0 or re.search(rf"(?<!\w){re.escape(parts[index - 1])}(?!\w)", opened[path])
                if is_open and any(word == short or word.startswith(f"{short}.") for word in seen[path]):
                    yield f"`{name}` is a word of {path}, which may mean something else there"


def look_alikes(new: Iterable[str], original: Mapping[str, Fingerprint]) -> Iterator[str]:
    """Which new constants are written like something else that the original speaks of, each in words."""
    odd = {name for name in new if not _PLAIN.fullmatch(name)}
    if odd:
        spoken = {name for fact in original.values() for name in (*constants(fact.type), *constants(fact.value))}
        yield from (f"`{name}` is written like another constant" for name in sorted(odd & spoken))
