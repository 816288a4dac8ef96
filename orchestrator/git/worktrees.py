"""Trees on disk, one for each commit, kept between runs: complete when they appear, the oldest removed first."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Trees:
    """The trees of one repository, in `folder`. Whoever uses this holds the repository's lock."""

    folder: Path
    kept: int = 5

    def get(self, mirror: Mirror, commit: str) -> Path:
        """The folder with the files of `commit`, written or put in order as needed.

        Raises:
            CheckoutError: git cannot write the files.
            OSError: the disk cannot.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for left_over in self.folder.glob("tmp-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        tree = self.folder / commit
        index = self._index(tree)
        if not mirror.restore(tree, index):
            made = Path(tempfile.mkdtemp(prefix="tmp-", dir=self.folder))
            mirror.export(commit, made / "tree", made / "index")
            if os.path.lexists(tree):
                os.replace(tree, made / "old")
            os.replace(made / "index", index)
            os.replace(made / "tree", tree)
            shutil.rmtree(made, ignore_errors=True)
        os.utime(tree)
        self._prune()
        return tree

    def _prune(self) -> None:
        trees = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith("tmp-")]
        trees.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in trees[self.kept :]:
            self._index(old).unlink(missing_ok=True)
            shutil.rmtree(old, ignore_errors=True)

    def _index(self, tree: Path) -> Path:
        return tree.with_name(tree.name + ".index")
