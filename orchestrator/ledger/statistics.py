"""What the ledger learns from attempts: tactics that worked on a goal, and how well strategies do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, bindparam, func, select, update
from sqlalchemy.engine import Connection

from orchestrator.goals.goal import Identity
from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.renaming import renamed, translated
from orchestrator.ledger.columns import UtcDateTime
from orchestrator.ledger.database import Section
from orchestrator.ledger.summaries import CachedTactics, StrategyMoment, StrategyStatistics, StrategyTrial
from orchestrator.ledger.tables import STRATEGY_HISTORY, STRATEGY_STATISTICS, TACTIC_CACHE

ALPHA = 0.1
"""Weight of the newest outcome in every moving average."""


class StatisticsSection(Section):
    """The tactic cache and the strategies' statistics."""

    def update_tactic_cache(
        self,
        goal_text: str,
        *,
        tactics: Sequence[str],
        success_rate: float,
        avg_time: float,
        identity: Identity | None = None,
    ) -> None:
        """Remember the tactics that proved a goal, in place of what was remembered of it; the use count stays.

        Args:
            goal_text: as Lean prints it; the entry serves all goals that differ in names and order only.
            identity: of the goal, where it is known: then the entry serves all goals of this identity, in whatever
                words, and no other.
            tactics: the proof script, one tactic a string.
            success_rate: 0 to 1, to start with.
            avg_time: seconds, to start with.
        """
        values = {
            "tactics": tactics,
            "success_rate": success_rate,
            "avg_time": avg_time,
            "last_used": self._now(),
            "goal_text": goal_text,
            "text_hash": goal_hash(goal_text),
            "names": identity.names if identity else (),
        }
        key = identity.digest if identity else goal_hash(goal_text)
        with self._database.write() as connection:
            statement = self._database.upsert(TACTIC_CACHE, keep=("use_count",))
            connection.execute(statement, {"goal_hash": key, "use_count": 0, **values})

    def get_cached_tactics(self, goal_text: str, *, identity: Identity | None = None) -> CachedTactics | None:
        """What is remembered of a goal, or None. Each hit counts as a use, this one included.

        Goals are the same by their identities where both have one, by their texts up to names elsewhere. The tactics
        are in the names of this goal, whatever names the goal had that they proved.
        """
        with self._database.read() as connection:
            key = _entry(connection, goal_text, identity)
        if key is None:
            return None
        mine = TACTIC_CACHE.c.goal_hash == key
        used = {"use_count": TACTIC_CACHE.c.use_count + 1, "last_used": self._now()}
        with self._database.write() as connection:
            connection.execute(update(TACTIC_CACHE).where(mine).values(used))
            row = connection.execute(select(TACTIC_CACHE).where(mine)).one()
        if identity and row.goal_hash == identity.digest:
            tactics: Sequence[str] = renamed(row.tactics, row.names, identity.names)
        else:
            tactics = translated(row.tactics, row.goal_text, goal_text) if row.goal_text else row.tactics
        return CachedTactics(
            tactics=list(tactics), success_rate=row.success_rate, avg_time=row.avg_time, use_count=row.use_count
        )

    def cached_scripts(self, *, limit: int) -> Mapping[str, tuple[str, ...]]:
        """The `limit` entries that were of use most often: tactics, one a string, by the goal that they proved."""
        query = (
            select(TACTIC_CACHE.c.goal_text, TACTIC_CACHE.c.tactics)
            .where(TACTIC_CACHE.c.goal_text != "")
            .order_by(TACTIC_CACHE.c.use_count.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return {row.goal_text: tuple(row.tactics) for row in connection.execute(query)}

    def record_cache_outcome(
        self, goal_text: str, success: bool, *, time_seconds: float | None = None, identity: Identity | None = None
    ) -> bool:
        """Learn from replaying cached tactics: rate ← 0.9 · rate + 0.1 · success, the time likewise on success.

        From 0.85 two failures in a row lead below the 0.7 that callers ask for. False when nothing is cached.
        """
        values = {"success_rate": (1 - ALPHA) * TACTIC_CACHE.c.success_rate + ALPHA * success}
        if success and time_seconds is not None:
            values["avg_time"] = (1 - ALPHA) * TACTIC_CACHE.c.avg_time + ALPHA * time_seconds
        with self._database.write() as connection:
            key = _entry(connection, goal_text, identity)
            statement = update(TACTIC_CACHE).where(TACTIC_CACHE.c.goal_hash == key).values(values)
            return key is not None and connection.execute(statement).rowcount > 0

    def update_strategy_statistics(self, trials: Iterable[StrategyTrial]) -> None:
        """Count finished trials, all or none; averages move by rate ← 0.9 · rate + 0.1 · success.

        The arithmetic is the database's, so concurrent updates all count.
        """
        now = self._now()
        rows: list[dict[str, Any]] = [
            {
                "strategy": str(trial.strategy),
                "context": context,
                "trials": 1,
                "successes": int(trial.success),
                "success_rate": ALPHA * trial.success,
                "seconds": trial.seconds,
                "success_seconds": trial.seconds if trial.success else 0.0,
                "ema_success_seconds": trial.seconds if trial.success else None,
                "updated_at": now,
            }
            for trial in trials
            for context in dict.fromkeys(trial.contexts)
        ]
        if not rows:
            return
        with self._database.write() as connection:
            connection.execute(
                self._database.prepared("trials", self._counting),
                # Sorted, so that two processes never deadlock over the rows; stable, for the averages.
                sorted(rows, key=lambda row: (row["strategy"], row["context"])),
            )
            # Tactics, which are counted under their strategy's name and "/", need no history.
            self._remember(connection, now, {row["strategy"] for row in rows if "/" not in row["strategy"]})

    def _counting(self) -> Insert:
        statement = self._database.insert(STRATEGY_STATISTICS)
        old, new = STRATEGY_STATISTICS.c, statement.excluded
        moved = (1 - ALPHA) * old.ema_success_seconds + ALPHA * new.ema_success_seconds
        changed = {
            "trials": old.trials + new.trials,
            "successes": old.successes + new.successes,
            "success_rate": (1 - ALPHA) * old.success_rate + new.success_rate,
            "seconds": old.seconds + new.seconds,
            "success_seconds": old.success_seconds + new.success_seconds,
            "ema_success_seconds": func.coalesce(moved, old.ema_success_seconds, new.ema_success_seconds),
            "updated_at": new.updated_at,
        }
        return statement.on_conflict_do_update(index_elements=["strategy", "context"], set_=changed)

    def _remember(self, connection: Connection, now: datetime, strategies: Collection[str]) -> None:
        """Keep what is known of these strategies as the state of this minute."""
        values = {"this_minute": now.replace(second=0, microsecond=0), "strategies": sorted(strategies)}
        connection.execute(self._database.prepared("history", self._remembering), values)

    def _remembering(self) -> Insert:
        columns = (STRATEGY_STATISTICS.c[name] for name in ("trials", "successes", "success_rate", "seconds"))
        minute = bindparam("this_minute", type_=UtcDateTime)
        known = (
            select(minute, STRATEGY_STATISTICS.c.strategy, *columns)
            .where(STRATEGY_STATISTICS.c.context == "")
            .where(STRATEGY_STATISTICS.c.strategy.in_(bindparam("strategies", expanding=True)))
            .order_by(STRATEGY_STATISTICS.c.strategy)
        )
        names = ["minute", "strategy", "trials", "successes", "success_rate", "seconds"]
        return self._database.upsert(STRATEGY_HISTORY).from_select(names, known)

    def strategy_history(self, *, limit: int = 2000) -> tuple[StrategyMoment, ...]:
        """How the strategies' statistics went, all goals together, the newest `limit` entries in order of time."""
        query = select(STRATEGY_HISTORY).order_by(STRATEGY_HISTORY.c.minute.desc(), STRATEGY_HISTORY.c.strategy)
        return self._all(StrategyMoment, query.limit(limit))[::-1]

    def strategy_statistics(
        self, *, context: str | None = None, tactics_of: str | None = None
    ) -> tuple[StrategyStatistics, ...]:
        """What is known of strategies, in all contexts or in one ("" is all goals together).

        A strategy's tactics are counted apart, under its name, "/" and what the tactic is; `tactics_of` asks for them.
        """
        query = select(STRATEGY_STATISTICS).order_by(STRATEGY_STATISTICS.c.strategy, STRATEGY_STATISTICS.c.context)
        name = STRATEGY_STATISTICS.c.strategy
        if tactics_of is None:
            query = query.where(~name.contains("/", autoescape=True))
        else:
            query = query.where(name.startswith(f"{tactics_of}/", autoescape=True))
        if context is not None:
            query = query.where(STRATEGY_STATISTICS.c.context == context)
        return self._all(StrategyStatistics, query)


def _entry(connection: Connection, goal_text: str, identity: Identity | None) -> str | None:
    """The key of what is remembered of a goal: under its identity, else under its text where one side has no more."""
    text = goal_hash(goal_text)
    entry = TACTIC_CACHE.c
    keys = [identity.digest, text] if identity else [text]
    there = set(connection.execute(select(entry.goal_hash).where(entry.goal_hash.in_(keys))).scalars())
    found = next((key for key in keys if key in there), None)
    if found is None and identity is None:
        alike = select(entry.goal_hash).where(entry.text_hash == text).order_by(entry.use_count.desc()).limit(1)
        return connection.execute(alike).scalar_one_or_none()
    return found
