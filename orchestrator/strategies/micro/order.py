"""The order of `micro`'s tactics, learned: a policy as for strategies, with kinds of tactics for arms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.goals.features import features_of
from orchestrator.goals.goal import Goal
from orchestrator.strategies.micro.portfolio import TacticCandidate, kind_of
from orchestrator.strategies.micro.strategy import Tried
from orchestrator.strategies.policy.bandit import Policy, Statistics, Trial

Keep = Callable[[Sequence[Trial[str]]], None]


class LearnedOrder:
    """An `Order` by what is known of each kind of tactic on goals like this one.

    Args:
        policy: ranks the kinds.
        known: statistics to start from.
        keep: told of the trials of every attempt.
    """

    def __init__(self, policy: Policy, known: Statistics[str], keep: Keep = lambda trials: None) -> None:
        self._policy = policy
        self._keep = keep
        self.known = known

    def order(self, goal: Goal, candidates: Sequence[TacticCandidate]) -> Sequence[TacticCandidate]:
        """See `Order.order`."""
        by_kind: dict[str, list[TacticCandidate]] = {}
        for candidate in candidates:
            by_kind.setdefault(kind_of(goal, candidate), []).append(candidate)
        ranked = self._policy.order(features_of(goal), list(by_kind), self.known)
        return [candidate for kind in ranked for candidate in by_kind[kind]]

    def learn(self, goal: Goal, tried: Sequence[Tried]) -> None:
        """See `Order.learn`.

        Raises:
            LedgerError: the trials could not be kept.
        """
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
