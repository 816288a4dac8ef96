"""The whole sketch strategy: the openai client on a scripted OpenAI-compatible server, and a real Lean that judges."""

from __future__ import annotations

import pytest
from compatible_server import Answer, Served, serving
from real_lean import Goals

from orchestrator.config import Endpoint
from orchestrator.goals.result import Result
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.strategies.sketch.chat import OpenAIChat
from orchestrator.strategies.sketch.strategy import run_sketch

FILE = """def double : Nat → Nat
  | 0 => 0
  | n + 1 => double n + 2

theorem double_eq (n : Nat) : double n = n + n := by
  sorry
"""
WRONG = "```lean\nomega\n```"
ADMITTED = "```lean\nexact sorry\n```"
RIGHT = """The function is recursive, so:
```lean4
theorem double_eq (n : Nat) : double n = n + n := by
  induction n with
  | zero => rfl
  | succ k ih =>
    rw [double, ih]
    omega
```"""
BUSY = Answer("slow down", status=429)


@pytest.fixture
async def goals(lean: EmbeddedSession) -> Goals:
    return await Goals.of(lean, FILE)


async def sketched(goals: Goals, server: Served, *, timeout: float = 120.0, retries: int = 0) -> Result:
    endpoint = Endpoint(url=server.url, model="m", key="sk-secret", retries=retries, price_in=1.0, price_out=1.0)
    result = await run_sketch(goals["double_eq"], timeout, prover=goals, chat=OpenAIChat(endpoint))
    assert "sk-secret" not in repr(result)
    return result


def told(server: Served, request: int) -> str:
    """The last thing that the model was told in a request."""
    return str(server.requests[request]["messages"][-1]["content"])


async def test_a_busy_server_a_wrong_proof_and_the_right_one(goals: Goals) -> None:
    with serving([BUSY, Answer(WRONG), Answer(ADMITTED), BUSY, Answer(RIGHT)]) as server:
        result = await sketched(goals, server, retries=2)
    assert result.success, result
    assert (result.metadata["rounds"], len(server.requests)) == (3, 5)
    assert "⊢ double n = n + n" in told(server, 0)
    assert told(server, 0) == told(server, 1)
    assert "omega could not prove the goal" in told(server, 2)
    assert "no step was made" in told(server, 3)
    usage = result.metadata["usage"]
    assert usage == {"prompt_tokens": 300, "completion_tokens": 60, "cost": pytest.approx(0.00036), "requests": 3}
    async with goals.open(goals["double_eq"]) as context:
        assert (await context.check("\n".join(result.tactics))).accepted


async def test_a_server_that_stays_busy_after_a_wrong_proof(goals: Goals) -> None:
    with serving([Answer(WRONG), BUSY]) as server:
        result = await sketched(goals, server, retries=1)
    assert not result.success
    assert "too busy" in result.error
    assert "omega could not prove the goal" in str(result.metadata["lean_errors"])
    assert (result.metadata["rounds"], len(server.requests)) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "timeout", "words"),
    [
        (Answer(RIGHT, delay=600.0), 0.5, "ORCH_TIMEOUT_SKETCH"),
        (Answer(raw="{not json"), 120.0, "The chat model's answer"),
        (Answer(raw='{"choices": []}'), 120.0, "ORCH_LLM_URL"),
        (Answer(RIGHT, finish="length"), 120.0, "not proved"),
    ],
    ids=["slow", "malformed", "empty", "cut off"],
)
async def test_what_is_no_answer_is_no_proof(goals: Goals, answer: Answer, timeout: float, words: str) -> None:
    with serving([answer]) as server:
        result = await sketched(goals, server, timeout=timeout)
    assert not result.success
    assert words in result.error
    assert result.tactics == ()
