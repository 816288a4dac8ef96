"""The order of `micro`'s tactics, learned: a policy as for strategies, with kinds of tactics for arms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from orchestrator.goals.features import features_of
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.strategies.micro.library_tactics import estimates
from orchestrator.strategies.micro.portfolio import TacticCandidate, Tried, kind_of
from orchestrator.strategies.policy.bandit import Policy, Statistics, Trial
from orchestrator.strategies.policy.prior import load_prior, tactic_policy
from orchestrator.strategies.spec import Experience

Keep = Callable[[Sequence[Trial[str]]], None]


class LearnedOrder:
    """An order by what is known of each kind of tactic on goals like this one."""

    def __init__(self, policy: Policy, known: Statistics[str], keep: Keep = lambda trials: None) -> None:
        self._policy = policy
        self._keep = keep
        self.known = known

    def order(self, goal: Goal, candidates: Sequence[TacticCandidate]) -> Sequence[TacticCandidate]:
        """The candidates by what is known of their kinds."""
        by_kind: dict[str, list[TacticCandidate]] = {}
        for candidate in candidates:
            by_kind.setdefault(kind_of(goal, candidate), []).append(candidate)
        ranked = self._policy.order(features_of(goal), list(by_kind), self.known)
        return [candidate for kind in ranked for candidate in by_kind[kind]]

    def learn(self, goal: Goal, tried: Sequence[Tried]) -> None:
        """Count what came of the candidates that were tried."""
        features = features_of(goal)
        failed: list[str] = []
        trials: list[Trial[str]] = []
        for candidate, success, seconds in tried:
            kind = kind_of(goal, candidate)
            if kind not in failed:
                trials.append(Trial(kind, success, seconds, features.levels, frozenset(failed), features.marks))
                failed.append(kind)
        self.known = self.known.updated(trials)
        self._keep(trials)


def learned_order(ledger: Experience | None) -> LearnedOrder:
    """The order of `micro`'s tactics, from what comes with this package and what the ledger has seen."""
    known = load_prior() + estimates()
    if ledger is None:
        return LearnedOrder(tactic_policy(), known)
    seen = ledger.tactic_statistics(StrategyType.MICRO)
    return LearnedOrder(tactic_policy(), known + seen, partial(ledger.record_tactics, StrategyType.MICRO))
