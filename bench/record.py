"""Record training pairs for `python -m bench.train` from real Lean.

    python -m bench.record --out bench/pairs.jsonl
    python -m bench.record --synthetic 660 --out bench/synthetic.jsonl.gz

Replays, step by step, the known proofs of the bank's tune split (never of the held-out one), and the proofs of the
examples, those of `examples/expected.json` included. `--synthetic N` replays N theories of our own making instead,
`--repo FOLDER` a Lean project's own proofs, for a model that knows the project's ways.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.bank import BankGoal, Split, load_bank, source
from bench.command import run_command
from bench.matrix import read_matrix
from bench.recorder import Origin, Pair, cut, record, write_pairs
from bench.synthetic import synthetic_project
from orchestrator.config import load_settings
from orchestrator.errors import PatchError
from orchestrator.goals.goal import Position, SorryKind, SourceSpan
from orchestrator.goals.normal_form import goal_hash
from orchestrator.lean.servers import choose_lean, provision
from orchestrator.source.loading import load_project
from orchestrator.source.project import Project, SourceModule
from orchestrator.source.splice import splice_all
from orchestrator.strategies.reprover.model import first_goal

EXAMPLES = Path(__file__).parents[1] / "examples"


def proved_bank_project(goals: Sequence[BankGoal]) -> Project:
    """One module for each goal, with its known proof.

    Raises:
        ValueError: a goal of the held-out split is among them.
    """
    if held_out := [goal.id for goal in goals if goal.split is Split.HELD_OUT]:
        raise ValueError(f"{held_out[0]} is held out and must not be learnt from")
    modules = [SourceModule(goal.name, f"{goal.name}.lean", source(goal, goal.proof), goal.imports) for goal in goals]
    return Project("bank", "/nowhere", modules=tuple(modules))


def examples_project(folder: Path = EXAMPLES) -> Project:
    """The examples, with the known proofs in place of their open places as far as there are any."""
    project = load_project(folder)
    places: dict[str, list[tuple[SourceSpan, str, SorryKind]]] = {}
    for entry in json.loads((folder / "expected.json").read_text(encoding="utf-8"))["sorries"]:
        if entry.get("proof"):
            start, end = (Position(*entry["span"][side]) for side in ("start", "end"))
            places.setdefault(entry["file"], []).append(
                (SourceSpan(start, end), entry["proof"], SorryKind(entry["kind"]))
            )
    texts = {}
    for path, found in places.items():
        try:
            texts[path] = splice_all(project.by_path[path].text, found)
        except PatchError as error:
            raise PatchError(f"expected.json does not fit: {error.what}", where=path) from error
    return project.with_texts(texts)


def held_out_goals() -> frozenset[str]:
    """Hashes of the goals that must not be learnt from, whoever states them."""
    return frozenset(goal_hash(row.text) for row in read_matrix() if row.split is Split.HELD_OUT)


async def pairs_of(project: Project, *, finishers: bool) -> list[Pair]:
    """Everything that replaying a project's proofs gives, without repetition, but for the bank's held-out goals."""
    unseen = held_out_goals()
    settings = load_settings()
    paths = settings.paths
    servers = provision(settings, paths, choose_lean(settings, paths, project))
    prepared = cut(project)
    pairs: dict[Pair, None] = {}
    async with servers.pool(prepared.project) as pool:
        async for goal, found in record(prepared, pool, finishers=finishers):
            pairs.update(dict.fromkeys(pair for pair in found if goal_hash(first_goal(pair.state)) not in unseen))
            sys.stderr.write(f"{goal.declaration}: {len(found)} pairs\n")
    return list(pairs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m bench.record`."""
    parser = argparse.ArgumentParser(prog="python -m bench.record", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="file to write, one pair a line")
    parser.add_argument("--repo", type=Path, help="record from this Lean project instead of bank and examples")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="record N synthetic theories instead")
    parser.add_argument("--seed", type=int, default=0, help="of the synthetic theories")
    parser.add_argument("--no-finishers", action="store_true", help="the proofs' own steps only")
    options = parser.parse_args(arguments)
    tune = [goal for goal in load_bank() if goal.split is Split.TUNE]
    projects: list[Project] = [proved_bank_project(tune), examples_project()]
    if options.repo or options.synthetic:
        projects = [load_project(options.repo) if options.repo else synthetic_project(options.synthetic, options.seed)]
    pairs: list[Pair] = []
    for project in projects:
        pairs += asyncio.run(pairs_of(project, finishers=not options.no_finishers))
        write_pairs(options.out, pairs)
    steps = sum(pair.origin is Origin.PROOF for pair in pairs)
    theorems = len({pair.declaration for pair in pairs})
    sys.stdout.write(f"{len(pairs)} pairs of {theorems} theorems ({steps} steps of proofs): {options.out}\n")
    return 0


if __name__ == "__main__":
    run_command(main)
