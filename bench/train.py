"""Train a small byte-level tactic generator: `python -m bench.train PAIRS --out FOLDER`.

PAIRS are files of one JSON object a line, `{"state": …, "tactic": …}`, as `python -m bench.record` writes them from
real Lean. The model is a T5 over bytes (the tokenizer of ByT5), small enough to be trained in minutes on one core and
to be shipped: it is read and run by the same code as ReProver's own generator. What hypotheses are called is kept from
it (`--letters 1`), or is changed each time (`--letters 0`). Some theorems are set apart, and the loss on them reported.
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.command import run_command
from bench.pairs import Example, read_pairs, set_apart
from bench.renaming import renamed
from orchestrator.errors import ConfigError, ModelError
from orchestrator.machine import missing
from orchestrator.premises.encoder import load
from orchestrator.strategies.reprover.model import Input, first_goal, lettered, serialise, spelled

Report = Callable[[str], None]
Text = tuple[str, str]
"""What the model reads, and what it should say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """The shape of the model and how it is trained.

    Attributes:
        width, feed_forward, layers, heads: of encoder and decoder alike.
        max_input_bytes, max_tactic_bytes: longer states are cut, longer tactics left out.
        first_goal: 1 to show the model the first goal of a state alone, which the next tactic works on; 0 for all
            of them, as ReProver's own models are trained.
        steps: how long to train; about 0.4 s each on one core of its own.
        minutes: train for so long instead, however many steps that is; 0 for `steps`.
        batch: examples a step.
        learning_rate: its peak; it rises over the first twentieth and falls to 0 along a cosine.
        letters: 1 to show the model letters in place of the names of hypotheses.
        rename: without letters, the share of hypotheses that get another name each time.
        validation: share of theorems that are set apart.
        seed: of everything random.
        threads: of torch.
    """

    width: int = 128
    feed_forward: int = 256
    layers: int = 2
    heads: int = 4
    max_input_bytes: int = 256
    max_tactic_bytes: int = 64
    first_goal: int = 1
    steps: int = 3000
    minutes: float = 0.0
    batch: int = 32
    learning_rate: float = 3e-3
    letters: int = 1
    rename: float = 0.5
    validation: float = 0.1
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Trained:
    """What training came to.

    Attributes:
        steps: how many were made.
        loss: nats a byte, the mean over the last tenth of training.
        validation: nats a byte on what was set apart; nan when nothing was.
    """

    steps: int
    loss: float
    validation: float


def train(
    examples: Sequence[Example],
    settings: TrainSettings,
    out: Path,
    *,
    start: Path | None = None,
    report: Report = lambda _line: None,
) -> Trained:
    """Train a model on `examples` and save it to `out`, in half precision.

    Args:
        start: folder of a byte-level model to go on from, whose shape and way of reading stay; None for a new one.
        report: takes a line now and then.

    Raises:
        ConfigError: no example fits the settings.
        ModelError: the libraries are not installed, or the model to start from cannot be loaded.
    """
    if reason := missing("models", ("torch", "transformers")):
        raise ModelError(f"Training is not possible: {reason}")
    import torch
    import transformers

    fitting = [example for example in examples if len(example.tactic.encode()) <= settings.max_tactic_bytes]
    seen, unseen = set_apart(fitting, settings.validation)
    if not seen:
        raise ConfigError("no pair is left to train on", hint="Give more pairs, or raise --max-tactic-bytes.")
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    dice = random.Random(settings.seed)
    tokenizer = transformers.ByT5Tokenizer()
    model = load(start, "AutoModelForSeq2SeqLM", "cpu", settings.threads)[0] if start else _new_model(settings)
    settings = _as_trained(settings, model.config)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    report(f"{len(seen)} pairs ({len(unseen)} set apart), {parameters / 1e6:.2f} million parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    began = time.monotonic()
    tenths = 0
    losses: list[float] = []
    for batch in _batches(seen, settings, dice):
        share = _share(len(losses), time.monotonic() - began, settings)
        if share >= 1.0:
            break
        rise = min(1.0, share / 0.05 + 0.02)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * share))
        model.train()
        loss = _loss(model, tokenizer, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if share * 10 >= tenths:
            tenths += 1
            aside = validation_loss(model, tokenizer, unseen, settings)
            report(
                f"step {len(losses):5}  loss {_recent(losses):.3f}  set apart {aside:.3f}  "
                f"{time.monotonic() - began:.0f} s"
            )
            _save(model, out)
    _save(model, out)
    return Trained(len(losses), _recent(losses), validation_loss(model, tokenizer, unseen, settings))


def validation_loss(
    model: Any, tokenizer: Any, examples: Sequence[Example], settings: TrainSettings, *, most: int = 512
) -> float:
    """Nats a byte of a model on examples as they are, at most `most` of them; nan when there are none."""
    import torch

    texts = sorted((_text(example, settings) for example in examples[:most]), key=lambda text: len(text[0]))
    total, count = 0.0, 0
    model.eval()
    with torch.inference_mode():
        for first in range(0, len(texts), settings.batch):
            batch = texts[first : first + settings.batch]
            written = sum(len(tactic.encode()) + 1 for _, tactic in batch)
            total += _loss(model, tokenizer, batch).item() * written
            count += written
    return total / count if count else math.nan


def loss_of(folder: Path, examples: Sequence[Example], settings: TrainSettings) -> float:
    """`validation_loss` of the model in a folder, which may have been trained with other settings.

    Raises:
        ModelError: the model cannot be loaded.
    """
    model, tokenizer = load(folder, "AutoModelForSeq2SeqLM", "cpu", settings.threads)
    return validation_loss(model, tokenizer, examples, _as_trained(settings, model.config), most=len(examples))


def _as_trained(settings: TrainSettings, config: Any) -> TrainSettings:
    """The settings with what a model's configuration says of how it reads a state; `Generator` goes by that, too."""
    return replace(
        settings,
        letters=int(getattr(config, "letters", False)),
        first_goal=int(getattr(config, "first_goal", False)),
        max_input_bytes=int(getattr(config, "max_input_bytes", settings.max_input_bytes)),
    )


def _share(steps: int, seconds: float, settings: TrainSettings) -> float:
    """How much of the training is done, 0 to 1."""
    return seconds / (60 * settings.minutes) if settings.minutes else steps / settings.steps


def _recent(losses: Sequence[float]) -> float:
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last) if last else math.nan


def _batches(examples: Sequence[Example], settings: TrainSettings, dice: random.Random) -> Iterator[list[Text]]:
    """Batches without end, under new names and in a new order each time round."""
    while True:
        texts = [_text(example, settings, dice) for example in examples]
        # Neighbours in length, as padding is work, too; not always the same ones.
        texts.sort(key=lambda text: len(text[0]) * dice.uniform(0.85, 1.15))
        batches = [texts[first : first + settings.batch] for first in range(0, len(texts), settings.batch)]
        dice.shuffle(batches)
        yield from batches


def _text(example: Example, settings: TrainSettings, dice: random.Random | None = None) -> Text:
    state = first_goal(example.state) if settings.first_goal else example.state
    tactic = example.tactic
    if settings.letters:
        state, letters = lettered(state)
        tactic = spelled(tactic, letters)
    elif dice is not None and settings.rename:
        state, tactic = renamed(state, tactic, dice, share=settings.rename)
    return serialise(Input(state), settings.max_input_bytes), tactic


def _loss(model: Any, tokenizer: Any, batch: Sequence[Text]) -> Any:
    inputs = tokenizer([text for text, _ in batch], padding="longest", return_tensors="pt")
    labels = tokenizer([tactic for _, tactic in batch], padding="longest", return_tensors="pt").input_ids
    return model(**inputs, labels=labels.masked_fill(labels == tokenizer.pad_token_id, -100)).loss


def _save(model: Any, out: Path) -> None:
    """Write the model in half precision; while training goes on, too, so that stopping it costs only the rest."""
    copy.deepcopy(model).eval().half().save_pretrained(out)


def _new_model(settings: TrainSettings) -> Any:
    import transformers

    shape: dict[str, Any] = {
        "vocab_size": 384,
        "d_model": settings.width,
        "d_kv": settings.width // settings.heads,
        "d_ff": settings.feed_forward,
        "num_layers": settings.layers,
        "num_decoder_layers": settings.layers,
        "num_heads": settings.heads,
        "dropout_rate": 0.05,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": True,
        "decoder_start_token_id": 0,
        "max_input_bytes": settings.max_input_bytes,
        "first_goal": bool(settings.first_goal),
        "letters": bool(settings.letters),
        "reads_premises": False,
    }
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**shape))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m bench.train`."""
    defaults = TrainSettings()
    parser = argparse.ArgumentParser(prog="python -m bench.train", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pairs", type=Path, nargs="+", help="files of pairs, one JSON object a line")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--start", type=Path, help="folder of a model to go on from, such as the shipped one")
    for name in TrainSettings.__slots__:
        value = getattr(defaults, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default {value}")
    options = vars(parser.parse_args(arguments))
    paths, out, start = options.pop("pairs"), options.pop("out"), options.pop("start")
    settings = TrainSettings(**options)
    try:
        made = train(read_pairs(paths), settings, out, start=start, report=lambda line: print(line, flush=True))
    except (ConfigError, ModelError) as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    size = sum(path.stat().st_size for path in out.iterdir())
    print(
        f"loss {made.loss:.3f} nats a byte, {made.validation:.3f} on what was set apart; {size / 1e6:.1f} MB in {out}"
    )
    return 0


if __name__ == "__main__":
    run_command(main)
