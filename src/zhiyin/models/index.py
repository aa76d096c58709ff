"""Nearest vectors: exactly, by looking at all; or in a large catalogue among the most promising cells only.

Cells are those of k-means (inverted file; Jégou, Douze & Schmid 2011, "Product Quantization for Nearest
Neighbor Search", section IV), kept by faiss with 8 bits a number. How many cells are looked into is measured
on the catalogue itself: as many as it takes to find `RECALL` of what an exact search finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Arrays, best, union

if TYPE_CHECKING:
    import faiss

EXACT_BELOW = 5_000  # rows: up to there a scan takes a tenth of a millisecond
RECALL = 0.95  # of the 200 nearest; of the 20 nearest far more (docs/LOG.md)
TRIALS, FOUND = 100, 200  # questions by which cells are counted, and rows that each asks for
TRAINED_ON = 64  # rows a cell


class VectorIndex(Protocol):
    """Unit rows, asked for those near a unit vector."""

    def search(self, vector: Floats, k: int) -> Rows:
        """At most k rows of the highest inner product with a (dim,) vector, best first; none below zero."""
        ...

    def with_rows(self, vectors: Floats, rows: Rows) -> Self:
        """The same index over `vectors`, in which these rows are new or others than before."""
        ...

    def arrays(self) -> Arrays:
        """What a bundle keeps beside the vectors."""
        ...


@dataclass(frozen=True, slots=True)
class ExactIndex:
    """Looks at every row."""

    vectors: Floats  # (I, dim)

    def search(self, vector: Floats, k: int) -> Rows:
        return _above_zero(self.vectors @ vector, k, np.arange(len(self.vectors)))

    def with_rows(self, vectors: Floats, rows: Rows) -> Self:
        return replace(self, vectors=vectors)

    def arrays(self) -> Arrays:
        return {}


@dataclass(frozen=True, slots=True)
class CellIndex:
    """Looks into the nearest cells, and at the rows that came or changed since; what it finds is scored
    exactly."""

    vectors: Floats  # (I, dim)
    cells: faiss.IndexIVF  # over the rows as they were when it was built; looks into its `nprobe` nearest
    changed: Rows = field(default_factory=lambda: np.zeros(0, np.int32))  # rows the cells know wrongly or not

    def search(self, vector: Floats, k: int) -> Rows:
        rows = union([_in_cells(self.cells, vector, k + len(self.changed)), self.changed])
        return _above_zero(self.vectors[rows] @ vector, k, rows)

    def nearest(self, vectors: Floats, k: int) -> Rows:
        """(n, k) for each of n vectors at once about the k rows of the highest inner product, on all cores, as
        the cells have them; PAD where fewer are found."""
        _, rows = self.cells.search(vectors, k)
        return rows.astype(np.int32)

    def with_rows(self, vectors: Floats, rows: Rows) -> Self:
        return replace(self, vectors=vectors, changed=union([self.changed, rows.astype(np.int32)]))

    def arrays(self) -> Arrays:
        import faiss

        return {"cells": faiss.serialize_index(self.cells), "changed": self.changed}


def build_index(vectors: Floats, seed: int) -> VectorIndex:
    """An exact index where few items are told of, cells where many are."""
    told = np.count_nonzero(vectors.any(axis=1))
    return ExactIndex(vectors) if told < EXACT_BELOW else build_cells(vectors, seed)


def build_cells(vectors: Floats, seed: int) -> CellIndex:
    """Cells over (I, dim) rows, tried out until they find RECALL of what an exact search finds."""
    import faiss

    n_rows, dim = vectors.shape
    n_cells = int(2 * np.sqrt(n_rows))
    kind, nearness = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    cells = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dim), dim, n_cells, kind, nearness)
    rng = np.random.default_rng(seed)
    cells.train(vectors[rng.permutation(n_rows)[: TRAINED_ON * n_cells]])
    cells.add(vectors)
    _probe_enough(cells, vectors, rng)
    return CellIndex(vectors, cells)


def index_of(vectors: Floats, arrays: Arrays) -> VectorIndex:
    """The index of a bundle, from what `arrays` gave."""
    if "cells" not in arrays:
        return ExactIndex(vectors)
    import faiss

    cells = faiss.deserialize_index(np.asarray(arrays["cells"], np.uint8))
    if not isinstance(cells, faiss.IndexIVF):
        raise BrokenBundle(f"the index of the meaning channel is a {type(cells).__name__}: train again")
    return CellIndex(vectors, cells, np.asarray(arrays["changed"], np.int32))


def cells_of(vectors: Floats, n_cells: int, seed: int = 0) -> Rows:
    """(I,) which of `n_cells` cells of k-means (Lloyd 1982) each row is in."""
    import faiss

    means = faiss.Kmeans(vectors.shape[1], min(n_cells, len(vectors)), seed=seed, min_points_per_centroid=1)
    rows = np.ascontiguousarray(vectors, np.float32)
    means.train(rows)
    return means.index.search(rows, 1)[1][:, 0].astype(np.int32)


def _in_cells(cells: faiss.IndexIVF, vector: Floats, k: int) -> Rows:
    _, rows = cells.search(vector[None, :], k)
    return rows[0][rows[0] >= 0].astype(np.int32)


def _probe_enough(cells: faiss.IndexIVF, vectors: Floats, rng: np.random.Generator) -> None:
    """Set the fewest cells (a power of two) that find RECALL of what an exact search finds."""
    questions = _questions(vectors, rng)
    exact = [best(vectors @ question, FOUND) for question in questions]
    cells.nprobe, found = 4, 0.0
    while found < RECALL and cells.nprobe < cells.nlist:
        cells.nprobe = min(2 * cells.nprobe, cells.nlist)
        got = [_in_cells(cells, question, FOUND) for question in questions]
        found = float(np.mean([np.isin(rows, some).mean() for rows, some in zip(exact, got, strict=True)]))


def _questions(vectors: Floats, rng: np.random.Generator) -> Floats:
    """(TRIALS, dim) made histories: each three items near to one another."""
    told = np.flatnonzero(np.abs(vectors).sum(axis=1))
    firsts = rng.choice(told, min(TRIALS, len(told)), replace=False)
    near = [best(vectors @ vectors[first], FOUND) for first in firsts]
    return unit(np.array([vectors[rng.choice(rows, 3)].sum(axis=0) for rows in near]))


def _above_zero(products: Floats, k: int, rows: np.ndarray) -> Rows:
    top = best(products, k)
    return rows[top[products[top] > 0]].astype(np.int32)
