"""The search over the portfolio, on a pretended goal whose clock moves with every tactic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import run

from orchestrator.errors import SessionDied
from orchestrator.goals.goal import Goal, Position, SorryKind
from orchestrator.goals.result import Result, StrategyType
from orchestrator.lean.protocol import CheckReply, Limits, Message, Severity, TacticReply
from orchestrator.strategies.base import BoundStrategy, GoalOpener, ProofContext, Timing
from orchestrator.strategies.micro.portfolio import CORE_CHEAP, TacticCandidate, Tier, Tried, portfolio
from orchestrator.strategies.micro.strategy import run_micro
from orchestrator.strategies.suggestions import RESTATED

GOAL = Goal("g", "p : Prop\nh : p\n⊢ p")
SEARCHED = ("Try this:\n  [apply] exact h",)


@dataclass
class Pretended:
    """A prover, and the goal it opens.

    Attributes:
        closes: tactics that close the state; of those that search, with their messages.
        accepts: scripts that the declaration takes.
        errors: what failing tactics say.
        seconds: how long a tactic and a check take.
        breaks: the session breaks at the first check.
    """

    closes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accepts: frozenset[str] = frozenset()
    errors: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.1
    goals: int = 1
    goal: Goal = GOAL
    breaks: bool = False
    now: float = 0.0
    tried: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    limits: list[Limits | None] = field(default_factory=list)
    open_now: int = 0

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        """See `GoalOpener.open`."""
        self.open_now += 1
        self.now += 100
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
        self.limits.append(limits)
        latest = self.now + budget_seconds
        replies: list[TacticReply] = []
        for tactic in tactics:
            if self.now >= latest:
                break
            self.now += self.seconds
            self.tried.append(tactic)
            said = tuple(Message(Severity.INFO, text, Position(1, 0)) for text in self.closes.get(tactic, ()))
            completed = tactic in self.closes
            error = "" if completed else self.errors.get(tactic, "it failed")
            replies.append(TacticReply(tactic, completed, error=error, messages=said, milliseconds=7))
            if completed and stop_on_success:
                break
        return tuple(replies)

    async def mentions(self) -> tuple[str, ...]:
        """See `ProofContext.mentions`."""
        return ()

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        """See `ProofContext.check`."""
        if self.breaks:
            raise SessionDied("The Lean process ended")
        assert seconds > 0
        self.now += min(self.seconds, seconds)
        self.checked.append(script)
        return CheckReply(script in self.accepts)

    def solve(self, timeout: float = 1000.0, definitions: Sequence[str] = ()) -> Result:
        """Run the strategy."""
        seam: GoalOpener = self
        result = run(
            run_micro(
                self.goal,
                timeout,
                prover=seam,
                definitions=lambda _goal: definitions,
                timing=Timing(clock=lambda: self.now),
            )
        )
        assert self.open_now == 0
        assert result.strategy is StrategyType.MICRO
        return result


def test_a_cheap_tactic_that_the_declaration_takes_is_the_proof() -> None:
    lean = Pretended(closes={"omega": ()}, accepts=frozenset({"omega"}))
    result = lean.solve()
    assert (result.success, result.tactics, result.error) == (True, ("omega",), "")
    assert lean.tried == list(CORE_CHEAP[: CORE_CHEAP.index("omega") + 1])
    assert lean.checked == ["omega"]
    assert result.metadata == {"tactics_tried": len(lean.tried), "found_by": "omega", "milliseconds": 7}
    assert result.time_seconds == pytest.approx(0.7)


def test_what_the_declaration_refuses_is_no_proof_and_the_tactics_behind_it_are_tried() -> None:
    lean = Pretended(closes={"rfl": (), "simp": (), "grind": ()}, accepts=frozenset({"grind"}))
    result = lean.solve()
    assert result.tactics == ("grind",)
    assert lean.checked == ["rfl", "simp", "grind"]
    assert lean.tried == list(CORE_CHEAP)


def test_nothing_found_is_said_after_every_candidate_was_tried_once() -> None:
    lean = Pretended()
    result = lean.solve()
    assert (result.success, result.error) == (False, "not proved")
    assert lean.tried == [candidate.tactic for candidate in portfolio(GOAL)]
    assert result.metadata["tactics_tried"] == len(lean.tried) + len(lean.checked)


def test_every_tactic_has_its_own_limit() -> None:
    lean = Pretended(seconds=0.0)
    lean.solve(timeout=5.0)
    assert {limits.milliseconds for limits in lean.limits if limits} == {2_000, 3_000, 5_000}


def test_what_works_in_the_declaration_only_is_found_there() -> None:
    lean = Pretended(accepts=frozenset({"simp_all"}))
    result = lean.solve()
    assert result.tactics == ("simp_all",)
    assert result.metadata["checked"] == "declaration"
    assert lean.tried == list(CORE_CHEAP)


def test_the_rest_of_a_file_is_not_asked_for_behind_a_stop() -> None:
    lean = Pretended(goal=Goal("g", "⊢ p", kind=SorryKind.STOP), goals=2, accepts=frozenset({"simp_all"}))
    assert not lean.solve().success
    assert lean.checked == []


def test_several_goals_at_once_are_all_to_be_closed() -> None:
    lean = Pretended(goals=2, closes={"all_goals (simp)": ()}, accepts=frozenset({"all_goals (simp)"}))
    assert lean.solve().tactics == ("all_goals (simp)",)
    searching = Pretended(goals=2, closes={"all_goals (exact?)": SEARCHED}, accepts=frozenset({"all_goals (exact h)"}))
    assert searching.solve().tactics == ("all_goals (exact h)",)


def test_a_search_is_replaced_by_what_it_suggests() -> None:
    found = ("Try these:\n  [apply] simp?\n  [apply] bad\n  [apply] cases h with\n    | a => rfl",)
    lean = Pretended(closes={"try?": found}, accepts=frozenset({"cases h with\n  | a => rfl", "try?"}))
    result = lean.solve()
    assert result.tactics == ("cases h with", "  | a => rfl")
    assert result.metadata["found_by"] == "try?"
    assert lean.checked[-2:] == ["bad", "cases h with\n  | a => rfl"]


@pytest.mark.parametrize("completed", [True, False])
def test_a_proof_that_cannot_be_written_down_is_written_down_otherwise(completed: bool) -> None:
    words = "found a proof, but the corresponding tactic failed:\n  exact h"
    lean = Pretended(
        closes={RESTATED[1]: ("Try this:\n  [apply] exact @h",), **({"exact?": SEARCHED} if completed else {})},
        errors={"exact?": words},
        accepts=frozenset({"exact @h"}),
    )
    result = lean.solve()
    assert result.tactics == ("exact @h",)
    assert lean.tried[-2:] == list(RESTATED)


def test_a_search_without_a_find_is_not_repeated() -> None:
    lean = Pretended()
    lean.solve()
    assert not set(RESTATED) & set(lean.tried)


@pytest.mark.parametrize("timeout", [0.15, 0.55, 1.35])
def test_out_of_time_is_said_and_nothing_is_started_behind_the_end(timeout: float) -> None:
    lean = Pretended(seconds=0.1)
    result = lean.solve(timeout=timeout)
    assert (result.success, result.error) == (False, "timeout")
    assert lean.now <= 100 + timeout + lean.seconds
    assert len(lean.tried) < len(portfolio(GOAL))


def test_opening_the_goal_costs_no_time_of_the_strategy() -> None:
    lean = Pretended(closes={"rfl": ()}, accepts=frozenset({"rfl"}))
    assert lean.solve(timeout=1.0).success


def test_a_proof_found_right_before_the_end_is_still_checked() -> None:
    lean = Pretended(closes={"rfl": ()}, accepts=frozenset({"rfl"}), seconds=0.9)
    assert lean.solve(timeout=0.5).success


def test_definitions_of_the_project_are_offered() -> None:
    script = "simp [N.double]"
    lean = Pretended(goal=Goal("g", "⊢ double 2 = 4"), closes={script: ()}, accepts=frozenset({script}))
    assert lean.solve(definitions=["N.double"]).tactics == (script,)


def test_a_broken_session_is_not_the_strategys_matter() -> None:
    lean = Pretended(closes={"rfl": ()}, breaks=True)
    with pytest.raises(SessionDied):
        lean.solve()
    assert lean.open_now == 0


class Backwards:
    """The cheap tactics, the last first; remembers what it is told."""

    def __init__(self) -> None:
        self.told: Sequence[Tried] = ()

    def order(self, goal: Goal, candidates: Sequence[TacticCandidate]) -> Sequence[TacticCandidate]:
        """The cheap ones, backwards."""
        return [candidate for candidate in candidates if candidate.tier is Tier.CHEAP][::-1]

    def learn(self, goal: Goal, tried: Sequence[Tried]) -> None:
        """Remember."""
        self.told = tried


def test_as_a_strategy() -> None:
    lean = Pretended(closes={"grind": (), "rfl": ()}, accepts=frozenset({"grind", "rfl"}))
    order = Backwards()
    micro = BoundStrategy(
        StrategyType.MICRO, partial(run_micro, prover=lean, definitions=lambda goal: ("f",), order=order)
    )
    assert micro.type is StrategyType.MICRO
    assert micro.available(GOAL) == ""
    assert "data" in micro.available(Goal("g", "⊢ Nat", is_prop=False))
    result = run(micro.run(GOAL, 1000.0))
    assert result.tactics == ("grind",)
    assert lean.tried == [CORE_CHEAP[-1]]
    assert [(one.candidate.tactic, one.success) for one in order.told] == [("grind", True)]
    assert order.told[0].seconds >= 0.007


CANDIDATES = [candidate.tactic for candidate in portfolio(GOAL)]


@given(st.frozensets(st.sampled_from(CANDIDATES)), st.frozensets(st.sampled_from([*CANDIDATES, "exact h"])), st.data())
def test_only_checked_scripts_are_proofs_and_none_is_missed(
    closes: frozenset[str], accepts: frozenset[str], data: st.DataObject
) -> None:
    lean = Pretended(closes=dict.fromkeys(closes, SEARCHED), accepts=accepts)
    result = lean.solve(data.draw(st.floats(0, 30)))
    searches = {"exact?", "try?"}
    if result.success:
        assert "\n".join(result.tactics) in accepts - searches
    elif result.error == "not proved":
        assert not (closes & accepts) - searches
        assert not (closes & searches and "exact h" in accepts)
    else:
        assert result.error == "timeout"
