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
from zhiyin.encoders.pair import at_hand, beside
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run
from zhiyin.models.dense import DenseRows, DenseScorer, centre_of, main_axes, summed, turned, turned_one_by_one
from zhiyin.models.index import build_index, index_of

SILENT = 1e-9  # variance of a reader to whom all items are the same


@dataclass(frozen=True, slots=True)
class Meaning(DenseRows):
    name: ClassVar[str] = "meaning"
    centre: Floats  # (encoder's dim,)
    axes: Floats  # (encoder's dim, dim): main axes of the catalogue, each with its damping
    encoder: Encoder  # at hand; where the catalogue was read by two, its rows are the first part of all rows
    loudness: float = 1.0  # of the second part

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
            **({"loudness": np.array([self.loudness])} if self.two else {}),
            **self.index.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays, encoder: Encoder) -> Self:
        vectors, centre, axes = (np.asarray(arrays[name], np.float32) for name in ("vectors", "centre", "axes"))
        loudness = float(arrays["loudness"][0]) if "loudness" in arrays else 1.0
        index = index_of(vectors, arrays)
        return cls(vectors, float(arrays["recency"][0]), index, centre, axes, encoder, loudness)

    @property
    def two(self) -> bool:
        """Whether a second reader read the catalogue, too."""
        return len(self.centre) > self.encoder.dim

    def joined(self, read: Floats) -> Floats:
        """(n, all) rows of items that only the encoder at hand has read; in the second part they are as usual."""
        return beside(read, self.centre[self.encoder.dim :]) if self.two else read

    def heard(self, batch: Batch) -> Floats:
        """(B, all) rows of what was typed; zeros, which are like nothing, where only the encoder at hand read."""
        read = self.encoder.encode(batch.texts)
        if not self.two:
            return read
        second = np.zeros((len(batch), len(self.centre) - self.encoder.dim), np.float32)
        if batch.readings.shape == second.shape:
            second = batch.readings * np.float32(self.loudness * np.sqrt(0.5))
        return beside(read, second)

    def profiles(self, batch: Batch) -> Floats:
        """(B, dim) unit rows: of the history, or where askers typed something, of their text plus the weighted
        items of the batch. A text is not centred: its offset is the same for all items."""
        if not batch.texts:
            return self.past(batch)
        echo = summed(batch, self.vectors[batch.rows] * batch.weights[:, None])
        loudness = np.bincount(batch.askers, batch.weights, minlength=len(batch)).astype(np.float32)
        heard = unit(self.heard(batch) @ self._undamped)
        return unit(heard + unit(echo) * loudness[:, None])

    def read_back(self, rows: Rows) -> Floats:
        """(k, all) unit rows of items as they were read, along the main axes of the catalogue: of the same text
        much the same from bundle to bundle, whatever axes each has."""
        return unit(self.vectors[rows] @ self._undamped.T)

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

    choices: ClassVar[Choices] = MappingProxyType({"recency": (0.8, 0.9, 0.7, 0.5, 1.0)})
    dim: int = Field(default=192, gt=0, description="Main axes kept of the encoder's dimensions.")
    whiten: float = Field(default=0.25, ge=0, le=0.5, description="Damping of strong axes: 0 none, 0.5 whitening.")

    def fit(self, data: Dataset, run: Run) -> Meaning:
        encoder = at_hand(run.encoder)
        read, loudness = evened(encode_items(run.encoder, data.catalogue), encoder.dim)
        told = read[np.abs(read).sum(axis=1) > 0]
        centre = centre_of(told)
        axes = main_axes(told - centre, self.dim, self.whiten)
        vectors = turned(read, centre, axes)
        index = build_index(vectors, run.seed)
        return Meaning(vectors, self.fades(data), index, centre, axes, encoder, loudness)


def evened(read: Floats, first: int) -> tuple[Floats, float]:
    """Rows of two readers, of which the `first` numbers are the one's, with the other's part as loud: of the same
    variance over the catalogue (cosines of some models lie in a narrow band). And how much louder that is."""
    if read.shape[1] == first or not len(read):
        return read, 1.0
    variance = [float(part.var(axis=0).sum()) for part in (read[:, :first], read[:, first:])]
    if min(variance) < SILENT:
        return read, 1.0
    loudness = float(np.sqrt(variance[0] / variance[1]))
    return np.concatenate([read[:, :first], read[:, first:] * np.float32(loudness)], axis=1), loudness
