"""Puts the theorems of the embedded Lean's library into the package, after `orchestrator premises build --force`.

To be run when the embedded Lean, or the format of a corpus, changes.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.config import LeanChoice, load_settings
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.premises.corpus import CorpusStore, corpus_key, ship
from orchestrator.premises.store import DEFAULT_IMPORTS
from orchestrator.source.project import Project


def main() -> None:
    """Write the file, and remove those of other Leans."""
    settings = load_settings(lean=LeanChoice.EMBEDDED)
    paths = settings.paths
    servers = provision(settings, paths, choose_lean(settings, paths, Project("none", "/nowhere")))
    corpus = CorpusStore(paths.premises).get(corpus_key(servers.identity, DEFAULT_IMPORTS))
    if corpus is None:
        raise SystemExit("nothing collected: run `orchestrator premises build --force` first")
    written = ship(corpus, servers.identity, DEFAULT_IMPORTS)
    for other in Path(written.parent).glob("library-*.json.xz"):
        if other != written:
            other.unlink()
    print(f"{len(corpus.premises)} premises in {written}")


if __name__ == "__main__":
    main()
