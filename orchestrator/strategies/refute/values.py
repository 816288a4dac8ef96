"""Small values of Lean types, as terms, from the type's text and the inductive types the project declares. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.goals.tokens import closing
from orchestrator.source.lexer import code_mask

_PLAIN: Mapping[str, tuple[str, ...]] = {
    "Nat": ("0", "1", "2", "3"),
    "ℕ": ("0", "1", "2", "3"),
    "Int": ("0", "1", "(-1)", "2"),
    "ℤ": ("0", "1", "(-1)", "2"),
    "Bool": ("true", "false"),
    "Prop": ("True", "False"),
    "String": ('""', '"a"'),
    "Char": ("'a'", "'b'"),
    "Unit": ("()",),
    "PUnit": ("⟨⟩",),
}
_FUNCTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Nat", "Nat"): ("id", "(fun _ => 1)", "(fun _ => 0)", "(· + 1)", "(· * 2)"),
    ("Int", "Int"): ("id", "(fun _ => 1)", "(fun _ => 0)", "(· + 1)"),
    ("Nat", "Bool"): ("(fun _ => true)", "(fun _ => false)", "(· == 0)"),
}
_MOST = 6
_INDUCTIVE = re.compile(r"(?:^|\n)[ \t]*inductive[ \t]+([\w.']+)([^\n]*?)(?:\bwhere\b|:=|\n(?=[ \t]*\|))")
_CONSTRUCTOR = re.compile(r"\n?[ \t]*\|[ \t]*([\w']+)([^|\n]*)")
_GROUP = re.compile(r"[({]([\w'✝\s]+?):([^(){}]+(?:\([^()]*\)[^(){}]*)*)[)}]")


@dataclass(frozen=True, slots=True)
class Inductive:
    """An inductive type as its text shows it: names of its parameters, and each constructor with its argument types."""

    parameters: tuple[str, ...]
    constructors: tuple[tuple[str, tuple[str, ...]], ...]


def inductives(texts: Iterable[str]) -> dict[str, Inductive]:
    """The inductive types that these files declare, by their short names. Those that are not plain are left out."""
    found = {}
    for text in texts:
        mask = code_mask(text)
        for match in _INDUCTIVE.finditer(mask):
            parameters = tuple(name for names, _ in _GROUP.findall(match[2]) for name in names.split())
            end = mask.find("\n\n", match.end())
            body = mask[match.end() - 1 : end if end > 0 else len(mask)]
            constructors = tuple((name, _arguments(rest)) for name, rest in _CONSTRUCTOR.findall(body))
            if constructors:
                found[match[1].rpartition(".")[2]] = Inductive(parameters, constructors)
    return found


def values_of(kind: str, known: Mapping[str, Inductive], *, depth: int = 3) -> tuple[str, ...]:
    """Closed terms of a type, the smallest first; none when its text is not understood."""
    kind = _unwrapped(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    arrow = _split_arrow(kind)
    if arrow:
        source, target = (_unwrapped(part) for part in arrow)
        if (source, target) in _FUNCTIONS:
            return _FUNCTIONS[source, target]
        same = ("id",) if source == target else ()
        return (*same, *(f"(fun _ => {value})" for value in values_of(target, known, depth=depth - 1)))[:_MOST]
    if " × " in kind:
        left, _, right = kind.partition(" × ")
        first, second = values_of(left, known, depth=depth), values_of(right, known, depth=depth)
        return tuple(f"({a}, {b})" for a in first[:2] for b in second[:2])
    head, *arguments = _words(kind)
    inner = values_of(" ".join(arguments), known, depth=depth) if arguments else ()
    if head in ("List", "Array"):
        hash_ = "#" if head == "Array" else ""
        lists = ["", *(v for v in inner[:2]), *(f"{v}, {v}" for v in inner[:1])]
        lists += [f"{inner[1]}, {inner[0]}", f"{inner[0]}, {inner[1]}"] if len(inner) > 1 else []
        return tuple(f"{hash_}[{each}]" for each in lists)
    if head == "Option":
        return ("none", *(f"(some {value})" for value in inner[:2]))
    short = head.rpartition(".")[2]
    return _built(known[short], arguments, known, depth) if short in known and depth > 0 else ()


def _built(inductive: Inductive, arguments: list[str], known: Mapping[str, Inductive], depth: int) -> tuple[str, ...]:
    places = dict(zip(inductive.parameters, arguments, strict=False))
    made: list[tuple[str, ...]] = []
    for name, kinds in inductive.constructors:
        choices: list[tuple[str, ...]] = [()] if not kinds else []
        if kinds:
            each = [values_of(substituted(kind, places), known, depth=depth - 1)[:3] for kind in kinds]
            choices = _some(each)
        made.append(tuple(f"(.{name} {' '.join(choice)})" if choice else f".{name}" for choice in choices))
    # In turn from each constructor, so that none crowds the others out.
    longest = max(map(len, made), default=0)
    return tuple(values[i] for i in range(longest) for values in made if i < len(values))[: 2 * _MOST]


def _some(choices: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Some combinations: the first of everything, then with one place changed at a time, then all last ones."""
    if any(not each for each in choices):
        return []
    first = tuple(each[0] for each in choices)
    combined = [first]
    for index, each in enumerate(choices):
        combined += [(*first[:index], value, *first[index + 1 :]) for value in each[1:]]
    combined.append(tuple(each[-1] for each in choices))
    return list(dict.fromkeys(combined))


def _arguments(rest: str) -> tuple[str, ...]:
    """Types of a constructor's arguments: those of its binders, then those before its last arrow."""
    groups = [(names.split(), kind.strip()) for names, kind in _GROUP.findall(rest)]
    kinds = [kind for names, kind in groups for _ in names]
    after = _GROUP.sub("", rest).strip()
    if after.startswith(":"):
        parts = after[1:].replace("->", "→").split("→")
        kinds += [part.strip() for part in parts[:-1]]
    return tuple(kinds)


def substituted(kind: str, places: Mapping[str, str]) -> str:
    """A type with others in place of some names."""
    for name, argument in places.items():
        kind = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", argument, kind)
    return kind


def _unwrapped(kind: str) -> str:
    kind = " ".join(kind.split())
    while kind.startswith("(") and closing(kind, 0) == len(kind) - 1:
        kind = kind[1:-1].strip()
    return kind


def _split_arrow(kind: str) -> tuple[str, str] | None:
    depth = 0
    for index, character in enumerate(kind):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "→" and depth == 0:
            return kind[:index].strip(), kind[index + 1 :].strip()
    return None


def _words(kind: str) -> list[str]:
    """The words of an application, bracketed ones whole."""
    words, depth = [""], 0
    for character in kind:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == " " and depth == 0:
            words.append("")
        else:
            words[-1] += character
    return [word for word in words if word] or [""]
