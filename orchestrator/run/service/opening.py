"""A service for a repository: checked out, elaborated, with Lean servers of its own; and what several have open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config import Settings
from orchestrator.errors import OrchestratorError, RepositoryError
from orchestrator.gate.service import gate_service
from orchestrator.gate.verdict import Verdict
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.lean.lake import PackageModules
from orchestrator.ledger.records import RunStatus
from orchestrator.ledger.store import Ledger
from orchestrator.marketplace.lean_checker import LeanChecker
from orchestrator.marketplace.marketplace import Marketplace
from orchestrator.marketplace.of_repository import RepositoryMarket
from orchestrator.marketplace.placement import location_of
from orchestrator.premises.library import Library
from orchestrator.premises.of_project import premises_seen
from orchestrator.premises.store import known_library
from orchestrator.run.assembly import run_config
from orchestrator.run.ledger import RunLedger
from orchestrator.run.opening import open_run
from orchestrator.run.report.files import runs_folder
from orchestrator.run.report.summary import GoalReport, status_of
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Repository, Run
from orchestrator.run.service.service import Deposit, OpenService, Premises, ProofService
from orchestrator.run.service.turns import Turns
from orchestrator.run.triage.triage import sort_out

REPORTS = ("report.md", "summary.json")


class LedgerDeposit:
    """Keeps proofs in the ledger: the next run puts those that passed into its patch.

    It has a run of its own there, which begins with the first proof.
    """

    def __init__(self, ledger: RunLedger, repository: Repository, goals: Sequence[Goal]) -> None:
        self._ledger = ledger
        self._goals = goals
        self._checkout = repository.checkout
        self._began = False

    async def keep(self, goal: Goal, result: Result, verdict: Verdict) -> str:
        """Keep a proof as an attempt, with its verdict."""
        await asyncio.to_thread(self._keep, goal, result, verdict)
        return "The ledger has it: the next `orchestrator prove` puts it into proofs.patch"

    def _keep(self, goal: Goal, result: Result, verdict: Verdict) -> None:
        ledger = self._ledger
        if not self._began:
            self._began = True
            ledger.store.start_run(
                run_id=ledger.run_id,
                repo=self._checkout.source,
                ref=self._checkout.ref,
                commit=self._checkout.commit,
                profile=int(ledger.settings.profile),
                configuration=run_config(ledger.settings),
            )
            ledger.add_goals(self._goals)
        ledger.record(goal, result)
        report = GoalReport(goal, status_of(verdict), result, verdict)
        ledger.record_gate([report])
        if verdict.accepted:
            ledger.record_statuses([report])

    def close(self) -> None:
        """The run is over. Raises LedgerError: it cannot be kept."""
        if self._began:
            self._ledger.store.finish_run(self._ledger.run_id, status=RunStatus.FINISHED, totals={})


@asynccontextmanager
async def serving(
    run: Run, library: Library | None, deposit: Deposit, *, at_once: int = 0
) -> AsyncIterator[ProofService]:
    """The service of a run's repository, until the block ends.

    `at_once`: how many verdicts, and other work for Lean, at a time; as many as there are servers unless given.
    """
    servers, project, goals = run.servers, run.project, run.extraction.goals
    most = at_once or servers.count
    _, left = await sort_out(run, quiet=True)
    native = servers.native
    brought = PackageModules(native.folder).brought if native is not None else None
    checker = LeanChecker(run.pool, servers.fresh, goals, lean=servers.identity, open_gate=servers.for_gate)
    locations = {goal.declaration: location_of(goal, project) for goal in goals if goal.command is not None}
    market = RepositoryMarket(Marketplace(run.ledger.store, checker, repo=run.ledger.repo), locations)
    async with gate_service(project, run.extraction, servers, run.allowance, at_once=most) as gate:
        premises = Premises(library=library, seen_by=premises_seen(project, run.extraction, brought))
        yield ProofService(run, gate, market, premises, deposit, Turns(at_once=most + run.pool.size), left)


@asynccontextmanager
async def open_service(repo: str, ref: str, settings: Settings, store: Ledger) -> AsyncIterator[ProofService]:
    """Check a repository out, start a Lean for it, and serve it until the block ends.

    Raises:
        RepositoryError: it cannot be had, or holds no file that could be worked on.
        LeanError: no Lean can be used.
    """
    async with open_run(RunRequest(repo=repo, ref=ref), settings, store) as run:
        library = await asyncio.to_thread(known_library, settings.paths, run.servers)
        deposit = LedgerDeposit(run.ledger, run.repository, run.extraction.goals)
        try:
            async with serving(run, library, deposit) as service:
                yield service
        finally:
            await asyncio.to_thread(deposit.close)


@asynccontextmanager
async def opened_in_background(repo: str, ref: str, settings: Settings, store: Ledger) -> AsyncIterator[OpenService]:
    """As `open_service`, but begun beside what the block does: Lean may take minutes, and whoever greets waits not."""
    async with AsyncExitStack() as stack:
        opening = asyncio.create_task(stack.enter_async_context(open_service(repo, ref, settings, store)))
        try:
            yield lambda: asyncio.shield(opening)
        finally:
            if not opening.done():
                opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Results:
    """Where a repository's newest results are: in `folder` if it is there, else where runs that name none put them."""

    folder: Path
    data: Path
    repo: str

    def newest(self, name: str) -> str:
        """The text of a file of the newest results. Raises RepositoryError: there are none."""
        runs = sorted(runs_folder(self.data, self.repo).glob(f"*/{name}"))
        for path in (self.folder / name, *reversed(runs)):
            if name in REPORTS and path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")
        raise RepositoryError(f"no run has left a {name}", where=str(self.folder), hint="Run `orchestrator prove`")


@dataclass(slots=True)
class _Held:
    stack: AsyncExitStack
    opening: asyncio.Future[ProofService]
    users: int = 0


class Services:
    """The services that are open, by repository, opened when they are first asked for.

    Args:
        most: how many stay open: another one closes the one that was not used for longest. More are open while more
            are in use.
    """

    def __init__(self, settings: Settings, store: Ledger, *, most: int = 2) -> None:
        self._settings, self._store, self._most = settings, store, most
        self._open: dict[str, _Held] = {}

    @asynccontextmanager
    async def of(self, repo: str) -> AsyncIterator[ProofService]:
        """The service of a repository that the ledger knows, of the only one for "", which stays open until the block
        ends. Raises OrchestratorError: it cannot be opened.
        """
        known = await asyncio.to_thread(self._store.repositories)
        repo = known[0] if not repo and len(known) == 1 else repo
        if repo not in known:
            hint = f"Give one of {', '.join(known)}" if known else "Run `orchestrator prove` on it first"
            raise RepositoryError(f"the ledger knows no repository {repo!r}", hint=hint)
        held = self._open.pop(repo, None) or self._begin(repo)
        self._open[repo] = held  # the newest last
        held.users += 1
        try:
            try:
                service = await asyncio.shield(held.opening)
            except OrchestratorError:
                if self._open.get(repo) is held:
                    del self._open[repo]
                raise
            await self._close_unused()
            yield service
        finally:
            held.users -= 1
            await self._close_unused()

    async def close(self) -> None:
        """Close them all."""
        while self._open:
            await self._close(next(iter(self._open)))

    def _begin(self, repo: str) -> _Held:
        stack = AsyncExitStack()
        opening = open_service(repo, "HEAD", self._settings, self._store)
        return _Held(stack, asyncio.ensure_future(stack.enter_async_context(opening)))

    async def _close_unused(self) -> None:
        unused = [repo for repo, held in self._open.items() if not held.users]
        for repo in unused[: max(0, len(self._open) - self._most)]:
            await self._close(repo)

    async def _close(self, repo: str) -> None:
        held = self._open.pop(repo)
        if not held.opening.done():
            held.opening.cancel()
            await asyncio.gather(held.opening, return_exceptions=True)
        await held.stack.aclose()
