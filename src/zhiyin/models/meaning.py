"""Meaning: what reads like what the person liked, or like what they typed.

Items are the sentence encoder's rows, centred on the catalogue (in any one shop all texts are somewhat
alike; what is common to all says nothing) and scaled to length 1. A history is the weighted sum of its
items, newer ones counting more, scaled to length 1; the score is the cosine. Being linear in the history it
says exactly what each entry contributed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import Encoder, encode_items, unit
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe, Run, best

@dataclass(frozen=True, slots=True)
class Meaning:
    name: ClassVar[str] = "meaning"
    vectors: Floats  # (I, dim) centred unit rows
    centre: Floats  # (dim,)
    encoder: Encoder
    recency: float

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    def score(self, batch: Batch) -> Floats:
        return self._profiles(batch) @ self.vectors.T

    def score_rows(self, batch: Batch, rows: Rows) -> Floats:
        return self.vectors[rows] @ self._profiles(batch)[0]

    def retrieve(self, batch: Batch, k: int) -> Rows:
        profile = self._profiles(batch)[0]
        return best(self.vectors @ profile, k) if profile.any() else np.zeros(0, np.int32)

    def why(self, batch: Batch, row: int) -> Floats:
        if batch.texts:
            return np.zeros(len(batch.rows), np.float32)
        return self._shares(batch) * (self.vectors[batch.rows] @ self.vectors[row])

    def nearest(self, vector: Floats, k: int, among: Rows) -> tuple[Rows, Floats]:
        """The k of the rows `among` whose text is nearest to a centred unit vector, and their cosines."""
        cosines = self.vectors[among] @ vector
        top = best(cosines, k)
        return among[top], cosines[top]

    def centred(self, vectors: Floats) -> Floats:
        """Unit rows of the encoder as rows of this channel."""
        return _centred(vectors, self.centre)

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, vectors=np.concatenate([self.vectors, self.centred(arrivals.vectors)]))

    def reworded(self, rows: Rows, vectors: Floats) -> Self:
        """The same items, these rows read again."""
        changed = self.vectors.copy()
        changed[rows] = self.centred(vectors)
        return replace(self, vectors=changed)

    def arrays(self) -> Arrays:
        return {"vectors": self.vectors, "centre": self.centre, "recency": np.array([self.recency])}

    @classmethod
    def of_arrays(cls, arrays: Arrays, encoder: Encoder) -> Self:
        vectors, centre = (np.asarray(arrays[name], np.float32) for name in ("vectors", "centre"))
        return cls(vectors, centre, encoder, float(arrays["recency"][0]))

    def _profiles(self, batch: Batch) -> Floats:
        """(B, dim) unit rows: of the history, or where askers typed something, of their text plus the weighted
        items of the batch. A text is not centred: its offset is the same for all items."""
        if batch.texts:
            echo = _summed(batch, self.vectors[batch.rows] * batch.weights[:, None])
            return unit(self.encoder.encode(batch.texts) + echo)
        return _summed(batch, self.vectors[batch.rows] * self._shares(batch)[:, None])

    def _shares(self, batch: Batch) -> Floats:
        """(H,) what each entry counts, such that the weighted sum of a history has length 1."""
        raw = (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)
        length = np.linalg.norm(_summed(batch, self.vectors[batch.rows] * raw[:, None]), axis=1)
        return raw / np.maximum(length, 1e-6)[batch.askers]


class MeaningRecipe(Recipe):
    """The language model's reading of the catalogue."""

    recency: float = Field(default=0.9, gt=0, le=1, description="How an event counts less with each newer one.")

    def fit(self, data: Dataset, run: Run) -> Meaning:
        vectors = encode_items(run.encoder, data.catalogue)
        told = vectors[np.abs(vectors).sum(axis=1) > 0]
        centre = told.mean(axis=0) if len(told) > 1 else np.zeros(run.encoder.dim, np.float32)
        return Meaning(
            _centred(vectors, centre),
            centre.astype(np.float32),
            run.encoder,
            self.recency if data.ordered else 1.0,
        )


def _centred(vectors: Floats, centre: Floats) -> Floats:
    """Centred unit rows; an item without text stays zero, near to nothing."""
    told = np.abs(vectors).sum(axis=1, keepdims=True) > 0
    return unit(np.where(told, vectors - centre, np.float32(0.0)).astype(np.float32, copy=False))


def _summed(batch: Batch, entries: Floats) -> Floats:
    """(B, dim) the sum of the (H, dim) entries of each asker."""
    if len(batch) == 1:
        return entries.sum(axis=0, keepdims=True)
    padded = np.concatenate([entries, np.zeros((1, entries.shape[1]), np.float32)])
    summed = np.add.reduceat(padded, batch.indptr[:-1])
    summed[batch.lengths == 0] = 0.0
    return summed
