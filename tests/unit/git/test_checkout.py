"""Getting a commit's files, with real git repositories in temporary folders."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from orchestrator.errors import CheckoutError
from orchestrator.git.checkout import Checkout, checkout
from orchestrator.git.command import GitReply, explain, is_url, redact, without_credentials
from orchestrator.git.mirror import Trees


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _commit(folder: Path, files: dict[str, str | bytes], message: str = "change") -> str:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return _git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "my repo"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, {"A.lean": "one\n", "sub/lakefile.toml": ""})
    _git(folder, "tag", "-a", "v1", "-m", "first")
    _git(folder, "branch", "dev")
    _commit(folder, {"A.lean": "two\n"})
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
    }


def _text(result: Checkout) -> str:
    return (result.path / "A.lean").read_text()


@pytest.mark.parametrize("kind", ["folder", "url", "bare"])
@pytest.mark.parametrize(
    ("ref", "text"),
    [
        ("HEAD", "two\n"),
        ("main", "two\n"),
        ("refs/heads/main", "two\n"),
        ("dev", "one\n"),
        ("v1", "one\n"),
        ("HEAD~1", "one\n"),
        ("main^", "one\n"),
    ],
)
def test_any_ref_of_any_source(repository: Path, cache: Path, tmp_path: Path, kind: str, ref: str, text: str) -> None:
    source = str(repository)
    if kind == "url":
        source = repository.as_uri().replace("%20", " ")
    elif kind == "bare":
        source = str(tmp_path / "bare.git")
        _git(tmp_path, "clone", "-q", "--bare", str(repository), source)
    result = checkout(source, ref, cache=cache)
    assert _text(result) == text
    assert result.commit == _git(repository, "rev-parse", f"{ref}^{{commit}}")
    assert (result.source, result.ref, result.dirty, result.prefix) == (source, ref, False, "")
    assert result.path.is_relative_to(cache)
    assert not (result.path / ".git").exists()


@pytest.mark.parametrize("length", [40, 8])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_hash(repository: Path, cache: Path, scheme: str, length: int) -> None:
    commit = _git(repository, "rev-parse", "HEAD~1")
    result = checkout(f"{scheme}{repository}", commit[:length], cache=cache)
    assert (_text(result), result.commit) == ("one\n", commit)


def test_a_commit_no_branch_leads_to(repository: Path, cache: Path) -> None:
    _git(repository, "checkout", "-q", "--detach")
    _commit(repository, {"A.lean": "detached\n"})
    assert _text(checkout(str(repository), cache=cache)) == "detached\n"


def test_a_second_work_tree_of_a_repository(repository: Path, cache: Path, tmp_path: Path) -> None:
    _git(repository, "worktree", "add", "-q", str(tmp_path / "other"), "dev")
    assert _text(checkout(str(tmp_path / "other"), cache=cache)) == "one\n"


def test_a_remote_that_moved_on(repository: Path, cache: Path) -> None:
    url = f"file://{repository}"
    assert _text(checkout(url, cache=cache)) == "two\n"
    assert _text(checkout(url, "HEAD~1", cache=cache)) == "one\n"
    commit = _commit(repository, {"A.lean": "three\n"})
    assert checkout(url, cache=cache).commit == commit
    _git(repository, "commit", "-q", "--amend", "-m", "rewritten")
    assert _text(checkout(url, "main~1", cache=cache)) == "two\n"
    _git(repository, "branch", "-D", "dev")
    with pytest.raises(CheckoutError, match="no commit called dev"):
        checkout(url, "dev", cache=cache)


def test_the_users_repository_is_not_touched(repository: Path, cache: Path) -> None:
    (repository / "A.lean").write_text("edited\n")
    os.utime(repository / "sub/lakefile.toml", (1, 1))  # git would like to refresh its index now
    (repository / "new.lean").write_text("untracked\n")
    before = _snapshot(repository)
    result = checkout(str(repository), cache=cache)
    assert _snapshot(repository) == before
    assert result.dirty
    assert _text(result) == "two\n"
    assert not (result.path / "new.lean").exists()


@pytest.mark.parametrize("change", ["modified", "untracked", "staged", "deleted", "ignored"])
def test_dirty(repository: Path, cache: Path, change: str) -> None:
    _commit(repository, {".gitignore": "*.olean\n"})
    match change:
        case "modified":
            (repository / "A.lean").write_text("edited\n")
        case "untracked":
            (repository / "B.lean").touch()
        case "staged":
            (repository / "B.lean").touch()
            _git(repository, "add", "B.lean")
        case "deleted":
            (repository / "A.lean").unlink()
        case _:
            (repository / "A.olean").touch()
    assert checkout(str(repository), cache=cache).dirty == (change != "ignored")


def test_a_folder_inside_a_repository(repository: Path, cache: Path) -> None:
    result = checkout(str(repository / "sub"), cache=cache)
    assert result.prefix == "sub"
    assert sorted(path.name for path in result.path.iterdir()) == ["lakefile.toml"]
    (repository / "later").mkdir()
    _commit(repository, {"later/A.lean": ""})
    with pytest.raises(CheckoutError, match="has no folder later"):
        checkout(str(repository / "later"), "HEAD~1", cache=cache)


def test_files_come_out_byte_for_byte(repository: Path, cache: Path, tmp_path: Path) -> None:
    witness = tmp_path / "filter ran"
    for command in ("smudge", "clean"):
        _git(repository, "config", f"filter.evil.{command}", f"touch '{witness}'; cat")
    attributes = "*.lean text eol=crlf filter=evil ident export-ignore export-subst\n"
    files: dict[str, str | bytes] = {
        "B.lean": "$Id$ $Format:%H$\n",
        "é ü.lean": "x",
        "no-lf.lean": b"a\r\nb",
        "empty.lean": "",
    }
    _commit(repository, {".gitattributes": attributes, **files})
    blobs = {name: _git(repository, "cat-file", "-p", f"HEAD:{name}") for name in files}
    witness.unlink(missing_ok=True)
    os.utime(repository / "B.lean", (1, 1))
    result = checkout(str(repository), cache=cache)
    assert {name: (result.path / name).read_bytes().decode().strip() for name in files} == blobs
    assert (result.path / "B.lean").read_bytes() == b"$Id$ $Format:%H$\n"
    assert not witness.exists()


def test_no_program_of_the_repository_runs(repository: Path, cache: Path, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch '{witness}'\n")
    script.chmod(0o755)
    for name in ("post-checkout", "post-index-change", "pre-auto-gc", "reference-transaction"):
        shutil.copy(script, repository / ".git/hooks" / name)
    for key in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.pager", "filter.a=b.clean"):
        _git(repository, "config", key, str(script))
    _commit(repository, {".gitattributes": "*.lean filter=a=b\n", "C.lean": "x"})
    witness.unlink(missing_ok=True)
    os.utime(repository / "C.lean", (1, 1))
    checkout(str(repository), cache=cache)
    assert not witness.exists()


def test_links_and_submodules_stay_what_they_are(repository: Path, cache: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    _git(inner, "init", "-q")
    _commit(inner, {"X.lean": ""})
    _git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "inner")
    (repository / "link").symlink_to("/etc")
    _commit(repository, {})
    for _ in range(2):
        result = checkout(str(repository), cache=cache)
        assert (result.path / "link").readlink() == Path("/etc")
        assert list((result.path / "inner").iterdir()) == []


def test_a_tree_is_used_again_and_put_in_order(repository: Path, cache: Path) -> None:
    result = checkout(str(repository), cache=cache)
    marks = {path: path.lstat().st_ino for path in result.path.rglob("*")}
    assert checkout(str(repository), cache=cache) == result
    assert {path: path.lstat().st_ino for path in result.path.rglob("*")} == marks
    (result.path / "A.lean").write_text("tampered\n")
    (result.path / "sub/lakefile.toml").unlink()
    (result.path / "Extra.lean").touch()
    (result.path / "nested").mkdir()
    _git(result.path / "nested", "init", "-q")
    (result.path / ".lake/build").mkdir(parents=True)
    (result.path / ".lake/build/A.olean").touch()
    assert checkout(str(repository), cache=cache) == result
    assert _text(result) == "two\n"
    names = sorted(str(path.relative_to(result.path)) for path in result.path.rglob("*") if path.is_file())
    assert names == [".lake/build/A.olean", "A.lean", "sub/lakefile.toml"]


def test_a_tree_that_cannot_be_put_in_order_is_written_anew(repository: Path, cache: Path) -> None:
    result = checkout(str(repository), cache=cache)
    result.path.with_name(result.commit + ".index").unlink()
    (result.path / "A.lean").unlink()
    assert _text(checkout(str(repository), cache=cache)) == "two\n"


def test_left_overs_of_a_crash_are_swept_away(repository: Path, cache: Path) -> None:
    result = checkout(str(repository), cache=cache)
    half_made = result.path.with_name("tmp-crashed")
    half_made.mkdir()
    shutil.rmtree(result.path)
    assert _text(checkout(str(repository), cache=cache)) == "two\n"
    assert not half_made.exists()


def test_locks_of_a_git_that_died_hold_nothing_up(repository: Path, cache: Path) -> None:
    checkout(f"file://{repository}", cache=cache)
    (mirror,) = (cache / "mirrors").iterdir()
    for name in ("shallow.lock", "HEAD.lock", "packed-refs.lock", "refs/orchestrator/fetched.lock"):
        (mirror / name).parent.mkdir(exist_ok=True)
        (mirror / name).touch()
    _commit(repository, {"A.lean": "three\n"})
    found = checkout(f"file://{repository}", cache=cache)
    assert (found.path / "A.lean").read_text() == "three\n"
    assert not list(mirror.rglob("*.lock"))


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_damaged_copy_is_fetched_anew(repository: Path, cache: Path, scheme: str) -> None:
    checkout(f"{scheme}{repository}", "v1", cache=cache)
    for file in (*(cache / "mirrors").rglob("*.pack"), *(cache / "mirrors").rglob("objects/??/*")):
        file.chmod(0o600)
        file.write_bytes(b"damaged")
    shutil.rmtree(cache / "trees")
    assert (checkout(f"{scheme}{repository}", "v1", cache=cache).path / "A.lean").read_text() == "one\n"
    _commit(repository, {"A.lean": "three\n"})
    assert (checkout(f"{scheme}{repository}", cache=cache).path / "A.lean").read_text() == "three\n"


def test_a_remote_that_is_gone_does_not_cost_the_copy(repository: Path, cache: Path) -> None:
    checkout(f"file://{repository}", cache=cache)
    (mirror,) = (cache / "mirrors").iterdir()
    inode = mirror.stat().st_ino
    shutil.move(repository, repository.with_name("away"))
    with pytest.raises(CheckoutError):
        checkout(f"file://{repository}", cache=cache)
    assert mirror.stat().st_ino == inode


def test_only_the_newest_trees_are_kept(repository: Path, cache: Path) -> None:
    results = []
    for number in range(7):
        _commit(repository, {"A.lean": f"{number}\n"})
        results.append(checkout(str(repository), cache=cache))
        os.utime(results[-1].path, (number, number))
    used_again = checkout(str(repository), results[2].commit, cache=cache)
    newest = checkout(str(repository), "main", cache=cache)
    kept = {path.name for path in newest.path.parent.iterdir()}
    assert len(kept) == 2 * Trees(cache).kept
    assert {used_again.commit, newest.commit} < kept
    assert results[0].commit not in kept


def test_two_runs_at_once(repository: Path, cache: Path) -> None:
    sources = [str(repository), f"file://{repository}"] * 3
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda source: checkout(source, "main", cache=cache), sources))
    assert {_text(result) for result in results} == {"two\n"}
    assert len({result.path for result in results}) == 2


def test_a_tree_takes_a_patch(repository: Path, cache: Path, tmp_path: Path) -> None:
    result = checkout(str(repository), cache=cache)
    patch = tmp_path / "a.patch"
    patch.write_text("--- a/A.lean\n+++ b/A.lean\n@@ -1 +1 @@\n-two\n+three\n")
    _git(result.path, "apply", "--check", str(patch))


def test_the_cache_does_not_keep_credentials_or_odd_names(repository: Path, cache: Path) -> None:
    odd = repository.with_name("../..;rm -rf $HOME\n'\"-".replace("/", "-"))
    repository.rename(odd)
    result = checkout(str(odd), cache=cache)
    assert result.path.is_relative_to(cache)
    assert set("".join(path.name for path in cache.rglob("*-*"))).isdisjoint("; $\n'\"")
    with pytest.raises(CheckoutError):
        checkout("http://name:pa55word@127.0.0.1:1/a.git?private_token=t0ken", cache=cache)
    for path in cache.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(secret in content + os.fsencode(path) for secret in (b"pa55word", b"t0ken"))


class TestRefusals:
    """Each says what, where, and what to do."""

    @pytest.mark.parametrize("ref", ["", "-x", "--upload-pack=touch x", "a\nb", "a\0b"])
    def test_a_ref_that_is_none(self, repository: Path, cache: Path, ref: str) -> None:
        with pytest.raises(CheckoutError, match="cannot be the name of a commit"):
            checkout(str(repository), ref, cache=cache)

    @pytest.mark.parametrize("scheme", ["", "file://"])
    @pytest.mark.parametrize("ref", ["nope", "f" * 40, "HEAD~99", "a..b", "*", "HEAD:A.lean"])
    def test_an_unknown_ref(self, repository: Path, cache: Path, scheme: str, ref: str) -> None:
        with pytest.raises(CheckoutError, match="no commit called") as caught:
            checkout(f"{scheme}{repository}", ref, cache=cache)
        assert caught.value.hint.startswith("It has dev, main, v1")

    @pytest.mark.parametrize("scheme", ["", "file://"])
    def test_an_empty_repository(self, tmp_path: Path, cache: Path, scheme: str) -> None:
        (tmp_path / "empty").mkdir()
        _git(tmp_path / "empty", "init", "-q")
        with pytest.raises(CheckoutError, match="no commit yet") as caught:
            checkout(f"{scheme}{tmp_path}/empty", cache=cache)
        assert "git commit" in caught.value.hint

    def test_a_folder_without_git(self, tmp_path: Path, cache: Path) -> None:
        with pytest.raises(CheckoutError, match="not a git repository") as caught:
            checkout(str(tmp_path), cache=cache)
        assert caught.value.where == str(tmp_path)
        assert "git init" in caught.value.hint
        assert not cache.exists()

    def test_no_folder(self, tmp_path: Path, cache: Path) -> None:
        with pytest.raises(CheckoutError, match="no such folder"):
            checkout(str(tmp_path / "missing"), cache=cache)
        (tmp_path / "file").touch()
        with pytest.raises(CheckoutError, match="a file, not a folder"):
            checkout(str(tmp_path / "file"), cache=cache)

    @pytest.mark.parametrize("source", ["", "-x", "--upload-pack=x", "a\0b"])
    def test_a_source_that_is_none(self, cache: Path, source: str) -> None:
        with pytest.raises(CheckoutError, match="neither a folder nor a URL"):
            checkout(source, cache=cache)

    @pytest.mark.parametrize("source", ["ext::sh -c 'touch ran'", "fd::7", "a::b", "ftp://x/y", "javascript://x"])
    def test_a_helper_transport(self, tmp_path: Path, cache: Path, source: str) -> None:
        with pytest.raises(CheckoutError, match="are refused"):
            checkout(source, cache=cache)

    def test_an_address_nobody_answers(self, cache: Path) -> None:
        with pytest.raises(CheckoutError) as caught:
            checkout("http://name:pa55word@127.0.0.1:1/a.git?private_token=t0ken", cache=cache)
        message = f"{caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"
        assert "pa55word" not in message
        assert "t0ken" not in message
        assert caught.value.where == "http://127.0.0.1:1/a.git"
        assert caught.value.hint == "Check the address and the network"

    def test_a_url_without_a_repository(self, tmp_path: Path, cache: Path) -> None:
        with pytest.raises(CheckoutError, match="does not appear to be a git repository") as caught:
            checkout(f"file://{tmp_path}/missing.git", cache=cache)
        assert caught.value.hint == "Check the address"

    def test_a_repository_of_another_user(self, repository: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for such tests
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # where a person may trust every folder
        with pytest.raises(CheckoutError, match="dubious ownership") as caught:
            checkout(str(repository), cache=cache)
        assert "safe.directory" in caught.value.hint

    def test_a_cache_that_cannot_be_written(self, repository: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CheckoutError, match="the cache cannot be used"):
            checkout(str(repository), cache=tmp_path / "file" / "cache")

    def test_a_tree_git_will_not_write(self, repository: Path, cache: Path) -> None:
        blob = _git(repository, "rev-parse", "HEAD:A.lean")
        listing = f"100644 blob {blob}\t.git\n".encode()
        made = subprocess.run(["git", "mktree"], cwd=repository, input=listing, capture_output=True, check=True)
        commit = _git(repository, "commit-tree", "-m", "evil", made.stdout.decode().strip())
        with pytest.raises(CheckoutError, match="invalid path"):
            checkout(str(repository), commit, cache=cache)
        assert list(cache.glob(f"trees/*/{commit}*")) == []

    def test_a_remote_that_does_not_answer(self, cache: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"git://127.0.0.1:{server.getsockname()[1]}/a.git"
            with pytest.raises(CheckoutError, match=r"did not complete in 0\.5 seconds") as caught:
                checkout(address, cache=cache, timeout=0.5)
        assert caught.value.where == address
        assert caught.value.hint.startswith("The time ran out")

    def test_another_run_that_does_not_end(self, repository: Path, cache: Path) -> None:
        checkout(str(repository), cache=cache)
        (lock,) = (cache / "locks").iterdir()
        with FileLock(lock), pytest.raises(CheckoutError, match="another run has been busy"):
            checkout(str(repository), cache=cache, timeout=3)


def test_variables_of_a_running_hook_do_not_matter(
    repository: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    _git(other, "init", "-q")
    _commit(other, {"A.lean": "other\n"})
    before = _snapshot(other)
    for name, value in {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_WORK_TREE": "."}.items():
        monkeypatch.setenv(name, str(other / value))
    assert _text(checkout(str(repository), "main", cache=cache)) == "two\n"
    assert _snapshot(other) == before


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://x.org/a", True),
        ("file:///a", True),
        ("git@x.org:a/b.git", True),
        ("x.org:a/b", True),
        ("ext::sh", True),
        ("a/b", False),
        ("/a/b", False),
        (".", False),
        ("a/b:c", False),
    ],
)
def test_addresses(source: str, expected: bool) -> None:
    assert is_url(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://user:secret@x.org:8/a.git?token=b#c", "https://x.org:8/a.git"),
        ("https://token@x.org/a", "https://x.org/a"),
        ("https://a:b@c@x.org/a", "https://x.org/a"),
        ("ssh://git@x.org/a", "ssh://git@x.org/a"),
        ("ssh://git:secret@x.org/a", "ssh://git@x.org/a"),
        ("git@x.org:a", "git@x.org:a"),
        ("/a/b", "/a/b"),
        ("https://user:secret@[bad/a", "https://[bad/a"),
    ],
)
def test_credentials_are_left_out(source: str, expected: str) -> None:
    assert without_credentials(source) == expected


def test_credentials_are_struck_out_of_what_git_says() -> None:
    source = "https://user:p%40ssword@x.org/a.git?private_token=t0ken"
    said = f"fatal: {source} no; p@ssword p%40ssword t0ken; see https://other:pw@y.org and ssh://k@z"
    struck = redact(said, source)
    assert not any(secret in struck for secret in ("p@ssword", "p%40ssword", "t0ken", "other", "pw@"))
    assert "https://x.org/a.git" in struck


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        ("fatal: Authentication failed for 'https://x.org/'", "Give git access"),
        ("fatal: could not read Username for 'https://x.org': terminal prompts disabled", "Give git access"),
        ("git@x.org: Permission denied (publickey).", "Give git access"),
        ("ssh: Could not resolve hostname x: Name or service not known", "Check the address and the network"),
        ("remote: Repository not found.", "Check the address"),
        ("git did not complete in 3 seconds", "The time ran out"),
        ("fatal: write error: No space left on device", "Free some disk space"),
        ("fatal: something new", ""),
    ],
)
def test_hints(complaint: str, hint: str) -> None:
    error = explain(GitReply(128, "", complaint), doing="git cannot", source="https://u:p@x.org/a")
    assert error.hint.startswith(hint)
    assert bool(error.hint) == bool(hint)
    assert error.where == "https://x.org/a"


def test_git_that_says_nothing() -> None:
    assert explain(GitReply(3, "", ""), doing="git cannot", source="a").what == "git cannot: git ended with status 3"
