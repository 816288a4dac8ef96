"""The real `lean_dojo.Dojo`, its Lean behind a shim: everything but the trace, which needs elan and GitHub."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from real_lean import project
from shims import write_shims

from orchestrator.errors import LeanNotFound, RequestRefused, SessionDied
from orchestrator.goals.goal import Goal
from orchestrator.lean.dojo import GIVEN_UP, DojoGoal, DojoLimits, environment_of, open_dojo, why_not
from orchestrator.lean.extraction import extract
from orchestrator.lean.protocol import CheckReply, SplitReply
from orchestrator.lean.servers import Servers
from orchestrator.strategies.dojo_prover import DojoProver
from orchestrator.strategies.micro.strategy import run_micro

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("lean_dojo") is None, reason="the extra `dojo` is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

TEXT = "theorem both (p q : Prop) (a : p) (b : q) : p ∧ q := "


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as LeanDojo keeps a traced one, but for the trace itself."""
    folder = tmp_path_factory.mktemp("traced") / "repository"
    folder.mkdir()
    (folder / "A.lean").write_text(TEXT + "by\n  sorry\n")
    (folder / "Lean4Repl.lean").touch()
    (folder / "lean-toolchain").write_text("leanprover/lean4:v4.20.0\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    return folder


@pytest.fixture(scope="module")
def environment(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:  # type: ignore[misc]
    folder = tmp_path_factory.mktemp("dojo")
    shims = write_shims(folder / "shims", servers.launch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(shims.bin), prepend=":")
        patch.setenv("CACHE_DIR", str(folder / "cache"))
        patch.setenv("DISABLE_REMOTE_CACHE", "1")
        yield


@pytest.fixture
def make(environment: None, traced: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Goal], Any]:
    """Makes a real Dojo; what it would take from the trace is given by hand."""
    from lean_dojo import Dojo
    from lean_dojo.interaction import dojo

    class Untraced(Dojo):  # type: ignore[misc]
        def _locate_traced_file(self, traced_repo_path: Path) -> Any:
            return SimpleNamespace(abs_path=traced / "A.lean", has_prelude=False)

        def _get_modified_proof(self, traced_file: Any) -> str:
            return f"{self._get_imports()}set_option maxHeartbeats 0 in\n{TEXT}by\n  lean_dojo_repl\n  sorry\n"

    monkeypatch.setattr("lean_dojo.Dojo", Untraced)
    monkeypatch.setattr("orchestrator.lean.dojo.TACTIC_SECONDS", 250)
    monkeypatch.setattr(dojo, "get_traced_repo_path", lambda repo, build_deps=True: traced)
    commit = git(traced, "rev-parse", "HEAD").strip()
    return lambda goal: environment_of(goal, str(traced), commit)


GOAL = Goal("g", "p q : Prop\na : p\nb : q\n⊢ p ∧ q", file="A.lean", declaration="both")


class Ours:
    """The same goal on a session of ours: every script holds there."""

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        return CheckReply(accepted=True)

    async def split(self, script: str, *, seconds: float = 30.0) -> SplitReply:
        return SplitReply(errors=("no",))

    async def mentions(self) -> tuple[str, ...]:
        return ("And",)


@pytest.fixture
async def opened(make: Callable[[Goal], Any]) -> AsyncIterator[DojoGoal]:
    async with open_dojo(GOAL, make, Ours()) as context:
        yield context


async def test_every_answer_of_the_real_dojo_becomes_one_of_ours(opened: DojoGoal) -> None:
    failed, given_up, split = await opened.tactics(["omega", "sorry", "constructor"])
    assert failed.failed
    assert failed.error
    assert given_up.error == GIVEN_UP
    assert (split.completed, split.failed, len(split.goals)) == (False, False, 2)
    assert split.goals[0].endswith("⊢ p")
    assert split.proof_state is not None
    (one,) = await opened.tactics(["exact a"], proof_state=split.proof_state)
    assert len(one.goals) == 1
    (done,) = await opened.tactics(["exact b"], proof_state=one.proof_state)
    assert done.completed
    whole = await opened.tactics(["rfl", "exact ⟨a, b⟩", "trivial"])
    assert [reply.completed for reply in whole] == [False, True]
    assert (await opened.check("exact ⟨a, b⟩")).accepted
    assert ((await opened.split("sorry")).errors, await opened.mentions()) == (("no",), ("And",))
    with pytest.raises(RequestRefused, match="whole states"):
        await opened.tactics(["rfl"], only=0)
    with pytest.raises(RequestRefused):
        await opened.tactics(["rfl"], proof_state=99)
    with pytest.raises(SessionDied, match="ended"):
        await opened.tactics(["crash", "rfl"])


async def test_a_theorem_that_lean_cannot_open_is_not_found(
    make: Callable[[Goal], Any], traced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.TEXT", "theorem both : no_such.thing 3 := ")
    with pytest.raises(LeanNotFound, match="LeanDojo cannot open"):
        async with open_dojo(GOAL, make, Ours()):
            pass


def test_a_repository_that_is_none_is_said(environment: None, tmp_path: Path) -> None:
    with pytest.raises(LeanNotFound, match="LeanDojo cannot use"):
        environment_of(GOAL, str(tmp_path / "nothing"), "0" * 40)


async def test_micro_proves_a_theorem_with_leandojo_and_our_own_session_confirms_it(
    make: Callable[[Goal], Any], servers: Servers
) -> None:
    small = project(A=TEXT + "by\n  sorry\n")
    async with servers.pool(small) as pool:
        async with pool.workspace() as workspace:
            (goal,) = (await extract(workspace, small.modules)).goals
        told: list[str] = []
        asked: list[Goal] = []

        def noted(opened: Goal) -> Any:
            asked.append(opened)
            return make(opened)

        limits = DojoLimits(installed=True, traced=True)
        prover = DojoProver(
            pool, lambda opened: why_not(opened, small.modules[0].text, "v4.20.0", limits), noted, told.append
        )
        result = await run_micro(goal, 200.0, prover=prover)
        late = DojoProver(pool, lambda opened: "it is too late", noted, told.append)
        async with late.open(goal) as context:
            assert (await context.check("exact ⟨a, b⟩")).accepted
    assert result.success, result.error
    assert (len(asked), told) == (1, ["LeanDojo is not used: it is too late"])
