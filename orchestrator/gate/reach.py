"""What a patch reaches beside the sorries that it fills: files above, and code that Lean runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from orchestrator.gate.canonical import constants
from orchestrator.goals.declaration import Fingerprint
from orchestrator.source.lexer import code_mask, join_name, name_parts, suffixes, words
from orchestrator.source.project import Project

_CODE = re.compile(
    r"Lean\.(?:Macro|Elab|Meta|Parser|ParserDescr|TrailingParserDescr|PrettyPrinter|Syntax|TSyntax|Core|Environment)\b"
)
_OPENS = re.compile(r"\b(?:namespace|open|export)\b(.*)")
_PLAIN = re.compile(r"[\w.'!?]+")


def is_code(fact: Fingerprint) -> bool:
    """Whether a declaration is a metaprogram: Lean runs it while it elaborates what comes after."""
    return fact.kind != "theorem" and any(map(_CODE.match, constants(fact.type)))


def read_above(project: Project, module: str, names: Collection[str], known: Collection[str] = ()) -> Iterator[str]:
    """Which new names of a module a file above it may take for something else, each in words.

    Such a file is not elaborated again: a word in it must not begin to mean a helper. Below one of the `known` names,
    which may be a type, a helper is also what `x.helper` means for an `x` of that type.
    """
    above = [one for one in project.modules if module in {below.name for below in project.closure(one.name)}]
    for path, mask in {one.path: code_mask(one.text) for one in above}.items():
        found = list(words(mask))
        seen = {word.text for word in found}
        fields = {part for word in found for part in name_parts(word.text)[not word.selected :]}
        opened = " ".join(_OPENS.findall(mask))
        for name in names:
            parts = name_parts(name)
            is_field = join_name(parts[:-1]) in known and parts[-1] in fields
            for index, short in enumerate(suffixes(name)):
                is_open = index == 0 or re.search(rf"(?<!\w){re.escape(parts[index - 1])}(?!\w)", opened)
                if is_field or (is_open and any(word == short or word.startswith(f"{short}.") for word in seen)):
                    yield f"a word of {path} may come to mean `{name}`"
                    break


def look_alikes(new: Iterable[str], original: Mapping[str, Fingerprint]) -> Iterator[str]:
    """Which new constants are written like something else that the original speaks of, each in words."""
    odd = {name for name in new if not _PLAIN.fullmatch(name)}
    if odd:
        spoken = {name for fact in original.values() for name in (*constants(fact.type), *constants(fact.value))}
        yield from (f"`{name}` is written like another constant" for name in sorted(odd & spoken))
