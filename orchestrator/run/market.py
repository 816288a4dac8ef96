"""What a run has to do on the marketplace, and what earlier runs say of it."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.goals.result import Result
from orchestrator.marketplace.answers import MarketAnswers
from orchestrator.marketplace.trade import MarketOutcome
from orchestrator.run.run import Run


def market_answers(run: Run) -> MarketAnswers:
    """What is remembered across runs."""
    return MarketAnswers(run.answers, run.project, run.servers.identity)


def spending(run: Run, *, cut_short: bool = False) -> list[str]:
    """What suppliers may spend, in words; `cut_short` where the time was over first."""
    most = [f"{kind} {run.ledger.configuration(kind)} {most}" for kind, most in run.settings.timeouts.items()]
    return [*most, "cut short"] if cut_short else most


def known_outcome(run: Run, stuck: Mapping[str, Result | None]) -> MarketOutcome | None:
    """What comes of the stuck goals (by id) without any Lean: nothing to trade, or how it was left; None if unknown."""
    store, repo = run.ledger.store, run.ledger.repo
    if not (stuck or store.tickets(repo=repo, limit=1)) or run.ledger.stop.requests:
        return MarketOutcome()
    answers, tickets = market_answers(run), store.tickets(repo=repo)
    settled = answers.settled(stuck, tickets, spending(run))
    if settled is None and not run.request.more_time:
        settled = answers.settled(stuck, tickets, spending(run, cut_short=True))
    return None if settled is None else MarketOutcome(trades=settled)
