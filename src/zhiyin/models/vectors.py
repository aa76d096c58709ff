"""Vectors: what is alike by a vector that items bring along, such as of their image, sound or film.

One channel for each name, `vector_NAME`, with the rows of zhiyin.models.dense. An item that has no such vector is
not below any other for that: its row is the weighted mean of the rows of the NEAREST items that have one and read
most like it (row j: Σ_i near_ji · v_i). So its score is the mean of their scores, neither better nor worse than
what its text makes likely. Without a text as well its row is zero, the middle of the catalogue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run
from zhiyin.models.dense import DenseRows, DenseScorer, centre_of, main_axes, turned, turned_one_by_one
from zhiyin.models.index import build_index, index_of
from zhiyin.models.meaning import Meaning
from zhiyin.models.propagation import near_by_text
from zhiyin.models.sparse import prune
from zhiyin.models.words import Words
from zhiyin.types import MAX_VECTORS, Item

PREFIX = "vector_"  # of the channel, before the name of the vector
NEAREST = 3  # items that one without a vector borrows from: a mean of more varies too little to reach a list
LEAST = 2  # items with a vector: one alone is like nothing


@dataclass(frozen=True, slots=True)
class Vectors(DenseRows):
    name: ClassVar[str] = "vectors"
    of: str  # the name that items call the vector by
    centre: Floats  # (own dim,)
    axes: Floats  # (own dim, dim)
    told: Mask  # (I,) which items brought the vector themselves
    fitted: Floats  # (I when fitted, dim): what later items borrow from, whatever changed since

    def score(self, batch: Batch) -> Floats:
        return self.past(batch) @ self.vectors.T

    def scorer(self, batch: Batch) -> DenseScorer:
        return DenseScorer(self, batch, self.past(batch)[0])

    def extended(self, arrivals: Arrivals) -> Self:
        found, told = self._read(arrivals.items, arrivals.near)
        vectors = np.concatenate([self.vectors, found])
        rows = np.arange(self.n_items, len(vectors), dtype=np.int32)
        return replace(self.with_rows(vectors, rows), told=np.append(self.told, told))

    def read_again(self, rows: Rows, arrivals: Arrivals) -> Self:
        """The same items, of which these rows have changed."""
        vectors, told = self.vectors.copy(), self.told.copy()
        vectors[rows], told[rows] = self._read(arrivals.items, without_self(arrivals.near, rows))
        return replace(self.with_rows(vectors, rows), told=told)

    def arrays(self) -> Arrays:
        return {
            "vectors": self.vectors,
            "centre": self.centre,
            "axes": self.axes,
            "told": self.told,
            "recency": np.array([self.recency]),
            "n_fitted": np.array([len(self.fitted)]),
            **self.index.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays, of: str) -> Self:
        vectors, centre, axes = (np.asarray(arrays[name], np.float32) for name in ("vectors", "centre", "axes"))
        told, fitted = np.asarray(arrays["told"], bool), vectors[: int(arrays["n_fitted"][0])]
        index = index_of(vectors, arrays)
        return cls(vectors, float(arrays["recency"][0]), index, of, centre, axes, told, fitted)

    def _read(self, items: Sequence[Item], near: sp.csr_array) -> tuple[Floats, Mask]:
        """(n, dim) rows of items that came or changed, and (n,) which of them brought a vector."""
        read, told = read_vectors(items, self.of, len(self.centre))
        lent = nearest(near)[:, : len(self.fitted)] @ self.fitted
        return np.where(told[:, None], turned_one_by_one(read, self.centre, self.axes), lent), told


class VectorsRecipe(Fading):
    """Vectors that items bring along, by name."""

    choices: ClassVar[Choices] = MappingProxyType({"recency": (0.9, 0.7, 0.5, 1.0)})
    dim: int = Field(default=192, gt=0, description="Main axes kept of a vector's dimensions.")
    whiten: float = Field(default=0.5, ge=0, le=0.5, description="Damping of strong axes: 0 none, 0.5 whitening.")

    def fit(self, data: Dataset, run: Run, words: Words, meaning: Meaning) -> dict[str, Vectors]:
        """One model for each name of the catalogue, by its channel."""
        return {PREFIX + name: self._fit(name, dim, data, run, (words, meaning)) for name, dim in named(data)}

    def _fit(self, name: str, dim: int, data: Dataset, run: Run, readers: tuple[Words, Meaning]) -> Vectors:
        read, told = read_vectors(data.catalogue, name, dim)
        centre = centre_of(read[told])
        axes = main_axes(read[told] - centre, self.dim, self.whiten)
        vectors = turned(read, centre, axes)
        lacking, having = (np.flatnonzero(which).astype(np.int32) for which in (~told, told))
        vectors[lacking] = near_by_text(*readers, lacking, having, run.seed, NEAREST) @ vectors
        index = build_index(vectors, run.seed)
        return Vectors(vectors, self.fades(data), index, name, centre, axes, told, vectors)


def is_vector(channel: str) -> bool:
    """Whether a channel is one of named vectors."""
    return channel.startswith(PREFIX)


def named(data: Dataset) -> list[tuple[str, int]]:
    """Names of vectors that LEAST items or more have in the same length, and that length: the most common one, the
    longer of equals. The MAX_VECTORS most common names, in alphabetical order."""
    return sorted((name, dim) for name, dim, _ in _common(data.catalogue)[:MAX_VECTORS])


def _common(items: Iterable[Item]) -> list[tuple[str, int, int]]:
    """(name, length, items that have it so), the most common first."""
    counts = Counter((name, len(vector)) for item in items for name, vector in item.vectors.items())
    by_name: dict[str, tuple[int, int]] = {}
    for (name, dim), count in counts.items():
        by_name[name] = max(by_name.get(name, (0, 0)), (count, dim))
    found = [(name, dim, count) for name, (count, dim) in by_name.items() if count >= LEAST]
    return sorted(found, key=lambda one: (-one[2], one[0]))


def read_vectors(items: Sequence[Item], name: str, dim: int) -> tuple[Floats, Mask]:
    """(n, dim) unit rows, and (n,) which items have a vector of this name and length."""
    read = np.zeros((len(items), dim))
    for row, item in enumerate(items):
        if len(vector := item.vectors.get(name, ())) == dim:
            read[row] = vector
    told = np.asarray(read.any(axis=1), bool)
    read[told] /= np.abs(read[told]).max(axis=1, keepdims=True)  # the square of a huge number is none
    read[told] /= np.linalg.norm(read[told], axis=1, keepdims=True)
    return read.astype(np.float32), told


def nearest(near: sp.csr_array) -> sp.csr_array:
    """(n, I) the NEAREST of each row's neighbours, their weights again of the same sum; each row by itself."""
    few = prune(near, NEAREST)
    owner = np.repeat(np.arange(few.shape[0]), np.diff(few.indptr))
    kept, all_ = (np.asarray(one.sum(axis=1)).ravel() for one in (few, near))
    scale = np.divide(all_, kept, out=np.ones_like(all_), where=kept > 1e-12)
    return sp.csr_array((few.data * scale[owner], few.indices, few.indptr), shape=few.shape, dtype=np.float32)


def without_self(near: sp.csr_array, rows: Rows) -> sp.csr_array:
    """(n, I) neighbours of these rows, none of them the row itself: what it was is no neighbour of what it is."""
    found = sp.coo_array(near)
    owner, column = found.coords
    data = np.where(column == rows[owner], 0.0, found.data)
    left = np.bincount(owner, data, minlength=near.shape[0])
    changed = np.bincount(owner, data != found.data, minlength=near.shape[0]) > 0
    total = np.where(changed & (left > 1e-12), left, 1.0)  # others stay the same to the last bit
    return sp.csr_array((data / total[owner], (owner, column)), shape=near.shape, dtype=np.float32)
