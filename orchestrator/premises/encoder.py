"""ReProver's encoder: a text becomes a vector of unit length. What fails raises `ModelError`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ModelError
from orchestrator.machine import missing

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Matrix = NDArray[numpy.float32]

MAX_INPUT_BYTES = 2047


@dataclass(kw_only=True)
class Encoder:
    """A premise encoder in a local folder, loaded once, by the first call. Arguments as for `Generator`."""

    folder: Path
    device: str = ""
    batch: int = 16
    _loaded: tuple[Any, Any] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def encode(self, texts: Sequence[str]) -> Matrix:
        """One row of unit length for each text, float32. Blocks; safe to call from a thread."""
        with self._lock:
            self._loaded = self._loaded or load(self.folder, "T5EncoderModel", self.device, threads=1)
            model, tokenizer = self._loaded
            with model_errors("The premise encoder failed", self.folder):
                return self._encode(model, tokenizer, texts)

    def _encode(self, model: Any, tokenizer: Any, texts: Sequence[str]) -> Matrix:
        import numpy
        import torch

        # Texts of one length together: padding is work, too.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: dict[int, Any] = {}
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            batch = [texts[i].encode()[:MAX_INPUT_BYTES].decode(errors="ignore") for i in chosen]
            encoded = tokenizer(batch, padding="longest", return_tensors="pt").to(model.device)
            with torch.inference_mode():
                hidden = model(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).last_hidden_state
                mask = encoded.attention_mask.unsqueeze(-1)
                mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
                unit = torch.nn.functional.normalize(mean.float(), dim=1).cpu().numpy()
            rows.update(zip(chosen, unit, strict=True))
        width = int(model.config.d_model)
        return numpy.asarray([rows[i] for i in range(len(texts))], dtype=numpy.float32).reshape(len(texts), width)


def unavailable(folder: Path) -> str:
    """ "" when a model of this folder can be run, else the reason in one line."""
    if reason := missing("models", ("torch", "transformers")):
        return reason
    return "" if (folder / "config.json").is_file() else f"no model in {folder}: it needs a config.json and its weights"


def load(folder: Path, kind: str, device: str, threads: int) -> tuple[Any, Any]:
    """The model and the tokenizer of a folder; `kind` is a class of transformers, the rest as for `Generator`."""
    if reason := unavailable(folder):
        raise ModelError(f"The model cannot be loaded: {reason}", where=str(folder))
    with model_errors("The model cannot be loaded", folder):
        import torch
        import transformers

        transformers.utils.logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        if (folder / "tokenizer_config.json").is_file():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        else:  # the model is byte-level
            tokenizer = transformers.ByT5Tokenizer()
        # Weights may be stored in half precision, in which a CPU cannot work well.
        model = getattr(transformers, kind).from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        return model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval(), tokenizer


@contextmanager
def model_errors(what: str, folder: Path) -> Iterator[None]:
    """Whatever the libraries raise becomes a `ModelError` that says where the model is."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        first = str(error).strip().split("\n")[0]
        raise ModelError(
            f"{what}: {first or type(error).__name__}",
            where=str(folder),
            hint="Set ORCH_REPROVER_GENERATOR to another folder, or unset it for the one that comes with this package.",
        ) from error
