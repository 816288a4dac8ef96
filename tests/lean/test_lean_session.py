"""The session over the real server: what it answers, how it breaks, and that it comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import psutil
import pytest
from real_lean import LONG, PATIENT, Goals, project

from orchestrator.errors import SessionDied, SessionError, SessionTimeout
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Command, Limits, Tactics, TacticsReply
from orchestrator.lean.servers import Servers
from orchestrator.lean.session import ask
from orchestrator.lean.workspace import Workspace

ENDLESS = Command("partial def forever (n : Nat) : Nat := forever (n + 1)\n#eval forever 0", limits=PATIENT)

# A tactic that runs compiled code: nothing in Lean can stop it, and this one needs hours or more memory than there is.
STUBBORN = """def slow : Nat → Nat → Nat
  | 0, a => a
  | n + 1, a => slow n (a + 1)
def tower (n : Nat) : Nat := 2 ^ (2 ^ n)
theorem endless : slow 1000000000000 0 = 1 := by sorry
theorem deadly : tower 33 = 1 := by sorry
theorem easy (p : Prop) (h : p) : p := by sorry
"""


async def test_a_server_that_is_told_nonsense_says_so_and_goes_on(servers: Servers) -> None:
    process = await asyncio.create_subprocess_exec(
        *servers.launch.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=dict(servers.launch.environment),
        cwd=servers.launch.folder,
    )
    lines = ["{oops", "", "[]", '"x"', '{"id": "1"}', '{"id": 2, "cmd": 3}']
    lines.append('{"id": "a", "cmd": "theorem t (p : Prop) (h : p) : p := by sorry"}')
    lines.append('{"id": "b", "tactic": "exact h", "proofState": 0}')
    output, _ = await process.communicate("".join(line + "\n" for line in lines).encode())
    ready, *replies = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
    assert ready["ready"] is True
    assert "bad JSON" in replies[0]["reply"]["message"]
    assert ["message" in reply["reply"] for reply in replies] == [True] * 5 + [False] * 2
    assert replies[-2]["reply"]["sorries"][0]["goal"] == "p : Prop\nh : p\n⊢ p"
    assert (replies[-1]["id"], replies[-1]["reply"]["proofStatus"]) == ("b", "Completed")
    assert process.returncode == 0, "the end of its input ends the server"


@pytest.mark.parametrize(
    "command",
    [
        r"""#eval IO.println "{\"id\":\"\",\"reply\":{\"env\":0}}" """,
        r"""#eval (do let t ← IO.asTask (IO.println "{\"reply\":{\"env\":0}}"); discard <| IO.wait t : IO Unit)""",
        r"""#eval (do let t ← IO.asTask (IO.print "no line end"); discard <| IO.wait t : IO Unit)""",
        r"""#eval (do let t ← IO.asTask (IO.println "a line"); discard <| IO.wait t : IO Unit)""",
    ],
)
async def test_code_that_prints_cannot_answer_for_the_server(lean: EmbeddedSession, command: str) -> None:
    try:
        reply = await ask(lean, Command(f"theorem not_so : 1 = 2 := by rfl\n{command}"), timeout=LONG)
    except SessionError:
        pass
    else:
        assert reply.env != 0
        assert any("rfl" in error.text for error in reply.errors)
    assert (await ask(lean, Command("theorem t : 1 = 1 := rfl"), timeout=LONG)).messages == ()


# What breaks a process, all on one session of their own. Each time costs a start, so what `tests/unit/lean` shows of a
# small server, and what differs in nothing here, is slow.


@pytest.fixture(scope="module")
async def fragile(servers: Servers) -> EmbeddedSession:
    """A session that is broken again and again."""
    return servers.session()


@pytest.mark.slow
async def test_a_process_killed_during_a_request_and_between_requests(fragile: EmbeddedSession) -> None:
    workspace = Workspace(fragile, project(A="def one := 1", B="import A\ntheorem t : one = 1 := by sorry"))
    first = await workspace.load("B")
    generation, pid = fragile.generation, fragile.pid
    assert pid is not None
    asked = asyncio.create_task(fragile.exchange(ENDLESS, timeout=LONG))
    await asyncio.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SessionDied):
        await asked
    assert fragile.generation == generation + 1
    again = await workspace.load("B")
    assert (again.reply.sorries[0].goal, again.env) == (first.reply.sorries[0].goal, first.env)
    assert fragile.pid not in (None, pid)

    assert fragile.pid is not None
    os.kill(fragile.pid, signal.SIGKILL)
    while fragile.pid is not None:  # noqa: ASYNC110 - another process sets no event of ours
        await asyncio.sleep(0.01)
    assert not workspace.holds("B")
    await workspace.load("B")
    assert fragile.generation == generation + 2


async def test_a_request_without_end_is_stopped_and_the_next_one_works(fragile: EmbeddedSession) -> None:
    await fragile.exchange(Command(""), timeout=LONG)
    generation, pid = fragile.generation, fragile.pid
    assert pid is not None
    with pytest.raises(SessionTimeout):
        await fragile.exchange(ENDLESS, timeout=0.5)
    assert not psutil.pid_exists(pid)
    assert fragile.generation == generation + 1
    assert (await ask(fragile, Command("theorem t : 1 = 1 := rfl"), timeout=LONG)).messages == ()


async def test_being_cancelled_ends_the_process_group(fragile: EmbeddedSession) -> None:
    await fragile.exchange(Command(""), timeout=LONG)
    pid = fragile.pid
    assert pid is not None
    group = [process.pid for process in psutil.process_iter() if _group(process.pid) == pid]
    assert pid in group
    asked = asyncio.create_task(fragile.exchange(ENDLESS, timeout=LONG))
    await asyncio.sleep(0.2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not any(_group(member) == pid for member in group)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


async def test_a_tactic_that_breaks_the_process_is_a_failed_one_and_the_others_are_tried(
    fragile: EmbeddedSession,
) -> None:
    goals = await Goals.of(fragile, STUBBORN)
    generation = fragile.generation
    async with goals.open(goals["deadly"]) as goal:
        replies = await goal.tactics(["rfl", "native_decide", "omega", "skip"], limits=Limits(milliseconds=20_000))
    assert [reply.tactic for reply in replies] == ["rfl", "native_decide", "omega", "skip"]
    assert [reply.failed for reply in replies] == [True, True, True, False]
    assert replies[1].error.startswith("Lean broke on it: The Lean process ended")
    assert fragile.generation == generation + 2
    async with goals.open(goals["easy"]) as goal:
        assert (await goal.check("exact h")).accepted


async def test_a_tactic_that_ignores_its_limit_is_killed_after_a_while(
    fragile: EmbeddedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.lean.open_goal._SLACK_SECONDS", 3.0)
    goals = await Goals.of(fragile, STUBBORN)
    generation = fragile.generation
    async with goals.open(goals["endless"]) as goal:
        (reply,) = await goal.tactics(["native_decide"], limits=Limits(milliseconds=100))
        assert "Lean broke on it: Lean gave no reply" in reply.error
        assert fragile.generation == generation + 1
        (reply,) = await goal.tactics(["rfl"])
        assert reply.failed
        assert "Lean broke" not in reply.error


@pytest.mark.slow
async def test_a_server_that_has_grown_is_replaced(servers: Servers) -> None:
    session = EmbeddedSession(servers.launch, rss_limit_megabytes=100)
    try:
        await session.exchange(Command(""), timeout=LONG)
        assert await session.recycle_if_grown()
        assert (session.pid, session.generation) == (None, 2)
    finally:
        await session.close()


async def test_nothing_runs_when_a_pool_is_closed(fragile: EmbeddedSession) -> None:
    small = project(A="theorem t : 1 = 1 := by sorry\n")
    async with Pool([fragile], small) as pool:
        async with pool.workspace() as workspace:
            await workspace.load("A")
        pid = fragile.pid
    assert pid is not None
    assert not any(_group(process.pid) == pid for process in psutil.process_iter())
    with pytest.raises(SessionError):
        await fragile.exchange(Command(""), timeout=5)


# Limits


LIMITED = """theorem t (a b c : Nat) (h : a < b) (g : b < c) : a + 1 < c := by sorry
theorem u : ∀ n < 300, n * n < 300 * 300 := by sorry
"""


async def test_heartbeats_are_counted_in_the_unit_of_leans_option(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, LIMITED)
    async with goals.open(goals["t"]) as goal:
        (free,) = await goal.tactics(["omega"], limits=Limits(heartbeats=0, milliseconds=0))
        assert free.completed
        assert 10 < free.heartbeats < 20_000
        enough = Limits(heartbeats=2 * free.heartbeats, milliseconds=0)
        assert (await goal.tactics(["omega"], limits=enough))[0].completed
        (less,) = await goal.tactics(["omega"], limits=Limits(heartbeats=free.heartbeats // 4, milliseconds=0))
        assert less.failed
        assert "maximum number of heartbeats" in less.error
        (after,) = await goal.tactics(["omega"])
        assert after.completed, "what one tactic spent is not missing to the next"


async def test_milliseconds_stop_a_tactic_and_not_the_session(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, LIMITED)
    async with goals.open(goals["u"]) as goal:
        generation = lean.generation
        (reply,) = await goal.tactics(["decide +kernel"], limits=Limits(heartbeats=0, milliseconds=1))
        assert reply.failed
        assert lean.generation == generation
        (reply,) = await goal.tactics(["intro n h; exact Nat.mul_lt_mul'' h h"])
        assert reply.completed


async def test_no_tactic_is_started_behind_the_budget(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, LIMITED)
    async with goals.open(goals["t"]) as goal:
        state = goal._sorries[0].proof_state
        batch = Tactics(("skip",) * 3000, state, budget_milliseconds=300)
        reply = await lean.exchange(batch, timeout=LONG)
        assert isinstance(reply, TacticsReply)
        assert 0 < len(reply.results) < 3000
        assert all(result.status == "Incomplete: open goals remain" for result in reply.results)


async def test_what_is_forgotten_is_given_back(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, LIMITED)

    async def work(times: int) -> float:
        for number in range(times):
            script = f'have s := "{number}{"x" * 500_000}"\nomega'
            async with goals.open(goals["t"]) as goal:
                assert (await goal.tactics(["rfl", script], stop_on_success=False))[1].completed
                assert (await goal.check(script)).accepted
        return lean.resident_megabytes

    start = await work(5)
    assert start > 100
    assert await work(12) < start + 18, "each round leaves more than a megabyte behind"
