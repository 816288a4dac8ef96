"""What the pages on goals show: the list with its facets, and one goal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from orchestrator.dashboard.site import Site
from orchestrator.dashboard.views import Parameters, Values, member, page
from orchestrator.gate.verdict import CheckName, Question
from orchestrator.goals.goal import SorryKind
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.records import AttemptRecord, NodeState, ProofRecord
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import GoalFilter, GoalLine, GoalSort
from orchestrator.source.highlight import goal_layout, lean_lines

PAGE = 50
EXPORTED = 500
"""Goals read at once for a table that is taken away whole."""
FILES = 12
FACETS = ("status", "strategy", "blueprint", "kind", "file")
SSH = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/](.+)")


@page("/goals", "Goals", "q", *FACETS, "sort", "order", "page")
def goals(site: Site, given: Parameters) -> Values:
    """The list of goals."""
    ledger = site.ledger
    nodes = _declarations(ledger, given.get("repo"))
    state = member(NodeState, given.get("blueprint"))
    wanted = GoalFilter(
        repo=given.get("repo") or None,
        status=member(GoalStatus, given.get("status")),
        file=given.get("file") or None,
        kind=member(SorryKind, given.get("kind")),
        strategy=given.get("strategy") or None,
        declarations=nodes[state] if state else None,
        text=given.get("q", "").strip()[:200],
        sort=member(GoalSort, given.get("sort")) or GoalSort.WHERE,
        descending=given.get("order") == "down",
    )
    number = min(max(1, _number(given.get("page"), 1)), 10_000_000)
    page = ledger.goal_page(wanted, offset=(number - 1) * PAGE, limit=PAGE)
    facets = {**ledger.goal_facets(wanted), "blueprint": {s.value: len(names) for s, names in nodes.items() if names}}
    return {
        "wanted": wanted,
        "page": page,
        "number": number,
        "pages": max(1, -(-page.total // PAGE)),
        "first": (number - 1) * PAGE + 1,
        "facets": {name: facets.get(name, {}) for name in FACETS},
        "most": FILES,
        "chosen": {key: value for key, value in given.items() if value and key != "page"},
        "tables": {"goals": every_goal(ledger, wanted)},
    }


def every_goal(ledger: Ledger, wanted: GoalFilter) -> Iterator[GoalLine]:
    """All goals that a filter lets through, read when they are asked for."""
    start = 0
    while lines := ledger.goal_page(wanted, offset=start, limit=EXPORTED).goals:
        yield from lines
        start += EXPORTED


def _declarations(ledger: Ledger, repo: str | None) -> Mapping[NodeState, tuple[str, ...]]:
    """The declarations behind the nodes of blueprints that have a goal, by where their nodes stand."""
    found: dict[NodeState, tuple[str, ...]] = dict.fromkeys(NodeState, ())
    for blueprint in ledger.blueprints():
        if not repo or blueprint.repo == repo:
            names = [name for node in blueprint.nodes for name in node.declarations]
            open_ = ledger.goals_of_declarations(blueprint.repo, names)
            for node in blueprint.nodes:
                found[node.state] += tuple(name for name in node.declarations if name in open_)
    return found


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """One of the gate's four questions: whether all its checks passed, and what was said of each by name."""

    question: str
    passed: bool
    checks: tuple[tuple[str, str], ...]


def answers(proof: ProofRecord) -> tuple[QuestionAnswer, ...]:
    """What the gate answered to its four questions, of a proof that went through it."""
    names = {name.value: name for name in CheckName}
    found = []
    for question in Question:
        mine = {
            k: v for k, v in proof.checks.items() if (names[k].question if k in names else Question.TRUTH) is question
        }
        if mine:
            said = tuple((name, "" if value is True else _detail(value)) for name, value in mine.items())
            found.append(QuestionAnswer(question.value, all(value is True for value in mine.values()), said))
    return tuple(found)


def _question(check: CheckName | None) -> Question:
    """A check that this version does not know counts with the last question."""
    return Question.TRUTH if check is None else check.question


def _detail(value: object) -> str:
    return "no" if value is False else str(value)


@dataclass(frozen=True, slots=True)
class AttemptGroup:
    """A strategy's attempts on a goal, the newest first. `lines` are their places on the goal's line of time, on which
    all attempts follow one another: start and length in thousandths, and the attempt."""

    strategy: str
    attempts: tuple[AttemptRecord, ...]
    lines: tuple[tuple[int, int, AttemptRecord], ...]

    @property
    def seconds(self) -> float:
        """Of all attempts together."""
        return sum(attempt.time_seconds for attempt in self.attempts)


def attempt_groups(attempts: Sequence[AttemptRecord]) -> tuple[AttemptGroup, ...]:
    """The attempts (the newest first) by strategy, in the order in which strategies were tried first."""
    whole = sum(attempt.time_seconds for attempt in attempts) or 1.0
    passed = 0.0
    places: dict[str, list[tuple[int, int, AttemptRecord]]] = {}
    for attempt in reversed(attempts):
        start, length = round(1000 * passed / whole), round(1000 * attempt.time_seconds / whole)
        places.setdefault(attempt.strategy, []).append((start, max(4, length), attempt))
        passed += attempt.time_seconds
    return tuple(
        AttemptGroup(name, tuple(attempt for *_, attempt in reversed(lines)), tuple(lines))
        for name, lines in places.items()
    )


@page("/goal", "Goal", "id")
def goal(site: Site, given: Parameters) -> Values | None:
    """One goal."""
    ledger = site.ledger
    record = ledger.goal(given.get("id", ""), repo=given.get("repo", ""))
    if record is None:
        return None
    item = record.goal
    mine = (blueprint for blueprint in ledger.blueprints() if blueprint.repo == record.repo)
    span = item.span
    attempts = ledger.attempts(goal_hash=record.goal_hash, newest_first=True, limit=100)
    proofs = ledger.proofs(goal_hash=record.goal_hash, newest_first=True, limit=PAGE)
    same: dict[tuple[object, ...], list[ProofRecord]] = {}
    for proof in proofs:  # a run judges again what an earlier one has proved
        same.setdefault((proof.goal_id, proof.script, proof.verdict), []).append(proof)
    return {
        "title": item.declaration or item.id,
        "record": record,
        "goal": item,
        "layout": goal_layout(item.text),
        "source": list(enumerate(lean_lines(record.source), record.source_line)) if record.source else [],
        "marked": range(span.start.line, span.end.line + 1) if span else range(0),
        "line_link": line_link(record.repo, record.commit, item.file, span.start.line if span else 0),
        "groups": attempt_groups(attempts),
        "proofs": [(found[-1], answers(found[0]), len(found) - 1) for found in same.values()],
        "nodes": [node for blueprint in mine for node in blueprint.nodes if item.declaration in node.declarations],
        "tickets": ledger.tickets(repo=record.repo, goal_id=item.id, limit=50),
        "tables": {"attempts": attempts, "proofs": proofs},
    }


def line_link(repo: str, commit: str, file: str, line: int) -> str:
    """Where the host of a repository shows a line, "" when that is not known: GitHub's way, or GitLab's."""
    ssh = SSH.fullmatch(repo)
    address = urlsplit(f"https://{ssh[1]}/{ssh[2]}" if ssh else repo)
    name = address.hostname or ""
    if address.scheme not in ("http", "https") or not commit:
        return ""
    between = "/blob/" if "github" in name else "/-/blob/" if "gitlab" in name else ""
    path = address.path.rstrip("/").removesuffix(".git")
    return f"https://{name}{path}{between}{commit}/{quote(file)}#L{line}" if between else ""


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else otherwise
