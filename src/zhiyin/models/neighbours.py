"""Item-to-item channels share one shape: a sparse matrix of what one item in a history says about another.

The score of item j is Σ_h value(h) · W[h, j] over the history, so each entry's contribution is one addend.
Items that arrive later get the mean score of the fitted items whose text is nearest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, best, union
from zhiyin.models.lifting import Lifting
from zhiyin.models.sparse import entries, picked

ROWS_AT_ONCE = 2_048
SOURCES = 50  # best scored items, around which one asker's cold items are looked for


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`values` of a history entry decay by its place (`decay` each step back) and are normalised so that
    long and short histories score on one scale: divided by (Σ value)^`norm`.
    """

    name: ClassVar[str] = "neighbours"
    links: sp.csr_array  # (I, I) float32: row = item in the history, column = item scored
    lifting: Lifting
    decay: float = 1.0
    norm: float = 0.5

    @classmethod
    def of(cls, links: sp.csr_array, decay: float = 1.0) -> Self:
        """With every item scored by its own links."""
        return cls(links, Lifting.none(links.shape[1]), decay)

    @property
    def n_fitted(self) -> int:
        return int(self.links.shape[0])

    @property
    def n_items(self) -> int:
        return self.n_fitted + self.lifting.n_later

    def score(self, batch: Batch) -> Floats:
        own = (batch.matrix(self.n_fitted, self.values(batch)) @ self.links).toarray()
        return self.lifting.all(own)

    def scorer(self, batch: Batch) -> NeighbourScorer:
        return NeighbourScorer(self, batch)

    def propagated(self, cold: Rows, mixtures: sp.csr_array) -> Self:
        """The same links, with the rows `cold` scored through others (see models.propagation)."""
        return replace(self, lifting=Lifting.of(cold, mixtures))

    def lifted_again(self, rows: Rows, mixtures: sp.csr_array) -> Self:
        """The same links, with these later rows scored through other mixtures (n, I)."""
        return replace(self, lifting=self.lifting.again(rows, mixtures))

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, lifting=self.lifting.extended(arrivals.near[:, : self.n_fitted]))

    def arrays(self) -> Arrays:
        return {
            **_named("links", self.links),
            **_named("lift", self.lifting.mixtures),
            "cold": self.lifting.cold,
            "shape_of_use": np.array([self.decay, self.norm]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        n_items = len(arrays["links.indptr"]) - 1
        decay, norm = (float(x) for x in arrays["shape_of_use"])
        lifting = Lifting.of(np.asarray(arrays["cold"], np.int32), _matrix("lift", arrays, n_items))
        return cls(_matrix("links", arrays, n_items), lifting, decay, norm)

    def values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts; repeats of an item count once, at their newest place."""
        values = batch.weights * np.float32(self.decay) ** batch.back
        values = values * _newest(batch)
        total = np.bincount(batch.askers, np.abs(values), minlength=len(batch))
        return (values / np.maximum(total, 1e-6)[batch.askers] ** self.norm).astype(np.float32)


class NeighbourScorer:
    """One asker's sums over the links of their history."""

    def __init__(self, model: Neighbours, batch: Batch) -> None:
        self._lifting, self._width = model.lifting, model.n_fitted
        self._values = model.values(batch)
        self._known = np.flatnonzero(batch.rows < model.n_fitted)
        self._said = owner, columns, data = entries(model.links, batch.rows[self._known])
        weights = data * self._values[self._known][owner]
        self._own = np.bincount(columns, weights, minlength=self._width).astype(np.float32)

    def retrieve(self, k: int) -> Rows:
        """Cold rows are looked for among those that lean on the SOURCES best: a mixture is no better than the
        best of its parts."""
        said = np.flatnonzero(self._own > 0)
        top = best(self._own[said], max(k, SOURCES), said)
        lifted = self._lifting.reached(top[:SOURCES])
        rows = union([top[self._lifting.place_of[top] == PAD], lifted])
        scores = self.score(rows)
        positive = np.flatnonzero(scores > 0)
        return best(scores[positive], k, rows[positive])

    def score(self, rows: Rows) -> Floats:
        return self._lifting.some(self._own, rows)

    def why(self, rows: Rows) -> Floats:
        out = np.zeros((len(self._values), len(rows)), np.float32)
        cold = self._lifting.place_of[rows] != PAD
        out[np.ix_(self._known, ~cold)] = self._links_to(rows[~cold])
        if cold.any():
            sources, shares = self._lifting.shares(rows[cold])
            out[np.ix_(self._known, cold)] = self._links_to(sources) @ shares
        return out * self._values[:, None]

    def _links_to(self, columns: Rows) -> Floats:
        return picked(self._said, len(self._known), self._width, columns)


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
