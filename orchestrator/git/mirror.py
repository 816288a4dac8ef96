"""A bare repository of ours that holds the commits we fetched, and trees with their files, byte for byte."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.git.command import GitReply, must_succeed, run_git

FETCHED = "refs/orchestrator/fetched"
# Wins over every .gitattributes: no filter, no line-end conversion, no keyword expansion.
_ATTRIBUTES = "* -text -eol -ident -filter -working-tree-encoding -export-subst -export-ignore\n"
_SETTINGS = {
    "core.autocrlf": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "protocol.version": "2",
}
_ANY_COMMIT = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"
# What a build leaves in a tree; it does not make the tree unclean.
_BUILD_FOLDERS = (".lake", "build", "lake-packages")


@dataclass(frozen=True, slots=True)
class Mirror:
    """The bare repository at `folder`, for the repository known as `source`. `timeout` is in seconds a command."""

    folder: Path
    source: str
    timeout: float

    def prepare(self) -> None:
        """Create the repository unless it is there; a half-made one never appears under its name.

        Whoever calls this holds the repository's lock, so locks of git's own that are found belong to one that died.
        """
        if self.folder.is_dir():
            for lock in (*self.folder.glob("*.lock"), *(self.folder / "refs").rglob("*.lock")):
                lock.unlink(missing_ok=True)
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        prefix = f"tmp-{self.folder.name}-"
        for left_over in self.folder.parent.glob(prefix + "*"):
            shutil.rmtree(left_over, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder.parent))
        reply = run_git(["init", "--bare", "--quiet", "--template=", "."], folder=made)
        must_succeed(reply, doing="git cannot create a repository in the cache", source=self.source)
        (made / "info").mkdir(exist_ok=True)
        (made / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
        os.replace(made, self.folder)

    def is_sound(self) -> bool:
        """Whether everything in it can be read; it takes a while for a large repository."""
        return self._run(["fsck", "--no-dangling", "--no-reflogs", "--no-progress"]).ok

    def discard(self) -> None:
        """Delete it: everything can be fetched again."""
        shutil.rmtree(self.folder)

    def fetch_one(self, address: str, what: str) -> GitReply:
        """Fetch one ref or full hash, without its history."""
        return self._fetch(["--depth=1", "--no-tags", f"--upload-pack={_ANY_COMMIT}"], address, [f"+{what}:{FETCHED}"])

    def fetch_all(self, address: str, head: str) -> None:
        """Fetch all branches and tags with their history; `head` is the hash of the remote's HEAD ("" for none).
        Raises CheckoutError: git refused.
        """
        options = ["--prune", *(["--unshallow"] if (self.folder / "shallow").exists() else [])]
        specifications = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        reply = self._fetch(options, address, specifications)
        must_succeed(reply, doing="git cannot fetch the repository", source=address)
        if head:
            self._run(["update-ref", "--no-deref", "HEAD", head])

    def resolve(self, expression: str) -> str | None:
        """Full hash of the commit that a git expression names, None when there is none."""
        reply = self._run(["rev-parse", "--verify", "--quiet", f"{expression}^{{commit}}"])
        return reply.output.strip() if reply.ok else None

    def export(self, commit: str, tree: Path, index: Path) -> None:
        """Write the commit's files to the new folder `tree`; `index` is a file of git's that remembers them.
        Raises CheckoutError: git refused, such as a tree that holds a `.git`.
        """
        tree.mkdir()
        for arguments in (["read-tree", commit], ["checkout-index", "--all", "--force", "--quiet", "--index"]):
            reply = self._run(arguments, tree, index)
            must_succeed(reply, doing="git cannot write the files of the commit", source=self.source)

    def restore(self, tree: Path, index: Path) -> bool:
        """Bring an exported tree back to its commit, build products left alone; False when that is not possible."""
        if not tree.is_dir() or not index.is_file():
            return False
        refresh = ["update-index", "--refresh"]
        if not self._run(refresh, tree, index).ok:
            self._run(["checkout-index", "--all", "--force", "--quiet", "--index"], tree, index)
            if not self._run(refresh, tree, index).ok:
                return False
        ignored = [f"--exclude={name}" for name in _BUILD_FOLDERS]
        extra = self._run(["ls-files", "--others", "-z", *ignored], tree, index)
        for name in filter(None, extra.output.split("\0")):
            path = tree / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        return extra.ok

    def _fetch(self, options: Sequence[str], address: str, specifications: Sequence[str]) -> GitReply:
        quiet = ["--quiet", "--force", "--no-write-fetch-head", "--no-recurse-submodules"]
        return self._run(["fetch", *quiet, *options, "--", address, *specifications])

    def _run(self, arguments: Sequence[str], tree: Path | None = None, index: Path | None = None) -> GitReply:
        where = [f"--git-dir={self.folder}", *([f"--work-tree={tree}"] if tree else [])]
        return run_git(
            [*where, *arguments],
            folder=tree or self.folder,
            environment={"GIT_INDEX_FILE": str(index)} if index else {},
            settings=_SETTINGS,
            timeout=self.timeout,
        )


@dataclass(frozen=True, slots=True)
class Trees:
    """The trees of one repository, in `folder`, one for each commit: complete when they appear, the oldest go first.
    Whoever uses this holds the repository's lock.
    """

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
