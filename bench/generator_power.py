"""What tactic generators are worth: `python -m bench.generator_power MODEL… --search 40`.

On theorems that training set apart: the loss, how often the known tactic is the first suggestion or among eight, and,
on real Lean, how often one of eight is accepted, and closes its goal. With `--search N`, how many of N goals of the
bank's tune split, which neither a single tactic nor the hammer closes, best-first search with the model proves. The
known proofs of most of these goals were trained on: that figure compares models, it promises nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.bank import Split, load_bank
from bench.matrix import ArmKind, Row, read_matrix, shuffled
from bench.record import examples_project, proved_bank_project
from bench.record_matrix import bank_by_area, module_of
from bench.recorder import STEP_LIMITS, cut, cut_goals
from bench.server_clock import TimedProver
from bench.synthetic import synthetic_project
from orchestrator.config import load_settings
from orchestrator.errors import SessionError
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.extraction import extract
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Limits, TacticReply
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.source.project import Project
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.local_context import definitions_seen
from orchestrator.strategies.reprover.model import SHIPPED, Generator, Input
from orchestrator.strategies.reprover.pairs import Example, read_pairs, set_apart
from orchestrator.strategies.reprover.strategy import Sources, run_reprover
from orchestrator.strategies.reprover.train import TrainSettings, loss_of

HERE = Path(__file__).parent
BEAMS = 8
BEAM_LIMITS = Limits(milliseconds=2_000)
SYNTHETIC_SEED = 1_000
"""Of synthetic theories that no training file has."""


def accuracy(model: Generator, examples: Sequence[Example]) -> str:
    """Loss, and how often the known tactic is suggested, in words."""
    first = among = 0
    for start in range(0, len(examples), model.batch):
        batch = examples[start : start + model.batch]
        for example, found in zip(batch, model.suggest([Input(e.state) for e in batch], BEAMS), strict=True):
            tactics = [suggestion.tactic for suggestion in found]
            first += tactics[:1] == [example.tactic]
            among += example.tactic in tactics
    loss = loss_of(model.folder, examples, TrainSettings())
    count = len(examples)
    known = f"known tactic first {first / count:.0%}, among 8 {among / count:.0%}"
    return f"{count} steps: loss {loss:.2f} nats a byte, {known}"


def closes(reply: TacticReply, goals: Sequence[str]) -> bool:
    """Whether a tactic closed the first of `goals` and left the others as they were."""
    return reply.completed or (not reply.failed and list(reply.goals) == list(goals[1:]) and bool(goals[1:]))


async def validity(
    context: ProofContext, steps: Sequence[str], models: Sequence[Generator], tally: Counter[str]
) -> None:
    """Ask every model on every state of a known proof, and count what Lean says.

    Raises:
        SessionError: the session broke.
    """
    goals: tuple[str, ...] = (context.goal.text,)
    state: int | None = None
    for tactic in steps:
        tally["states"] += 1
        for number, model in enumerate(models):
            found = model.suggest_for("\n\n".join(goals), (), BEAMS)
            replies = await context.tactics(
                [s.tactic for s in found], proof_state=state, limits=BEAM_LIMITS, stop_on_success=False
            )
            tally[f"accepted {number}"] += any(not reply.failed for reply in replies)
            tally[f"closed {number}"] += any(closes(reply, goals) for reply in replies)
        reply = (await context.tactics([tactic], proof_state=state, limits=STEP_LIMITS))[0]
        if reply.failed or not reply.goals:
            return
        goals, state = reply.goals, reply.proof_state


@asynccontextmanager
async def prover_on(project: Project) -> AsyncIterator[TimedProver]:
    """One session over a project."""
    settings = load_settings()
    paths = settings.paths
    session = provision(settings, paths, choose_lean(settings, paths, project)).session()
    assert isinstance(session, EmbeddedSession)  # the bench chooses the embedded Lean
    async with Pool([session], project) as pool:
        yield TimedProver(session, pool)


async def validities(project: Project, models: Sequence[Generator], *, every: bool) -> Counter[str]:
    """`validity` over a project's proofs: those that training set apart, or `every` one."""
    prepared, tally = cut(project), Counter[str]()
    async with prover_on(prepared.project) as prover:
        async for goal, steps in cut_goals(prepared, prover.pool):
            apart = bool(set_apart([Example("", "", goal.declaration)], TrainSettings().validation)[1])
            if not (every or apart):
                continue
            try:
                async with prover.open(goal) as context:
                    await validity(context, steps, models, tally)
            except SessionError as error:
                sys.stderr.write(f"{goal.declaration}: {error}\n")
    return tally


def left_open(row: Row) -> bool:
    """Whether no single tactic and no other strategy that was recorded closes a goal."""
    return not any(trial.success for trial in row.trials if trial.kind is ArmKind.TACTIC or trial.arm != "reprover")


async def searched(count: int, seconds: float, models: Sequence[Generator], split: Split) -> dict[str, list[bool]]:
    """Whether a search with each model proves each of `count` goals that are left open, by the bank's id."""
    open_ids = {row.goal for row in read_matrix() if row.split is split and left_open(row)}
    chosen = [goal for goal in shuffled(load_bank()) if goal.id in open_ids][:count]
    project = bank_by_area(chosen)
    rows: dict[str, list[bool]] = {}
    async with prover_on(project) as prover:

        def clock() -> float:
            """Processor seconds of Lean and of the model: other work on the machine does not show in them."""
            return prover.clock() + time.process_time()

        for banked in chosen:
            async with prover.pool.workspace() as workspace:
                found = await extract(workspace, [project.by_name[module_of(banked)]])
            goal, seen = found.goals[-1], definitions_seen(project, found)
            rows[banked.id] = []
            for model in models:
                sources = Sources(model=model, definitions=seen)
                try:
                    result = await run_reprover(goal, seconds, prover=prover, sources=sources, clock=clock)
                    rows[banked.id].append(result.success)
                    words = " ; ".join(result.tactics) if result.success else result.error
                except SessionError as error:
                    rows[banked.id].append(False)
                    words = str(error)
                sys.stdout.write(f"{banked.id} {model.folder.name}: {words}\n")
                sys.stdout.flush()
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m bench.generator_power`."""
    parser = argparse.ArgumentParser(prog="python -m bench.generator_power", description=__doc__)
    parser.add_argument("models", type=Path, nargs="*", default=[SHIPPED], help="folders; the shipped one unless given")
    parser.add_argument("--theories", type=int, default=22, help="synthetic theories to try tactics on")
    parser.add_argument("--search", type=int, default=0, metavar="N", help="goals of the bank to search for proofs of")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each search, of the processors")
    parser.add_argument("--split", type=Split, default=Split.TUNE, help="of the goals that are searched")
    parser.add_argument("--only-search", action="store_true", help="nothing but the search")
    options = parser.parse_args(arguments)
    models = [Generator(folder=folder, device="cpu") for folder in options.models]
    if not options.only_search:
        for name in ("pairs.jsonl", "synthetic.jsonl.gz"):
            unseen = set_apart(read_pairs([HERE / name]), TrainSettings().validation)[1]
            for model in models:
                print(f"{model.folder.name} on {name}: {accuracy(model, unseen)}", flush=True)
        known = [
            (proved_bank_project([goal for goal in load_bank() if goal.split is Split.TUNE]), False),
            (examples_project(), False),
            (synthetic_project(options.theories, SYNTHETIC_SEED), True),
        ]
        for project, every in known:
            tally = asyncio.run(validities(project, models, every=every))
            for number, model in enumerate(models):
                accepted, closed = (
                    tally[f"{word} {number}"] / max(1, tally["states"]) for word in ("accepted", "closed")
                )
                print(
                    f"{model.folder.name} on {project.name}: {tally['states']} states, one of 8 tactics accepted "
                    f"{accepted:.0%}, closes its goal {closed:.0%}",
                    flush=True,
                )
    if options.search:
        rows = asyncio.run(searched(options.search, options.seconds, models, options.split))
        for number, model in enumerate(models):
            proved = sum(row[number] for row in rows.values())
            print(f"{model.folder.name}: {proved} of {len(rows)} goals proved within {options.seconds:g} s each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
