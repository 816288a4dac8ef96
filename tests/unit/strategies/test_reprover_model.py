"""The generator that comes with the package, and an encoder, through transformers; nothing is downloaded."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ModelError
from orchestrator.machine import how_to_install, missing
from orchestrator.premises.encoder import Encoder, unavailable
from orchestrator.strategies.reprover.model import SHIPPED, Generator, Input, serialise
from tests.doubles.scripted_models import ScriptedModel

STATE = "n : Nat\n⊢ n + 0 = n"

texts = st.text(max_size=60)


@given(texts, st.lists(texts, max_size=5), st.integers(1, 200))
def test_what_the_model_reads_keeps_to_its_budget(state: str, premises: list[str], budget: int) -> None:
    text = serialise(Input(state, tuple(premises)), budget)
    assert len(text.encode()) <= budget
    assert text.endswith(state) or len(state.encode()) > budget


def test_the_best_premise_stands_next_to_the_state() -> None:
    assert serialise(Input("S", ("best", "second"))) == "second\n\nbest\n\nS"
    assert serialise(Input("S", ("best", "second")), 9) == "best\n\nS"


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(folder=SHIPPED, device="cpu")


@pytest.mark.slow
def test_the_shipped_model_is_small_and_suggests_tactics(generator: Generator) -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 8e6
    found = generator.suggest_for(STATE, (), 8)
    assert 1 <= len(found) <= 8
    assert len({suggestion.tactic for suggestion in found}) == len(found)
    assert [s.log_probability for s in found] == sorted((s.log_probability for s in found), reverse=True)
    assert sum(math.exp(s.log_probability) for s in found) <= 1.0 + 1e-3


@pytest.mark.slow
def test_a_batch_is_answered_like_its_members(generator: Generator) -> None:
    states = [STATE, "p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q", "xs : List Nat\n⊢ (xs ++ []).length = xs.length"]
    together = generator.suggest([Input(state) for state in states], 4)
    for state, found in zip(states, together, strict=True):
        alone = generator.suggest_for(state, (), 4)
        assert found[0].tactic == alone[0].tactic
        assert found[0].log_probability == pytest.approx(alone[0].log_probability, abs=1e-3)


@pytest.mark.slow
def test_a_model_may_be_asked_from_several_threads(generator: Generator) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: generator.suggest_for(STATE, (), 4), range(6)))
    assert all(one == found[0] for one in found)


@pytest.mark.slow
def test_a_model_is_shown_what_its_configuration_says(generator: Generator, tmp_path: Path) -> None:
    premises = ["<a>Nat.add_zero</a> : ∀ (n : Nat), n + 0 = n"]
    several = f"case inl\n{STATE}\n\np : Prop\n⊢ p"
    assert generator.suggest_for(several, premises, 4) == generator.suggest_for(STATE, (), 4)
    for file in SHIPPED.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "first_goal": False, "reads_premises": True}))
    as_published = Generator(folder=tmp_path, device="cpu")
    assert as_published.suggest_for(STATE, premises, 4) != as_published.suggest_for(STATE, (), 4)


def test_a_folder_without_a_model_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json") as caught:
        Generator(folder=tmp_path).suggest_for(STATE, (), 2)
    assert str(tmp_path) in str(caught.value)
    assert unavailable(tmp_path) != ""
    assert unavailable(SHIPPED) == ""


def test_a_damaged_model_is_an_error(tmp_path: Path) -> None:
    for file in SHIPPED.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[:100] if file.suffix == ".safetensors" else content)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Generator(folder=tmp_path).suggest_for(STATE, (), 2)


def test_what_is_missing_is_said_in_one_line() -> None:
    words = missing("models", ("no_such_library",))
    assert words == f"no_such_library not installed: {how_to_install('models')}"
    assert missing("models") == ""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    import torch
    import transformers

    torch.manual_seed(0)
    shape = {"vocab_size": 384, "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    folder = tmp_path_factory.mktemp("encoder")
    transformers.T5EncoderModel(transformers.T5Config(**shape)).save_pretrained(folder)
    return Encoder(folder=folder, device="cpu", batch=2)


@pytest.mark.slow
def test_embeddings_have_unit_length_and_do_not_depend_on_their_neighbours(encoder: Encoder) -> None:
    import numpy

    texts = ["a", "a longer text, of ∀ and α", "b", "a"]
    rows = encoder.encode(texts)
    assert rows.shape == (4, 32)
    assert numpy.allclose(numpy.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    for text, row in zip(texts, rows, strict=True):
        assert numpy.allclose(encoder.encode([text])[0], row, atol=1e-4)
    assert encoder.encode([]).shape == (0, 32)


def test_an_encoder_says_where_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json"):
        Encoder(folder=tmp_path).encode(["a"])


def test_the_scripted_model() -> None:
    model = ScriptedModel({"⊢ a": ["x", "y"]})
    assert [s.tactic for s in model.suggest_for("⊢ a", (), 1)] == ["x"]
    assert model.suggest_for("⊢ b", (), 1) == []
