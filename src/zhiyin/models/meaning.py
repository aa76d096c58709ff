"""Meaning: what reads like what the person liked, or like what they typed.

Items are the sentence encoder's rows, centred on the catalogue (in any one shop all texts are somewhat
alike; what is common to all says nothing), turned to the catalogue's main axes, the strongest of them damped
(Su et al. 2021, "Whitening Sentence Representations"; here variance^-whiten), and scaled to length 1. A history
is the weighted sum of its items, newer ones counting more, scaled to length 1; the score is the cosine. Being
linear in the history it says exactly what each entry contributed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import Encoder, encode_items, unit
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run
from zhiyin.models.index import ExactIndex, VectorIndex, build_index, index_of


@dataclass(frozen=True, slots=True)
class Meaning:
    name: ClassVar[str] = "meaning"
    vectors: Floats  # (I, dim) unit rows
    centre: Floats  # (encoder's dim,)
    axes: Floats  # (encoder's dim, dim): main axes of the catalogue, each with its damping
    encoder: Encoder
    recency: float
    index: VectorIndex  # over `vectors`

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    def score(self, batch: Batch) -> Floats:
        return self.profiles(batch) @ self.vectors.T

    def scorer(self, batch: Batch) -> MeaningScorer:
        return MeaningScorer(self, batch)

    def centred(self, vectors: Floats) -> Floats:
        """Unit rows of the encoder as rows of this channel; an item without text stays zero, near to nothing."""
        told = np.abs(vectors).sum(axis=1, keepdims=True) > 0
        return unit(np.where(told, vectors - self.centre, np.float32(0.0)) @ self.axes)

    def extended(self, arrivals: Arrivals) -> Self:
        vectors = np.concatenate([self.vectors, self._one_by_one(arrivals.vectors)])
        return self._with_rows(vectors, np.arange(self.n_items, len(vectors), dtype=np.int32))

    def reworded(self, rows: Rows, vectors: Floats) -> Self:
        """The same items, these rows read again."""
        changed = self.vectors.copy()
        changed[rows] = self._one_by_one(vectors)
        return self._with_rows(changed, rows)

    def arrays(self) -> Arrays:
        return {
            "vectors": self.vectors,
            "centre": self.centre,
            "axes": self.axes,
            "recency": np.array([self.recency]),
            **self.index.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays, encoder: Encoder) -> Self:
        vectors, centre, axes = (np.asarray(arrays[name], np.float32) for name in ("vectors", "centre", "axes"))
        return cls(vectors, centre, axes, encoder, float(arrays["recency"][0]), index_of(vectors, arrays))

    def profiles(self, batch: Batch) -> Floats:
        """(B, dim) unit rows: of the history, or where askers typed something, of their text plus the weighted
        items of the batch. A text is not centred: its offset is the same for all items."""
        if batch.texts:
            echo = _summed(batch, self.vectors[batch.rows] * batch.weights[:, None])
            loudness = np.bincount(batch.askers, batch.weights, minlength=len(batch)).astype(np.float32)
            heard = unit(self.encoder.encode(batch.texts) @ self._undamped)
            return unit(heard + unit(echo) * loudness[:, None])
        return _summed(batch, self.vectors[batch.rows] * self.shares(batch)[:, None])

    def shares(self, batch: Batch) -> Floats:
        """(H,) what each entry counts, such that the weighted sum of a history has length 1."""
        raw = (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)
        length = np.linalg.norm(_summed(batch, self.vectors[batch.rows] * raw[:, None]), axis=1)
        return raw / np.maximum(length, 1e-6)[batch.askers]

    def _with_rows(self, vectors: Floats, rows: Rows) -> Self:
        return replace(self, vectors=vectors, index=self.index.with_rows(vectors, rows))

    def _one_by_one(self, vectors: Floats) -> Floats:
        """`centred`, the same to the last bit whatever else comes with a row: lists are replayed exactly."""
        rows = [self.centred(vectors[n : n + 1]) for n in range(len(vectors))]
        return np.concatenate([self.vectors[:0], *rows])

    @property
    def _undamped(self) -> Floats:
        """(encoder's dim, dim): the axes with the inverse of their damping. Damping is for comparing items with
        items; a wish is worded unlike any item and is compared along the axes as they are."""
        return self.axes / np.maximum((self.axes**2).sum(axis=0), 1e-12)


class MeaningScorer:
    """One asker's profile: a unit vector."""

    def __init__(self, model: Meaning, batch: Batch) -> None:
        self._model, self._batch = model, batch
        self._profile = model.profiles(batch)[0]

    def retrieve(self, k: int) -> Rows:
        return self._model.index.search(self._profile, k)

    def score(self, rows: Rows) -> Floats:
        return self._model.vectors[rows] @ self._profile

    def why(self, rows: Rows) -> Floats:
        batch, vectors = self._batch, self._model.vectors
        if batch.texts:
            return np.zeros((len(batch.rows), len(rows)), np.float32)
        return self._model.shares(batch)[:, None] * (vectors[batch.rows] @ vectors[rows].T)


class MeaningRecipe(Fading):
    """The language model's reading of the catalogue."""

    choices: ClassVar[Choices] = MappingProxyType({"recency": (0.9, 0.7, 0.5, 1.0)})
    dim: int = Field(default=192, gt=0, description="Main axes kept of the encoder's dimensions.")
    whiten: float = Field(default=0.25, ge=0, le=0.5, description="Damping of strong axes: 0 none, 0.5 whitening.")

    def fit(self, data: Dataset, run: Run) -> Meaning:
        read = encode_items(run.encoder, data.catalogue)
        told = read[np.abs(read).sum(axis=1) > 0]
        centre = told.mean(axis=0) if len(told) > 1 else np.zeros(run.encoder.dim, np.float32)
        axes = self._axes(told - centre, run.encoder.dim)
        recency = self.fades(data)
        blank = Meaning(read[:0], centre.astype(np.float32), axes, run.encoder, recency, ExactIndex(read[:0]))
        vectors = blank.centred(read)
        return replace(blank, vectors=vectors, index=build_index(vectors, run.seed))

    def _axes(self, centred: Floats, encoder_dim: int) -> Floats:
        """(encoder's dim, dim); all axes as they are where a catalogue is too small to say which are main."""
        if len(centred) <= 2 * self.dim:
            return np.eye(encoder_dim, dtype=np.float32)
        variance, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(centred))
        main = np.argsort(-variance)[: self.dim]
        return (axes[:, main] * np.maximum(variance[main], 1e-9) ** -self.whiten).astype(np.float32)


def _summed(batch: Batch, entries: Floats) -> Floats:
    """(B, dim) the sum of the (H, dim) entries of each asker."""
    if len(batch) == 1:
        return entries.sum(axis=0, keepdims=True)
    padded = np.concatenate([entries, np.zeros((1, entries.shape[1]), np.float32)])
    summed = np.add.reduceat(padded, batch.indptr[:-1])
    summed[batch.lengths == 0] = 0.0
    return summed
