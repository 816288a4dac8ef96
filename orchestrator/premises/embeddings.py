"""Premises by meaning: ReProver's embeddings in a faiss index.

What faiss, or the encoder, cannot do raises `ModelError`. The index holds half precision and finds what an exact search
finds, with half the memory. Only premises that the goal sees are searched, by faiss's own selector: a rare accessible
one is not lost behind a thousand that are not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from orchestrator.config import Settings
from orchestrator.errors import ModelError
from orchestrator.machine import how_to_install, missing
from orchestrator.premises.encoder import Encoder, unavailable
from orchestrator.premises.retrieval import Premise, Query, Ranked

if TYPE_CHECKING:
    from orchestrator.premises.encoder import Matrix

Encode = Callable[[Sequence[str]], "Matrix"]
"""One row of unit length for each text (`encoder.Encoder.encode`)."""

_INDEX, _PREMISES = "dense.faiss", "dense.jsonl"


class Dense:
    """A retriever over a fixed set of premises (a `Retriever`). Safe to use from several threads.

    Args:
        premises: what there is, in the order of the index's rows.
        encode: embeds queries; the same model that embedded the premises.
    """

    def __init__(self, premises: Iterable[Premise], index: Any, encode: Encode) -> None:
        self._premises = tuple(premises)
        if index.ntotal != len(self._premises):
            raise ModelError(f"The premise index has {index.ntotal} rows for {len(self._premises)} premises")
        self._index = index
        self._encode = encode

    @classmethod
    def build(cls, premises: Iterable[Premise], encode: Encode) -> Dense:
        """Embed the premises (their `text`) and index them."""
        faiss = _faiss()
        vectors = encode([premise.text for premise in premises])
        index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        return cls(premises, index, encode)

    @classmethod
    def cached(cls, premises: Iterable[Premise], encode: Encode, *, model: str, folder: Path) -> Dense:
        """The index of these premises by this model from `folder`, built and kept there if it was not yet."""
        kept = folder / content_key(premises, model)
        if (kept / _INDEX).is_file():
            # One that is damaged, by an interrupted copy or a full disk, is made again.
            with suppress(ModelError):
                return cls.load(kept, encode)
        made = cls.build(premises, encode)
        made.save(kept)
        return made

    @staticmethod
    def is_cached(premises: Iterable[Premise], *, model: str, folder: Path) -> bool:
        """Whether `cached` has only to read."""
        return (folder / content_key(premises, model) / _INDEX).is_file()

    def save(self, folder: Path) -> None:
        """Write the index and the premises to a folder, complete or not at all."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as name:
            _faiss().write_index(self._index, str(Path(name) / _INDEX))
            lines = (json.dumps([p.name, p.statement, p.module, p.kind], ensure_ascii=False) for p in self._premises)
            (Path(name) / _PREMISES).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            folder.mkdir(exist_ok=True)
            # The index comes last: where it is, the rest is, too.
            for file in (_PREMISES, _INDEX):
                os.replace(Path(name) / file, folder / file)

    @classmethod
    def load(cls, folder: Path, encode: Encode) -> Dense:
        """Read what `save` wrote."""
        faiss = _faiss()
        try:
            text = (folder / _PREMISES).read_text(encoding="utf-8")
            premises = [Premise(*json.loads(line)) for line in text.split("\n") if line]
            index = faiss.read_index(str(folder / _INDEX))
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            hint = "Delete the folder; the index is then built again."
            raise ModelError("The premise index cannot be read", where=str(folder), hint=hint) from error
        return cls(premises, index, encode)

    def retrieve(self, query: Query, count: int) -> tuple[Ranked, ...]:
        """As `Retriever` says; scores are cosines, -1 to 1."""
        seen = [row for row, premise in enumerate(self._premises) if query.sees(premise)]
        if not seen or count < 1:
            return ()
        faiss = _faiss()
        import numpy

        selector = faiss.IDSelectorBatch(numpy.asarray(seen, dtype=numpy.int64))
        # Names may occur twice in what is given; as many more are asked for as there could be.
        scores, rows = self._index.search(
            self._encode([query.state]), min(2 * count, len(seen)), params=faiss.SearchParameters(sel=selector)
        )
        found: dict[str, Ranked] = {}
        for score, row in zip(scores[0], rows[0], strict=True):
            if row >= 0:
                premise = self._premises[row]
                found.setdefault(premise.name, Ranked(premise, float(score)))
        return tuple(found.values())[:count]


def content_key(premises: Iterable[Premise], model: str) -> str:
    """32 hex digits that change with the premises, their order or the model."""
    digest = hashlib.sha256(model.encode())
    for premise in premises:
        digest.update(f"\x00{premise.text}\x00{premise.module}\x00{premise.kind}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        hint = f"Install it: {how_to_install('models')}"
        raise ModelError("Dense retrieval needs faiss, which is not installed", hint=hint) from error
    return faiss


def dense_retriever(
    settings: Settings, premises: Iterable[Premise], folder: Path, *, build: bool = True
) -> Dense | None:
    """Premises by meaning, with the encoder of the settings; None when there is none, or its libraries are missing.

    Args:
        folder: where indices are kept; embedding takes long, and is done once for each content.
        build: whether it may be done now, which no run does; else None where it was not done yet.
    """
    source = settings.reprover_retriever
    if source is None or missing("models") or unavailable(source):
        return None
    encoder = _encoder(source, settings.model_device)
    weights = sorted(source.glob("*.safetensors")) or [source / "config.json"]
    # The size and time of the weights stand for their content, of which there may be gigabytes.
    stats = ((file.name, file.stat()) for file in weights)
    model = " ".join([str(source), *(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)])
    if not build and not Dense.is_cached(premises, model=model, folder=folder):
        return None
    return Dense.cached(premises, encoder.encode, model=model, folder=folder)


@cache
def _encoder(folder: Path, device: str) -> Encoder:
    return Encoder(folder=folder, device=device)
