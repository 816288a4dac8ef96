"""Makes commits beside any work tree and pushes them to a branch of ours; never to the default one."""

from __future__ import annotations

import base64
import os
import posixpath
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import PublishError
from orchestrator.git.command import GitReply, redact, run_git, without_credentials
from orchestrator.git.mirror import Mirror
from orchestrator.git.origin import open_origin

AUTHOR = "lean-orchestrator"
EMAIL = "lean-orchestrator@users.noreply.invalid"
_PROTECTED = frozenset({"main", "master", "HEAD", "trunk", "develop"})


@dataclass(frozen=True, slots=True)
class CommitDraft:
    """One commit to make: its message and the new content of files, by path in the repository."""

    message: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A branch as it is now: its tip; `moved` says whether this push changed it."""

    branch: str
    commit: str
    moved: bool


def push_branch(
    source: str,
    base: str,
    branch: str,
    changes: Iterable[CommitDraft],
    *,
    prefix: str = "",
    push_url: str = "",
    token: str = "",
    timeout: float = 600.0,
) -> Pushed:
    """Commit `changes` one after the other on top of `base`, and make `branch` of the repository point there.

    The same changes give the same commits, so that nothing is pushed twice. A branch that holds somebody else's
    commit at its tip is left alone.

    Args:
        source: folder or URL of the repository that holds `base`.
        prefix: folder inside the repository that the changes' paths are relative to.
        push_url: where to push; the source unless given.
        timeout: seconds a git command may take.

    Raises:
        PublishError: git refused; the branch is the default one or not ours.
    """
    origin = open_origin(source, timeout=timeout)
    read_from = source if not Path(origin.identity).is_dir() else origin.identity
    address = push_url or read_from
    with tempfile.TemporaryDirectory(prefix="orchestrator-publish-") as made:
        work = _Work(Path(made), address, token, timeout)
        default, remote_tip = work.remote_heads(branch)
        if branch in _PROTECTED or branch == default:
            raise PublishError(
                "the default branch is never pushed to", where=branch, hint="Name another with publish_branch"
            )
        reply = work.mirror.fetch_one(read_from, base)
        work.must(reply, "git cannot read the commit that was worked on")
        if remote_tip:
            work.must(work.mirror.fetch_one(address, remote_tip), "git cannot read the branch as it is")
            author = work.git("log", "-1", "--format=%ae", remote_tip).output.strip()
            if author != EMAIL and remote_tip != base:
                raise PublishError(
                    f"the last commit on the branch is by {author}, not ours: it is left alone",
                    where=branch,
                    hint="Merge or delete the branch, or name another with publish_branch in orchestrator.toml",
                )
        tip = work.commit_all(base, changes, prefix)
        if tip == remote_tip:
            return Pushed(branch, tip, moved=False)
        lease = f"--force-with-lease=refs/heads/{branch}:{remote_tip}"
        work.must(work.git("push", "--quiet", lease, "--", address, f"{tip}:refs/heads/{branch}"), "git cannot push")
        return Pushed(branch, tip, moved=True)


class _Work:
    """A temporary bare repository, and git in it."""

    def __init__(self, folder: Path, address: str, token: str, timeout: float) -> None:
        self._folder = folder
        self._address = address
        self._timeout = timeout
        self.mirror = Mirror(folder / "repository.git", without_credentials(address), timeout)
        self.mirror.prepare()
        self._settings: dict[str, str] = {}
        if token and address.startswith(("http://", "https://")):
            # In a file, since what stands on a command line everybody on the machine can read.
            secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            file = folder / "credentials"
            handle = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as written:
                written.write(f'[http]\n\textraHeader = "Authorization: Basic {secret}"\n')
            self._settings["include.path"] = str(file)

    def git(self, *arguments: str, index: Path | None = None, environment: Mapping[str, str] | None = None) -> GitReply:
        extra = {"GIT_INDEX_FILE": str(index)} if index else {}
        return run_git(
            [f"--git-dir={self.mirror.folder}", *arguments],
            folder=self._folder,
            environment={**extra, **(environment or {})},
            settings=self._settings,
            timeout=self._timeout,
        )

    def must(self, reply: GitReply, doing: str) -> GitReply:
        if not reply.ok:
            words = " ".join(redact(reply.complaints, self._address).split())[:400]
            raise PublishError(
                f"{doing}: {words}",
                where=without_credentials(self._address),
                hint="Give a token that may push, or check that the address can be written to",
            )
        return reply

    def remote_heads(self, branch: str) -> tuple[str, str]:
        """The name of the default branch, and the tip of `branch` (\"\" when there is none)."""
        reply = self.git("ls-remote", "--symref", "--", self._address, "HEAD", f"refs/heads/{branch}")
        default = tip = ""
        for line in self.must(reply, "git cannot reach the repository").output.splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: refs/heads/") and name == "HEAD":
                default = value.removeprefix("ref: refs/heads/")
            elif name == f"refs/heads/{branch}":
                tip = value
        return default, tip

    def commit_all(self, base: str, changes: Iterable[CommitDraft], prefix: str) -> str:
        index = self._folder / "index"
        self.must(self.git("read-tree", base, index=index), "git cannot read the commit")
        # The base commit's time, so that the same proofs make the same commits.
        date = self.git("log", "-1", "--format=%cI", base).output.strip()
        ours = {"NAME": AUTHOR, "EMAIL": EMAIL, "DATE": date}
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in ours.items()}
        tip = base
        for number, change in enumerate(changes):
            for path, text in change.files.items():
                self._stage(index, posixpath.normpath(f"{prefix}/{path}" if prefix else path), text)
            tree = self.must(self.git("write-tree", index=index), "git cannot write a tree").output.strip()
            message = self._folder / f"message-{number}"
            message.write_bytes(change.message.encode("utf-8", "surrogateescape"))
            made = self.git("commit-tree", tree, "-p", tip, "-F", str(message), environment=who)
            tip = self.must(made, "git cannot commit").output.strip()
        return tip

    def _stage(self, index: Path, path: str, text: str) -> None:
        content = self._folder / "content"
        content.write_bytes(text.encode("utf-8", "surrogateescape"))
        hashed = self.must(self.git("hash-object", "-w", "--no-filters", str(content)), "git cannot write a file")
        listed = self.git("ls-files", "--stage", "-z", "--", f":(literal){path}", index=index).output
        mode = listed.partition(" ")[0] or "100644"
        arguments = ("update-index", "--add", "--cacheinfo", f"{mode},{hashed.output.strip()},{path}")
        self.must(self.git(*arguments, index=index), "git cannot stage a file")
