"""SorryDB's records: read, compared with our goals, and written again unchanged."""

from __future__ import annotations

import hashlib
import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ConfigError
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.run.report.sorrydb import (
    compare,
    failed_entry,
    identity,
    proof_entry,
    proof_in,
    read,
    read_proofs,
    record_of,
    write,
    write_proofs,
)
from orchestrator.source.project import Project


def entry(number: int, **more: Any) -> dict[str, Any]:
    chance = random.Random(number)
    return {
        "repo": {
            "remote": f"https://github.com/owner{number % 7}/repository",
            "branch": "main",
            "commit": hashlib.sha1(str(number).encode()).hexdigest(),
            "lean_version": f"v4.{chance.randrange(9, 28)}.0",
        },
        "location": {
            "path": f"Folder/File{number % 13}.lean",
            "start_line": number + 1,
            "start_column": chance.randrange(40),
            "end_line": number + 1,
            "end_column": 45,
        },
        "debug_info": {"goal": f"α : Type\nn : ℕ\n⊢ n + {number} = {number} + n", "url": "https://github.com/…"},
        "metadata": {
            "blame_email_hash": "0123456789ab",
            "blame_date": "2025-01-01T00:00:00+00:00",
            "inclusion_date": "2025-06-01T00:00:00+00:00",
        },
        "id": hashlib.sha256(str(number).encode()).hexdigest(),
        **more,
    }


@pytest.mark.parametrize("indent", [2, 4, None])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_thousand_entries_are_read_and_written_unchanged(indent: int | None, ascii_only: bool) -> None:
    value = {
        "documentation": "deduplicated …",
        "sorries": [entry(n, **({"new": n} if n % 3 else {})) for n in range(1000)],
    }
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = read(text)
    assert len(found.records) == 1000
    assert write(found) == text


def test_what_we_use_is_read() -> None:
    (record,) = read(json.dumps({"sorries": [entry(3)]})).records
    assert (record.path, record.span.start.line) == ("Folder/File3.lean", 4)
    assert record.command == f"orchestrator prove {record.remote} --ref {record.commit}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no list `sorries`"),
        (json.dumps({"sorries": [{"id": "x"}]}), "lacks 'location'"),
        (json.dumps({"sorries": [{**entry(1), "location": {}}]}), "lacks 'path'"),
        (json.dumps({"sorries": [entry(1), 3]}), "sorries[1]"),
    ],
)
def test_what_is_no_record_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        read(text, where="db.json")


def test_an_id_does_not_depend_on_when_a_record_was_included() -> None:
    one = entry(1)
    later = {**one, "metadata": {**one["metadata"], "inclusion_date": "2030-01-01"}}
    other = {**one, "location": {**one["location"], "start_line": 7}}
    assert identity(one) == identity(later) != identity(other)


def goal(line: int, text: str, *, is_prop: bool = True, file: str = "A.lean") -> Goal:
    span = SourceSpan(Position(line, 2), Position(line, 7))
    return Goal(id=str(line), text=text, file=file, span=span, is_prop=is_prop)


PROJECT = Project("p", "/nowhere", toolchain="leanprover/lean4:v4.20.0", commit="0" * 40)


def test_our_goals_become_records_that_agree_with_them() -> None:
    ours = [goal(3, "⊢ 1 = 1"), goal(5, "n : Nat\n⊢ n = n"), goal(7, "⊢ Nat", is_prop=False)]
    now = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        record_of(g, PROJECT, remote="https://github.com/o/r.git", branch="main", included=now) for g in ours[:2]
    ]
    assert records[0].lean_version == "v4.20.0"
    assert records[0].raw["debug_info"]["url"] == f"https://github.com/o/r/blob/{'0' * 40}/A.lean#L3"
    found = compare(records, ours)
    assert (len(found.same), found.missing, found.other_goal, found.extra) == (2, (), (), ())


def test_differences_are_sorted_by_kind() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    theirs = [record_of(goal(n, f"⊢ {n}"), PROJECT, remote="r", branch="b", included=now) for n in (1, 2, 3)]
    found = compare(theirs, [goal(1, "⊢   1"), goal(2, "⊢ two"), goal(9, "⊢ 9"), goal(10, "⊢ Nat", is_prop=False)])
    assert [r.span.start.line for r in found.same] == [1]
    assert [(r.span.start.line, g.text) for r, g in found.other_goal] == [(2, "⊢ two")]
    assert [r.span.start.line for r in found.missing] == [3]
    assert [g.id for g in found.extra] == ["9"]


LINES = st.text(alphabet="αab \n⟨", max_size=30)


@given(LINES, LINES, st.text(alphabet="by simp\n", min_size=1, max_size=20))
def test_a_proof_is_what_stands_where_the_sorry_stood(before: str, after: str, proof: str) -> None:
    original = f"{before}sorry{after}"
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
    location = {"path": "A.lean", "start_line": line, "start_column": column}
    raw = entry(1, location={**location, "end_line": line, "end_column": column + 5})
    record = read(json.dumps({"sorries": [raw]})).records[0]
    if proof != "sorry":
        assert proof_in(record, original, f"{before}{proof}{after}") == proof
    assert proof_in(record, original, original) is None
    if before:
        assert proof_in(record, original, f"#{before}{proof}{after}") is None


def test_proofs_are_written_as_sorrydbs_own_tools_read_them() -> None:
    records = read(json.dumps({"sorries": [entry(n) for n in range(3)]})).records
    entries = [
        proof_entry(records[0], "rfl", verified=True, strategy="micro", feedback="solved"),
        proof_entry(records[1], None, verified=True),
        failed_entry(records[2], ConfigError("no such repository")),
    ]
    text = write_proofs(entries)
    assert json.loads(text) == entries
    assert list(read_proofs(text)) == [record.id for record in records]
    assert [(e["sorry"], e["proof"], e["proof_verified"], e["success"]) for e in entries] == [
        (entry(0), "rfl", True, True),
        (entry(1), None, False, True),
        (entry(2), None, False, False),
    ]
    assert text.startswith('[\n    {\n        "sorry": {')
