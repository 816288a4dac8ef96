"""Small values of Lean types as closed terms, the smallest first, from the types as Lean prints them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice, product

from orchestrator.goals.hypotheses import looks_like_fact
from orchestrator.goals.tokens import closing
from orchestrator.source import scan
from orchestrator.source.lexer import code_mask

_MOST_OF_A_SIZE = 48
_LARGEST = 14
_CONSTRUCTOR = re.compile(r"\|[ \t]*([\w'₀-₉]+)")
_OPENERS, _CLOSERS = "([{⦃⟨", ")]}⦄⟩"
_NUMBERS = frozenset({"Nat", "ℕ", "Int", "ℤ"})
_PLAIN: Mapping[str, tuple[str, ...]] = {
    "Bool": ("true", "false"),
    "Prop": ("True", "False"),
    "String": ('""', '"a"', '"b"', '"ab"', '"aa"'),
    "Char": ("'a'", "'b'", "'A'", "'0'", "' '"),
    "Unit": ("()",),
    "PUnit": ("⟨⟩",),
    "ULift Bool": ("⟨true⟩", "⟨false⟩"),
}
_COMPARABLE = frozenset(_PLAIN) | _NUMBERS | {"List", "Option"}
_PROOF = "(by first | decide | omega | (simp; done))"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a project's text declares, by the last part of its name.

    Attributes:
        constructors: of each inductive type and structure, the names of its constructors.
        definitions: names of definitions.
    """

    constructors: Mapping[str, tuple[str, ...]]
    definitions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a function as Lean prints its type; `name` is "" where nothing depends on it."""

    name: str
    type: str
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class Constructor:
    """A constructor: how it is written where its type is known, its arguments, and the type that it makes."""

    name: str
    arguments: tuple[Argument, ...]
    result: str


def declared(texts: Iterable[str]) -> Declared:
    """What these files declare."""
    constructors: dict[str, tuple[str, ...]] = {}
    definitions: set[str] = set()
    for found in map(_declared_in, texts):
        constructors |= found.constructors
        definitions |= found.definitions
    return Declared(constructors, frozenset(definitions))


@lru_cache(maxsize=4096)
def _declared_in(text: str) -> Declared:
    mask = code_mask(text)
    constructors: dict[str, tuple[str, ...]] = {}
    definitions = set()
    for one in scan.declared(text):
        short = one.name.rpartition(".")[2]
        if one.keyword == "structure":
            constructors[short] = ("mk",)
        elif one.keyword == "inductive":
            constructors[short] = tuple(_CONSTRUCTOR.findall(mask, one.start, one.end))
        elif one.keyword in ("def", "abbrev"):
            definitions.add(short)
    return Declared(constructors, frozenset(definitions))


def telescope(text: str) -> tuple[tuple[Argument, ...], str]:
    """The arguments of a function type, and what it results in."""
    arguments: list[Argument] = []
    text = " ".join(text.split())
    while True:
        quantified = text.startswith("∀ ")
        rest = text[2:] if quantified else text
        groups: list[Argument] = []
        while rest[:1] in tuple("({[⦃"):
            end = closing(rest, 0)
            names, colon, kind = rest[1:end].partition(" : ")
            if not colon:
                names, kind = "", rest[1:end]
            if not quantified and (rest[0] == "(" and not colon):
                break
            groups += [Argument(name, kind, rest[0] == "(") for name in names.split() or [""]]
            rest = rest[end + 1 :].lstrip()
        mark = "," if quantified else "→"
        if groups and rest.startswith(mark):
            arguments += groups
            text = rest[1:].lstrip()
            continue
        arrow = _top_level(text, "→")
        if quantified or arrow < 0:
            return tuple(arguments), unwrapped(text)
        arguments.append(Argument("", unwrapped(text[:arrow])))
        text = text[arrow + 1 :].lstrip()


class Values:
    """Closed terms of types.

    Args:
        constructors: of each type that is not Lean's own, by its name as Lean prints it.
        predicates: which of those types are propositions.
    """

    def __init__(self, constructors: Mapping[str, Sequence[Constructor]], predicates: Iterable[str] = ()) -> None:
        self._constructors = constructors
        self._predicates = frozenset(predicates)
        self._known: dict[tuple[str, int], tuple[str, ...]] = {}

    def first(self, kind: str, most: int) -> tuple[str, ...]:
        """The smallest `most` terms of a type; none when it is not understood."""
        kind = unwrapped(kind)
        sizes = count(1) if kind in _NUMBERS else range(1, _LARGEST)
        return tuple(islice((term for size in sizes for term in self._of_size(kind, size)), most))

    def _of_size(self, kind: str, size: int) -> tuple[str, ...]:
        key = kind, size
        if key not in self._known:
            self._known[key] = ()  # what needs itself to be made is not there
            self._known[key] = tuple(islice(self._made(kind, size), _MOST_OF_A_SIZE))
        return self._known[key]

    def _made(self, kind: str, size: int) -> Iterator[str]:
        if size <= 0:
            return
        arrow = _top_level(kind, "→")
        pair = _top_level(kind, "×")
        head, *arguments = words(kind)
        if kind in ("Nat", "ℕ"):
            yield str(size - 1)
        elif kind in ("Int", "ℤ"):
            yield str(size // 2) if size % 2 == 0 or size == 1 else f"(-{size // 2})"
        elif kind in _PLAIN:
            yield from _PLAIN[kind][size - 1 : size]
        elif arrow >= 0:
            functions = self._functions(unwrapped(kind[:arrow]), unwrapped(kind[arrow + 1 :]))
            yield from islice(functions, size - 1, size)
        elif pair >= 0:
            for a, b in self._together([unwrapped(kind[:pair]), unwrapped(kind[pair + 1 :])], size):
                yield f"({a}, {b})"
        elif head == "Fin":
            bound = _number(" ".join(arguments))
            yield from [f"⟨{size - 1}, by decide⟩"] if size <= bound else []
        elif head in ("List", "Array"):
            inner = unwrapped(" ".join(arguments))
            for length in range(size):
                for items in self._together([inner] * length, size - 1):
                    yield f"{'#' if head == 'Array' else ''}[{', '.join(items)}]"
        elif head == "Option":
            yield from ["none"] if size == 1 else []
            yield from (f"(some {term})" for term in self._of_size(unwrapped(" ".join(arguments)), size - 1))
        else:
            for one in self._constructors.get(head, ()):
                yield from self._built(one, kind, size - 1)

    def _built(self, one: Constructor, kind: str, size: int) -> Iterator[str]:
        """What a constructor makes of the type from arguments of so many nodes together."""
        given = dict(zip(words(one.result)[1:], words(kind)[1:], strict=False))
        kinds = []
        for index, argument in enumerate(one.arguments):
            if not argument.explicit:
                continue
            later = one.arguments[index + 1 :]
            if argument.name and any(
                mentions(other.type, argument.name) and self.is_predicate(other.type) for other in later
            ):
                kinds.append("_")  # the proof says which one
            else:
                kinds.append(unwrapped(substituted(argument.type, given)))
        for terms in self._together(kinds, size):
            yield f"(.{one.name} {' '.join(terms)})" if terms else f".{one.name}"

    def is_predicate(self, kind: str) -> bool:
        """Whether the type is an inductive predicate's, of which the values are derivations."""
        return words(unwrapped(kind))[0] in self._predicates

    def _together(self, kinds: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
        """Terms of these types that have `size` nodes together; a proof of anything else has none."""
        if not kinds:
            if size == 0:
                yield ()
            return
        kind, *rest = kinds
        if kind == "_" or looks_like_fact(kind):
            for others in self._together(rest, size):
                yield ("_" if kind == "_" else _PROOF, *others)
            return
        for own in range(1, size - len([k for k in rest if k != "_"]) + 1):
            firsts = self._of_size(kind, own)
            if firsts:
                for first, others in product(firsts, list(islice(self._together(rest, size - own), _MOST_OF_A_SIZE))):
                    yield (first, *others)

    def _functions(self, source: str, target: str) -> Iterator[str]:
        """Functions: the identity, constants, sums and products, then tables that single one argument out."""
        last = _top_level(target, "→")
        if last >= 0:
            second, third = unwrapped(target[:last]), unwrapped(target[last + 1 :])
            if third == "Prop" and source == second:
                relations = ("x = y", "True", "False", "x ≠ y", *(("x < y", "x ≤ y") if source in _NUMBERS else ()))
                yield from (f"(fun x y => {each})" for each in relations)
                return
            yield from ["(fun x _ => x)"] if source == third else []
            yield from ["(fun _ y => y)"] if second == third else []
            if source == second == third and source in _NUMBERS:
                yield from ("(fun x y => x + y)", "(fun x y => x * y)", "(fun x y => x - y)")
            yield from (f"(fun _ => {each})" for each in self._functions(second, third))
            return
        comparable = words(source)[0] in _COMPARABLE
        if target == "Prop":
            yield from ("(fun _ => True)", "(fun _ => False)")
            for value in self.first(source, 2) if comparable else ():
                yield f"(fun x => x = {value})"
                yield f"(fun x => x ≠ {value})"
            return
        values = self.first(target, 3)
        yield from ["(fun x => x)"] if source == target else []
        yield from (f"(fun _ => {value})" for value in values)
        if source == target and source in _NUMBERS:
            yield from ("(fun x => x + 1)", "(fun x => 2 * x)", "(fun x => x * x)", "(fun x => x - 1)")
        for argument in self.first(source, 2):
            for one, other in product(values, values):
                if one != other and comparable:
                    yield f"(fun x => if x = {argument} then {one} else {other})"
                elif one != other and argument.startswith("."):
                    yield f"(fun x => match x with | {argument} => {one} | _ => {other})"


def unwrapped(kind: str) -> str:
    """A type without brackets around the whole of it."""
    kind = " ".join(kind.split())
    while kind.startswith("(") and closing(kind, 0) == len(kind) - 1:
        kind = kind[1:-1].strip()
    return kind


def words(kind: str) -> list[str]:
    """The words of an application, bracketed ones whole; at least one."""
    found, depth = [""], 0
    for character in kind:
        depth += (character in _OPENERS) - (character in _CLOSERS)
        if character == " " and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [word for word in found if word] or [""]


def mentions(text: str, name: str) -> bool:
    """Whether a text speaks of a name."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w'])", text) is not None


def substituted(kind: str, given: Mapping[str, str]) -> str:
    """A type with values in place of names."""
    parts = re.split(r"((?<![\w.])[^\W\d][\w'✝₀-₉]*)", kind)
    return "".join(given.get(part, part) for part in parts)


def _number(text: str) -> int:
    """A sum or product of literals, 0 for anything else."""
    text = unwrapped(text)
    if text.isdigit():
        return int(text)
    for operator in "+*":
        at = _top_level(text, operator)
        if at > 0:
            left, right = _number(text[:at]), _number(text[at + 1 :])
            return (left + right) if operator == "+" else left * right
    return 0


def _top_level(text: str, symbol: str) -> int:
    """Where a symbol stands outside of brackets; -1 where it does not."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character in _OPENERS) - (character in _CLOSERS)
        if character == symbol and depth == 0:
            return index
    return -1
