"""The bank of goals: Lean theorems with known proofs, the yardstick every strategy is measured with."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.errors import ConfigError
from orchestrator.run.bank import BankEntry
from orchestrator.source.project import Project, SourceModule

BANK_PATH = Path(__file__).with_name("bank.jsonl")
FAMILIES_PATH = Path(__file__).with_name("families.jsonl")
"""Goals about numbers, structure and classical logic; a difficulty above 0.5 follows from the known proof's length."""

_ID = re.compile(r"[a-z]+-[0-9]{3}")
_FORBIDDEN = re.compile(r"\b(sorry|sorryAx|admit|axiom|native_decide|unsafe|opaque)\b")


class Split(StrEnum):
    """What a goal may be used for."""

    TUNE = "tune"
    HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True)
class BankGoal:
    """One goal of the bank. Each is self-contained: its text needs nothing but Lean's own library.

    Attributes:
        id: area and number, such as `nat-017`; the theorem is called `nat_017`.
        statement: from `theorem` up to the target, without `:=`.
        proof: the known proof, from `by` on.
        difficulty: 0 to 1; below 0.3 one quick tactic closes it, below 0.5 `try?` does, above 0.5 no single tactic
            that was measured does, and the value grows with the length of the known proof.
        tags: the area first, then what the proof takes.
        split: held-out goals are for reporting only, never for choosing tactics, weights or settings.
        context: definitions before the theorem ("" when there are none).
        imports: modules to import beside Init.
        premises: full names of the lemmas the known proof uses, of the library and of the context.
        author: who wrote the goal.
    """

    id: str
    statement: str
    proof: str
    difficulty: float
    tags: tuple[str, ...]
    split: Split
    context: str = ""
    imports: tuple[str, ...] = ()
    premises: tuple[str, ...] = ()
    author: str = "ours"

    @property
    def name(self) -> str:
        """The theorem's name in Lean."""
        return theorem_name(self.id)


def theorem_name(identifier: str) -> str:
    """The Lean name that belongs to a goal's id: `nat-017` → `nat_017`."""
    return identifier.replace("-", "_")


def source(goal: BankGoal, proof: str = "sorry") -> str:
    """The full Lean text of `goal`: imports, context, then the theorem with `proof` (a term, or `by …`)."""
    header = "".join(f"import {module}\n" for module in goal.imports)
    parts = [header.rstrip("\n"), goal.context, f"{goal.statement} := {proof}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def load_bank(path: Path | None = None) -> tuple[BankGoal, ...]:
    """Read and check a bank, in the order of its file.

    Args:
        path: a file of one JSON object a line; the bank that comes with this package when None.

    Raises:
        ConfigError: the file cannot be read, or a record breaks a rule; file and line are named.
    """
    path = BANK_PATH if path is None else path
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the bank cannot be read", where=str(path), hint="Give the path of a bank.jsonl in UTF-8."
        ) from error
    goals: dict[str, BankGoal] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        goal = parse_goal(line, where=where)
        if goal.id in goals:
            raise ConfigError(f"the id {goal.id} is used twice", where=where, hint="Give each goal its own number.")
        goals[goal.id] = goal
    return tuple(goals.values())


def bank_entries(split: str = "all", limit: int | None = None, file: str = "") -> tuple[BankEntry, ...]:
    """The first `limit` goals of a split ("all" for both), to be run; `file` names another bank.
    Raises ConfigError: there is no such goal, or the bank cannot be read.
    """
    bank = load_bank(Path(file) if file else None)
    chosen = [goal for goal in bank if split == "all" or goal.split is Split(split)][:limit]
    if not chosen:
        raise ConfigError("the bank holds no such goal", where=file or "the bank of this package")
    return tuple(
        BankEntry(goal.id, source(goal, "by\n  sorry"), goal.imports, goal.difficulty, goal.tags) for goal in chosen
    )


def parse_goal(line: str, *, where: str = "") -> BankGoal:
    """One record of the bank, checked.

    Raises:
        ConfigError: not a JSON object, a field is missing, unknown or of the wrong type, or a value breaks a rule.
    """
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(f"not JSON: {error}", where=where) from error
    if not isinstance(record, dict):
        raise ConfigError("not a JSON object", where=where)
    if unknown := sorted(set(record) - set(_FIELDS)):
        raise ConfigError(f"unknown field {unknown[0]!r}", where=where, hint=f"Known: {', '.join(_FIELDS)}.")
    if missing := [name for name in _FIELDS if name not in record and name not in _OPTIONAL]:
        raise ConfigError(f"the field {missing[0]!r} is missing", where=where)
    for name, value in record.items():
        kind, fits = _FIELDS[name]
        if not fits(value):
            raise ConfigError(f"the field {name!r} must be {kind}, not {value!r}", where=where)
    goal = BankGoal(
        id=record["id"],
        statement=record["statement"],
        proof=record["proof"],
        difficulty=float(record["difficulty"]),
        tags=tuple(record["tags"]),
        split=Split(record["split"]),
        context=record["context"],
        imports=tuple(record.get("imports", ())),
        premises=tuple(record["premises"]),
        author=record["author"],
    )
    if problem := _problem(goal):
        raise ConfigError(problem, where=where)
    return goal


def assign_splits(goals: Iterable[BankGoal]) -> Mapping[str, Split]:
    """The split of every goal by its id: one third held out, even over areas and difficulties, nobody's choice.

    The goals are ordered by area, then difficulty in steps of a quarter, then SHA-256 of the id, and every third of
    that order is held out.
    """

    def rank(goal: BankGoal) -> tuple[str, int, str]:
        digest = hashlib.sha256(goal.id.encode()).hexdigest()
        return goal.tags[0], min(3, int(goal.difficulty * 4)), digest

    ordered = sorted(goals, key=rank)
    return {goal.id: Split.HELD_OUT if index % 3 == 2 else Split.TUNE for index, goal in enumerate(ordered)}


def split_by_name(identifier: str) -> Split:
    """The split of a goal of the families: a third is held out, by SHA-256 of the id, before anything is measured."""
    digest = int(hashlib.sha256(identifier.encode()).hexdigest(), 16)
    return Split.HELD_OUT if digest % 3 == 2 else Split.TUNE


def _problem(goal: BankGoal) -> str:
    """What is wrong with `goal` as a whole ("" when nothing is)."""
    head = f"theorem {goal.name}"
    if not goal.statement.startswith(head) or goal.statement[len(head) : len(head) + 1] not in {" ", "\n"}:
        return f"the statement must begin with {head!r}"
    if not goal.proof.startswith("by"):
        return "the proof must begin with 'by'"
    for label, text in (("context", goal.context), ("statement", goal.statement), ("proof", goal.proof)):
        if found := _FORBIDDEN.search(text):
            return f"the {label} contains {found.group()!r}"
    if len(set(goal.tags)) != len(goal.tags):
        return "a tag is given twice"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value == value.strip()


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_filled(item) for item in value)


def _is_tags(value: object) -> bool:
    return isinstance(value, list) and bool(value) and _is_texts(value)


def _is_split(value: object) -> bool:
    return isinstance(value, str) and value in set(Split)


_OPTIONAL = frozenset({"imports"})
_FIELDS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "id": ("an area and three digits, such as nat-017", _is_id),
    "imports": ("a list of module names", _is_texts),
    "context": ("a text", _is_text),
    "statement": ("a text, without space around it", _is_filled),
    "proof": ("a text, without space around it", _is_filled),
    "difficulty": ("a number from 0 to 1", _is_share),
    "tags": ("a list of at least one word", _is_tags),
    "premises": ("a list of names", _is_texts),
    "split": ("'tune' or 'held-out'", _is_split),
    "author": ("a text, without space around it", _is_filled),
}


def bank_project(goals: Iterable[BankGoal]) -> Project:
    """One module a goal, called as its theorem is."""
    modules = tuple(
        SourceModule(goal.name, f"{goal.name}.lean", source(goal), ("Init", *goal.imports)) for goal in goals
    )
    return Project("bank", "/bank", modules=modules)
