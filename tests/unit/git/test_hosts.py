"""Requests on a local server that speaks GitHub's and GitLab's API: opened once, then updated."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import PublishError
from orchestrator.git.checkout import Checkout
from orchestrator.git.hosts import GitHub, GitLab, Host
from orchestrator.git.push import CommitDraft
from orchestrator.run.publish.publish import host_of, publish
from orchestrator.run.request import HostAccess, HostKind, Publish
from tests.doubles.host_api import TOKEN, HostApi, host_api
from tests.doubles.memory_host import MemoryHost


@pytest.fixture
def api() -> Iterator[tuple[str, type[HostApi]]]:
    with host_api() as found:
        yield found


def use(host: Host) -> None:
    """Open a request and update it; comment twice."""
    assert host.default_branch() == "main"
    assert host.find("ours") is None
    opened = host.open("ours", "main", "Prove 1 sorry", "first")
    found = host.find("ours")
    assert found == opened
    host.update(opened, "Prove 2 sorries", "second")
    host.comment(opened.number, "<!-- m -->", "<!-- m --> one")
    host.comment(opened.number, "<!-- m -->", "<!-- m --> two")


@pytest.mark.parametrize("kind", [GitHub, GitLab])
def test_a_request_is_opened_once_and_then_updated(
    api: tuple[str, type[HostApi]], kind: type[GitHub] | type[GitLab]
) -> None:
    url, server = api
    use(kind("owner/name", TOKEN, url=url))
    (request,) = server.requests
    assert request["title"] == "Prove 2 sorries"
    assert request["description" if kind is GitLab else "body"] == "second"
    assert [comment["body"] for comment in server.comments] == ["<!-- m --> two"]


def test_a_pull_request_for_a_pushed_branch_is_opened_and_later_updated(
    api: tuple[str, type[HostApi]], tmp_path: Path
) -> None:
    url, server = api
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    (tmp_path / "A.lean").write_text("sorry")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    reply = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    found = Checkout(str(tmp_path), "HEAD", reply.stdout.strip(), tmp_path)
    access = HostAccess(kind=HostKind.GITHUB, repository="owner/name", token=TOKEN, api_url=url)
    goal = {"declaration": "a", "file": "A.lean", "line": 1, "tactics": ["rfl"], "strategy": "micro", "note": ""}
    words = []
    for proved in (1, 2):
        goals = [{**goal, "status": "solved", "verdict": None}] * proved
        summary = {"goals": goals, "commit": found.commit, "run_id": "r", "lean": "4.28", "blueprint": []}
        commits = [CommitDraft(f"Prove {n}\n", {"A.lean": f"rfl {n}"}) for n in range(proved)]
        words += publish(Publish.PR, found, commits, summary, branch="ours", host=host_of(access), access=access)
    assert [word.partition(" ")[0] for word in words] == ["pushed", "opened", "pushed", "updated"]
    (request,) = server.requests
    assert (request["title"], request["base"]) == ("Prove 2 sorries", "main")
    assert request["body"].count("`rfl` (micro)") == 2
    assert sum(call == "POST /repos/owner/name/pulls" for call in server.calls) == 1


def test_the_host_in_memory_does_the_same() -> None:
    host = MemoryHost()
    use(host)
    ((_, title, body),) = host.requests.values()
    assert (title, body) == ("Prove 2 sorries", "second")
    assert host.comments == {1: {"<!-- m -->": "<!-- m --> two"}}


def test_a_token_that_is_not_accepted(api: tuple[str, type[HostApi]]) -> None:
    with pytest.raises(PublishError, match=r"401.*The token is not accepted") as caught:
        GitHub("owner/name", "wrong-token", url=api[0]).find("ours")
    assert "wrong-token" not in str(caught.value)


def test_a_host_that_does_not_answer() -> None:
    with pytest.raises(PublishError, match="does not answer"):
        GitLab("owner/name", TOKEN, url="http://127.0.0.1:9").default_branch()
