"""Train a small byte-level tactic generator: `python -m orchestrator.models.train PAIRS --out FOLDER`.

PAIRS are files of one JSON object a line, `{"state": …, "tactic": …}`, as `python -m bench.record` writes them from
real Lean. The model is a T5 over bytes (the tokenizer of ByT5), small enough to be trained in minutes on one core and
to be shipped: it is read and run by the same code as ReProver's own generator.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigError, ModelError
from orchestrator.models.extras import missing
from orchestrator.models.reprover import Input, first_goal, serialise

Example = tuple[str, str]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """The shape of the model and how it is trained.

    Attributes:
        width, feed_forward, layers, heads: of encoder and decoder alike.
        max_input_bytes, max_tactic_bytes: longer states are cut, longer tactics left out.
        first_goal: 1 to show the model the first goal of a state alone, which the next tactic works on; 0 for all
            of them, as ReProver's own models are trained.
        steps: how long to train; about 0.1 s each on one core of its own.
        batch: examples a step.
        learning_rate: its peak; it rises over the first twentieth and falls to 0 along a cosine.
        seed: of everything random.
        threads: of torch.
    """

    width: int = 96
    feed_forward: int = 192
    layers: int = 2
    heads: int = 4
    max_input_bytes: int = 256
    max_tactic_bytes: int = 64
    first_goal: int = 1
    steps: int = 3000
    batch: int = 16
    learning_rate: float = 3e-3
    seed: int = 0
    threads: int = 1


def read_pairs(paths: Iterable[Path]) -> list[Example]:
    """(state, tactic) of every line, without repetition.

    Raises:
        ConfigError: a file cannot be read, or a line is no pair; file and line are named.
    """
    found: dict[Example, None] = {}
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            hint = "Make one with: python -m bench.record --out FILE"
            raise ConfigError("the pairs cannot be read", where=str(path), hint=hint) from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                found[_pair(line, f"{path}:{number}")] = None
    return list(found)


def _pair(line: str, where: str) -> Example:
    try:
        value = json.loads(line)
        state, tactic = value["state"], value["tactic"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigError("no pair of a state and a tactic", where=where) from error
    if not (isinstance(state, str) and isinstance(tactic, str) and tactic.strip()):
        raise ConfigError("state and tactic must be texts, and the tactic not empty", where=where)
    return state, tactic.strip()


def train(
    pairs: Sequence[Example], settings: TrainSettings, out: Path, *, report: Report = lambda _line: None
) -> float:
    """Train a model on `pairs` and save it to `out`; returns the mean loss (nats a byte) of the last tenth of training.

    Raises:
        ConfigError: no pair fits the settings.
        ModelError: the libraries are not installed.
    """
    if reason := missing("models", ("torch", "transformers")):
        raise ModelError(f"Training is not possible: {reason}")
    import torch
    import transformers

    usable = _inputs(pairs, settings)
    if not usable:
        raise ConfigError("no pair is left to train on", hint="Give more pairs, or raise --max-tactic-bytes.")
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    chance = random.Random(settings.seed)
    tokenizer = transformers.ByT5Tokenizer()
    model = _new_model(settings)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    report(f"{len(usable)} pairs, {parameters / 1e6:.2f} million parameters, {settings.steps} steps")
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    start = time.monotonic()
    model.train()
    losses: list[float] = []
    for step in range(settings.steps):
        share = step / settings.steps
        rise = min(1.0, share / 0.05 + 0.02)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * share))
        # Neighbours in length: padding is work, too.
        first = chance.randrange(max(1, len(usable) - settings.batch + 1))
        batch = usable[first : first + settings.batch]
        inputs = tokenizer([text for text, _ in batch], padding="longest", return_tensors="pt")
        labels = tokenizer([tactic for _, tactic in batch], padding="longest", return_tensors="pt").input_ids
        loss = model(**inputs, labels=labels.masked_fill(labels == tokenizer.pad_token_id, -100)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % max(1, settings.steps // 20) == 0:
            report(f"step {step:5}  loss {losses[-1]:.3f}  {time.monotonic() - start:.0f} s")
            _save(model, out)
    _save(model, out)
    last = losses[-max(1, settings.steps // 10) :]
    return sum(last) / len(last)


def _save(model: Any, out: Path) -> None:
    """Write the model in half precision; while training goes on, too, so that stopping it costs only the rest."""
    copy.deepcopy(model).eval().half().save_pretrained(out)


def _inputs(pairs: Sequence[Example], settings: TrainSettings) -> list[Example]:
    """(text that the model reads, tactic) of the pairs that fit, the shortest texts first."""
    found = {
        (serialise(Input(first_goal(state) if settings.first_goal else state), settings.max_input_bytes), tactic): None
        for state, tactic in pairs
        if len(tactic.encode()) <= settings.max_tactic_bytes
    }
    return sorted(found, key=lambda pair: len(pair[0].encode()))


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
        "reads_premises": False,
    }
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**shape))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m orchestrator.models.train`."""
    defaults = TrainSettings()
    parser = argparse.ArgumentParser(
        prog="python -m orchestrator.models.train", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("pairs", type=Path, nargs="+", help="files of pairs, one JSON object a line")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    for name in TrainSettings.__slots__:
        value = getattr(defaults, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default {value}")
    options = vars(parser.parse_args(arguments))
    paths, out = options.pop("pairs"), options.pop("out")
    try:
        loss = train(read_pairs(paths), TrainSettings(**options), out, report=lambda line: print(line, flush=True))
    except (ConfigError, ModelError) as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"loss {loss:.3f} nats a byte at the end; {size / 1e6:.1f} MB in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
