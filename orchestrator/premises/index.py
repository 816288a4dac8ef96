"""Premises as arrays: which of them mention a constant, how rare that is, and what they look like by themselves.

An index is made once for each corpus and kept in a folder of its own, as numpy's files, which are mapped into memory:
opening it reads the vocabulary alone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestrator.premises.retrieval import Premise
from orchestrator.premises.traits import RELATIONS, TRAITS, last, parts, relation, root, traits

FORMAT = 2
_FACTS = "facts.json"

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Inverted:
    """Which premises have a key, such as a constant that they mention.

    Attributes:
        starts, rows: the premises with key i are `rows[starts[i]:starts[i + 1]]`.
        weights: log(1 + premises / premises with it), by key.
        totals: the sum of the weights of its keys, by premise.
    """

    numbers: Mapping[str, int]
    starts: NDArray[np.int64]
    rows: Integers
    weights: Floats
    totals: Floats

    @classmethod
    def of(cls, keys: Sequence[tuple[str, ...]], world: Inverted | None = None) -> Inverted:
        """From the keys of each premise; `world` says how rare they are, these premises themselves unless given."""
        found: dict[str, list[int]] = {}
        for row, those in enumerate(keys):
            for key in dict.fromkeys(those):
                found.setdefault(key, []).append(row)
        starts = np.cumsum([0, *(len(rows) for rows in found.values())], dtype=np.int64)
        rows = np.array([row for rows in found.values() for row in rows], np.int32)
        if world is None:
            weights = np.log1p(len(keys) / np.maximum(np.diff(starts), 1)).astype(np.float32)
        else:
            rarest = float(np.log1p(max(len(world.totals), 1)))
            weights = np.array([world.weight(key) if key in world.numbers else rarest for key in found], np.float32)
        totals = np.bincount(rows, np.repeat(weights, np.diff(starts)), minlength=len(keys)).astype(np.float32)
        return cls(_numbered(found), starts, rows, weights, totals)

    def rows_with(self, key: str) -> Integers:
        """Rows of the premises that have a key."""
        number = self.numbers.get(key)
        return self.rows[:0] if number is None else self.rows[self.starts[number] : self.starts[number + 1]]

    def weight(self, key: str) -> np.float32:
        """How rare a known key is."""
        found: np.float32 = self.weights[self.numbers[key]]
        return found


@dataclass(frozen=True, eq=False)
class Columns:
    """What is known of each premise, a row each.

    `relations`, `roots`, `modules`: numbers of what `relation` says, of the name's root, of the module.
    """

    counts: Floats
    traits: Floats
    relations: Integers
    roots: Integers
    modules: Integers


@dataclass(frozen=True, eq=False)
class Texts:
    """Name and statement of premise i, in UTF-8, up to `offsets[2i + 1]` and `offsets[2i + 2]`."""

    utf8: NDArray[np.uint8]
    offsets: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Index:
    """The theorems among some premises.

    Attributes:
        symbols: by the constants in their statements.
        words: by the words in the last component of their names.
        roots, modules: the number of each first component of a name, and of each module.
    """

    symbols: Inverted
    words: Inverted
    roots: Mapping[str, int]
    modules: Mapping[str, int]
    columns: Columns
    texts: Texts

    def __len__(self) -> int:
        return len(self.columns.counts)

    def premise(self, row: int) -> Premise:
        """Name, statement and module of a premise; what it mentions is left out."""
        start, middle, end = map(int, self.texts.offsets[2 * row : 2 * row + 3])
        name, statement = (bytes(self.texts.utf8[a:b]).decode() for a, b in ((start, middle), (middle, end)))
        return Premise(name, statement, self.module_names[self.columns.modules[row]])

    def __iter__(self) -> Iterator[Premise]:
        return map(self.premise, range(len(self)))

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """The modules, by number."""
        return tuple(self.modules)

    def names(self) -> list[str]:
        """All names, in the order of the rows."""
        text, bounds = bytes(self.texts.utf8), self.texts.offsets.tolist()
        return [text[bounds[2 * i] : bounds[2 * i + 1]].decode() for i in range(len(self))]


def build_index(premises: Iterable[Premise], world: Index | None = None) -> Index:
    """Index the theorems among the premises, in their order; `world` says how rare a constant is, or they do."""
    rows = [premise for premise in premises if premise.kind == "theorem"]
    symbols = Inverted.of([p.mentions for p in rows], None if world is None else world.symbols)
    roots = _numbered(root(premise.name) for premise in rows)
    modules = _numbered(premise.module for premise in rows)
    spread = Counter(last(premise.name) for premise in rows)
    columns = Columns(
        np.bincount(symbols.rows, minlength=len(rows)).astype(np.float32),
        np.array([traits(p, spread[last(p.name)]) for p in rows], np.float32).reshape(len(rows), len(TRAITS)),
        np.array([RELATIONS.index(relation(p.statement)) for p in rows], np.int32),
        np.array([roots[root(p.name)] for p in rows], np.int32),
        np.array([modules[p.module] for p in rows], np.int32),
    )
    words = Inverted.of([parts(last(p.name)) for p in rows], None if world is None else world.words)
    pieces = [text.encode("utf-8", "replace") for p in rows for text in (p.name, p.statement)]
    texts = Texts(np.frombuffer(b"".join(pieces), np.uint8), np.cumsum([0, *map(len, pieces)], dtype=np.int64))
    return Index(symbols, words, roots, modules, columns, texts)


def save_index(index: Index, folder: Path) -> None:
    """Write an index to a folder, complete or not at all. One that cannot be written is made again the next time."""
    vocabulary = {"symbols": index.symbols.numbers, "words": index.words.numbers}
    facts = {name: list(keys) for name, keys in (vocabulary | {"roots": index.roots, "modules": index.modules}).items()}
    with suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            for part, name in _arrays():
                np.save(made / f"{part}-{name}.npy", getattr(getattr(index, part), name))
            text = json.dumps(facts | {"format": FORMAT}, ensure_ascii=False)
            (made / _FACTS).write_text(text, encoding="utf-8")
            if folder.exists():
                rmtree(folder)
            os.replace(made, folder)


def load_index(folder: Path) -> Index | None:
    """What `save_index` wrote, its arrays mapped into memory; None when it is not there, damaged or of another form."""
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            return None
        found: dict[str, dict[str, Any]] = {part: {"numbers": _numbered(facts[part])} for part in ("symbols", "words")}
        for part, name in _arrays():
            array = np.load(folder / f"{part}-{name}.npy", mmap_mode="r", allow_pickle=False)
            found.setdefault(part, {})[name] = np.asarray(array)  # still mapped, but sliced ten times faster
        made: dict[str, Any] = {part: kind(**found[part]) for part, kind in _PARTS.items()}
        return Index(roots=_numbered(facts["roots"]), modules=_numbered(facts["modules"]), **made)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


_PARTS: Mapping[str, type[Any]] = {"symbols": Inverted, "words": Inverted, "columns": Columns, "texts": Texts}


def _arrays() -> Iterator[tuple[str, str]]:
    """Each part of an index with the name of each of its arrays."""
    for part, kind in _PARTS.items():
        yield from ((part, f.name) for f in fields(kind) if f.name != "numbers")


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}
