"""Training pairs (state, tactic) from proofs that Lean has accepted, recorded by replaying them step by step."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.proof_steps import CutProof, cut_proofs, steps
from orchestrator.errors import RequestRefused, SessionError
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import goals_of
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Limits
from orchestrator.source.project import Project
from orchestrator.strategies.base import ProofContext

STEP_LIMITS = Limits(milliseconds=10_000)
FINISHER_LIMITS = Limits(milliseconds=1_500)
FINISHERS = ("rfl", "assumption", "omega", "simp", "simp_all", "grind")
"""Tactics that are tried on every state beside the proof's own step; the first that closes its goal is recorded."""


class Origin(StrEnum):
    """Where a pair comes from."""

    PROOF = "proof"
    FINISHER = "finisher"


@dataclass(frozen=True, slots=True)
class Pair:
    """A tactic that made progress on a state.

    Attributes:
        state: the open goals as Lean prints them, separated by blank lines.
        tactic: what was run.
        origin: a step of a known proof, or a tactic of the portfolio that closed the first goal.
        declaration: the theorem it was recorded in.
    """

    state: str
    tactic: str
    origin: Origin = Origin.PROOF
    declaration: str = ""


@dataclass(frozen=True, slots=True)
class CutProject:
    """A project with `sorry` for its proofs, and the proofs by module."""

    project: Project
    proofs: dict[str, tuple[CutProof, ...]]


def cut(project: Project) -> CutProject:
    """Take the tactic proofs of all theorems out of a project."""
    texts, proofs = {}, {}
    for module in project.modules:
        texts[module.path], proofs[module.name] = cut_proofs(module.text)
    return CutProject(project.with_texts(texts), proofs)


async def record(
    cut_project: CutProject, pool: Pool, *, finishers: bool = True
) -> AsyncIterator[tuple[Goal, list[Pair]]]:
    """Replay every proof that was cut out, on a pool over that project; yields the pairs of each in turn.

    A proof whose steps do not replay gives the pairs of the steps that do. A file that does not elaborate, or a step
    that breaks the session, costs what it would have given.
    """
    async for goal, script in cut_goals(cut_project, pool):
        try:
            async with pool.open(goal) as context:
                yield goal, await replay_steps(context, script, finishers=finishers)
        except (SessionError, RequestRefused):
            continue


async def cut_goals(cut_project: CutProject, pool: Pool) -> AsyncIterator[tuple[Goal, tuple[str, ...]]]:
    """The goals that proofs were cut out of, with the steps of these; what does not elaborate is left out."""
    for module in cut_project.project.modules:
        proofs = {proof.line: proof.script for proof in cut_project.proofs[module.name]}
        if not proofs:
            continue
        try:
            async with pool.workspace(module.name) as workspace:
                elaborated = await workspace.load(module.name)
        except (SessionError, RequestRefused):
            continue
        for goal in goals_of(module, elaborated.reply.sorries, lambda _text: 0.5):
            assert goal.span is not None
            script = proofs.get(goal.span.start.line)
            if script is not None:
                yield goal, steps(script)


async def replay_steps(context: ProofContext, script: Sequence[str], *, finishers: bool) -> list[Pair]:
    """The pairs of the steps of one script, up to the first that Lean refuses.

    Raises:
        SessionError: the session broke.
    """
    pairs: list[Pair] = []
    goals: tuple[str, ...] = (context.goal.text,)
    state: int | None = None
    for tactic in script:
        text = "\n\n".join(goals)
        if finishers:
            pairs += await _finisher(context, state, goals, tactic)
        replies = await context.tactics([tactic], proof_state=state, limits=STEP_LIMITS)
        reply = replies[0]
        if reply.failed or reply.proof_state is None:
            break
        pairs.append(Pair(text, tactic, Origin.PROOF, context.goal.declaration))
        goals, state = reply.goals, reply.proof_state
        if not goals:
            break
    return pairs


async def _finisher(context: ProofContext, state: int | None, goals: tuple[str, ...], tactic: str) -> list[Pair]:
    others = [finisher for finisher in FINISHERS if finisher != tactic]
    replies = await context.tactics(others, proof_state=state, limits=FINISHER_LIMITS, budget_seconds=4.0)
    for reply in replies:
        if reply.completed or (not reply.failed and reply.goals == goals[1:] and goals[1:]):
            return [Pair("\n\n".join(goals), reply.tactic, Origin.FINISHER, context.goal.declaration)]
    return []


def write_pairs(path: Path, pairs: Iterable[Pair]) -> None:
    """Write pairs to a file, one JSON object a line, compressed when its name ends in `.gz`."""
    lines = (
        json.dumps(
            {"state": pair.state, "tactic": pair.tactic, "origin": pair.origin.value, "declaration": pair.declaration},
            ensure_ascii=False,
        )
        for pair in pairs
    )
    text = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0) if path.suffix == ".gz" else text)
