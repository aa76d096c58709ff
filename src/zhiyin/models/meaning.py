"""Meaning: what reads like what the person liked, or like what they typed.

Items are the sentence encoder's rows, centred, turned and damped (zhiyin.models.dense). A history is the weighted
sum of its items, newer ones counting more, scaled to length 1; the score is the cosine. Being linear in the
history it says exactly what each entry contributed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import Encoder, encode_items, unit
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run
from zhiyin.models.dense import DenseRows, DenseScorer, centre_of, main_axes, summed, turned, turned_one_by_one
from zhiyin.models.index import build_index, index_of


@dataclass(frozen=True, slots=True)
class Meaning(DenseRows):
    name: ClassVar[str] = "meaning"
    centre: Floats  # (encoder's dim,)
    axes: Floats  # (encoder's dim, dim): main axes of the catalogue, each with its damping
    encoder: Encoder

    def score(self, batch: Batch) -> Floats:
        return self.profiles(batch) @ self.vectors.T

    def scorer(self, batch: Batch) -> DenseScorer:
        return DenseScorer(self, batch, self.profiles(batch)[0], typed=bool(batch.texts))

    def extended(self, arrivals: Arrivals) -> Self:
        vectors = np.concatenate([self.vectors, self._read(arrivals.vectors)])
        return self.with_rows(vectors, np.arange(self.n_items, len(vectors), dtype=np.int32))

    def reworded(self, rows: Rows, vectors: Floats) -> Self:
        """The same items, these rows read again."""
        changed = self.vectors.copy()
        changed[rows] = self._read(vectors)
        return self.with_rows(changed, rows)

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
        return cls(vectors, float(arrays["recency"][0]), index_of(vectors, arrays), centre, axes, encoder)

    def profiles(self, batch: Batch) -> Floats:
        """(B, dim) unit rows: of the history, or where askers typed something, of their text plus the weighted
        items of the batch. A text is not centred: its offset is the same for all items."""
        if not batch.texts:
            return self.past(batch)
        echo = summed(batch, self.vectors[batch.rows] * batch.weights[:, None])
        loudness = np.bincount(batch.askers, batch.weights, minlength=len(batch)).astype(np.float32)
        heard = unit(self.encoder.encode(batch.texts) @ self._undamped)
        return unit(heard + unit(echo) * loudness[:, None])

    def _read(self, vectors: Floats) -> Floats:
        """Unit rows of the encoder as rows of this channel."""
        return turned_one_by_one(vectors, self.centre, self.axes)

    @property
    def _undamped(self) -> Floats:
        """(encoder's dim, dim): the axes with the inverse of their damping. Damping is for comparing items with
        items; a wish is worded unlike any item and is compared along the axes as they are."""
        return self.axes / np.maximum((self.axes**2).sum(axis=0), 1e-12)


class MeaningRecipe(Fading):
    """The language model's reading of the catalogue."""

    choices: ClassVar[Choices] = MappingProxyType({"recency": (0.9, 0.7, 0.5, 1.0)})
    dim: int = Field(default=192, gt=0, description="Main axes kept of the encoder's dimensions.")
    whiten: float = Field(default=0.25, ge=0, le=0.5, description="Damping of strong axes: 0 none, 0.5 whitening.")

    def fit(self, data: Dataset, run: Run) -> Meaning:
        read = encode_items(run.encoder, data.catalogue)
        told = read[np.abs(read).sum(axis=1) > 0]
        centre = centre_of(told)
        axes = main_axes(told - centre, self.dim, self.whiten)
        vectors = turned(read, centre, axes)
        return Meaning(vectors, self.fades(data), build_index(vectors, run.seed), centre, axes, run.encoder)
