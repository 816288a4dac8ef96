"""ReProver's tactic generator through transformers, which is imported on first use: it may be missing.

The recipe is that of LeanDojo and ReProver (Yang et al., NeurIPS 2023): byte-level T5, the premises in front of the
state with the best one next to it, beam search whose score is the summed log-probability. Any local folder in
transformers' format works; the generator that comes with this package is one, and reads letters for names.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.goals.hypotheses import hypotheses_of
from orchestrator.premises.encoder import MAX_INPUT_BYTES, load, model_errors
from orchestrator.strategies.reprover.generators import Suggestion

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Matrix = NDArray[numpy.float32]


SHIPPED = Path(__file__).with_name("tiny-tacgen")
"""The generator that comes with this package."""
_MARKS = re.compile(r"</?a>")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Input:
    """A state and what a model may be told of it.

    Attributes:
        state: the open goals as Lean prints them, separated by blank lines.
        premises: retrieved premises in ReProver's form (`<a>Full.name</a> : statement`), the best first.
    """

    state: str
    premises: tuple[str, ...] = ()


def serialise(given: Input, max_bytes: int = MAX_INPUT_BYTES) -> str:
    """The text that the generator reads: premises, the best of them last, then the state, within a budget of bytes.

    Premises are left out from the worst on until the rest fits; a state that is too long by itself is cut at the end.
    """
    state = given.state.encode()[:max_bytes].decode(errors="ignore")
    left = max_bytes - len(state.encode())
    taken: list[str] = []
    for premise in given.premises:
        size = len(premise.encode()) + 2
        if size > left:
            break
        taken.append(premise)
        left -= size
    return "".join(f"{premise}\n\n" for premise in reversed(taken)) + state


def first_goal(state: str) -> str:
    """The goal that the next tactic works on, without Lean's `case` line."""
    goal = state.partition("\n\n")[0]
    first, _, rest = goal.partition("\n")
    return rest if first.startswith("case ") and rest else goal


def whole(name: str) -> re.Pattern[str]:
    """A name, as a regular expression, that stands alone: no part of a longer one, and no field."""
    return re.compile(rf"(?<![\w.'✝]){name}(?![\w'!?✝])")


def lettered(state: str) -> tuple[str, dict[str, str]]:
    """A goal with a letter for each hypothesis, A for the last one, and the letters by the names they stand for.

    A small model copies one letter long before it copies a word. Letters that the goal uses otherwise are left out, and
    so are inaccessible names (✝), which no tactic can speak of.
    """
    names = list(dict.fromkeys(one.name for one in reversed(hypotheses_of(state)) if one.is_accessible))
    taken = {letter for letter in LETTERS if letter not in names and whole(letter).search(state)}
    letters = dict(zip(names, (letter for letter in LETTERS if letter not in taken), strict=False))
    return spelled(state, letters), letters


def spelled(text: str, names: Mapping[str, str]) -> str:
    """A text with other names, all at once."""
    if not names:
        return text
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return whole(f"(?:{either})").sub(lambda match: names[match.group()], text)


@dataclass(kw_only=True)
class Generator:
    """A tactic generator in a local folder, loaded once, by the first call.

    Args:
        folder: what transformers' `save_pretrained` wrote: config.json and model.safetensors.
        device: "cpu", "cuda", …; "" for a GPU where there is one.
        threads: of torch, for this process; 0 leaves them alone. One is fastest for a small model.
    """

    folder: Path
    device: str = ""
    max_tokens: int = 256
    batch: int = 8
    threads: int = 1
    _loaded: tuple[Any, Any] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def suggest(self, inputs: Sequence[Input], count: int) -> list[list[Suggestion]]:
        """At most `count` tactics for each input, the likeliest first, none twice. Blocks; safe to call from a thread.

        Raises ModelError: the model cannot be loaded or run.
        """
        with self._lock:
            self._loaded = self._loaded or load(self.folder, "AutoModelForSeq2SeqLM", self.device, self.threads)
            model, tokenizer = self._loaded
            with model_errors("The tactic generator failed", self.folder):
                found: list[list[Suggestion]] = []
                for start in range(0, len(inputs), self.batch):
                    read = [self._read(model.config, given) for given in inputs[start : start + self.batch]]
                    beams = self._beams(model, tokenizer, [text for text, _ in read], count)
                    found += [_distinct(pairs, names) for pairs, (_, names) in zip(beams, read, strict=True)]
                return found

    def suggest_for(self, state: str, premises: Sequence[str], count: int) -> list[Suggestion]:
        """`suggest` for one state."""
        return self.suggest([Input(state, tuple(premises))], count)[0]

    def _read(self, config: Any, given: Input) -> tuple[str, dict[str, str]]:
        """What the model reads, and the names behind the letters in it."""
        # Our own models say in their configuration what they were trained on.
        state = first_goal(given.state) if getattr(config, "first_goal", False) else given.state
        state, letters = lettered(state) if getattr(config, "letters", False) else (state, {})
        premises = given.premises if getattr(config, "reads_premises", True) else ()
        text = serialise(Input(state, premises), int(getattr(config, "max_input_bytes", MAX_INPUT_BYTES)))
        return text, {letter: name for name, letter in letters.items()}

    def _beams(self, model: Any, tokenizer: Any, texts: Sequence[str], count: int) -> list[list[tuple[str, float]]]:
        import torch

        encoded = tokenizer(list(texts), padding="longest", return_tensors="pt").to(model.device)
        with torch.inference_mode():
            output = model.generate(
                input_ids=encoded.input_ids,
                attention_mask=encoded.attention_mask,
                max_length=self.max_tokens,
                num_beams=count,
                num_return_sequences=count,
                # With no penalty for length the score of a beam is its summed log-probability.
                length_penalty=0.0,
                do_sample=False,
                early_stopping=False,
                output_scores=True,
                return_dict_in_generate=True,
            )
        tactics = tokenizer.batch_decode(output.sequences, skip_special_tokens=True)
        scores = output.sequences_scores.tolist() if count > 1 else [0.0] * len(tactics)
        pairs = list(zip(tactics, scores, strict=True))
        return [pairs[i : i + count] for i in range(0, len(pairs), count)]


def _distinct(beams: Sequence[tuple[str, float]], names: Mapping[str, str]) -> list[Suggestion]:
    best: dict[str, float] = {}
    for text, score in beams:
        tactic = spelled(_MARKS.sub("", text).strip(), names)
        if tactic:
            best[tactic] = max(best.get(tactic, float("-inf")), min(0.0, score))
    return [Suggestion(tactic, score) for tactic, score in sorted(best.items(), key=lambda item: -item[1])]
