"""Channels of dense rows: items are vectors, an asker the recency-weighted sum of their history.

The sum is scaled to length 1, the score of an item is its product with the item's row, so every entry's
contribution is one addend. Rows are centred on the catalogue (in any one shop all items are somewhat alike; what
is common to all says nothing), turned to the catalogue's main axes, the strongest of them damped (Su et al. 2021,
"Whitening Sentence Representations"; here variance^-damping), and scaled to length 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit
from zhiyin.models.base import Batch, Model
from zhiyin.models.index import VectorIndex


@dataclass(frozen=True, slots=True)
class DenseRows:
    """What the items are, and how a history is summed."""

    vectors: Floats  # (I, dim) rows of length 1, or less where little is known
    recency: float  # an event counts so much less with each newer one
    index: VectorIndex  # over `vectors`

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    def past(self, batch: Batch) -> Floats:
        """(B, dim) unit rows of the histories."""
        return summed(batch, self.vectors[batch.rows] * self.shares(batch)[:, None])

    def shares(self, batch: Batch) -> Floats:
        """(H,) what each entry counts, such that the weighted sum of a history has length 1."""
        raw = (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)
        length = np.linalg.norm(summed(batch, self.vectors[batch.rows] * raw[:, None]), axis=1)
        return raw / np.maximum(length, 1e-6)[batch.askers]

    def among(self, batch: Batch, rows: Rows) -> Floats:
        """(B, k) what is said about these (k,) rows alone."""
        return self.past(batch) @ self.vectors[rows].T

    def with_rows(self, vectors: Floats, rows: Rows) -> Self:
        """With these `vectors`, of which these rows are new or others than before."""
        return replace(self, vectors=vectors, index=self.index.with_rows(vectors, rows))

    def with_rows_of(self, origin: Model, rows: Rows) -> Self:
        """With these rows as another model of the channel has them."""
        if not isinstance(origin, DenseRows) or not len(rows):
            return self
        vectors = self.vectors.copy()
        vectors[rows] = origin.vectors[rows]
        return self.with_rows(vectors, rows)


class DenseScorer:
    """One asker's profile (dim,), a unit vector. What was `typed` is no sum over the history."""

    def __init__(self, model: DenseRows, batch: Batch, profile: Floats, *, typed: bool = False) -> None:
        self._model, self._batch, self._profile, self._typed = model, batch, profile, typed

    def retrieve(self, k: int) -> Rows:
        return self._model.index.search(self._profile, k)

    def score(self, rows: Rows) -> Floats:
        return self._model.vectors[rows] @ self._profile

    def why(self, rows: Rows) -> Floats:
        batch, vectors = self._batch, self._model.vectors
        if self._typed:
            return np.zeros((len(batch.rows), len(rows)), np.float32)
        return self._model.shares(batch)[:, None] * (vectors[batch.rows] @ vectors[rows].T)


def summed(batch: Batch, entries: Floats) -> Floats:
    """(B, dim) the sum of the (H, dim) entries of each asker."""
    if len(batch) == 1:
        return entries.sum(axis=0, keepdims=True)
    padded = np.concatenate([entries, np.zeros((1, entries.shape[1]), np.float32)])
    total = np.add.reduceat(padded, batch.indptr[:-1])
    total[batch.lengths == 0] = 0.0
    return total


def centre_of(read: Floats) -> Floats:
    """(dim,) the mean of the (n, dim) rows; nothing where there are not two."""
    centre = read.mean(axis=0) if len(read) > 1 else np.zeros(read.shape[1])
    return centre.astype(np.float32)


def main_axes(centred: Floats, dim: int, damping: float) -> Floats:
    """(full dim, dim) the main axes of (n, full dim) rows, each with its damping; all axes as they are where a
    catalogue is too small to say which are main."""
    if len(centred) <= 2 * dim:
        return np.eye(centred.shape[1], dtype=np.float32)
    variance, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(centred))
    main = np.argsort(-variance)[:dim]
    return (axes[:, main] * np.maximum(variance[main], 1e-9) ** -damping).astype(np.float32)


def turned(read: Floats, centre: Floats, axes: Floats) -> Floats:
    """(n, dim) unit rows along the axes; a zero row stays zero, near to nothing."""
    told = np.abs(read).sum(axis=1, keepdims=True) > 0
    return unit(np.where(told, read - centre, np.float32(0.0)) @ axes)


def turned_one_by_one(read: Floats, centre: Floats, axes: Floats) -> Floats:
    """`turned`, the same to the last bit whatever else comes with a row: lists are replayed exactly."""
    rows = [turned(read[n : n + 1], centre, axes) for n in range(len(read))]
    return np.concatenate([np.zeros((0, axes.shape[1]), np.float32), *rows])
