"""A run is published: commits, a branch, and a pull request that is updated rather than repeated."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import PublishError
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.git.checkout import Checkout
from orchestrator.git.hosts import Request
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.result import GoalStatus, Result, StrategyType
from orchestrator.run.publish.commits import plan_commits
from orchestrator.run.publish.publish import MARKER, body, comment_on_push, publish, request_of_job, title
from orchestrator.run.report.ci import failing, findings, junit, sarif, workflow_commands
from orchestrator.run.report.summary import GoalReport
from orchestrator.run.request import HostKind, Publish
from tests.doubles.memory_host import MemoryHost


class ClosedHost(MemoryHost):
    """A host that lets nobody open a request."""

    def open(self, branch: str, base: str, title: str, body: str) -> Request:
        raise PublishError("the source host refused with 403", hint="Give the token the right to")


TEXT = "theorem a : 1 = 1 := by\n  sorry\n\ntheorem b : 2 = 2 ∧ 3 = 3 := ⟨by sorry, by sorry⟩\n"


def proved(declaration: str, line: int, column: int, tactic: str, status: VerdictStatus) -> GoalReport:
    span = SourceSpan(Position(line, column), Position(line, column + 5))
    goal = Goal(id=f"{declaration}{column}", text="⊢ x", file="A.lean", declaration=declaration, span=span)
    result = Result(success=True, strategy=StrategyType.MICRO, tactics=(tactic,), time_seconds=0.25)
    rests = ("below",) if status is VerdictStatus.CONDITIONAL else ()
    verdict = Verdict(declaration, "A.lean", status, (), axioms=("propext",), rests_on=rests)
    return GoalReport(goal, GoalStatus.SOLVED, result, verdict)


REPORTS = (
    proved("b", 4, 33, "rfl", VerdictStatus.PASSED),
    proved("a", 2, 2, "rfl", VerdictStatus.PASSED),
    proved("b", 4, 43, "simp", VerdictStatus.PASSED),
    GoalReport(Goal(id="c", text="⊢ y", file="A.lean", declaration="c"), GoalStatus.OPEN),
)


def summary(**statuses: str) -> dict[str, Any]:
    goals = [
        {
            "declaration": name,
            "file": "A.lean",
            "line": line + 1,
            "status": status,
            "strategy": "micro",
            "tactics": ["simp | rfl"] if status in ("solved", "conditional") else [],
            "note": "false for n = 0" if status == "looks_false" else "",
            "verdict": {"rests_on": ["below"] if status == "conditional" else []},
            "time_seconds": 0.5,
        }
        for line, (name, status) in enumerate(statuses.items())
    ]
    return {"goals": goals, "commit": "c" * 40, "run_id": "r", "lean": "4.28", "blueprint": []}


def test_one_commit_a_declaration_each_on_top_of_the_others() -> None:
    first, second = plan_commits(REPORTS, {"A.lean": TEXT})
    assert first.message.startswith("Prove a\n")
    assert first.files == {"A.lean": TEXT.replace("  sorry", "  rfl")}
    assert second.files == {"A.lean": TEXT.replace("  sorry", "  rfl").replace("sorry, by sorry", "rfl, by simp")}
    assert "closed by micro in 0.2 s" in second.message
    assert "Axioms: propext" in second.message


def test_what_rests_on_a_sorry_is_never_pushed_as_a_proof() -> None:
    conditional = proved("b", 4, 33, "rfl", VerdictStatus.CONDITIONAL)
    (only,) = plan_commits((REPORTS[1], conditional), {"A.lean": TEXT})
    assert only.message.startswith("Prove a\n")
    assert only.files == {"A.lean": TEXT.replace("  sorry", "  rfl")}
    assert plan_commits((conditional,), {"A.lean": TEXT}) == ()


def test_the_blueprint_is_a_commit_of_its_own() -> None:
    (only,) = plan_commits((), {}, blueprint={"blueprint/src/a.tex": "x"})
    assert only.files == {"blueprint/src/a.tex": "x"}
    assert plan_commits(REPORTS[3:], {"A.lean": TEXT}) == ()


def test_a_request_names_what_is_proved_conditional_and_false() -> None:
    shown = summary(a="solved", b="conditional", c="looks_false", d="open")
    assert title(shown) == "Prove 1 sorry"
    assert title(summary(b="conditional")) == "Correct the marks of the blueprint"
    text = body(shown)
    assert text.startswith(MARKER)
    assert "| `a` | `A.lean`:1 | `simp \\| rfl` (micro) |" in text
    assert "rests on `below`" in text
    assert "`false for n = 0`" in text
    assert "2 sorries are still open" in text


@pytest.fixture
def found(tmp_path: Path) -> Checkout:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "A.lean").write_text(TEXT)
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return Checkout(str(folder), "HEAD", commit.stdout.strip(), folder)


def test_a_pull_request_is_opened_once_and_updated(found: Checkout) -> None:
    host = MemoryHost()
    commits = plan_commits(REPORTS, {"A.lean": TEXT})

    def run(how: Publish, shown: dict[str, Any], count: int) -> tuple[str, ...]:
        return publish(how, found, commits[:count], shown, branch="ours", host=host)

    assert run(Publish.PATCH, summary(a="solved"), 1) == ()
    pushed, opened = run(Publish.PR, summary(a="solved"), 1)
    assert pushed.startswith("pushed 1 commit to ours")
    assert opened == "opened memory:ours"
    pushed, updated = run(Publish.PR, summary(a="solved", b="solved"), 2)
    assert updated == "updated memory:ours"
    assert [kept[1] for kept in host.requests.values()] == ["Prove 2 sorries"]
    (same,) = run(Publish.BRANCH, summary(a="solved", b="solved"), 2)
    assert "up to date" in same
    assert publish(Publish.PR, found, (), summary(), branch="ours", host=host) == ()


@pytest.mark.parametrize("host", [None, ClosedHost()])
def test_a_pull_request_that_cannot_be_opened_is_an_error_with_the_branch(
    found: Checkout, host: MemoryHost | None
) -> None:
    commits = plan_commits(REPORTS, {"A.lean": TEXT})
    with pytest.raises(PublishError, match="The branch ours is pushed, but no pull request could be opened") as raised:
        publish(Publish.PR, found, commits, summary(a="solved"), branch="ours", host=host)
    assert raised.value.hint
    assert branches(found) == {"main", "ours"}


def branches(found: Checkout) -> set[str]:
    words = ["git", "branch", "--format=%(refname:short)"]
    return set(subprocess.run(words, cwd=found.source, check=True, capture_output=True, text=True).stdout.split())


def test_a_push_is_commented_on_only_when_there_is_something_to_say() -> None:
    host = MemoryHost()
    assert comment_on_push(host, 4, summary(d="open")) == ()
    assert comment_on_push(host, 4, summary(a="solved")) == ("commented on request 4",)
    assert "### Proved\n" in host.comments[4][MARKER]
    lie = {"label": "thm:a", "file": "b.tex", "line": 7, "part": "proof", "change": "removed"}
    comment_on_push(host, 4, summary(a="conditional") | {"blueprint": [lie]})
    assert "### Conditional" in host.comments[4][MARKER]
    assert "### Proved\n" not in host.comments[4][MARKER]
    assert "| `thm:a` | `b.tex`:7 | proof |" in host.comments[4][MARKER]


def test_a_ci_job_knows_its_request() -> None:
    github = {
        "GITHUB_REF": "refs/pull/12/merge",
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_API_URL": "https://git.example/api/v3",
        "GITHUB_TOKEN": "word",
    }
    found = request_of_job(github)
    assert found is not None
    assert (found[0].kind, found[0].repository, found[1]) == (HostKind.GITHUB, "owner/name", 12)
    gitlab = {"CI_MERGE_REQUEST_IID": "3", "CI_PROJECT_PATH": "a/b/c", "CI_API_V4_URL": "https://git.example/api/v4"}
    found = request_of_job(gitlab | {"GITLAB_TOKEN": "word"})
    assert found is not None
    assert (found[0].kind, found[0].api_url, found[1]) == (HostKind.GITLAB, "https://git.example/api/v4", 3)
    assert request_of_job(github | {"GITHUB_REF": "refs/heads/main"}) is None
    with pytest.raises(PublishError, match="no token to comment with on request 3"):
        request_of_job(gitlab)


def test_what_continuous_integration_reads() -> None:
    shown = summary(a="solved", b="conditional", c="looks_false", d="open")
    found = findings(shown)
    assert [each.rule for each in found] == ["provable", "provable", "looks_false"]
    assert [each.rule for each in failing(found, ["looks_false"])] == ["looks_false"]
    assert workflow_commands(found).splitlines()[2] == (
        "::warning file=A.lean,line=3,title=A statement that fails for small values::c: false for n = 0"
    )
    assert '"startLine": 3' in sarif(found, version="1")
    text = junit(shown, ["looks_false"])
    assert 'failures="1" skipped="1"' in text
    assert '<failure message="looks_false: false for n = 0" />' in text


def test_no_text_breaks_out_of_an_annotation() -> None:
    shown = summary(a="looks_false")
    shown["goals"][0] |= {"note": "x\n::error::y%", "file": "A,b:c.lean"}
    (line,) = workflow_commands(findings(shown)).splitlines()
    assert "file=A%2Cb%3Ac.lean" in line
    assert line.endswith("x%0A::error::y%25")
