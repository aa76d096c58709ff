"""Item-to-item channels share one shape: a sparse matrix of what one item in a history says about another.

The score of item j is Σ_h value(h) · W[h, j] over the history, so each entry's contribution is one addend.
Items that arrive later get the mean score of the fitted items whose text is nearest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, best
from zhiyin.models.sparse import block, entries, weighted_sum

ROWS_AT_ONCE = 2_048


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`values` of a history entry decay by its place (`decay` each step back) and are normalised so that
    long and short histories score on one scale: divided by (Σ value)^`norm`.

    The score of a cold row is a mixture: `lift` (n, I) times the scores of the fitted items.
    """

    name: ClassVar[str] = "neighbours"
    links: sp.csr_array  # (I, I) float32: row = item in the history, column = item scored
    decay: float = 1.0
    norm: float = 0.5
    cold: Rows = field(default_factory=lambda: np.zeros(0, np.int32))  # (n,) rows scored through `lift`
    lift: sp.csr_array = field(default_factory=lambda: sp.csr_array((0, 0), dtype=np.float32))  # (n, I)
    n_later: int = 0  # items that came after fitting, all of them cold

    @property
    def n_fitted(self) -> int:
        return int(self.links.shape[0])

    @property
    def n_items(self) -> int:
        return self.n_fitted + self.n_later

    def score(self, batch: Batch) -> Floats:
        own = (batch.matrix(self.n_fitted, self._values(batch)) @ self.links).toarray()
        return self._lifted(own)

    def score_rows(self, batch: Batch, rows: Rows) -> Floats:
        return self._score_one(batch)[rows]

    def retrieve(self, batch: Batch, k: int) -> Rows:
        scores = self._score_one(batch)
        said = np.flatnonzero(scores > 0)
        return best(scores[said], k, said)

    def why(self, batch: Batch, rows: Rows) -> Floats:
        known = np.flatnonzero(batch.rows < self.n_fitted)
        out = np.zeros((len(batch.rows), len(rows)), np.float32)
        place_of = np.full(self.n_items, -1, np.int32)
        place_of[self.cold] = np.arange(len(self.cold))
        cold = place_of[rows] >= 0
        out[np.ix_(known, ~cold)] = block(self.links, batch.rows[known], rows[~cold])
        if cold.any():
            owner, sources, data = entries(self.lift, place_of[rows[cold]])
            shares = sp.csr_array((data, (np.arange(len(data)), owner)), shape=(len(data), int(cold.sum())))
            out[np.ix_(known, cold)] = block(self.links, batch.rows[known], sources) @ shares
        return out * self._values(batch)[:, None]

    def propagated(self, cold: Rows, lift: sp.csr_array) -> Self:
        """The same links, with the rows `cold` scored through `lift` (see models.propagation)."""
        return replace(self, cold=cold, lift=lift)

    def lifted_again(self, rows: Rows, lift: sp.csr_array) -> Self:
        """The same links, with these cold rows scored through other mixtures (n, I)."""
        place_of = {int(row): place for place, row in enumerate(self.cold)}
        source = np.arange(len(self.cold))
        source[[place_of[int(row)] for row in rows]] = len(self.cold) + np.arange(len(rows))
        return replace(self, lift=sp.csr_array(sp.csr_array(sp.vstack([self.lift, lift]))[source]))

    def extended(self, arrivals: Arrivals) -> Self:
        lift = arrivals.near[:, : self.n_fitted]
        later = np.arange(self.n_items, self.n_items + lift.shape[0], dtype=np.int32)
        return replace(
            self,
            cold=np.append(self.cold, later),
            lift=sp.csr_array(sp.vstack([self.lift, lift]) if len(self.cold) else lift),
            n_later=self.n_later + len(later),
        )

    def arrays(self) -> Arrays:
        return {
            **_named("links", self.links),
            **_named("lift", self.lift),
            "cold": self.cold,
            "shape_of_use": np.array([self.decay, self.norm]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        n_items = len(arrays["links.indptr"]) - 1
        decay, norm = (float(x) for x in arrays["shape_of_use"])
        cold, lift = np.asarray(arrays["cold"], np.int32), _matrix("lift", arrays, n_items)
        n_later = max(int(cold.max(initial=-1)) + 1 - n_items, 0)
        return cls(_matrix("links", arrays, n_items), decay, norm, cold, lift, n_later)

    def _score_one(self, batch: Batch) -> Floats:
        """(I,) what `score` gives for a batch of one."""
        known = batch.rows < self.n_fitted
        return self._lifted(weighted_sum(self.links, batch.rows[known], self._values(batch)[known])[None, :])[0]

    def _lifted(self, own: Floats) -> Floats:
        """(B, I) scores of all rows from the (B, fitted) scores of the links."""
        scores = np.hstack([own, np.zeros((len(own), self.n_later), np.float32)]) if self.n_later else own
        if len(self.cold):
            lifted = (self.lift @ own.T).T  # before any cold row changes: scores may be own
            scores[:, self.cold] = lifted
        return scores

    def _values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts; repeats of an item count once, at their newest place."""
        values = batch.weights * np.float32(self.decay) ** batch.back
        values = values * _newest(batch)
        total = np.bincount(batch.askers, np.abs(values), minlength=len(batch))
        return (values / np.maximum(total, 1e-6)[batch.askers] ** self.norm).astype(np.float32)


def prune(matrix: sp.csr_array, k: int) -> sp.csr_array:
    """The k entries of largest magnitude in each row."""
    matrix = sp.csr_array(matrix)
    lengths = np.diff(matrix.indptr)
    if not len(matrix.data) or lengths.max() <= k:
        return matrix
    owner = np.repeat(np.arange(matrix.shape[0]), lengths)
    by_size = np.lexsort((-np.abs(matrix.data), owner))
    place = np.arange(len(by_size)) - np.repeat(matrix.indptr[:-1], lengths)
    kept = np.sort(by_size[place < k])
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, k))])
    return sp.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def common_users(users_by_items: sp.csr_array) -> Iterator[tuple[int, sp.csr_array]]:
    """Blocks of rows of XᵀX, without the diagonal: (first row, (rows, I) number of common users)."""
    by_item = sp.csr_array(users_by_items.T)
    for start in range(0, by_item.shape[0], ROWS_AT_ONCE):
        common = sp.csr_array(by_item[start : start + ROWS_AT_ONCE] @ users_by_items)
        rows = np.repeat(np.arange(start, start + common.shape[0]), np.diff(common.indptr))
        common.data[rows == common.indices] = 0.0
        common.eliminate_zeros()
        yield start, common


def _newest(batch: Batch) -> Floats:
    """(H,) 1 for the newest entry of an item in a history, 0 for its older ones."""
    place = np.lexsort((batch.back, batch.rows, batch.askers))
    same = np.zeros(len(place), bool)
    same[1:] = (np.diff(batch.rows[place]) == 0) & (np.diff(batch.askers[place]) == 0)
    newest = np.ones(len(place), np.float32)
    newest[place[same]] = 0.0
    return newest


def _named(name: str, matrix: sp.csr_array) -> Arrays:
    return {f"{name}.indptr": matrix.indptr, f"{name}.indices": matrix.indices, f"{name}.data": matrix.data}


def _matrix(name: str, arrays: Arrays, n_columns: int) -> sp.csr_array:
    indptr, indices, data = (arrays[f"{name}.{part}"] for part in ("indptr", "indices", "data"))
    return sp.csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_columns))
