"""Tactics through LeanDojo, for whoever has traced a repository with it or asks for it.

LeanDojo replaces the whole proof of a theorem by a server tactic, so it starts at the theorem's own statement: a
`sorry` in the middle of a proof is out of its reach. It was last worked on with Lean v4.20. Its `check_proof` looks for
one spelling of the warning for a sorry and lets the other through: a proof is checked by ours, never by LeanDojo.

The library is imported when it is first used: importing it makes folders, runs git and may ask GitHub.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from orchestrator.errors import LeanNotFound, MalformedReply, RequestRefused, SessionDied, SessionTimeout
from orchestrator.goals.goal import Goal
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.machine import how_to_install
from orchestrator.source.lexer import code_mask, outside_brackets

LAST_VERSION = (4, 20)
"""The last release of Lean that LeanDojo was worked on with."""

TACTIC_SECONDS = 60
"""What LeanDojo gives one tactic before it ends its Lean."""

GIVEN_UP = "the proof was given up: it contains a sorry"
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\.\d+")
_WHOLE_PROOF = re.compile(r":=\s*(?:by\s+)?\Z")


MakeDojo = Callable[[Goal], Any]
"""Makes LeanDojo's environment (`lean_dojo.Dojo`) for a goal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DojoLimits:
    """What has to hold before LeanDojo is tried. `traced`: the repository at this commit is in LeanDojo's cache."""

    installed: bool
    traced: bool


def why_not(goal: Goal, text: str, toolchain: str, limits: DojoLimits) -> str:
    """Why LeanDojo cannot work on a goal, "" when it can. `text` is the goal's file. Pure."""
    if not limits.installed:
        return f"LeanDojo is not installed: {how_to_install('dojo')}"
    release = _RELEASE.search(toolchain)
    if release is None or (int(release[1]), int(release[2])) > LAST_VERSION:
        last = f"v{LAST_VERSION[0]}.{LAST_VERSION[1]}"
        return f"LeanDojo works up to Lean {last}, the project asks for {toolchain or 'none'}"
    if not limits.traced:
        return "the repository is not traced, and tracing needs GitHub: run `lean_dojo.trace` once while online"
    if not goal.is_prop:
        return "LeanDojo proves theorems, and the goal asks for data"
    if not _is_whole_proof(goal, text):
        return "LeanDojo starts at a theorem's statement, and this sorry stands in the middle of a proof"
    return ""


def _is_whole_proof(goal: Goal, text: str) -> bool:
    if goal.span is None or goal.command is None:
        return False
    lines = text.split("\n")
    start = goal.command.start.line - 1
    before = lines[start : goal.span.start.line]
    if not before:
        return False
    before[-1] = before[-1][: goal.span.start.column]
    mask = code_mask("\n".join(before))
    return _WHOLE_PROOF.search(mask) is not None and outside_brackets(mask).count(":=") == 1


class DojoGoal:
    """One theorem, opened with LeanDojo: a `ProofContext`. Our own `OpenGoal` says whether a script holds."""

    goals = 1  # a theorem's statement

    def __init__(self, goal: Goal, dojo: Any, first: Any, ours: Any) -> None:
        self.goal = goal
        self.check = ours.check
        self.split = ours.split
        self.mentions = ours.mentions
        self._dojo = dojo
        self._states: list[Any] = [first]

    async def tactics(
        self,
        tactics: Sequence[str],
        *,
        proof_state: int | None = None,
        limits: Limits | None = None,
        stop_on_success: bool = True,
        budget_seconds: float = 0.0,
        only: int | None = None,
    ) -> tuple[TacticReply, ...]:
        """As `ProofContext` says. Limits on single tactics are those the environment was made with.

        Raises:
            SessionDied, SessionTimeout, MalformedReply: LeanDojo's environment broke; it cannot be used any more.
            RequestRefused: there is no such state, or one goal alone is asked for, which LeanDojo does not know.
        """
        if only is not None:
            raise RequestRefused("LeanDojo works on whole states, not on one goal of several.", where=str(only))
        number = 0 if proof_state is None else proof_state
        if not 0 <= number < len(self._states):
            raise RequestRefused("Unknown proof state.", where=str(number))
        begun = time.monotonic()
        replies: list[TacticReply] = []
        for tactic in tactics:
            if budget_seconds and time.monotonic() - begun >= budget_seconds:
                break
            replies.append(await self._one(self._states[number], tactic))
            if stop_on_success and replies[-1].completed:
                break
        return tuple(replies)

    async def _one(self, state: Any, tactic: str) -> TacticReply:
        begun = time.monotonic()
        result = await asyncio.to_thread(_run, self._dojo, state, tactic)
        milliseconds = int((time.monotonic() - begun) * 1000)
        kind = type(result).__name__
        if kind == "ProofFinished":
            return TacticReply(tactic, completed=True, status="Completed", milliseconds=milliseconds)
        if kind in ("LeanError", "ProofGivenUp"):
            error = GIVEN_UP if kind == "ProofGivenUp" else result.error or "failed"
            return TacticReply(tactic, error=error, milliseconds=milliseconds)
        if kind != "TacticState":
            raise MalformedReply(f"LeanDojo answered a {kind}", where=tactic)
        self._states.append(result)
        goals = tuple(part for part in result.pp.split("\n\n") if part.strip())
        return TacticReply(
            tactic,
            goals=goals,
            proof_state=len(self._states) - 1,
            status="Incomplete: open goals remain",
            milliseconds=milliseconds,
        )


def _run(dojo: Any, state: Any, tactic: str) -> Any:
    from lean_dojo import DojoCrashError, DojoTacticTimeoutError

    try:
        return dojo.run_tac(state, tactic)
    except DojoTacticTimeoutError as error:
        raise SessionTimeout("LeanDojo gave no reply in time", where=tactic) from error
    except DojoCrashError as error:
        memory = "out of memory" if error.is_out_of_memory else str(error)
        raise SessionDied(f"LeanDojo's Lean ended: {memory}", where=tactic) from error


@asynccontextmanager
async def open_dojo(goal: Goal, make: MakeDojo, ours: Any) -> AsyncIterator[DojoGoal]:
    """A theorem opened with LeanDojo, whose Lean ends with the block.

    Raises LeanNotFound: the theorem is not in the traced repository, or its file cannot be used.
    """
    from lean_dojo import DojoCrashError, DojoInitError, DojoTacticTimeoutError

    dojo = await asyncio.to_thread(make, goal)
    try:
        _, first = await asyncio.to_thread(dojo.__enter__)
    except (DojoInitError, DojoCrashError, DojoTacticTimeoutError, AssertionError) as error:
        await asyncio.to_thread(_clear_up, dojo)
        raise LeanNotFound(
            f"LeanDojo cannot open the theorem: {error or type(error).__name__}",
            where=goal.declaration,
            hint="Trace the repository again, or work without LeanDojo.",
        ) from error
    try:
        yield DojoGoal(goal, dojo, first, ours)
    finally:
        await asyncio.to_thread(dojo.__exit__, None, None, None)


def _clear_up(dojo: Any) -> None:
    """What LeanDojo leaves behind when it cannot start: its Lean, and the file that it wrote."""
    left: Any
    for left in (dojo, getattr(dojo, "modified_file", None)):
        with contextlib.suppress(AttributeError, OSError, psutil.Error):
            left.__exit__(None, None, None)


def environment_of(goal: Goal, repository: str, commit: str) -> Any:
    """LeanDojo's environment for a goal's theorem, not started yet. Asks git, and for a GitHub URL the network.

    Raises LeanNotFound: LeanDojo does not know the repository or the commit.
    """
    from lean_dojo import Dojo, LeanGitRepo, Theorem

    try:
        theorem = Theorem(LeanGitRepo(repository, commit), goal.file, goal.declaration)
    except Exception as error:  # git, GitHub and LeanDojo's own assertions
        raise LeanNotFound(
            f"LeanDojo cannot use the repository: {str(error) or type(error).__name__}",
            where=f"{repository} at {commit}",
        ) from error
    return Dojo(theorem, timeout=TACTIC_SECONDS)


def is_traced(repository: str, commit: str) -> bool:
    """Whether LeanDojo has the repository at this commit in its cache; no network."""
    from lean_dojo.constants import CACHE_DIR
    from lean_dojo.data_extraction.cache import _format_cache_dirname

    name = _format_cache_dirname(repository, commit)
    folder: Path = CACHE_DIR / name / repository.rstrip("/").rpartition("/")[2]
    return folder.is_dir()
