"""Channels of sparse rows: items are rows over columns (words, entities), an asker the sum of their history.

The sum is scaled to length 1, the score of an item is its product with the item's row. So it is linear in the
history, every entry's contribution is one addend, and no item-to-item matrix is ever made: a column that all
items share costs as many numbers as there are items.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.lexical import unit_sparse
from zhiyin.models.base import Batch, best, union
from zhiyin.models.sparse import Entries, all_zero, entries, weighted_sum

CROWDED = 0.06  # share of all pairs of an asker and an entry that meet, from which on that is so

Salient = Callable[[Rows, Floats], Rows]  # columns of a profile and their weights -> places of those to look up


@dataclass(frozen=True, slots=True)
class SparseRows:
    """What the items are made of, and how a history is summed."""

    rows: sp.csr_array  # (I, C)
    postings: sp.csr_array  # (C, P), the transpose of the first P rows; later ones are scanned
    recency: float  # an event counts so much less with each newer one

    @property
    def n_items(self) -> int:
        return int(self.rows.shape[0])

    def values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts, before the sum is scaled."""
        return (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)

    def profiles(self, batch: Batch) -> sp.csr_array:
        """(B, C) unit rows of the histories."""
        return unit_sparse(sp.csr_array(batch.matrix(self.n_items, self.values(batch)) @ self.rows))

    def products(self, profiles: sp.csr_array) -> Floats:
        """(B, I) of profiles with all rows."""
        if self._crowded(profiles):
            return _products(profiles, self.rows)
        scores = (profiles @ self.postings).toarray()
        later = self.rows[self.postings.shape[1] :]
        return np.hstack([scores, (profiles @ later.T).toarray()]) if later.shape[0] else scores

    def among(self, batch: Batch, rows: Rows) -> Floats:
        """(B, k) what is said about these (k,) rows alone."""
        profiles, some = self.profiles(batch), self.rows[rows]
        return _products(profiles, some) if self._crowded(profiles) else (profiles @ some.T).toarray()

    def _crowded(self, profiles: sp.csr_array) -> bool:
        """Whether so many entries of rows and of profiles meet that it takes longer to find where."""
        met = np.diff(self.postings.indptr)[profiles.indices].sum(dtype=np.float64)
        return bool(met > CROWDED * profiles.shape[0] * max(self.postings.nnz, 1))


class SparseScorer:
    """One asker's profile: columns, ascending, and their weights. `typed` (columns, weights) stands in for the
    history where something was typed, and then no entry contributed anything."""

    def __init__(
        self, model: SparseRows, batch: Batch, salient: Salient, typed: tuple[Rows, Floats] | None = None
    ) -> None:
        self._model, self._batch, self._salient, self._typed = model, batch, salient, typed is not None
        columns, weights = _summed(model, batch) if typed is None else typed
        self._columns = union([columns])
        with all_zero(model.rows.shape[1], self._columns) as dense:
            np.add.at(dense, columns, weights)
            said = dense[self._columns]
        self._length = max(float(np.sqrt((said**2).sum())), 1e-6)
        self._weights: Floats = (said / self._length).astype(np.float32)

    @property
    def shares(self) -> Floats:
        """(H,) what each entry of the history counts in the profile."""
        return self._model.values(self._batch) / np.float32(self._length)

    def retrieve(self, k: int) -> Rows:
        postings = self._model.postings
        looked_up = self._salient(self._columns, self._weights)
        scores = weighted_sum(postings, self._columns[looked_up], self._weights[looked_up])
        later = np.arange(len(scores), self._model.n_items, dtype=np.int32)
        if len(later):
            scores = np.append(scores, self.score(later))
        said = np.flatnonzero(scores > 0)
        return best(scores[said], k, said)

    def score(self, rows: Rows) -> Floats:
        with all_zero(self._model.rows.shape[1], self._columns) as dense:
            dense[self._columns] = self._weights
            return np.asarray(self._model.rows[rows] @ dense, np.float32)

    def why(self, rows: Rows) -> Floats:
        if self._typed:
            return np.zeros((len(self._batch.rows), len(rows)), np.float32)
        shown, heard = entries(self._model.rows, rows), entries(self._model.rows, self._batch.rows)
        wanted = union([shown[1]])
        like = among(heard, len(self._batch.rows), wanted) @ among(shown, len(rows), wanted).T
        return like * self.shares[:, None]


def among(found: Entries, n: int, wanted: Rows) -> Floats:
    """(n, len(wanted)) the entries of n rows in the `wanted` columns, which ascend; dense."""
    out = np.zeros((n, len(wanted)), np.float32)
    if len(wanted):
        owner, columns, data = found
        place = np.minimum(np.searchsorted(wanted, columns), len(wanted) - 1)
        hit = wanted[place] == columns
        out[owner[hit], place[hit]] = data[hit]
    return out


def _products(profiles: sp.csr_array, rows: sp.csr_array) -> Floats:
    """(B, n) of (B, C) profiles with (n, C) rows, by profiles that are laid out densely on the columns they have
    and one of zeros, which stands for all others."""
    columns = union([profiles.indices])
    place = np.full(profiles.shape[1], len(columns), np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    dense = np.zeros((len(columns) + 1, profiles.shape[0]), np.float32)
    dense[place[profiles.indices], np.repeat(np.arange(profiles.shape[0]), np.diff(profiles.indptr))] = (
        profiles.data
    )
    moved = sp.csr_array((rows.data, place[rows.indices], rows.indptr), shape=(rows.shape[0], len(dense)))
    return np.ascontiguousarray((moved @ dense).T)


def _summed(model: SparseRows, batch: Batch) -> tuple[Rows, Floats]:
    """Columns, any number of times each, and weights that sum to the profile before it is scaled."""
    owner, columns, data = entries(model.rows, batch.rows)
    return columns, data * model.values(batch)[owner]
