"""Applies an untrusted patch to copies of the files it names, and returns their new texts."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from orchestrator.errors import PatchError
from orchestrator.git.command import GitReply, run_git

_NEW_FILE = re.compile(r" create mode 100644 ")
_SHOWN_LINES = 4
_NOT_OURS = ' (allow with "--allow-empty")'  # an option of `git apply` that nobody can give here


def apply_patch(tree: Path, patch: str, *, reverse: bool = False) -> Mapping[str, str]:
    """The new texts, by path with forward slashes, of the files that `patch` changes or adds; `tree` is only read.

    With `reverse` the patch is taken back instead: the texts are those from before it.

    Raises:
        PatchError: it does not apply; it does more than change and add plain `.lean` files inside the tree; or a
            result is not UTF-8.
    """
    tree = Path(os.path.realpath(tree))
    with tempfile.TemporaryDirectory(prefix="orchestrator-patch-") as made:
        work = Path(os.path.realpath(made), "tree")
        work.mkdir()
        file = work.with_name("change.patch")
        file.write_bytes(patch.encode("utf-8", "surrogateescape"))
        for line in _git(work, ["--summary", str(file)]).splitlines():
            if not _NEW_FILE.match(line):
                raise PatchError(f"the patch does more than change text: {line.strip()}", hint=_ALLOWED)
        strip = _leading(tree, _paths(_git(work, ["--numstat", "-z", str(file)])))
        paths = _paths(_git(work, [f"-p{1 + strip}", "--numstat", "-z", str(file)]))
        for path in paths:
            _copy(tree, work, path)
        _git(work, [f"-p{1 + strip}", "--whitespace=nowarn", *(["--reverse"] if reverse else []), str(file)])
        return {path: _read(work, path) for path in paths}


_ALLOWED = "Only changed or added .lean files inside the repository are taken"
_WHOLE = "It has to be a whole diff, as `git diff` writes it, of the commit that is judged"


def _leading(tree: Path, paths: Sequence[str]) -> int:
    """How many leading folders of the paths lead to `tree`: a patch may come from the root of a larger repository."""
    parts = [PurePosixPath(path).parts for path in paths]
    if not paths or any((tree / path).exists() for path in paths):
        return 0
    for count in range(1, min(map(len, parts))):
        above = tree.parts[-count:]
        if all(one[:count] == above for one in parts) and any((tree / Path(*one[count:])).exists() for one in parts):
            return count
    return 0


def _git(work: Path, arguments: Sequence[str]) -> str:
    reply = run_git(
        ["apply", *arguments],
        folder=work,
        # Outside any repository, whatever folder the temporary one is in; the user's settings may not bend the patch.
        environment={
            "GIT_CEILING_DIRECTORIES": str(work.parent),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        },
    )
    if not reply.ok:
        raise PatchError(f"git does not take the patch: {_words(reply, work)}", hint=_WHOLE)
    return reply.output


def _words(reply: GitReply, work: Path) -> str:
    said = reply.complaints.replace(_NOT_OURS, "").splitlines()
    lines = [line.removeprefix("error: ").replace(f"{work.parent}/", "") for line in said]
    return "; ".join(filter(None, lines[:_SHOWN_LINES])) or f"it ended with status {reply.status}"


def _paths(numstat: str) -> tuple[str, ...]:
    """The paths of a `--numstat -z` listing, each once."""
    paths: dict[str, None] = {}
    for entry in filter(None, numstat.split("\0")):
        added, _, rest = entry.partition("\t")
        path = rest.partition("\t")[2]
        pure = PurePosixPath(path)
        if added == "-":
            raise PatchError("the patch is binary", where=path, hint=_ALLOWED)
        if not path or pure.is_absolute() or ".." in pure.parts:
            raise PatchError("the patch leads out of the repository", where=path, hint=_ALLOWED)
        if pure.suffix != ".lean" or any(part.startswith(".") for part in pure.parts):
            raise PatchError("the patch changes a file that is not Lean source", where=path, hint=_ALLOWED)
        paths[path] = None
    return tuple(paths)


def _copy(tree: Path, work: Path, path: str) -> None:
    source = tree / path
    if not os.path.lexists(source):
        if Path(os.path.realpath(source)) != source:
            raise PatchError("the patch leads through a link", where=path, hint=_ALLOWED)
        return
    if Path(os.path.realpath(source)) != source or not source.is_file():
        raise PatchError("the patch changes something that is not a plain file", where=path, hint=_ALLOWED)
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, work / path)


def _read(work: Path, path: str) -> str:
    try:
        return (work / path).read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise PatchError("the patch, taken back, takes a file away", where=path, hint=_ALLOWED) from error
    except UnicodeDecodeError as error:
        raise PatchError("the patched file is not UTF-8", where=path) from error
