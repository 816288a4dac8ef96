"""Corpora of imported libraries: from the cache, or built on a Lean server of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.lean.library import open_library
from orchestrator.paths import Paths
from orchestrator.premises.corpus import Corpus, CorpusStore, build, corpus_key
from orchestrator.provision import Servers

DEFAULT_IMPORTS = ("Std",)


def known_corpus(paths: Paths, servers: Servers, imports: Sequence[str]) -> Corpus | None:
    """The corpus of `imports` if it was built before for this very Lean."""
    return CorpusStore(paths.premises).get(corpus_key(servers.identity, imports))


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
