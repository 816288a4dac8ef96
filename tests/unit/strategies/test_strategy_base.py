"""The guard around strategies, the replay of cached tactics, and the stub workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import now, run

from orchestrator.errors import LedgerUnavailable, ModelError, SessionDied, StoppedError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.protocol import CheckReply, Limits, TacticReply
from orchestrator.scheduler.memory import trial_of
from orchestrator.strategies.base import GoalOpener, ProofContext, guarded, replay
from orchestrator.strategies.stub import STUB_TACTIC, stub_strategies

GOAL = Goal(id="g", text="⊢ True")


def _raises(error: BaseException) -> Callable[[], Awaitable[Result]]:
    async def work() -> Result:
        await asyncio.sleep(1)
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("odd"), "odd"),
        (ValueError(), "ValueError"),
        (ModelError("no answer", where="http://model"), "no answer (http://model)"),
        (TimeoutError(), ""),
    ],
)
def test_a_failure_becomes_a_result(error: Exception, text: str) -> None:
    async def main() -> None:
        result = await guarded(StrategyType.SKETCH, _raises(error), 5, clock=now)
        outcome = Outcome.ERROR if text else Outcome.TIMEOUT
        assert result == Result(False, StrategyType.SKETCH, time_seconds=1.0, error=text, outcome=outcome)

    run(main())


@pytest.mark.parametrize("error", [SessionDied("died"), LedgerUnavailable("full"), StoppedError("stop")])
def test_what_is_not_the_strategys_fault_goes_on(error: Exception) -> None:
    async def main() -> None:
        with pytest.raises(type(error)):
            await guarded(StrategyType.SKETCH, _raises(error), 5, clock=now)

    run(main())


def test_out_of_time_is_a_timeout_and_what_the_strategy_says_of_itself_is_kept() -> None:
    async def hangs() -> Result:
        await asyncio.sleep(100)
        return Result(success=True)

    async def says() -> Result:
        return Result(True, StrategyType.MICRO, ("rfl",), time_seconds=0.25)

    async def main() -> None:
        assert await guarded(StrategyType.SKETCH, hangs, 5, clock=now) == Result(
            False, StrategyType.SKETCH, time_seconds=5.0, outcome=Outcome.TIMEOUT
        )
        assert await guarded(StrategyType.SKETCH, says, 5, clock=now) == await says()

    run(main())


@dataclass
class Checker:
    """A prover, and a proof context, that accepts the scripts it is told to."""

    accepts: frozenset[str]
    goal: Goal = GOAL
    goals: int = 1
    checked: list[str] = field(default_factory=list)
    open_now: int = 0

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        """See `GoalOpener.open`."""
        self.open_now += 1
        try:
            yield self
        finally:
            self.open_now -= 1

    async def tactics(
        self,
        tactics: Sequence[str],
        *,
        proof_state: int | None = None,
        limits: Limits | None = None,
        stop_on_success: bool = True,
        budget_seconds: float = 0.0,
        only: int | None = None,
    ) -> tuple[TacticReply, ...]:
        """See `ProofContext.tactics`."""
        return tuple(TacticReply(tactic, completed=tactic in self.accepts) for tactic in tactics)

    async def mentions(self) -> tuple[str, ...]:
        """See `ProofContext.mentions`."""
        return ()

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        """See `ProofContext.check`."""
        self.checked.append(script)
        return CheckReply(script in self.accepts)


@pytest.mark.parametrize(
    ("accepts", "tactics", "found", "checked"),
    [
        ({"a\nb"}, ["a", "b"], ("a", "b"), ["a\nb"]),
        ({"b"}, ["a", "b"], ("b",), ["a\nb", "a", "b"]),
        (set(), ["a"], (), ["a"]),
        ({""}, [], (), []),
    ],
)
def test_cached_tactics_are_checked_together_and_then_alone(
    accepts: set[str], tactics: list[str], found: tuple[str, ...], checked: list[str]
) -> None:
    prover = Checker(frozenset(accepts))
    seam: GoalOpener = prover
    result = run(replay(seam, GOAL, tactics))
    assert (result.success, result.tactics) == (bool(found), found)
    assert prover.checked == checked
    assert prover.open_now == 0


goals = st.builds(Goal, id=st.text(max_size=5), text=st.text(max_size=20), estimated_difficulty=st.floats(0, 1))


@settings(deadline=None)
@given(goals, st.sampled_from(StrategyType))
def test_a_stub_answers_the_same_for_the_same_goal(goal: Goal, kind: StrategyType) -> None:
    async def main() -> None:
        strategy = stub_strategies()[kind]
        first, second = await strategy.run(goal, 8), await strategy.run(replace(goal, id="another"), 8)
        assert first == second
        assert first.strategy is kind
        assert first.tactics == ((STUB_TACTIC,) if first.success else ())
        assert strategy.available(goal) == ""

    run(main())


def test_stubs_reach_easy_goals_more_often_than_hard_ones_and_obey_the_time() -> None:
    async def main() -> None:
        strategy = stub_strategies()[StrategyType.MICRO]
        solved = [
            sum([(await strategy.run(Goal("g", f"⊢ {n}", estimated_difficulty=hard), 8)).success for n in range(100)])
            for hard in (0.0, 0.4, 0.8)
        ]
        assert solved[0] > solved[1] > solved[2] == 0
        hopeless = Goal("g", "⊢ False", estimated_difficulty=1.0)
        assert (await strategy.run(hopeless, 0.001)).outcome is Outcome.TIMEOUT

    run(main())


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        (Result(True, StrategyType.MICRO, ("rfl",)), True),
        (Result(False, StrategyType.MICRO, outcome=Outcome.NOT_PROVED), True),
        (Result(False, StrategyType.MICRO, outcome=Outcome.TIMEOUT), True),
        (Result(False, StrategyType.MICRO, error="a bug"), True),
        (Result(False, StrategyType.MICRO, outcome=Outcome.CANCELLED), False),
        (Result(False, StrategyType.MICRO, outcome=Outcome.UNAVAILABLE), False),
        (Result(False, None, outcome=Outcome.NOT_PROVED), False),
        (Result(False, StrategyType.MICRO, error="Lean died", broken=True), False),
        (Result(True, StrategyType.MICRO, ("rfl",), cached=True), False),
        (Result(True, StrategyType.MICRO, ("rfl",), beaten=True), False),
    ],
)
def test_what_counts_as_a_trial(result: Result, counts: bool) -> None:
    assert (trial_of(GOAL, result) is not None) == counts


def test_a_trial_is_read_back_from_what_was_recorded() -> None:
    goal = Goal(id="g", text="⊢ a = b", module="A.B.C")
    failed = Result(False, StrategyType.MICRO, time_seconds=2.0, failed_before=(StrategyType.HAMMER,))
    trial = trial_of(goal, failed)
    assert trial is not None
    assert (trial.seconds, trial.failed_before) == (2.0, frozenset({StrategyType.HAMMER}))
    assert trial.levels == ("A.B", "A.B|=")
