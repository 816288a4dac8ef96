"""Where commits come from: a repository on this machine, which is only read, or a remote one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import CheckoutError
from orchestrator.git.command import GitReply, is_url, must_succeed, run_git, without_credentials
from orchestrator.git.mirror import FETCHED, Mirror

_SHOWN_REFS = 6
_FULL_HASH = re.compile(r"[0-9a-f]{40}")
_HELPER_TRANSPORT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)::")
_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_CANNOT_READ = "git cannot read the repository"


def open_origin(source: str, *, timeout: float) -> LocalOrigin | RemoteOrigin:
    """The origin that `source` names; nothing is fetched yet.
    Raises CheckoutError: no such folder, not a repository, or an address of a kind we refuse.
    """
    if not source or source.startswith("-") or "\0" in source:
        raise CheckoutError(f"{source!r} is neither a folder nor a URL")
    folder = Path(os.path.abspath(os.path.expanduser(source)))
    if folder.is_dir() or not is_url(source):
        return LocalOrigin.open(folder, timeout=timeout)
    helper = _HELPER_TRANSPORT.match(source)
    scheme = helper[1] + "::" if helper else source.partition("://")[0] if "://" in source else "ssh"
    if scheme not in _SCHEMES:
        raise CheckoutError(f"addresses of the kind {scheme} are refused", hint="Use https, http, ssh, git or file")
    return RemoteOrigin(source, timeout)


@dataclass(frozen=True, slots=True)
class LocalOrigin:
    """A repository on this machine.

    Attributes:
        folder: what the user named.
        identity: the repository's top folder, or the bare repository itself; git fetches from there.
        prefix: path from there to `folder`, "" at the top.
    """

    folder: Path
    identity: str
    prefix: str
    is_bare: bool
    timeout: float

    @staticmethod
    def open(folder: Path, *, timeout: float) -> LocalOrigin:
        """Look at the folder. Raises CheckoutError: there is none, or it is no repository we may read."""
        where = str(folder)
        if not folder.is_dir():
            what = "this is a file, not a folder" if folder.exists() else "there is no such folder"
            raise CheckoutError(what, where=where, hint="Name a folder, or a URL such as https://…")
        reply = run_git(["rev-parse", "--is-bare-repository"], folder=folder, timeout=timeout)
        if "not a git repository" in reply.complaints:
            hint = "Make it one: git init && git add -A && git commit -m 'First commit'"
            raise CheckoutError("the folder is not a git repository", where=where, hint=hint)
        is_bare = must_succeed(reply, doing=_CANNOT_READ, source=where).output.strip() == "true"

        def ask(question: str) -> str:  # one at a time: a folder's name may hold a line feed
            reply = run_git(["rev-parse", question], folder=folder, timeout=timeout)
            return must_succeed(reply, doing=_CANNOT_READ, source=where).output.removesuffix("\n")

        if is_bare:
            return LocalOrigin(folder, ask("--absolute-git-dir"), "", is_bare=True, timeout=timeout)
        prefix = ask("--show-prefix").rstrip("/")
        return LocalOrigin(folder, ask("--show-toplevel"), prefix, is_bare=False, timeout=timeout)

    @property
    def shown(self) -> str:
        """The folder."""
        return str(self.folder)

    def fetch(self, mirror: Mirror, ref: str) -> str:
        """Bring a commit into the mirror and return its full hash. Raises CheckoutError: no such commit."""
        reply = self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if not reply.ok:
            names = self._run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").output.split()
            raise _unknown_ref(ref, self.shown, names)
        commit = reply.output.strip()
        if mirror.resolve(commit) is None:
            must_succeed(mirror.fetch_one(self.identity, commit), doing=_CANNOT_READ, source=self.shown)
        return commit

    def is_dirty(self) -> bool:
        """Whether the folder has changes that no commit holds; neither its index nor anything else is written.
        Raises CheckoutError: git cannot read the repository.
        """
        if self.is_bare:
            return False
        # A filter is a program that the repository's configuration names: none is run.
        names = self._run("config", "-z", "--name-only", "--get-regexp", r"^filter\.").output.split("\0")[:-1]
        if any("=" in name for name in names):
            return True  # cannot be switched off, so what git would say is not asked for
        settings = dict.fromkeys(names, "")
        settings.update((name.rpartition(".")[0] + ".required", "false") for name in names)
        reply = run_git(
            ["status", "--porcelain", "--ignore-submodules=all", "--", "."],
            folder=self.folder,
            settings=settings,
            timeout=self.timeout,
        )
        return bool(must_succeed(reply, doing=_CANNOT_READ, source=self.shown).output)

    def _run(self, *arguments: str) -> GitReply:
        return run_git(arguments, folder=self.folder, timeout=self.timeout)


@dataclass(frozen=True, slots=True)
class RemoteOrigin:
    """A repository behind a URL, which may hold credentials and is therefore never shown as it is."""

    address: str
    timeout: float
    prefix: str = ""

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return without_credentials(self.address)

    @property
    def identity(self) -> str:
        """The URL without credentials."""
        return self.shown

    def fetch(self, mirror: Mirror, ref: str) -> str:
        """Bring a commit into the mirror and return its full hash; its history comes along only if needed.
        Raises CheckoutError: the remote cannot be reached, or has no such commit.
        """
        if _FULL_HASH.fullmatch(ref):
            commit = mirror.resolve(ref)
            if commit is None and mirror.fetch_one(self.address, ref).ok:
                commit = mirror.resolve(ref)
            if commit is not None:
                return commit
            known: dict[str, str] = {}
        else:
            known = self._known_refs(mirror, "HEAD", ref, f"refs/heads/{ref}", f"refs/tags/{ref}")
        # The order in which git itself looks a name up.
        for name in (ref, f"refs/tags/{ref}", f"refs/heads/{ref}"):
            if name in known and mirror.fetch_one(self.address, name).ok:
                return mirror.resolve(FETCHED) or known[name]
        mirror.fetch_all(self.address, known.get("HEAD", ""))
        commit = mirror.resolve(ref)
        if commit is None:
            names = self._known_refs(mirror, "refs/heads/*", "refs/tags/*")
            raise _unknown_ref(ref, self.shown, [name.split("/", 2)[2] for name in names if "^" not in name])
        return commit

    def is_dirty(self) -> bool:
        """Never: what is behind a URL is committed."""
        return False

    def _known_refs(self, mirror: Mirror, *patterns: str) -> dict[str, str]:
        reply = run_git(["ls-remote", "--quiet", self.address, *patterns], folder=mirror.folder, timeout=self.timeout)
        must_succeed(reply, doing="git cannot reach the repository", source=self.address)
        pairs = (line.partition("\t") for line in reply.output.splitlines())
        return {name: commit for commit, _, name in pairs}


def _unknown_ref(ref: str, shown: str, names: Iterable[str]) -> CheckoutError:
    known = sorted(names)
    if not known:
        hint = "Make a first commit: git add -A && git commit -m 'First commit'"
        return CheckoutError("the repository has no commit yet", where=shown, hint=hint)
    more = ", …" if len(known) > _SHOWN_REFS else ""
    return CheckoutError(
        f"the repository has no commit called {ref}",
        where=shown,
        hint=f"It has {', '.join(known[:_SHOWN_REFS])}{more}; if it is a new commit, fetch or push it first",
    )
