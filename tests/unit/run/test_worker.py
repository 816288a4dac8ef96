"""Attempts in another process: what travels comes back the same, and an attempt that is called off ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Profile
from orchestrator.errors import RepositoryError, SessionDied
from orchestrator.goals.goal import Context, Goal, Identity, Position, Sketch, SorryKind, SourceSpan
from orchestrator.goals.result import HelperLemma, Outcome, Result, StrategyType
from orchestrator.run import worker
from orchestrator.run.request import RunRequest
from orchestrator.run.worker import ATTEMPTS, RESULTS, AttemptWorker
from orchestrator.scheduler.middleware import Attempt
from orchestrator.source.owner_rules import Rules

texts = st.text(max_size=8)
words = st.lists(texts, max_size=2).map(tuple)
positions = st.builds(Position, st.integers(1, 9), st.integers(0, 9))
spans = st.none() | st.builds(SourceSpan, positions, positions)
flat = st.builds(
    Goal,
    texts,
    texts,
    context=st.builds(Context, texts, words, words, words),
    kind=st.sampled_from(SorryKind),
    span=spans,
    command=spans,
    is_prop=st.booleans(),
    identity=st.none() | st.builds(Identity, texts, words),
)
goals = st.recursive(flat, lambda inner: st.builds(Goal, texts, texts, within=st.builds(Sketch, inner, texts)))
strategies = st.sampled_from(StrategyType)
seconds = st.floats(0.0, 1e7)
metadata = st.dictionaries(
    texts, st.recursive(st.none() | st.booleans() | st.integers() | texts, st.lists, max_leaves=4)
)
results = st.builds(
    Result,
    st.booleans(),
    st.none() | strategies,
    words,
    seconds,
    words,
    texts,
    metadata,
    st.sampled_from(Outcome),
    timeout=st.none() | seconds,
    failed_before=st.lists(strategies, max_size=2).map(tuple),
    broken=st.booleans(),
    helpers=st.lists(st.builds(HelperLemma, texts, texts, texts, texts, texts, positions), max_size=1).map(tuple),
    found_as=words,
)


@given(st.builds(Attempt, goal=goals, strategy=strategies, timeout=seconds, started=seconds, cached=words))
def test_an_attempt_travels_as_text(attempt: Attempt) -> None:
    assert ATTEMPTS.validate_json(ATTEMPTS.dump_json(attempt)) == attempt


@given(results)
def test_a_result_travels_as_text(result: Result) -> None:
    assert RESULTS.validate_json(RESULTS.dump_json(result)) == result


ATTEMPT = Attempt(goal=Goal("g", "⊢ True"), strategy=StrategyType.MICRO, timeout=60.0)
PROVED = Result(success=True, strategy=StrategyType.MICRO, tactics=("trivial",), time_seconds=1.0)
Work = Callable[[Goal, float], Any]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Work], AttemptWorker]]:
    """A worker whose only strategy does this work, with no Lean; it is closed in the end."""
    made: list[AttemptWorker] = []

    @asynccontextmanager
    async def nothing(*_: object) -> AsyncIterator[Any]:
        settings = SimpleNamespace(profile=Profile.STUB)
        yield SimpleNamespace(settings=settings, repository=SimpleNamespace(rules=Rules()))

    def opening(work: Work) -> AttemptWorker:
        strategy = SimpleNamespace(run=work)
        monkeypatch.setattr(worker, "open_run", nothing)
        monkeypatch.setattr(worker, "_library", lambda _run: None)
        monkeypatch.setattr(worker, "night_strategies", lambda _run, _library: {StrategyType.MICRO: strategy})
        made.append(AttemptWorker(RunRequest(repo="r", settings={"ledger_url": "sqlite:///:memory:"}), servers=1))
        made[-1].wait_until_open()
        return made[-1]

    yield opening
    for one in made:
        one.close()


def test_a_broken_session_is_told_as_a_value(opened: Callable[[Work], AttemptWorker]) -> None:
    answers: list[Result | Exception] = [SessionDied("gone"), PROVED]

    async def work(_goal: Goal, _timeout: float) -> Result:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    attempts = opened(work)
    lost = attempts.make("1", ATTEMPT)
    assert lost.broken
    assert "gone" in lost.error
    assert attempts.make("2", ATTEMPT) == PROVED


def test_what_is_called_off_ends_before_and_after_it_has_begun(opened: Callable[[Work], AttemptWorker]) -> None:
    begun, ended = Event(), Event()

    async def work(_goal: Goal, _timeout: float) -> Result:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return PROVED

    attempts = opened(work)
    attempts.call_off("early")
    assert attempts.make("early", ATTEMPT).outcome is Outcome.CANCELLED
    assert not begun.is_set()
    found: list[Result] = []
    maker = Thread(target=lambda: found.append(attempts.make("late", ATTEMPT)))
    maker.start()
    begun.wait()
    attempts.call_off("late")
    maker.join()
    assert found[0].outcome is Outcome.CANCELLED
    assert ended.is_set()


def test_a_worker_that_cannot_open_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def refused(*_: object) -> AsyncIterator[Any]:
        raise RepositoryError("no such commit")
        yield

    monkeypatch.setattr(worker, "open_run", refused)
    attempts = AttemptWorker(RunRequest(repo="r", settings={"ledger_url": "sqlite:///:memory:"}), servers=1)
    with pytest.raises(RepositoryError, match="no such commit"):
        attempts.wait_until_open()
    attempts.close()
