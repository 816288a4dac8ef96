"""SorryDB's records of sorries (github.com/SorryDB/SorryDB): read, compare with what we extract, write. Pure.

A record is kept as it was read, fields that we do not know included, so that a file that is read and written again says
the same. Lines count from 1, columns from 0, as in ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.errors import ConfigError
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.source.lexer import LineIndex
from orchestrator.source.project import Project

_NOT_IN_ID = "inclusion_date"


@dataclass(frozen=True)
class SorryRecord:
    """One record. `raw` is all of it; the other attributes are what we use."""

    raw: Mapping[str, Any]
    remote: str
    commit: str
    lean_version: str
    path: str
    span: SourceSpan
    goal: str
    id: str

    @property
    def location(self) -> str:
        """Where its sorry is, as `--only` takes it."""
        return f"{self.path}:{self.span.start.line}:{self.span.start.column}"

    @property
    def command(self) -> str:
        """The command that works on the repository that the sorry is in."""
        return f"orchestrator prove {self.remote} --ref {self.commit}"


@dataclass(frozen=True, slots=True)
class SorryFile:
    """A file of records: what it says of itself, the records, and how it was written."""

    head: Mapping[str, Any]
    records: tuple[SorryRecord, ...]
    indent: int | None = 2
    ascii_only: bool = True
    ending: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Records against goals of the same repository at the same commit.

    Attributes:
        same: records that we have at the same position with the same goal.
        other_goal: records at whose position we print another goal.
        missing: records that we do not have.
        extra: propositions that we have and no record has.
    """

    same: tuple[SorryRecord, ...]
    other_goal: tuple[tuple[SorryRecord, Goal], ...]
    missing: tuple[SorryRecord, ...]
    extra: tuple[Goal, ...]


def read(text: str, *, where: str = "") -> SorryFile:
    """Read a file of records. Raises ConfigError: not JSON, or a record lacks what it needs; the record is named."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"this is not JSON: {error}", where=where) from error
    if not isinstance(value, dict) or not isinstance(value.get("sorries"), list):
        raise ConfigError("this is not a SorryDB file: it has no list `sorries`", where=where)
    records = tuple(_record(entry, f"{where}, sorries[{index}]") for index, entry in enumerate(value["sorries"]))
    head = {key: entry for key, entry in value.items() if key != "sorries"}
    return SorryFile(head, records, _indent(text), text.isascii(), text[len(text.rstrip()) :])


def write(file: SorryFile) -> str:
    """The text of a file; what was read is written as it was."""
    value = {**file.head, "sorries": [record.raw for record in file.records]}
    return json.dumps(value, indent=file.indent, ensure_ascii=file.ascii_only) + file.ending


def record_of(goal: Goal, project: Project, *, remote: str, branch: str, included: datetime) -> SorryRecord:
    """A goal of ours as a record. Whom to blame is left for SorryDB to find out."""
    assert goal.span is not None
    start, end = goal.span.start, goal.span.end
    raw: dict[str, Any] = {
        "repo": {
            "remote": remote,
            "branch": branch,
            "commit": project.commit,
            "lean_version": "v" + project.toolchain.rpartition(":v")[2] if ":v" in project.toolchain else "",
        },
        "location": {
            "path": goal.file,
            "start_line": start.line,
            "start_column": start.column,
            "end_line": end.line,
            "end_column": end.column,
        },
        "debug_info": {"goal": goal.text, "url": _url(remote, project.commit, goal.file, start.line)},
        "metadata": {"blame_email_hash": "", "blame_date": None, "inclusion_date": included.isoformat()},
    }
    raw["id"] = identity(raw)
    return _record(raw, goal.id)


def identity(raw: Mapping[str, Any]) -> str:
    """SHA-256 over a record without its id and the date of its inclusion, as canonical JSON."""
    value = {key: entry for key, entry in raw.items() if key != "id"}
    if isinstance(value.get("metadata"), Mapping):
        value["metadata"] = {k: v for k, v in value["metadata"].items() if k != _NOT_IN_ID}
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def compare(records: Iterable[SorryRecord], goals: Sequence[Goal]) -> Agreement:
    """Compare records with the goals of the same repository at the same commit. Records are of propositions only."""
    ours = {(goal.file, goal.span.start): goal for goal in goals if goal.span is not None}
    same: list[SorryRecord] = []
    other: list[tuple[SorryRecord, Goal]] = []
    missing: list[SorryRecord] = []
    for record in records:
        goal = ours.pop((record.path, record.span.start), None)
        if goal is None:
            missing.append(record)
        elif _plain(goal.text) == _plain(record.goal):
            same.append(record)
        else:
            other.append((record, goal))
    return Agreement(tuple(same), tuple(other), tuple(missing), tuple(goal for goal in ours.values() if goal.is_prop))


def proof_in(record: SorryRecord, original: str, patched: str) -> str | None:
    """What stands where the record's sorry stood, None where nothing does or where more than that has changed."""
    lines = LineIndex(original)
    start, end = lines.offset(record.span.start), lines.offset(record.span.end)
    if start is None or end is None or original == patched:
        return None
    head, tail = original[:start], original[end:]
    if len(patched) < len(head) + len(tail) or not (patched.startswith(head) and patched.endswith(tail)):
        return None
    return patched[start : len(patched) - len(tail)]


def proof_entry(
    record: SorryRecord, proof: str | None, *, verified: bool = False, strategy: str = "", feedback: str = ""
) -> dict[str, Any]:
    """An entry of SorryDB's list of proofs, in the fields of its `SorryResult`."""
    return {
        "sorry": record.raw,
        "proof": proof,
        "proof_verified": proof is not None and verified,
        "feedback": feedback or None,
        "success": True,
        "error_type": None,
        "error_message": None,
        "strategy_name": strategy or None,
    }


def failed_entry(record: SorryRecord, error: Exception) -> dict[str, Any]:
    """An entry for a record that could not be worked on."""
    failure = {"success": False, "error_type": type(error).__name__, "error_message": str(error)}
    return {**proof_entry(record, None), **failure}


def read_proofs(text: str, *, where: str = "") -> dict[str, dict[str, Any]]:
    """A list of proofs that was written before, by the id of the record.

    Raises:
        ConfigError: the text is no such list.
    """
    try:
        return {str(entry["sorry"]["id"]): entry for entry in json.loads(text)}
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError("this is not a list of proofs", where=where, hint="Name another folder with --out") from error


def write_proofs(entries: Iterable[Mapping[str, Any]]) -> str:
    """SorryDB's list of proofs: JSON as its own tools write it."""
    return json.dumps(list(entries), indent=4) + "\n"


def _record(entry: Any, where: str) -> SorryRecord:
    try:
        location = entry["location"]
        return SorryRecord(
            raw=entry,
            remote=str(entry["repo"]["remote"]),
            commit=str(entry["repo"]["commit"]),
            lean_version=str(entry["repo"].get("lean_version", "")),
            path=str(location["path"]),
            span=SourceSpan(
                Position(int(location["start_line"]), int(location["start_column"])),
                Position(int(location["end_line"]), int(location["end_column"])),
            ),
            goal=str(entry.get("debug_info", {}).get("goal", "")),
            id=str(entry["id"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the record lacks {error}" if isinstance(error, KeyError) else f"the record is broken: {error}"
        raise ConfigError(what, where=where, hint="SorryDB's format has changed, or the file is damaged.") from error


def _plain(goal: str) -> str:
    return " ".join(goal.split())


def _indent(text: str) -> int | None:
    first = next((line for line in text.split("\n")[1:] if line.strip()), "")
    return len(first) - len(first.lstrip(" ")) or None


def _url(remote: str, commit: str, path: str, line: int) -> str:
    return f"{remote.removesuffix('.git')}/blob/{commit}/{path}#L{line}" if "github.com" in remote else ""
