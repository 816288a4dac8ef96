"""Training: pairs and their files, new names for the same step, and a model that comes out of it."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.pairs import Example, read_pairs, set_apart
from bench.renaming import NAMES, renamed
from bench.train import TrainSettings, loss_of, main, train
from orchestrator.errors import ConfigError
from orchestrator.goals.normal_form import normalize
from orchestrator.strategies.reprover.model import SHIPPED, Generator, lettered, spelled

STATE = "n : Nat\n⊢ n + 0 = n"
SMALL = TrainSettings(width=16, feed_forward=32, layers=1, heads=2, steps=4, batch=4, validation=0.3)
PAIRS = [Example(f"n : Nat\n⊢ n + {number} = {number} + n", "omega", f"t{number}") for number in range(20)]


@pytest.mark.slow
def test_training_makes_a_model_that_can_be_used(tmp_path: Path) -> None:
    lines: list[str] = []
    made = train(PAIRS, SMALL, tmp_path, report=lines.append)
    assert made.steps == 4
    assert 0 < made.loss < 10
    assert 0 < made.validation < 10
    seen, unseen = set_apart(PAIRS, SMALL.validation)
    assert f"{len(seen)} pairs ({len(unseen)} set apart)" in lines[0]
    assert Generator(folder=tmp_path, device="cpu", max_tokens=12).suggest_for(STATE, (), 2) is not None


@pytest.mark.slow
def test_what_can_be_learnt_is_learnt(tmp_path: Path) -> None:
    shape = {"width": 32, "feed_forward": 64, "layers": 1, "heads": 2}
    made = train(PAIRS, TrainSettings(**shape, steps=80, batch=8, learning_rate=1e-2, validation=0.0), tmp_path)
    assert made.loss < 0.5
    assert math.isnan(made.validation)
    assert Generator(folder=tmp_path, device="cpu").suggest_for(STATE, (), 2)[0].tactic == "omega"


@pytest.mark.slow
def test_training_goes_on_from_a_model(tmp_path: Path) -> None:
    quick = TrainSettings(batch=4, steps=2, learning_rate=1e-4, validation=0.3)
    made = train(PAIRS, quick, tmp_path, start=SHIPPED)
    assert made.validation < loss_of(SHIPPED, set_apart(PAIRS, 0.3)[1], quick) + 0.5
    before, after = (json.loads((folder / "config.json").read_text()) for folder in (SHIPPED, tmp_path))
    assert after["d_model"] == before["d_model"]


@pytest.mark.slow
def test_a_model_is_read_as_it_was_trained(tmp_path: Path) -> None:
    plain, lettered = (
        TrainSettings(width=16, feed_forward=32, layers=1, heads=2, batch=4, steps=2, validation=0.0, letters=letters)
        for letters in (0, 1)
    )
    train(PAIRS, plain, tmp_path / "plain")
    assert loss_of(tmp_path / "plain", PAIRS, plain) == loss_of(tmp_path / "plain", PAIRS, lettered)
    train(PAIRS, lettered, tmp_path / "on", start=tmp_path / "plain")
    assert json.loads((tmp_path / "on/config.json").read_text())["letters"] is False


@pytest.mark.slow
def test_training_may_be_given_minutes_instead_of_steps(tmp_path: Path) -> None:
    quick = TrainSettings(width=16, feed_forward=32, layers=1, heads=2, batch=4, minutes=1e-6)
    assert train(PAIRS, quick, tmp_path).steps <= 1
    assert (tmp_path / "model.safetensors").is_file()


@pytest.mark.slow
def test_the_tool_trains_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = tmp_path / "pairs.jsonl.gz"
    lines = (json.dumps({"state": pair.state, "tactic": pair.tactic}) + "\n" for pair in PAIRS)
    pairs.write_bytes(gzip.compress("".join(lines).encode()))
    options = ["--width", "16", "--layers", "1", "--heads", "2", "--steps", "3", "--batch", "4"]
    assert main([str(pairs), "--out", str(tmp_path / "model"), *options]) == 0
    assert "nats a byte" in capsys.readouterr().out
    assert (tmp_path / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"state": 1, "tactic": "x"}', '{"state": "s", "tactic": " "}'])
def test_a_line_that_is_no_pair_is_named(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(f'{{"state": "s", "tactic": "t"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pairs\.jsonl:2"):
        read_pairs([file])
    assert main([str(file), "--out", str(tmp_path / "model")]) == 2
    assert "pairs.jsonl:2" in capsys.readouterr().err


def test_a_file_that_cannot_be_unpacked_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl.gz"
    file.write_bytes(gzip.compress(b"{}")[:9])
    with pytest.raises(ConfigError, match=r"pairs\.jsonl\.gz"):
        read_pairs([file, tmp_path / "none"])


def test_nothing_to_train_on() -> None:
    with pytest.raises(ConfigError, match="no pair is left"):
        train([Example("s", "x" * 500)], SMALL, Path("nowhere"))


@given(st.lists(st.text(max_size=4), max_size=30), st.floats(0, 1))
def test_a_theorem_is_on_one_side_and_stays_there(theorems: list[str], share: float) -> None:
    examples = [Example("s", f"t{number}", theorem) for number, theorem in enumerate(theorems)]
    seen, unseen = set_apart(examples, share)
    assert sorted(seen + unseen, key=lambda e: e.tactic) == sorted(examples, key=lambda e: e.tactic)
    assert not {e.theorem for e in seen} & {e.theorem for e in unseen}
    alone = [set_apart([example], share)[1] for example in examples]
    assert sum(map(len, alone)) == len(unseen)


GOAL = "α : Type\nxs ys : List α\nh : xs ≠ ys\nf : α → Nat\nn✝ : Nat\nih : ∀ (x : α), f x = n✝\n⊢ xs ++ ys ≠ ys.map id"


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.floats(0, 1))
def test_new_names_make_no_other_goal(dice: Random, share: float) -> None:
    state, tactic = renamed(GOAL, "simp [h, ih, List.map] at xs.h", dice, share=share)
    assert normalize(state) == normalize(GOAL)
    assert "n✝" in state
    assert "List.map" in tactic
    assert tactic.endswith(".h")


def test_letters_stand_for_hypotheses_and_lead_back_to_them() -> None:
    state, letters = lettered(GOAL)
    assert normalize(state) == normalize(GOAL)
    assert letters == {"ih": "A", "f": "B", "h": "C", "ys": "D", "xs": "E", "α": "F"}
    tactic = "exact ih.2 (h xs) List.f f.map"
    assert spelled(tactic, letters) == "exact A.2 (C E) List.f B.map"
    assert spelled(spelled(tactic, letters), {letter: name for name, letter in letters.items()}) == tactic


def test_letters_that_a_goal_uses_itself_are_left_out() -> None:
    state, letters = lettered("B : Nat\nh : ∀ A, A = B\n⊢ B = 0")
    assert letters == {"h": "B", "B": "C"}
    assert state == "C : Nat\nB : ∀ A, A = C\n⊢ C = 0"


@pytest.mark.slow
def test_a_model_that_reads_letters_answers_in_names(tmp_path: Path) -> None:
    pairs = [Example(f"{name} : p\n⊢ p", f"exact {name}") for name in ("h", "foo", "x'", "hq")]
    shape = {"width": 32, "feed_forward": 64, "layers": 1, "heads": 2}
    train(pairs, TrainSettings(**shape, steps=80, batch=4, learning_rate=1e-2, validation=0.0), tmp_path)
    assert Generator(folder=tmp_path, device="cpu").suggest_for("new : p\n⊢ p", (), 2)[0].tactic == "exact new"


def test_state_and_tactic_are_renamed_alike() -> None:
    state, tactic = renamed("h : p ∧ q\n⊢ p", "exact h.1", Random(1), share=1.0)
    name = state.partition(" ")[0]
    assert name in NAMES["hypothesis"]
    assert name != "h"
    assert tactic == f"exact {name}.1"
    assert renamed("n : Nat\n⊢ n = n", "exact foo (n := n)", Random(1), share=1.0)[0].startswith("n : Nat")
