"""Theorems of imported libraries: from the cache, or collected on a Lean server of their own; and who asks for them.

What the encoder cannot do raises `ModelError`; what the server cannot, `SessionError` or `RequestRefused`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import Paths
from orchestrator.goals.goal import Goal
from orchestrator.lean.lake import PackageModules
from orchestrator.lean.servers import Servers
from orchestrator.lean.toolchain import packaged
from orchestrator.premises.corpus import (
    Corpus,
    CorpusStore,
    build,
    corpus_key,
    open_library,
    read_shipped,
    shipped_path,
)
from orchestrator.premises.index import Index, build_index, load_index, save_index
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import SeenBy
from orchestrator.premises.retrieval import Choose, Premise, Query, Ranked, Retrieve, Retriever
from orchestrator.source.project import Project

DEFAULT_IMPORTS = ("Std",)
RETRIEVED = 16

DenseOver = Callable[[Iterable[Premise], Path], Retriever | None]
"""Premises and the folder of indices → a retriever by meaning over them; None where no encoder is configured."""


def chooser(library: Library | None, seen_by: SeenBy, *, count: int = RETRIEVED) -> Choose:
    """A function from a goal and the constants it mentions to names and statements of the nearest theorems.

    Without a library nothing is retrieved. What a goal's imports do not bring is left out; where that is not known, as
    far as the first component of the module's name tells.
    """

    def choose(goal: Goal, mentions: Sequence[str]) -> tuple[tuple[str, str], ...]:
        if library is None:
            return ()
        found = nearest(library, seen_by, goal, goal.text, count, mentions)
        return tuple((ranked.premise.name, ranked.premise.statement) for ranked in found)

    return choose


def nearest(
    library: Library, seen_by: SeenBy, goal: Goal, state: str, count: int, mentions: Sequence[str] = ()
) -> tuple[Ranked, ...]:
    """The premises nearest to a state of a goal's proof, of the library and of what the goal sees of its project.

    `state` is the goal's text, or that of a goal below it; `mentions` its constants, where Lean was asked for them.
    """
    seen = seen_by(goal)
    imports = seen.imports or goal.context.imports
    libraries = frozenset({"Init", *(name.partition(".")[0] for name in imports)})
    without = seen.later | {goal.declaration}
    query = Query(state, without=without, mentions=tuple(mentions), behind=seen.behind(mentions))
    return library.find(query, count, own=seen.premises, libraries=libraries, brought=seen.brought)


def retrievers(library: Library | None, seen_by: SeenBy) -> Retrieve:
    """A function from a goal to its retriever, for models that read premises: only where an encoder is configured."""

    def of_goal(goal: Goal) -> Retriever | None:
        return Near(library, seen_by, goal) if library is not None and library.by_meaning else None

    return of_goal


@dataclass(frozen=True)
class Near:
    """A library as the `Retriever` of one goal."""

    library: Library
    seen_by: SeenBy
    goal: Goal

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        """As `Retriever` says; what the query itself rules out is ruled out, too."""
        found = nearest(self.library, self.seen_by, self.goal, query.state, count + len(query.without), query.mentions)
        return tuple(ranked for ranked in found if query.sees(ranked.premise))[:count]


def corpus_imports(servers: Servers, project: Project) -> tuple[str, ...]:
    """The imports whose theorems a project's goals may use: Lean's own library, and the packages that it imports."""
    imports = packaged(project.external)
    if servers.native is None or not imports:
        return DEFAULT_IMPORTS
    return (*DEFAULT_IMPORTS, *PackageModules(servers.native.folder).roots(imports))


def known_library(
    paths: Paths,
    servers: Servers,
    imports: Sequence[str] = DEFAULT_IMPORTS,
    *,
    dense: DenseOver = lambda _premises, _folder: None,
) -> Library | None:
    """The library of `imports` if it was collected before for this very Lean. Blocks: milliseconds, seconds once."""
    index = known_index(paths, servers, imports)
    return None if index is None else Library(index, dense=dense(index, paths.premises / "dense"))


def known_corpus(paths: Paths, servers: Servers, imports: Sequence[str]) -> Corpus | None:
    """The corpus of `imports` if it was built before for this very Lean, or comes with the package."""
    built = CorpusStore(paths.premises).get(corpus_key(servers.identity, imports))
    return built or read_shipped(servers.identity, imports)


def is_known(paths: Paths, servers: Servers, imports: Sequence[str] = DEFAULT_IMPORTS) -> bool:
    """Whether there is such a corpus; it is not read."""
    built = CorpusStore(paths.premises).path(corpus_key(servers.identity, imports))
    return built.is_file() or shipped_path(servers.identity, imports).is_file()


def known_index(paths: Paths, servers: Servers, imports: Sequence[str]) -> Index | None:
    """The index of that corpus; made, and kept, when it was not yet (seconds)."""
    key = corpus_key(servers.identity, imports)
    index = load_index(paths.premises / f"{key}.index")
    if index is not None:
        return index
    corpus = known_corpus(paths, servers, imports)
    return None if corpus is None else _indexed(paths, corpus)


async def library_corpus(
    paths: Paths,
    servers: Servers,
    imports: Sequence[str],
    *,
    force: bool = False,
    progress: Callable[[str, int], None] = lambda _module, _count: None,
) -> Corpus:
    """The corpus of `imports`, built if need be (minutes), and kept with its index."""
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
    _indexed(paths, corpus)
    return corpus


def _indexed(paths: Paths, corpus: Corpus) -> Index:
    index = build_index(corpus.premises)
    save_index(index, paths.premises / f"{corpus.key}.index")
    return index
