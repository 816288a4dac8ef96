"""Synthetic theories, and the pairs that training learns from: nothing of them is a goal that was held out."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from random import Random

import pytest

import bench
from bench.bank import Split, load_bank
from bench.pairs import Example, read_pairs
from bench.proof_steps import steps
from bench.record import held_out_goals, proved_bank_project
from bench.recorder import cut
from bench.synthetic import FAMILIES, synthetic_project
from bench.synthetic.logic import text_of
from orchestrator.goals.normal_form import goal_hash
from orchestrator.strategies.reprover.model import first_goal

HERE = Path(bench.__file__).parent
FILES = (HERE / "pairs.jsonl", HERE / "synthetic.jsonl.gz")


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return read_pairs(FILES)


def test_the_same_seed_gives_the_same_theories() -> None:
    assert synthetic_project(22, 5) == synthetic_project(22, 5)
    assert synthetic_project(22, 5) != synthetic_project(22, 6)


@pytest.mark.parametrize("family", FAMILIES)
def test_theorems_come_with_whole_proofs(family: object) -> None:
    text = family(Random(3)).text("t")  # type: ignore[operator]
    names = re.findall(r"^theorem (\S+)", text, re.MULTILINE)
    assert len(names) >= 3
    assert len(set(names)) == len(names)
    assert not re.search(r"\b(sorry|axiom|native_decide)\b", text)


def test_every_proof_can_be_cut_out_and_taken_apart() -> None:
    prepared = cut(synthetic_project(len(FAMILIES), 7))
    for module in prepared.project.modules:
        proofs = prepared.proofs[module.name]
        assert len(proofs) == module.text.count("\ntheorem ") + module.text.startswith("theorem ")
        assert all(steps(proof.script) for proof in proofs)


def test_formulas_are_bracketed() -> None:
    p, q = ("atom", "p"), ("atom", "q")
    assert text_of(("imp", (("and", (p, q)), ("not", (("or", (q, p)),))))) == "(p ∧ q) → ¬(q ∨ p)"


def test_no_pair_comes_from_a_held_out_goal(examples: list[Example]) -> None:
    held_out = {goal.name for goal in load_bank() if goal.split is Split.HELD_OUT}
    assert held_out
    assert not held_out & {example.theorem for example in examples}
    # The goals that theorems begin with; what comes later is a consequence of theirs.
    firsts = {example.theorem: first_goal(example.state) for example in reversed(examples)}
    hashes = held_out_goals()
    assert len(hashes) > 50
    assert [theorem for theorem, goal in firsts.items() if goal_hash(goal) in hashes] == []


def test_held_out_goals_are_refused() -> None:
    held_out = next(goal for goal in load_bank() if goal.split is Split.HELD_OUT)
    with pytest.raises(ValueError, match=held_out.id):
        proved_bank_project([held_out])


def test_the_file_of_synthetic_pairs_is_what_the_theories_give() -> None:
    lines = gzip.decompress(FILES[1].read_bytes()).decode().splitlines()
    recorded = {json.loads(line)["declaration"] for line in lines}
    made = {
        name
        for seed in (1, 2, 3)
        for module in synthetic_project(132, seed).modules
        for name in re.findall(r"^theorem (\S+)", module.text, re.MULTILINE)
    }
    assert recorded <= made
    assert len(recorded) > 0.99 * len(made)
