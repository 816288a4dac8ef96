"""The corpus: the constants that imports bring, with their statements, from a running Lean; kept by content."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestrator.errors import RequestRefused
from orchestrator.goals.declaration import is_generated, is_syntax, is_unnamed_instance
from orchestrator.lean.protocol import Command, Constant, LibraryConstants, PremisesReply
from orchestrator.lean.session import Session, ask
from orchestrator.premises.retrieval import Premise

IMPORT_SECONDS = 300.0
CHUNK_SECONDS = 300.0


AskLean = Callable[[int | str, int, int], Awaitable[PremisesReply]]
"""Module number or name, first constant, count → that part of the module."""


async def open_library(session: Session, imports: Sequence[str]) -> AskLean:
    """Import modules on a session, to be asked for their constants.

    Raises RequestRefused: Lean cannot import one of them.
    """
    header = "".join(f"import {name}\n" for name in imports)
    reply = await ask(session, Command(header), timeout=IMPORT_SECONDS)
    if reply.env is None or reply.errors:
        words = reply.errors[0].text if reply.errors else "no environment"
        raise RequestRefused(f"Lean cannot import {', '.join(imports)}: {words}")
    env = reply.env

    async def part(module: int | str, first: int, count: int) -> PremisesReply:
        return await ask(session, LibraryConstants(env, module, first, count), timeout=CHUNK_SECONDS)

    return part


FORMAT = 2

_LEFT_OUT = ("Lean.", "Lake.", "Std.Internal.", "Init.Internal.", "_")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Constants in the order of Lean's modules. `key`: digest of what the corpus was made from."""

    key: str
    premises: tuple[Premise, ...]


async def build(
    ask: AskLean, key: str, *, chunk: int = 400, progress: Callable[[str, int], None] = lambda *_: None
) -> Corpus:
    """Ask a running Lean for everything that its imports declare, `chunk` constants a request."""
    found: list[Premise] = []
    kinds: dict[str, str] = {}
    for module in count():
        name, here = await constants_of(ask, module, chunk=chunk)
        if not name:
            break
        kinds.update((one.name, one.kind) for one in here)
        found += premises_among(here, name, kinds)
        progress(name, len(found))
    return Corpus(key, tuple(found))


async def constants_of(ask: AskLean, module: int | str, *, chunk: int = 400) -> tuple[str, list[Constant]]:
    """The name and the constants of an imported module; "" and none where there is none of this number or name."""
    first, constants, name = 0, 1, ""
    found: list[Constant] = []
    while first < constants:
        part = await ask(module, first, chunk)
        name, constants = part.module, part.constants if part.module else 0
        found += part.premises
        first += chunk
    return name, found


def premises_among(constants: Iterable[Constant], module: str, kinds: Mapping[str, str]) -> Iterator[Premise]:
    """Those constants of a module that are premises; `kinds` says what is known of any constant."""
    for one in constants:
        if is_premise(one.name, one.kind, one.type, kinds):
            yield Premise(one.name, " ".join(one.type.split()), module, one.kind, one.mentions)


def is_premise(name: str, kind: str, type_text: str, kinds: Mapping[str, str]) -> bool:
    """Whether a constant is one that people use in proofs, and none that Lean makes by itself."""
    if kind not in ("theorem", "def", "constructor", "inductive") or name.startswith(_LEFT_OUT):
        return False
    return not (is_generated(name, kinds) or is_unnamed_instance(name) or is_syntax(type_text))


def corpus_key(lean: str, imports: Iterable[str]) -> str:
    """Digest of the Lean (server included), the imports and this file's format."""
    text = json.dumps([FORMAT, lean, sorted(imports)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def shipped_path(lean: str, imports: Iterable[str]) -> Path:
    """Where the package has the corpus of an embedded Lean, whatever server of ours speaks for it; or would have it.

    `lean` begins with the digest of the package that this Lean comes from.
    """
    text = json.dumps([FORMAT, lean.partition(" ")[0], sorted(imports)])
    return Path(__file__).with_name(f"library-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json.xz")


def read_shipped(lean: str, imports: Sequence[str]) -> Corpus | None:
    """The corpus that comes with the package, under this very Lean's key; None when there is none. Takes a second."""
    try:
        rows = json.loads(lzma.decompress(shipped_path(lean, imports).read_bytes()))
    except (OSError, lzma.LZMAError, ValueError):
        return None
    return Corpus(corpus_key(lean, imports), _premises(rows))


def ship(corpus: Corpus, lean: str, imports: Sequence[str]) -> Path:
    """Write a corpus where `read_shipped` finds it; the same corpus gives the same bytes."""
    path = shipped_path(lean, imports)
    path.write_bytes(lzma.compress(_text(corpus).encode(), preset=9 | lzma.PRESET_EXTREME))
    return path


def _premises(rows: Iterable[Sequence[Any]]) -> tuple[Premise, ...]:
    return tuple(Premise(n, s, m, k, tuple(c)) for n, s, m, k, c in rows)


def _text(corpus: Corpus) -> str:
    rows = [(p.name, p.statement, p.module, p.kind, p.mentions) for p in corpus.premises]
    return json.dumps(rows, ensure_ascii=False)


class CorpusStore:
    """Corpora in a folder, a compressed file each. A damaged file is a miss, never an error."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where the corpus of this key lies, or would."""
        return self._folder / f"{key}.json.gz"

    def get(self, key: str) -> Corpus | None:
        """The corpus of this key, None when there is none that can be read."""
        try:
            with gzip.open(self.path(key), "rt", encoding="utf-8") as file:
                return Corpus(key, _premises(json.load(file)))
        except (OSError, EOFError, ValueError, TypeError):
            return None

    def put(self, corpus: Corpus) -> None:
        """Keep a corpus. One that cannot be written is built again the next time."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self._folder, prefix=".new-") as scratch:
                made = Path(scratch) / "corpus"
                with gzip.open(made, "wt", encoding="utf-8", compresslevel=5) as file:
                    file.write(_text(corpus))
                os.replace(made, self.path(corpus.key))
