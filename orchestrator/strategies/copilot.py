"""Lean Copilot, where the project has it: its tactics run through the session like any others.

`search_proof` is `aesop?` with a language model behind it, `suggest_tactics` lists tactics, `select_premises` lists
lemmas. `suggest_tactics` admits the goal when nothing closes it: only a proof that the declaration takes counts here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orchestrator.config import STRATEGY_SECONDS, Settings
from orchestrator.errors import RepositoryError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.lake import packages
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.source.project import Project
from orchestrator.strategies.base import (
    BoundStrategy,
    GoalOpener,
    ProofContext,
    Timing,
    accepts,
    attack,
    needs_proposition,
)
from orchestrator.strategies.spec import StrategySpec, StrategyTools
from orchestrator.strategies.suggestions import suggestions

SEARCH, SUGGEST, SELECT = "search_proof", "suggest_tactics", "select_premises"
PACKAGE = "LeanCopilot"

_LEAST_SECONDS = 0.5
_SUGGESTIONS = 16
_PREMISES = 8
_SEARCH_SHARE = 0.6
# Each premise is a line `Full.name : statement`, with its documentation in a fence below it.
_NAME = re.compile(r"^(?P<name>[\w.'!?«»]+) : ", re.MULTILINE)
_FENCE = re.compile(r"```.*?```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CopilotProject:
    """What a project says of Lean Copilot. `sees`: whether a module imports it, directly or not, by module name."""

    in_manifest: bool
    on_disk: bool
    sees: Callable[[str], bool]

    @property
    def missing(self) -> str:
        """ "" when the project has it, else the reason in one line."""
        if not self.in_manifest:
            return f"{PACKAGE} is not in the project's lake-manifest.json"
        return "" if self.on_disk else f"{PACKAGE} is not in .lake/packages: run lake build"

    def missing_for(self, goal: Goal) -> str:
        """ "" when a goal can be given to it, else the reason in one line."""
        if self.missing or self.sees(goal.module):
            return self.missing
        return f"{goal.file or goal.module} does not import {PACKAGE}"


async def run_copilot(
    goal: Goal, timeout: float, *, prover: GoalOpener, clock: Callable[[], float] = time.monotonic
) -> Result:
    """Let Lean Copilot work on `goal` for at most `timeout` seconds: search a proof, then tactics, then premises."""

    async def work(context: ProofContext, deadline: float) -> Result:
        return await _Copilot(context, deadline, clock).run()

    return await attack(StrategyType.COPILOT, prover, goal, timeout, work, Timing(clock=clock))


class _Copilot:
    def __init__(self, context: ProofContext, deadline: float, clock: Callable[[], float]) -> None:
        self._context = context
        self._deadline = deadline
        self._clock = clock
        self._tried = 0

    async def run(self) -> Result:
        for attempt in (self._searched, self._suggested, self._with_premises):
            if self._left < _LEAST_SECONDS:
                return self._failed(Outcome.TIMEOUT)
            script = await attempt()
            if script:
                return Result(
                    success=True,
                    tactics=tuple(script.split("\n")),
                    metadata={"tactics_tried": self._tried, "found_by": attempt.__name__.strip("_")},
                )
        return self._failed(Outcome.TIMEOUT if self._left < _LEAST_SECONDS else Outcome.NOT_PROVED)

    async def _searched(self) -> str:
        replies = await self._try([SEARCH], self._left * _SEARCH_SHARE)
        return await self._first_accepted([text for reply in replies for text in suggestions(reply.messages)])

    async def _suggested(self) -> str:
        """A suggested tactic that closes the goal."""
        replies = await self._try([SUGGEST], self._left)
        return await self._closing([text for reply in replies for text in suggestions(reply.messages)][:_SUGGESTIONS])

    async def _with_premises(self) -> str:
        replies = await self._try([SELECT], self._left)
        texts = [_FENCE.sub("", message.text) for reply in replies for message in reply.messages]
        names = [match["name"] for text in texts for match in _NAME.finditer(text)]
        chosen = list(dict.fromkeys(names))[:_PREMISES]
        if not chosen:
            return ""
        listed = ", ".join(chosen)
        single = [f"{use} {name}" for name in chosen for use in ("exact", "apply")]
        return await self._closing([f"simp [{listed}]", f"simp_all [{listed}]", f"grind [{listed}]", *single])

    async def _closing(self, tactics: Sequence[str]) -> str:
        if not tactics or self._left < _LEAST_SECONDS:
            return ""
        replies = await self._try(tactics, self._left, stop_on_success=False)
        return await self._first_accepted([reply.tactic for reply in replies if reply.completed])

    async def _try(
        self, tactics: Sequence[str], seconds: float, *, stop_on_success: bool = True
    ) -> tuple[TacticReply, ...]:
        limits = Limits(heartbeats=0, milliseconds=max(1, int(seconds * 1000)))
        replies = await self._context.tactics(
            tactics, limits=limits, stop_on_success=stop_on_success, budget_seconds=seconds
        )
        self._tried += len(replies)
        return replies

    async def _first_accepted(self, scripts: Sequence[str]) -> str:
        for script in scripts:
            if await accepts(self._context, script, self._left):
                return script
        return ""

    def _failed(self, outcome: Outcome) -> Result:
        return Result(success=False, outcome=outcome, metadata={"tactics_tried": self._tried})

    @property
    def _left(self) -> float:
        return self._deadline - self._clock()


def copilot_in(project: Project) -> CopilotProject:
    """Whether and where a project has Lean Copilot."""
    root = Path(project.root)
    try:
        listed = any(package.name == PACKAGE for package in packages(root))
    except RepositoryError:
        listed = False
    folder = root / ".lake" / "packages" / PACKAGE

    def sees(module: str) -> bool:
        if module not in project.by_name:
            return False
        return any(name.partition(".")[0] == PACKAGE for name in project.external_imports(module))

    return CopilotProject(listed, folder.is_dir(), sees)


def copilot(prover: GoalOpener, project: CopilotProject) -> BoundStrategy:
    """The strategy in a project that has Lean Copilot; it is tried on goals whose file imports it."""
    return BoundStrategy(
        StrategyType.COPILOT,
        partial(run_copilot, prover=prover),
        lambda goal: needs_proposition(goal) or project.missing_for(goal),
    )


def _missing(_settings: Settings, project: Project | None) -> str:
    return copilot_in(project).missing if project is not None else "no project was given"


def _make(tools: StrategyTools) -> BoundStrategy:
    assert tools.project is not None, "a strategy that is missing something is not made"
    return copilot(tools.prover, copilot_in(tools.project))


SPEC = StrategySpec(
    type=StrategyType.COPILOT,
    seconds=STRATEGY_SECONDS[StrategyType.COPILOT],
    make=_make,
    missing=_missing,
    model=lambda _settings: "",
)
