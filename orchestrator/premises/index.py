"""Premises as arrays: which of them speak of a constant, how rare that is, and what they look like by themselves.

An index is made once for each corpus and kept in a folder of its own, as numpy's files, which are mapped into memory:
opening it reads the vocabulary alone.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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

FORMAT = 1
_VOCABULARIES = ("symbols", "words", "roots", "modules")
_FACTS = "facts.json"

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Index:
    """The theorems among some premises.

    Attributes:
        symbols, words, roots, modules: the number of each constant in a statement, word of a name's last component,
            first component of a name, and module.
        symbol_starts, symbol_rows: the premises that mention symbol i are `symbol_rows[symbol_starts[i]:…[i + 1]]`.
        word_starts, word_rows: the same for words.
        symbol_weights, word_weights: log(1 + premises / premises with it), by number.
        symbol_totals, word_totals: the sum of these weights, by premise.
        counts: constants in the statement, by premise.
        traits: one row of `TRAITS` a premise.
        relations, row_roots, row_modules: numbers of what `relation` says, of the name's root, of the module.
        text, offsets: name and statement of premise i, in UTF-8, up to `offsets[2i + 1]` and `offsets[2i + 2]`.
    """

    symbols: Mapping[str, int]
    words: Mapping[str, int]
    roots: Mapping[str, int]
    modules: Mapping[str, int]
    symbol_starts: NDArray[np.int64]
    symbol_rows: Integers
    word_starts: NDArray[np.int64]
    word_rows: Integers
    symbol_weights: Floats
    word_weights: Floats
    symbol_totals: Floats
    word_totals: Floats
    counts: Floats
    traits: Floats
    relations: Integers
    row_roots: Integers
    row_modules: Integers
    text: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    def premise(self, row: int) -> Premise:
        """Name, statement and module of a premise; what it mentions is left out."""
        start, middle, end = (int(self.offsets[2 * row + i]) for i in range(3))
        name, statement = (bytes(self.text[a:b]).decode() for a, b in ((start, middle), (middle, end)))
        return Premise(name, statement, self.module_names[self.row_modules[row]])

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """The modules, by number."""
        return tuple(self.modules)

    def names(self) -> list[str]:
        """All names, in the order of the rows."""
        text = bytes(self.text)
        bounds = self.offsets.tolist()
        return [text[bounds[2 * i] : bounds[2 * i + 1]].decode() for i in range(len(self))]

    def mentioning(self, symbol: str) -> Integers:
        """Rows of the premises that mention a constant."""
        return _of(self.symbols, self.symbol_starts, self.symbol_rows, symbol)

    def named(self, word: str) -> Integers:
        """Rows of the premises with this word in the last component of their name."""
        return _of(self.words, self.word_starts, self.word_rows, word)


def build_index(premises: Iterable[Premise], world: Index | None = None) -> Index:
    """Index the theorems among the premises.

    Args:
        premises: in the order of the rows.
        world: an index that says how rare a constant is; the premises themselves when there is none.
    """
    rows = [premise for premise in premises if premise.kind == "theorem"]
    symbols, symbol_starts, symbol_rows = _inverted([tuple(dict.fromkeys(p.mentions)) for p in rows])
    words, word_starts, word_rows = _inverted([tuple(dict.fromkeys(parts(last(p.name)))) for p in rows])
    if world is None:
        symbol_weights = _rarity(np.diff(symbol_starts), len(rows))
        word_weights = _rarity(np.diff(word_starts), len(rows))
    else:
        symbol_weights = _known(symbols, world.symbols, world.symbol_weights, len(world))
        word_weights = _known(words, world.words, world.word_weights, len(world))
    roots = _numbered(root(premise.name) for premise in rows)
    modules = _numbered(premise.module for premise in rows)
    spread = Counter(last(premise.name) for premise in rows)
    pieces = [text.encode("utf-8", "replace") for p in rows for text in (p.name, p.statement)]
    return Index(
        symbols,
        words,
        roots,
        modules,
        symbol_starts,
        symbol_rows,
        word_starts,
        word_rows,
        symbol_weights,
        word_weights,
        _totals(symbol_starts, symbol_rows, symbol_weights, len(rows)),
        _totals(word_starts, word_rows, word_weights, len(rows)),
        np.bincount(symbol_rows, minlength=len(rows)).astype(np.float32),
        np.array([traits(p, spread[last(p.name)]) for p in rows], np.float32).reshape(len(rows), len(TRAITS)),
        np.array([RELATIONS.index(relation(p.statement)) for p in rows], np.int32),
        np.array([roots[root(p.name)] for p in rows], np.int32),
        np.array([modules[p.module] for p in rows], np.int32),
        np.frombuffer(b"".join(pieces), np.uint8),
        np.cumsum([0, *map(len, pieces)], dtype=np.int64),
    )


def save_index(index: Index, folder: Path) -> None:
    """Write an index to a folder, complete or not at all. One that cannot be written is made again the next time."""
    facts = {name: list(getattr(index, name)) for name in _VOCABULARIES} | {"format": FORMAT}
    with suppress(OSError):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
            for name in _ARRAYS:
                np.save(Path(scratch) / f"{name}.npy", getattr(index, name))
            (Path(scratch) / _FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
            made = Path(scratch) / "made"
            made.mkdir()
            for file in (*(f"{name}.npy" for name in _ARRAYS), _FACTS):
                os.replace(Path(scratch) / file, made / file)
            if folder.exists():
                rmtree(folder)
            os.replace(made, folder)


def load_index(folder: Path) -> Index | None:
    """What `save_index` wrote, its arrays mapped into memory; None when it is not there, damaged or of another form."""
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            return None
        numbered: dict[str, Any] = {name: _numbered(facts[name]) for name in _VOCABULARIES}
        arrays: dict[str, Any] = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS
        }
        return Index(**numbered, **arrays)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


_ARRAYS = tuple(f.name for f in fields(Index) if f.name not in _VOCABULARIES)


def _of(numbers: Mapping[str, int], starts: NDArray[np.int64], rows: Integers, key: str) -> Integers:
    number = numbers.get(key)
    return rows[:0] if number is None else rows[starts[number] : starts[number + 1]]


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def _inverted(lists: Sequence[tuple[str, ...]]) -> tuple[dict[str, int], NDArray[np.int64], Integers]:
    """Numbers of the keys, and for each key the rows that have it."""
    found: dict[str, list[int]] = {}
    for row, keys in enumerate(lists):
        for key in keys:
            found.setdefault(key, []).append(row)
    starts = np.cumsum([0, *(len(rows) for rows in found.values())], dtype=np.int64)
    return _numbered(found), starts, np.array([row for rows in found.values() for row in rows], np.int32)


def _rarity(numbers: NDArray[np.int64], total: int) -> Floats:
    return np.log1p(total / np.maximum(numbers, 1)).astype(np.float32)


def _known(keys: Iterable[str], world: Mapping[str, int], weights: Floats, total: int) -> Floats:
    rarest = float(np.log1p(max(total, 1)))
    return np.array([weights[world[key]] if key in world else rarest for key in keys], np.float32)


def _totals(starts: NDArray[np.int64], rows: Integers, weights: Floats, count: int) -> Floats:
    return np.bincount(rows, np.repeat(weights, np.diff(starts)), minlength=count).astype(np.float32)
