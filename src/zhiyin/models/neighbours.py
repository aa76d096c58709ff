"""Item-to-item channels share one shape: a sparse matrix of what one item in a history says about another.

The score of item j is Σ_h value(h) · W[h, j] over the history, so each entry's contribution is one addend.
Items that arrive later get the mean score of the fitted items whose text is nearest.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run, best
from zhiyin.models.propagation import mixture, smoothed
from zhiyin.models.sparse import entries, picked, with_rows

ROWS_AT_ONCE = 2_048
ROOM = 3_000_000  # links in all, up to which none is pruned


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`values` of a history entry decay by its place (`decay` each step back) and are normalised so that
    long and short histories score on one scale: divided by (Σ value)^`norm`.
    """

    name: ClassVar[str] = "neighbours"
    links: sp.csr_array  # (I, I) float32: row = item in the history, column = item scored
    later: sp.csr_array  # (L, I): an item that came later is scored as this mixture of fitted ones
    decay: float = 1.0
    norm: float = 0.5

    @classmethod
    def of(cls, links: sp.csr_array, decay: float = 1.0) -> Self:
        """Without any later item."""
        return cls(links, sp.csr_array((0, links.shape[1]), dtype=np.float32), decay)

    @property
    def n_fitted(self) -> int:
        return int(self.links.shape[0])

    @property
    def n_items(self) -> int:
        return self.n_fitted + int(self.later.shape[0])

    def score(self, batch: Batch) -> Floats:
        own = (batch.matrix(self.n_fitted, self.values(batch)) @ self.links).toarray()
        return np.hstack([own, (self.later @ own.T).T]) if self.later.shape[0] else own

    def scorer(self, batch: Batch) -> NeighbourScorer:
        return NeighbourScorer(self, batch)

    def borrowed_again(self, rows: Rows, mixtures: sp.csr_array) -> Self:
        """The same links, with these later rows scored through other mixtures (n, I)."""
        return replace(self, later=with_rows(self.later, rows - self.n_fitted, mixtures))

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, later=sp.csr_array(sp.vstack([self.later, arrivals.near[:, : self.n_fitted]])))

    def arrays(self) -> Arrays:
        return {
            **named_parts("links", self.links),
            **named_parts("later", self.later),
            "shape_of_use": np.array([self.decay, self.norm]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        n_items = len(arrays["links.indptr"]) - 1
        decay, norm = (float(x) for x in arrays["shape_of_use"])
        return cls(matrix_in("links", arrays, n_items), matrix_in("later", arrays, n_items), decay, norm)

    def values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts; repeats of an item count once, at their newest place."""
        values = batch.weights * np.float32(self.decay) ** batch.back
        values = values * _newest(batch)
        total = np.bincount(batch.askers, np.abs(values), minlength=len(batch))
        return (values / np.maximum(total, 1e-6)[batch.askers] ** self.norm).astype(np.float32)


class ScoresOfAll:
    """One asker's scores of everything: of fitted items their `own`, of later ones mixtures (L, I) of those."""

    def __init__(self, own: Floats, later: sp.csr_array) -> None:
        self._scores = np.append(own, later @ own) if later.shape[0] else own

    def retrieve(self, k: int) -> Rows:
        said = np.flatnonzero(self._scores > 0)
        return best(self._scores[said], k, said)

    def score(self, rows: Rows) -> Floats:
        return self._scores[rows]


class NeighbourScorer(ScoresOfAll):
    """One asker's sums over the links of their history."""

    def __init__(self, model: Neighbours, batch: Batch) -> None:
        self._later, self._width = model.later, model.n_fitted
        self._values = model.values(batch)
        self._known = np.flatnonzero(batch.rows < model.n_fitted)
        self._said = owner, columns, data = entries(model.links, batch.rows[self._known])
        weights = data * self._values[self._known][owner]
        own = np.bincount(columns, weights, minlength=self._width).astype(np.float32)
        super().__init__(own, self._later)

    def why(self, rows: Rows) -> Floats:
        out = np.zeros((len(self._values), len(rows)), np.float32)
        fitted, later = np.flatnonzero(rows < self._width), np.flatnonzero(rows >= self._width)
        out[np.ix_(self._known, fitted)] = self._links_to(rows[fitted])
        if len(later):
            owner, sources, share = entries(self._later, rows[later] - self._width)
            shares = sp.csr_array((share, (np.arange(len(share)), owner)), shape=(len(share), len(later)))
            out[np.ix_(self._known, later)] = self._links_to(sources) @ shares
        return out * self._values[:, None]

    def _links_to(self, columns: Rows) -> Floats:
        return picked(self._said, len(self._known), self._width, columns)


@dataclass(frozen=True, slots=True)
class Alike:
    """What reads alike among the items of a dataset, and how much people said about each."""

    neighbours: sp.csr_array  # (I, I): rows of weights that sum to one; empty for an item without text
    support: npt.NDArray[np.int64]  # (I,)

    def mixture(self, trust: float) -> sp.csr_array:
        """(I, I): every item as it is mixed with its neighbours."""
        return mixture(self.neighbours, self.support, trust)


class LinksRecipe(Fading):
    """What item-to-item channels have in common. What is left out is chosen on held-out events."""

    choices: ClassVar[Choices] = MappingProxyType(
        {"recency": (0.7, 0.5, 0.85, 1.0), "source_trust": (5.0, 0.0, 20.0), "target_trust": (5.0, 0.5, 2.0, 20.0)}
    )
    k: int = Field(default=200, gt=0, description="Links kept of each item.")
    source_trust: float | None = Field(
        default=None,
        ge=0,
        description="Events at which an item speaks half for itself, half as those like it do; unset: chosen.",
    )
    target_trust: float | None = Field(
        default=None,
        ge=0,
        description="Events at which an item is scored half by itself, half as those like it; unset: chosen.",
    )

    def fit(
        self, data: Dataset, run: Run, alike: Alike | None = None, links: sp.csr_array | None = None
    ) -> Neighbours:
        """Mixed with what reads `alike`; without that, every item for itself. `links`: where they are known."""
        links = self.links(self.gather(data, run), data) if links is None else links
        if alike is not None:
            usual = self.usual()
            source, target = alike.mixture(usual.source_trust or 0.0), alike.mixture(usual.target_trust or 0.0)
            links = smoothed(links, source, target, self.room(links.shape[0]))
        return self.model(links, data)

    def room(self, n_items: int) -> int:
        """How many links of an item are kept."""
        return self.k

    @abstractmethod
    def gather(self, data: Dataset, run: Run) -> sp.csr_array:
        """(I, I) all that is counted or solved."""

    @abstractmethod
    def links(self, gathered: sp.csr_array, data: Dataset) -> sp.csr_array:
        """(I, I) what is kept of it, with `k` links of each item."""

    @abstractmethod
    def model(self, links: sp.csr_array, data: Dataset) -> Neighbours:
        """The channel of these links."""


class SolvedRecipe(LinksRecipe):
    """Links that are solved for, all of an item at once: none is left out before they are mixed, and few after."""

    def room(self, n_items: int) -> int:
        return max(self.k, ROOM // max(n_items, 1))

    def links(self, gathered: sp.csr_array, data: Dataset) -> sp.csr_array:
        return gathered


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


def named_parts(name: str, matrix: sp.csr_array) -> Arrays:
    """A matrix as arrays to save."""
    return {f"{name}.indptr": matrix.indptr, f"{name}.indices": matrix.indices, f"{name}.data": matrix.data}


def matrix_in(name: str, arrays: Arrays, n_columns: int) -> sp.csr_array:
    """The matrix that was saved under this name."""
    indptr, indices, data = (arrays[f"{name}.{part}"] for part in ("indptr", "indices", "data"))
    return sp.csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_columns))
