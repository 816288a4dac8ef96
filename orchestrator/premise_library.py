"""Corpora of imported libraries: from the cache, or built on a Lean server of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from orchestrator.goal import Goal
from orchestrator.lean.library import open_library
from orchestrator.paths import Paths
from orchestrator.premises.corpus import Corpus, CorpusStore, build, corpus_key
from orchestrator.premises.index import Index, build_index, load_index, save_index
from orchestrator.premises.lexical import Lexical
from orchestrator.premises.select import Query, Retriever
from orchestrator.provision import Servers

DEFAULT_IMPORTS = ("Std",)
RETRIEVED = 16


def chooser(
    paths: Paths, servers: Servers, imports: Sequence[str] = DEFAULT_IMPORTS, *, count: int = RETRIEVED
) -> Callable[[Goal, Sequence[str]], tuple[tuple[str, str], ...]]:
    """A function from a goal and the constants it mentions to names and statements of the nearest theorems.

    The corpus is read with the first goal; without one that was built before, nothing is retrieved. What a goal's own
    imports do not bring is left out, as far as the first component of the module's name tells.
    """

    @cache
    def retriever() -> Retriever | None:
        corpus = known_corpus(paths, servers, imports)
        return None if corpus is None else Lexical(corpus.premises)

    def choose(goal: Goal, mentions: Sequence[str]) -> tuple[tuple[str, str], ...]:
        found = retriever()
        if found is None:
            return ()
        libraries = {"Init", *(name.partition(".")[0] for name in goal.context.imports)}
        query = Query(goal.text, without=frozenset({goal.declaration}), mentions=tuple(mentions))
        ranked = found.retrieve(query, 2 * count)
        seen = (r.premise for r in ranked if r.premise.module.partition(".")[0] in libraries)
        return tuple((premise.name, premise.statement) for premise in seen)[:count]

    return choose


def known_corpus(paths: Paths, servers: Servers, imports: Sequence[str]) -> Corpus | None:
    """The corpus of `imports` if it was built before for this very Lean."""
    return CorpusStore(paths.premises).get(corpus_key(servers.identity, imports))


def known_index(paths: Paths, servers: Servers, imports: Sequence[str]) -> Index | None:
    """The index of that corpus; made, and kept, when it was not yet (a second or two)."""
    key = corpus_key(servers.identity, imports)
    folder = paths.premises / f"{key}.index"
    index = load_index(folder)
    if index is None:
        corpus = CorpusStore(paths.premises).get(key)
        if corpus is None:
            return None
        index = build_index(corpus.premises)
        save_index(index, folder)
    return index


async def library_corpus(
    paths: Paths,
    servers: Servers,
    imports: Sequence[str],
    *,
    force: bool = False,
    progress: Callable[[str, int], None] = lambda _module, _count: None,
) -> Corpus:
    """The corpus of `imports`, built if need be (minutes), and kept.

    Raises:
        SessionError: the server broke.
        RequestRefused: Lean cannot import one of them.
    """
    known = None if force else known_corpus(paths, servers, imports)
    if known is not None:
        return known
    session = servers.session()
    try:
        ask = await open_library(session, imports)
        corpus = await build(ask, corpus_key(servers.identity, imports), progress=progress)
    finally:
        await session.close()
    CorpusStore(paths.premises).put(corpus)
    return corpus
