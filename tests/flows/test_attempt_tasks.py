"""Attempts and stages as Prefect task runs: what is tagged, what is tried again, what is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import StateType, TaskRun
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.utilities.annotations import quote

from orchestrator.config import SchedulerSettings
from orchestrator.errors import RequestRefused, SessionDied, SessionError
from orchestrator.goals.events import GoalDone, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.middleware import Attempt, compose
from orchestrator.scheduler.slots import Weight
from orchestrator.strategies.base import Strategy
from tasks.artifacts import PROGRESS_KEY, progress_artifact
from tasks.attempt import RETRIES, ended, prefect_task
from tasks.stage import stage

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]

GOAL = Goal("g", "⊢ True", declaration="T.a", file="T/A.lean")
PROVED = Result(success=True, strategy=StrategyType.MICRO, tactics=("trivial\nmore",), time_seconds=2.0)


@dataclass
class Answers:
    """A strategy that gives one answer after the other, or raises it."""

    answers: list[Result | Exception]
    calls: int = 0
    type: StrategyType = StrategyType.MICRO

    def available(self, goal: Goal) -> str:
        """See `Strategy.available`."""
        return ""

    async def run(self, goal: Goal, timeout: float) -> Result:
        """See `Strategy.run`."""
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def as_task(strategy: Strategy, weight: Weight = Weight.LIGHT) -> Result:
    """One attempt that goes through a Prefect task."""
    threshold = 1.0 if weight is Weight.LIGHT else 0.0

    async def work(attempt: Attempt) -> Result:
        return await strategy.run(attempt.goal, attempt.timeout)

    run = compose([prefect_task(SchedulerSettings(light_threshold=threshold))], work)
    return await run(Attempt(goal=GOAL, strategy=StrategyType.MICRO, timeout=8.0))


async def made_with(strategy: Strategy, weight: Weight = Weight.LIGHT) -> tuple[Result, UUID]:
    """One attempt inside a flow; its result and the flow run."""

    @flow(persist_result=False)
    async def one_attempt() -> tuple[Result, str]:
        return await as_task(strategy, weight), str(flow_run.id)

    result, run_id = await one_attempt()
    return result, UUID(run_id)


async def task_runs(run_id: UUID, number: int) -> list[TaskRun]:
    """The task runs of a flow run, which the server hears of a little later."""
    async with get_client() as client:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        while True:
            found = await client.read_task_runs(flow_run_filter=wanted)
            if len(found) >= number and all(run.state is not None and run.state.is_final() for run in found):
                return found


@pytest.mark.parametrize("weight", list(Weight))
async def test_an_attempt_is_a_tagged_task_run_with_a_telling_name(weight: Weight) -> None:
    result, run_id = await made_with(Answers([PROVED]), weight)
    assert result == PROVED
    (run,) = await task_runs(run_id, 1)
    assert (run.name, run.run_count) == ("micro on T.a", 1)
    assert set(run.tags) == {weight.value, "micro", "T/A.lean"}
    assert run.state is not None
    assert (run.state.type, run.state.name) == (StateType.COMPLETED, "Proved")
    assert run.state.message == "micro, 2.0 s: trivial"


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Outcome.NOT_PROVED, "Not proved"),
        (Outcome.TIMEOUT, "Out of time"),
        (Outcome.REFUSED, "Refused"),
        (Outcome.ERROR, "Error"),
    ],
)
def test_what_is_not_proved_is_no_failure(outcome: Outcome, name: str) -> None:
    attempt = Attempt(goal=GOAL, strategy=StrategyType.HAMMER, timeout=8.0)
    state = ended(attempt, Result(success=False, outcome=outcome, error="why\nand more"))
    assert (state.type, state.name, state.message) == (StateType.COMPLETED, name, "hammer, 0.0 s: why")


async def test_an_attempt_that_is_called_off_is_no_crash() -> None:
    begun = asyncio.Event()

    class Endless(Answers):
        async def run(self, goal: Goal, timeout: float) -> Result:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    @flow(persist_result=False)
    async def called_off() -> str:
        attempt = asyncio.create_task(as_task(Endless([])))
        await begun.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        return str(flow_run.id)

    (run,) = await task_runs(UUID(await called_off()), 1)
    assert run.state is not None
    assert (run.state.type, run.state.name) == (StateType.COMPLETED, "Cancelled")


async def test_a_broken_session_is_tried_again() -> None:
    strategy = Answers([SessionDied("gone"), PROVED])
    result, run_id = await made_with(strategy)
    assert (result, strategy.calls) == (PROVED, 2)
    (run,) = await task_runs(run_id, 1)
    assert run.run_count == 2


async def test_a_session_that_stays_broken_is_an_error_in_the_end() -> None:
    strategy = Answers([SessionDied(f"gone {i}") for i in range(RETRIES + 1)])
    with pytest.raises(SessionDied, match=f"gone {RETRIES}"):
        await made_with(strategy)


@pytest.mark.parametrize("error", [RequestRefused("no such goal"), ZeroDivisionError()])
async def test_nothing_else_is_tried_again(error: Exception) -> None:
    strategy = Answers([error, PROVED])
    with pytest.raises(type(error)):
        await made_with(strategy)
    assert strategy.calls == 1


@pytest.mark.parametrize("begun", [False, True])
async def test_what_the_prefect_server_fails_at_says_nothing_of_the_goal(
    monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    async def broken(attempt: object, run: object, begins: quote[Callable[[], None]]) -> Result:
        if begun:
            begins.unquote()()
        raise ConcurrencySlotAcquisitionError("no answer")

    monkeypatch.setattr("tasks.attempt._TAGGED", {Weight.LIGHT: broken})
    strategy = Answers([PROVED])
    if begun:
        with pytest.raises(SessionError, match="no answer"):
            await as_task(strategy)
    else:
        assert await as_task(strategy) == PROVED
    assert strategy.calls == (not begun)


async def test_a_goal_that_is_not_proved_is_a_result() -> None:
    failed = Result(success=False, strategy=StrategyType.MICRO, outcome=Outcome.NOT_PROVED)
    strategy = Answers([failed, PROVED])
    result, _ = await made_with(strategy)
    assert (result, strategy.calls) == (failed, 1)


@dataclass(frozen=True)
class Big:
    """A value that notes when somebody looks into it."""

    content: Mapping[str, int] = field(default_factory=dict)


async def test_what_a_stage_is_given_and_answers_is_the_very_same_object() -> None:
    class Watched(dict[str, int]):
        looked_at = 0

        def items(self) -> Any:
            Watched.looked_at += 1
            return super().items()

    @stage("look")
    async def look(value: Big, *, again: Big) -> tuple[Big, Big]:
        return value, again

    @flow(persist_result=False)
    async def looking() -> bool:
        one, other = Big(Watched(a=1)), Big(Watched(b=2))
        first, second = await look(one, again=other)
        return first is one and second is other

    assert await looking()
    assert Watched.looked_at == 0


async def test_the_progress_artifact_follows_the_goals() -> None:
    @flow(persist_result=False)
    async def progressing() -> None:
        async with progress_artifact(4, every=0.05):
            for _ in range(3):
                notify(GoalDone(GOAL, PROVED))

    await progressing()
    artifact = await Artifact.aget(PROGRESS_KEY)
    assert artifact is not None
    assert (artifact.type, artifact.data) == ("progress", 75.0)


@pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")
async def test_a_server_that_does_not_answer_costs_the_artifact_only() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        async with progress_artifact(2, every=0.01):
            notify(GoalDone(GOAL, PROVED))
