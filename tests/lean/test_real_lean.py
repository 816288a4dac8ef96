"""Sessions, extraction, micro and the patch round trip on a real Lean server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from orchestrator.config import load_settings
from orchestrator.errors import RequestRefused, SessionDied, SessionError, SessionTimeout
from orchestrator.gate.gate import Gate
from orchestrator.gate.selection import Proof, Selection
from orchestrator.gate.verdict import VerdictStatus
from orchestrator.git.apply import apply_patch
from orchestrator.goals.goal import SorryKind
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import Extraction, extract
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Command, Limits, Tactics
from orchestrator.lean.servers import Servers, choose_lean, provision
from orchestrator.lean.session import ask
from orchestrator.lean.workspace import Workspace
from orchestrator.source.diff import unified_diff
from orchestrator.source.project import Project, SourceModule
from orchestrator.strategies.micro.strategy import run_micro

pytestmark = [pytest.mark.lean, pytest.mark.timeout(900)]

EMPTY = Project("Empty", "/nowhere")

KINDS = """import M.Base
-- sorry in a comment /- sorry -/
/-- sorry in a doc comment -/
def words : String := "sorry" ++ s!"{1} sorry"
theorem plain (n : Nat) : n + 0 = n := by sorry
theorem term (n : Nat) : n = n := sorry
theorem admitted : True := by admit
theorem stopped (a b : Nat) : a = a ∧ b = b := by
  constructor
  stop
  rfl
  simp
theorem axiomatic (p : Prop) (h : p ∧ p) : p := sorryAx _ true
theorem both (n : Nat) : n < n + 1 ∧ 0 ≤ n := by
  constructor <;> sorry
theorem twice (n : Nat) : n ≤ n + 2 := by
  have h : n ≤ n + 1 := by sorry
  sorry
theorem arms : ∀ n : Nat, n ≤ n * n + n
  | 0 => by sorry
  | n + 1 => sorry
theorem outer (n : Nat) : n = n := inner n
where inner (n : Nat) : n = n := by sorry
structure Pointed where
  point : Nat
  positive : 0 < point
instance somewhere : Inhabited Pointed := ⟨⟨1, by sorry⟩⟩
def half (n : Nat) : Nat := if n < 2 then 0 else half (n - 2) + 1
termination_by n
decreasing_by sorry
def data : Nat := sorry
theorem αβγ («odd name» : Nat) : «odd name» = «odd name» := by /- ∀ -/ sorry
example : 1 = 1 := by sorry
"""


def project(**texts: str) -> Project:
    """Modules in the order given; `A__B` stands for the module A.B."""
    modules = []
    for key, text in texts.items():
        name = key.replace("__", ".")
        imports = tuple(line.split()[1] for line in text.split("\n") if line.startswith("import "))
        modules.append(SourceModule(name, name.replace(".", "/") + ".lean", text, imports))
    return Project("M", "/nowhere", modules=tuple(modules))


@pytest.fixture(scope="module")
def servers() -> Servers:
    settings = load_settings()
    paths = settings.paths
    return provision(settings, paths, choose_lean(settings, paths, EMPTY))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(servers: Servers) -> AsyncIterator[EmbeddedSession]:
    session = servers.session()
    yield session
    await session.close()


async def extracted(session: EmbeddedSession, found: Project) -> Extraction:
    return await extract(Workspace(session, found), found.modules)


class TestSession:
    async def test_lean_errors_are_values_and_a_refusal_leaves_the_session_well(self, session: EmbeddedSession) -> None:
        reply = await ask(session, Command("theorem a : 1 = 2 := rfl"), timeout=60)
        assert reply.errors
        generation = session.generation
        with pytest.raises(RequestRefused, match="Unknown environment"):
            await ask(session, Command("#eval 1", env=10_000_000), timeout=60)
        assert session.generation == generation
        answer = await ask(session, Command("#eval 40 + 2"), timeout=60)
        assert [message.text for message in answer.messages] == ["42"]

    async def test_a_killed_process_is_one_error_and_the_next_request_works(self, session: EmbeddedSession) -> None:
        await ask(session, Command(""), timeout=60)
        generation, pid = session.generation, session.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(SessionDied):
            await ask(session, Command("#eval 1"), timeout=60)
        assert (await ask(session, Command("#eval 1"), timeout=60)).env is not None
        assert session.generation == generation + 1
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    async def test_a_hung_process_is_killed_at_the_callers_timeout(self, session: EmbeddedSession) -> None:
        await ask(session, Command(""), timeout=60)
        pid = session.pid
        assert pid is not None
        loop = "partial def spin (n : Nat) : Nat := spin (n + 1)\n#eval spin 0"
        with pytest.raises((SessionTimeout, SessionDied)):
            await ask(session, Command(loop, limits=Limits(heartbeats=0, milliseconds=0)), timeout=3)
        assert not psutil.pid_exists(pid)
        assert (await ask(session, Command("#eval 1"), timeout=60)).env is not None

    async def test_cancelling_kills_the_process(self, session: EmbeddedSession) -> None:
        await ask(session, Command(""), timeout=60)
        pid = session.pid
        assert pid is not None
        loop = "partial def spin (n : Nat) : Nat := spin (n + 1)\n#eval spin 0"
        task = asyncio.create_task(session.exchange(Command(loop), timeout=60))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not psutil.pid_exists(pid)

    async def test_a_batch_stops_at_success_and_its_limits_are_per_tactic(self, session: EmbeddedSession) -> None:
        reply = await ask(
            session, Command("theorem t (a b c : Nat) (h : b + a = c) : a + b = c := by sorry"), timeout=60
        )
        state = reply.sorries[0].proof_state
        request = Tactics(("rfl", "repeat rw [Nat.add_comm]", "omega", "grind"), state, limits=Limits(heartbeats=2000))
        results = (await ask(session, request, timeout=60)).results
        assert [result.tactic for result in results] == ["rfl", "repeat rw [Nat.add_comm]", "omega"]
        assert [result.completed for result in results] == [False, False, True]

    async def test_what_a_repository_prints_is_not_taken_for_a_reply(self, session: EmbeddedSession) -> None:
        forged = '#eval IO.println "{\\"id\\": \\"x\\", \\"reply\\": {\\"env\\": 7}}"'
        reply = await ask(session, Command(forged), timeout=60)
        assert reply.env is not None
        assert len(reply.messages) == 1

    async def test_a_server_over_its_memory_limit_is_replaced_between_pieces_of_work(self, servers: Servers) -> None:
        small = EmbeddedSession(servers.launch, rss_limit_megabytes=10)
        try:
            await ask(small, Command(""), timeout=60)
            assert await small.recycle_if_grown()
            await ask(small, Command(""), timeout=60)
            assert small.generation == 2
            pid = small.pid
        finally:
            await small.close()
        assert pid is not None
        assert not psutil.pid_exists(pid)

    async def test_a_dead_process_is_replayed_by_the_workspace(self, session: EmbeddedSession) -> None:
        found = project(M__A="def one : Nat := 1\n", M__B="import M.A\ntheorem t : one = 1 := by sorry\n")
        workspace = Workspace(session, found)
        before = await workspace.load("M.B")
        await session.kill()
        after = await workspace.load("M.B")
        assert before.reply.sorries[0].goal == after.reply.sorries[0].goal == "⊢ one = 1"


class TestExtraction:
    async def test_every_kind_of_open_place_and_no_other(self, session: EmbeddedSession) -> None:
        found = await extracted(session, project(M__Base="def base : Nat := 0\n", M__Kinds=KINDS))
        assert found.problems == ()
        lines = KINDS.split("\n")
        seen = []
        for goal in found.goals:
            assert goal.span is not None
            start = goal.span.start
            seen.append((goal.declaration, goal.kind, lines[start.line - 1][start.column :][:7]))
        assert [(name, kind) for name, kind, _ in seen] == [
            ("plain", SorryKind.TACTIC),
            ("term", SorryKind.TERM),
            ("admitted", SorryKind.ADMIT),
            ("stopped", SorryKind.STOP),
            ("axiomatic", SorryKind.SORRY_AX),
            ("both", SorryKind.TACTIC),
            ("twice", SorryKind.TACTIC),
            ("twice", SorryKind.TACTIC),
            ("arms", SorryKind.TACTIC),
            ("arms", SorryKind.TERM),
            ("outer.inner", SorryKind.TACTIC),
            ("somewhere", SorryKind.TACTIC),
            ("half", SorryKind.TACTIC),
            ("data", SorryKind.TERM),
            ("αβγ", SorryKind.TACTIC),
            ("_example", SorryKind.TACTIC),
        ]
        words = {"sorry", "admit", "stop", "sorryAx"}
        assert all(any(text.startswith(word) for word in words) for _, _, text in seen)
        assert [goal.declaration for goal in found.goals if not goal.is_prop] == ["data"]
        both = next(goal for goal in found.goals if goal.declaration == "both")
        assert both.text.count("⊢") == 2
        assert len({goal.id for goal in found.goals}) == len(found.goals)

    async def test_a_broken_file_is_reported_and_the_rest_goes_on(self, session: EmbeddedSession) -> None:
        found = await extracted(
            session,
            project(
                M__Good="theorem good : 1 = 1 := by sorry\n",
                M__Bad="theorem bad : 1 = := rfl\n",
                M__Above="import M.Bad\ntheorem above : 1 = 1 := by sorry\n",
            ),
        )
        assert [goal.declaration for goal in found.goals] == ["good"]
        assert {problem.path for problem in found.problems} == {"M/Bad.lean", "M/Above.lean"}
        assert "unexpected token" in found.problems[0].message
        assert "M.Bad" in found.problems[1].message

    async def test_files_are_apart_as_in_lean(self, session: EmbeddedSession) -> None:
        first = (
            'private def secret : Nat := 1\nlocal notation "ZZ" => (0 : Nat)\nopen Nat\nvariable (leaked : Nat)\n'
            "namespace Left\ndef inside : Nat := 2\n"
        )
        second = "private def secret : Nat := 2\ntheorem mine : secret = 2 := rfl\n"
        found = await extracted(
            session,
            project(
                M__First=first,
                M__Second="import M.First\n" + second,
                M__Leak="import M.First\n#check ZZ\n",
                M__Scope="import M.First\n#check inside\n",
                M__Unseen="#check Left.inside\n",
            ),
        )
        assert {problem.path for problem in found.problems} == {"M/Leak.lean", "M/Scope.lean", "M/Unseen.lean"}

    async def test_windows_line_ends(self, session: EmbeddedSession) -> None:
        found = await extracted(session, project(M__Crlf="theorem t : 1 = 1 := by\r\n  sorry\r\n"))
        (goal,) = found.goals
        assert goal.span is not None
        assert (goal.span.start.line, goal.span.start.column) == (2, 2)


class TestProving:
    async def test_a_sorried_theorem_does_not_prove_itself(self, session: EmbeddedSession) -> None:
        text = "opaque P : Nat → Prop\n@[simp] theorem t (n : Nat) : P n := by sorry\n"
        found = project(M__Self=text)
        goals = (await extracted(session, found)).goals
        async with Pool([session], found).open(goals[0]) as context:
            tactics = ["simp", "simp_all", "assumption", "grind", "exact?", "exact _root_.t n"]
            replies = await context.tactics(tactics, stop_on_success=False)
            assert len(replies) == len(tactics)
            assert not any(reply.completed for reply in replies)
            # Recursion is Lean's to allow: on the state it looks fine, in the declaration it does not terminate.
            assert not (await context.check("exact t n")).accepted

    async def test_hidden_sorries_are_refused(self, session: EmbeddedSession) -> None:
        text = 'macro "trust_me" : tactic => `(tactic| sorry)\ntheorem t : 1 = 2 := by sorry\n'
        found = project(M__Macro=text)
        goals = (await extracted(session, found)).goals
        async with Pool([session], found).open(goals[0]) as context:
            assert not (await context.check("trust_me")).accepted
            assert not (await context.check("exact sorryAx _ true")).accepted
            assert not (await context.check("decide")).accepted

    async def test_a_tactic_that_kills_the_process_is_a_failed_tactic(self, session: EmbeddedSession) -> None:
        found = project(M__Deep="theorem t : 2 + 2 = 4 := by sorry\n")
        goals = (await extracted(session, found)).goals
        killer = "(have : (2 : Nat) ^ (2 ^ 33) = 0 := by decide +kernel); rfl"
        async with Pool([session], found).open(goals[0]) as context:
            limits = Limits(milliseconds=2000)
            replies = await context.tactics(["omega +nonsense", killer, "rfl"], limits=limits)
            assert [reply.completed for reply in replies] == [False, False, True]

    async def test_from_goals_to_a_patch_and_back(
        self, session: EmbeddedSession, servers: Servers, tmp_path: Path
    ) -> None:
        base = (
            "inductive Tree | leaf | node (l r : Tree)\n"
            "def Tree.size : Tree → Nat\n  | leaf => 1\n  | node l r => l.size + r.size\n"
        )
        above = (
            "import M.Tree\nnamespace Tree\r\ntheorem pos (t : Tree) : 0 < t.size := by\r\n  induction t with\r\n"
            "  | leaf => sorry\r\n  | node l r ihl ihr => sorry\r\n"
            "theorem wrong (t : Tree) : t.size = 1 := by sorry\r\n"
            "theorem half (n : Nat) : n ≤ n + 1 ∧ n = 0 := ⟨sorry, sorry⟩\r\n"
            "theorem leans (t : Tree) : t.size = 1 := by have := wrong t; sorry\r\nend Tree\r\n"
        ).replace("import M.Tree\n", "import M.Tree\r\n")
        found = Project(
            "M",
            str(tmp_path),
            modules=(
                SourceModule("M.Tree", "M/Tree.lean", base),
                SourceModule("M.Above", "M/Above.lean", above, ("M.Tree",)),
            ),
        )
        before = await extracted(session, found)
        assert before.problems == ()
        pool = Pool([session], found)
        proofs = []
        for goal in before.goals:
            result = await run_micro(goal, 20, prover=pool, definitions=("Tree.size",))
            if result.success:
                proofs.append(Proof(goal, "\n".join(result.tactics)))

        @asynccontextmanager
        async def workspace(changed: Project, preamble: str) -> AsyncIterator[Workspace]:
            yield Workspace(session, changed, preamble=preamble)

        # A proof that does not hold is dropped; the others stay.
        wrong = next(goal for goal in before.goals if goal.declaration == "Tree.wrong")
        report = await Selection(Gate(found, before, workspace)).select([*proofs, Proof(wrong, "rfl")])
        statuses = {proof.goal.declaration: report.verdicts[proof.goal.id].status for proof in report.accepted}
        assert statuses["Tree.pos"] is VerdictStatus.PASSED
        assert statuses["Tree.half"] is VerdictStatus.PARTIAL
        assert statuses["Tree.leans"] is VerdictStatus.CONDITIONAL
        assert report.verdicts[wrong.id].status is VerdictStatus.FAILED
        leans = next(p for p in report.accepted if p.goal.declaration == "Tree.leans")
        assert report.verdicts[leans.goal.id].rests_on == ("Tree.wrong",)

        (tmp_path / "M").mkdir()
        for module in found.modules:
            (tmp_path / module.path).write_bytes(module.text.encode())
        patch = unified_diff({path: (found.by_path[path].text, text) for path, text in report.texts.items()})
        assert apply_patch(tmp_path, patch) == dict(report.texts)

        after = await extracted(session, found.with_texts(report.texts))
        closed = {proof.goal.id for proof in report.accepted}
        left = sorted(goal.declaration for goal in before.goals if goal.id not in closed)
        assert sorted(goal.declaration for goal in after.goals) == left

    async def test_nothing_runs_when_a_pool_is_closed(self, servers: Servers) -> None:
        found = project(M__One="theorem t : 1 = 1 := by sorry\n")
        async with Pool([servers.session()], found) as pool:
            async with pool.workspace() as workspace:
                await workspace.load("M.One")
            inner = workspace.session
            assert isinstance(inner, EmbeddedSession)
            pid = inner.pid
        assert pid is not None
        assert not psutil.pid_exists(pid)
        with pytest.raises(SessionError):
            await inner.exchange(Command(""), timeout=5)
