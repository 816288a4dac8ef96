"""The commands about premises: build the corpus of a library, and ask it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from orchestrator.cli.output import AsJson, print_json
from orchestrator.cli.terminal import make_console, tell
from orchestrator.config import load_settings
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.premises.bm25 import Lexical
from orchestrator.premises.embeddings import dense_retriever
from orchestrator.premises.library import Library
from orchestrator.premises.relevance import Relevance
from orchestrator.premises.retrieval import Query
from orchestrator.premises.store import DEFAULT_IMPORTS, known_corpus, known_index, library_corpus
from orchestrator.source.files import read_text
from orchestrator.source.project import Project, SourceModule

premises_app = App(name="premises", help="The library's theorems that proofs may use: collect them, look some up.")

Imports = Annotated[
    list[str] | None, Parameter(name="--import", negative="", help="A module to import; may be repeated.")
]


@premises_app.command
def build(
    *,
    imports: Imports = None,
    force: Annotated[bool, Parameter(negative="", help="Even if they have been collected.")] = False,
) -> int:
    """Collect the constants that imports bring. Takes some minutes, once for each Lean."""
    console = make_console(stderr=True)
    paths = load_settings().paths
    begun = time.monotonic()
    last = begun

    def progress(module: str, count: int) -> None:
        nonlocal last
        if time.monotonic() - last > 5:
            last = time.monotonic()
            tell(console, f"  {count} premises, in {module}")

    chosen = imports or list(DEFAULT_IMPORTS)
    servers = _servers(chosen)
    corpus = asyncio.run(library_corpus(paths, servers, chosen, force=force, progress=progress))
    words = f"{len(corpus.premises)} premises of {', '.join(chosen)} in {time.monotonic() - begun:.1f} s"
    tell(console, words)
    index = known_index(paths, servers, chosen)
    if index is not None and dense_retriever(load_settings(), index, paths.premises / "dense") is not None:
        tell(console, "their embeddings are there as well")
    return 0


@premises_app.command
def query(
    text: Annotated[str, Parameter(help="A goal or any words.")],
    *,
    count: Annotated[int, Parameter(name=["--count", "-k"], validator=Number(gte=1), help="How many.")] = 16,
    imports: Imports = None,
    json_: AsJson = False,
) -> int:
    """Print the theorems nearest to a goal (a text with ⊢) or to words. Exit code 4 when none have been collected."""
    retriever = _retriever(text, imports or list(DEFAULT_IMPORTS))
    if retriever is None:
        flags = "".join(f" --import {name}" for name in imports or ())
        tell(make_console(stderr=True), f"Nothing has been collected yet: run `orchestrator premises build{flags}`.")
        return 4
    begun = time.monotonic()
    found = retriever.retrieve(Query(text), count)
    milliseconds = (time.monotonic() - begun) * 1000
    if json_:
        rows = [
            {"name": r.premise.name, "statement": r.premise.statement, "module": r.premise.module, "score": r.score}
            for r in found
        ]
        print_json(rows)
        return 0
    for ranked in found:
        sys.stdout.write(f"{ranked.score:6.1f}  {ranked.premise.name} : {ranked.premise.statement}\n")
    tell(make_console(stderr=True), f"{milliseconds:.1f} ms over {len(retriever)} theorems")
    return 0


def _retriever(text: str, imports: list[str]) -> Lexical | Relevance | None:
    """What answers a text: goals are compared by their constants, words by words."""
    paths, servers = load_settings().paths, _servers(imports)
    if "⊢" in text:
        index = known_index(paths, servers, imports)
        return None if index is None else Library(index).relevance
    corpus = known_corpus(paths, servers, imports)
    return None if corpus is None else Lexical(corpus.premises)


def _servers(imports: list[str]) -> Servers:
    """Servers that can import these; packages are those of the project in the folder where one stands."""
    settings, here = load_settings(), Path.cwd()
    toolchain = read_text(here, "lean-toolchain")
    project = Project(
        "none",
        str(here),
        toolchain=toolchain.strip() if isinstance(toolchain, str) else "",
        modules=(SourceModule("none", "", "", tuple(imports)),),
    )
    return provision(settings, settings.paths, choose_lean(settings, settings.paths, project))
