"""The recorded attempt matrix: what every strategy and every tactic of `micro` did on every goal, on real Lean."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from bench.bank import BankGoal, Split
from orchestrator.errors import ConfigError
from orchestrator.goals.goal import Goal

MATRIX_PATH = Path(__file__).with_name("matrix.jsonl.gz")


class ArmKind(StrEnum):
    """What was tried."""

    TACTIC = "tactic"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing tried once on one goal, by itself.

    Attributes:
        arm: name of the strategy, or the kind of tactic with the goal's own names taken out.
        kind: which of the two.
        success: a proof that its declaration takes.
        seconds: of the Lean server's processor, checks included; opening the goal is not.
    """

    arm: str
    kind: ArmKind
    success: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Row:
    """A goal with its trials, in the order in which `micro` would make them.

    Attributes:
        goal: the bank's id.
        area: the bank's area.
        split: the bank's split.
        text: the goal as Lean prints it.
        module: the module it stood in.
        difficulty: as estimated from the text.
        trials: tactics first, then strategies.
        codes: digest of the code that each strategy was recorded with.
    """

    goal: str
    area: str
    split: Split
    text: str
    module: str
    difficulty: float
    trials: tuple[Trial, ...] = ()
    codes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def as_goal(self) -> Goal:
        """The goal as the scheduler sees it."""
        return Goal(self.goal, self.text, estimated_difficulty=self.difficulty, module=self.module)


def read_matrix(path: Path = MATRIX_PATH) -> tuple[Row, ...]:
    """The matrix of a file.

    Raises:
        ConfigError: the file cannot be read, or is no matrix.
    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        return tuple(row_of(line) for line in lines)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        hint = "Record one: python -m bench.record_matrix"
        raise ConfigError(f"no attempt matrix: {error}", where=str(path), hint=hint) from error


def write_matrix(rows: Iterable[Row], path: Path) -> None:
    """Write a matrix; the same rows give the same bytes."""
    text = "".join(line_of(row) + "\n" for row in sorted(rows, key=lambda row: row.goal))
    scratch = path.with_name(path.name + ".new")
    scratch.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    scratch.replace(path)


def line_of(row: Row) -> str:
    """A row as one line of JSON."""
    trials = [[t.arm, t.kind, t.success, round(t.seconds, 3)] for t in row.trials]
    facts = {"goal": row.goal, "area": row.area, "split": row.split, "text": row.text, "module": row.module}
    codes = {"codes": dict(sorted(row.codes.items()))} if row.codes else {}
    return json.dumps({**facts, "difficulty": row.difficulty, **codes, "trials": trials}, ensure_ascii=False)


def row_of(line: str) -> Row:
    """The row of such a line."""
    value = json.loads(line)
    trials = tuple(Trial(arm, ArmKind(kind), ok, seconds) for arm, kind, ok, seconds in value.pop("trials"))
    return Row(**{**value, "split": Split(value["split"])}, trials=trials)


def shuffled(goals: Iterable[BankGoal]) -> tuple[BankGoal, ...]:
    """The goals in an order that is nobody's choice, so that any first part of it is a fair sample."""
    return tuple(sorted(goals, key=lambda goal: hashlib.sha256(f"order {goal.id}".encode()).hexdigest()))


def halves(rows: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """A half to tune on and a half to report on, of equal size (±1).

    The bank holds a third of its goals out. They all are in the second half, which is filled up with others, chosen
    by the digest of their ids.
    """
    ordered = sorted(rows, key=lambda row: hashlib.sha256(f"half {row.goal}".encode()).hexdigest())
    held = [row for row in ordered if row.split is Split.HELD_OUT]
    free = [row for row in ordered if row.split is Split.TUNE]
    more = max(0, len(ordered) // 2 - len(held))
    return tuple(free[more:]), (*held, *free[:more])
