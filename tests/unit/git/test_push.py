"""Branches of ours: pushed to a real repository, the same proofs only once, and never over what is not ours."""

import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import PublishError
from orchestrator.git.push import CommitDraft, push_branch

BRANCH = "orchestrator/proofs"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    reply = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return reply.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/A.lean").write_text("one\r\n")
    (folder / "run.sh").write_text("x")
    (folder / "run.sh").chmod(0o755)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def push(repository: Path, *texts: str, branch: str = BRANCH, path: str = "A.lean") -> tuple[str, bool]:
    changes = [CommitDraft(f"CommitDraft {n}\n\nBody\n", {path: text}) for n, text in enumerate(texts)]
    base = git(repository, "rev-parse", "main")
    pushed = push_branch(str(repository / "sub"), base, branch, changes, prefix="sub")
    return pushed.commit, pushed.moved


def test_one_commit_a_change_and_nothing_else_is_touched(repository: Path) -> None:
    before = git(repository, "rev-parse", "main")
    tip, moved = push(repository, "two\r\n", "three\r\n")
    assert moved
    assert git(repository, "rev-parse", BRANCH) == tip
    assert git(repository, "log", "--format=%s", f"main..{BRANCH}").split("\n") == ["CommitDraft 1", "CommitDraft 0"]
    assert git(repository, "diff", "--name-only", "main", BRANCH) == "sub/A.lean"
    shown = subprocess.run(["git", "show", f"{BRANCH}:sub/A.lean"], cwd=repository, capture_output=True, check=True)
    assert shown.stdout == b"three\r\n"
    assert git(repository, "ls-tree", BRANCH, "run.sh").startswith("100755")
    assert (git(repository, "rev-parse", "main"), git(repository, "status", "--porcelain")) == (before, "")


def test_what_lies_above_the_folder_is_committed_where_it_is(repository: Path) -> None:
    push(repository, "x", path="../more/B.tex")
    assert git(repository, "diff", "--name-only", "main", BRANCH) == "more/B.tex"


def test_the_same_proofs_are_pushed_once_and_others_replace_them(repository: Path) -> None:
    first, _ = push(repository, "two")
    assert push(repository, "two") == (first, False)
    second, moved = push(repository, "three")
    assert moved
    assert git(repository, "rev-parse", f"{second}^") == git(repository, "rev-parse", "main")


@pytest.mark.parametrize("branch", ["main", "master"])
def test_the_default_branch_is_never_pushed_to(repository: Path, branch: str) -> None:
    with pytest.raises(PublishError, match="never pushed to"):
        push(repository, "two", branch=branch)


def test_a_default_branch_of_another_name_is_known(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "stable")
    with pytest.raises(PublishError, match="never pushed to"):
        push(repository, "two", branch="stable")


def test_somebody_elses_commit_is_left_alone(repository: Path) -> None:
    push(repository, "two")
    git(repository, "checkout", "-q", BRANCH)
    (repository / "note").write_text("mine")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "theirs")
    git(repository, "checkout", "-q", "main")
    theirs = git(repository, "rev-parse", BRANCH)
    with pytest.raises(PublishError, match="not ours"):
        push(repository, "three")
    assert git(repository, "rev-parse", BRANCH) == theirs


def test_a_repository_that_is_not_there_is_told_without_secrets(repository: Path, tmp_path: Path) -> None:
    base = git(repository, "rev-parse", "main")
    address = "http://user:secretword@127.0.0.1:9/none.git"
    with pytest.raises(PublishError) as caught:
        push_branch(str(repository), base, BRANCH, [CommitDraft("m", {"a": "b"})], push_url=address, token="tokenword")
    assert "secretword" not in str(caught.value)
    assert "tokenword" not in str(caught.value)
