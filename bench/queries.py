"""What a retriever is asked for each goal of the bank, recorded from real Lean, and what it should answer.

`python -m bench.record_queries` makes the file; the premises to be found are the bank's.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bank import BankGoal, Split, load_bank
from orchestrator.errors import ConfigError
from orchestrator.premises.retrieval import Premise, Query

QUERIES_PATH = Path(__file__).with_name("queries.jsonl.gz")


@dataclass(frozen=True, slots=True)
class Asked:
    """One goal of the bank as a retriever sees it.

    Attributes:
        goal: the goal, with the premises of its known proof.
        query: the goal as Lean gives it.
        own: the premises of its file in front of it.
    """

    goal: BankGoal
    query: Query
    own: tuple[Premise, ...] = ()

    @property
    def libraries(self) -> frozenset[str]:
        """First components of the modules that the goal sees."""
        return frozenset({"Init", *(name.partition(".")[0] for name in self.goal.imports)})


def read_queries(path: Path = QUERIES_PATH) -> tuple[Asked, ...]:
    """The queries of a file, with the goals that the bank has for them, in the bank's order.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
        known = {row["goal"]: row for row in rows}
        return tuple(_asked(goal, known[goal.id]) for goal in load_bank() if goal.id in known)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        hint = "Record them: python -m bench.record_queries"
        raise ConfigError(f"no queries: {error}", where=str(path), hint=hint) from error


def write_queries(asked: Iterable[Asked], path: Path) -> None:
    """Write queries; the same ones give the same bytes."""
    text = "".join(line_of(one) + "\n" for one in asked)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def line_of(asked: Asked) -> str:
    """A query as one line of JSON."""
    query = asked.query
    own = [[premise.name, premise.statement, premise.mentions] for premise in asked.own]
    facts = {"goal": asked.goal.id, "text": query.state, "mentions": query.mentions, "behind": query.behind, "own": own}
    return json.dumps(facts, ensure_ascii=False)


def of_split(asked: Iterable[Asked], split: Split) -> tuple[Asked, ...]:
    """Those whose goal is of a split."""
    return tuple(one for one in asked if one.goal.split is split)


def _asked(goal: BankGoal, row: dict[str, Any]) -> Asked:
    query = Query(
        row["text"], without=frozenset({goal.name}), mentions=tuple(row["mentions"]), behind=tuple(row["behind"])
    )
    own = tuple(Premise(name, statement, mentions=tuple(mentions)) for name, statement, mentions in row["own"])
    return Asked(goal, query, own)
