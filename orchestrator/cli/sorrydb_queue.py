"""Works on SorryDB's records one after another: fetches and builds, proves, and keeps the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.console import Console

from orchestrator.cli.repository import build_project
from orchestrator.config import load_settings
from orchestrator.git.apply import apply_patch
from orchestrator.git.checkout import checkout
from orchestrator.goals.result import GoalStatus
from orchestrator.lean.servers import needs_packages
from orchestrator.lean.toolchain import probe_native
from orchestrator.run.report import sorrydb
from orchestrator.run.report.files import PATCH, write_outputs
from orchestrator.run.report.sorrydb import SorryRecord
from orchestrator.source.files import read_text
from orchestrator.source.loading import load_project

if TYPE_CHECKING:
    from orchestrator.cli.prefect_server import StartingServer
    from orchestrator.run.request import Asked

PROOFS = "proofs.json"
_LEAST_SECONDS = 10.0


def shared_time(
    records: Sequence[SorryRecord],
    budget: float | None,
    timeout: float | None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[tuple[float | None, SorryRecord]]:
    """Each record with the seconds it may take, as long as the budget lasts: what is left, shared among those left."""
    end = None if budget is None else clock() + budget
    for number, record in enumerate(records):
        left = None if end is None else end - clock()
        if left is not None and left <= 0:
            return
        share = timeout if left is None else min(left, timeout or max(left / (len(records) - number), _LEAST_SECONDS))
        yield share, record


def keep_proofs(folder: Path, new: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Add answers to the list of proofs in a folder, by the record's id; all that are there now."""
    kept: dict[str, Mapping[str, Any]] = {}
    file = folder / PROOFS
    if file.is_file():
        kept.update(sorrydb.read_proofs(file.read_text(encoding="utf-8"), where=str(file)))
    kept.update(new)
    if new:
        write_outputs(folder, {PROOFS: sorrydb.write_proofs(kept.values())})
    return kept


@dataclass(frozen=True)
class RecordWork:
    """Works on single records, in their own repository or in the one named."""

    named: str
    console: Console

    def repo(self, record: SorryRecord) -> str:
        return self.named or record.remote

    def make_ready(self, record: SorryRecord) -> None:
        """Fetch and build what a record's repository needs; one that was named is its owner's to build."""
        found = checkout(self.repo(record), record.commit, cache=load_settings().paths.checkouts)
        if not self.named and needs_packages(load_project(found.path)) and probe_native(found.path) is not None:
            build_project(self.repo(record), record.commit, self.console)

    def prove(
        self, server: StartingServer, record: SorryRecord, seconds: float | None, out: Path
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """The answer for a record, and the run's summary."""
        from orchestrator.cli.runs import check_first, prove_on

        settings = load_settings(timeout=seconds)
        asked: Asked = {
            "repo": self.repo(record),
            "ref": record.commit,
            "profile": int(settings.profile),
            "budget_seconds": seconds,
            "out": str(out),
            "only": record.location,
        }
        check_first(asked, settings)
        summary = prove_on(server, asked)
        tree = checkout(self.repo(record), record.commit, cache=settings.paths.checkouts).path
        patch = (out / PATCH).read_bytes().decode("utf-8", "surrogateescape")
        texts = apply_patch(tree, patch) if patch.strip() else {}
        original, patched = read_text(tree, record.path), texts.get(record.path)
        proof = None
        if isinstance(original, str) and patched is not None:
            proof = sorrydb.proof_in(record, original, patched)
        goal: Mapping[str, Any] = next(iter(summary["goals"]), {})
        status = str(goal.get("status", "no such sorry"))
        beside = "; the proof needs changes elsewhere, see proofs.patch" if texts and proof is None else ""
        entry = sorrydb.proof_entry(
            record,
            proof,
            verified=status == GoalStatus.SOLVED,
            strategy=str(goal.get("strategy") or ""),
            feedback=status + beside,
        )
        return entry, summary


def below(folder: Path, record: SorryRecord) -> Path:
    """Where the results of a record's run are: what it leaves must not be taken for that of another record."""
    return folder / record.id[:12]


def by_tree(record: SorryRecord) -> tuple[str, str, str, int]:
    """Records of one tree follow one another: it is fetched and built once."""
    return record.remote, record.commit, record.path, record.span.start.line
