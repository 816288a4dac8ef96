"""One run as a value: what it was asked, and what it works with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from orchestrator.config import Profile, Settings
from orchestrator.errors import RepositoryError
from orchestrator.gate.fillings import Allowance
from orchestrator.git.checkout import Checkout, checkout
from orchestrator.goals.events import Notice, notify
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.pool import Pool
from orchestrator.lean.servers import Servers, usable
from orchestrator.ledger.content_cache import ContentCache
from orchestrator.run.ledger import RunLedger
from orchestrator.run.request import RunRequest
from orchestrator.source.loading import NOT_BUILT, coverage, load_project
from orchestrator.source.owner_rules import Rules, load_rules
from orchestrator.source.project import Project
from orchestrator.source.scan import scan


@dataclass(frozen=True, slots=True)
class Beginning:
    """When a run began, on the clock of the wall and on one that nobody sets."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return monotonic() - self.clock


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit: the checkout, its Lean modules, and what its owner wants."""

    checkout: Checkout
    project: Project
    rules: Rules

    @classmethod
    def at(cls, request: RunRequest, settings: Settings) -> Repository:
        """The repository that a run is about.

        Raises:
            RepositoryError: it cannot be had, or holds no file that could be worked on.
            LeanNotFound: no Lean can be used for it.
        """
        found = checkout(request.repo, request.ref, cache=settings.paths.checkouts)
        project = usable(settings, settings.paths, load_project(found.path, commit=found.commit))
        scope = coverage(project)
        if scope.sorries and not any(scan(module.text) for module in project.modules):
            hint = "Run `lake build` in it and leave ORCH_LEAN at auto; `orchestrator doctor` says which Lean it needs"
            if scope.why == (NOT_BUILT,):
                hint = "Add their library to defaultTargets in the lakefile"
            raise RepositoryError(f"No sorry can be worked on: {scope.words}", where=found.source, hint=hint)
        if scope.words:
            notify(Notice(scope.words))
        return cls(found, project, load_rules(found.path))

    def budgeted(self, settings: Settings, usual: float) -> Settings:
        """The settings with the owner's time, else the usual one, where whoever starts the run sets none."""
        if settings.timeout is not None:
            return settings
        owner = self.rules.budget_seconds
        return settings.model_copy(update={"timeout": usual if owner is None else owner})


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way.

    Attributes:
        answers: what earlier runs have found out.
    """

    request: RunRequest
    settings: Settings
    repository: Repository
    servers: Servers
    ledger: RunLedger
    pool: Pool
    extraction: Extraction
    answers: ContentCache

    @property
    def project(self) -> Project:
        """The modules that are worked on."""
        return self.repository.project

    @property
    def axioms(self) -> frozenset[str]:
        """Axioms that a proof may rest on."""
        return self.allowance.axioms

    @property
    def allowance(self) -> Allowance:
        """What the owner, and whoever started the run, let a proof do."""
        return Allowance.of(self.repository.rules, self.settings.allowed_axioms)

    @property
    def looks_for_counterexamples(self) -> bool:
        """Whether goals are looked at for values for which they are false."""
        return self.settings.counterexamples and self.settings.profile is not Profile.STUB

    @property
    def budget(self) -> float:
        """Seconds that strategies may work."""
        return math.inf if self.settings.timeout is None else self.settings.timeout
