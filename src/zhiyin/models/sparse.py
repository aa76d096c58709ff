"""Rows of sparse matrices without scipy's overhead: one asker needs microseconds, not a matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows

MOST_ADDED = 16_000_000  # entries that wait to be added up

Places = npt.NDArray[np.int64]


class _Kept(local):
    """Of each thread: a row of zeros by its width."""

    def __init__(self) -> None:
        self.rows: dict[int, Floats] = {}


_kept = _Kept()
Entries = tuple[Places, Rows, Floats]  # whose, which column, what value


class Sum:
    """Of entries of an (n, n) matrix that come in parts, of which up to `most` wait to be added at once."""

    def __init__(self, n: int, most: int = MOST_ADDED) -> None:
        self._most, self._waiting = most, 0
        self._total = sp.csr_array((n, n), dtype=np.float32)
        self._parts: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Floats]] = []

    def add(self, rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32], values: npt.ArrayLike) -> None:
        self._parts.append((rows, columns, np.asarray(values, np.float32)))
        self._waiting += len(rows)
        if self._waiting >= self._most:
            self._total, self._parts, self._waiting = self.total(), [], 0

    def total(self) -> sp.csr_array:
        """All that was added."""
        if not self._parts:
            return self._total
        rows, columns, values = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        added = sp.csr_array((values, (rows, columns)), shape=self._total.shape)
        return sp.csr_array(self._total + added) if self._total.nnz else added


def entries(matrix: sp.csr_array, rows: npt.NDArray[np.integer]) -> Entries:
    """The stored entries of some rows: which of the `rows` each belongs to, its column, its value."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1] - starts
    owner = np.repeat(np.arange(len(rows)), lengths)
    first = np.cumsum(lengths) - lengths
    at = np.arange(len(owner)) + np.repeat(starts - first, lengths)
    return owner, matrix.indices[at], matrix.data[at]


def weighted_sum(matrix: sp.csr_array, rows: Rows, weights: Floats) -> Floats:
    """(columns,) Σ weights · rows, dense."""
    owner, columns, data = entries(matrix, rows)
    return np.bincount(columns, data * weights[owner], minlength=matrix.shape[1]).astype(np.float32)


@contextmanager
def all_zero(width: int, columns: npt.NDArray[np.integer]) -> Iterator[Floats]:
    """(width,) zeros, of which the block writes these columns only. The row is kept by the thread for the next
    block: to ask the system for a million zeros takes longer than what is done with them."""
    dense = _kept.rows.pop(width, None)  # not there for a block within the block
    if dense is None:
        dense = np.zeros(width, np.float32)
    yield dense
    dense[columns] = 0.0
    _kept.rows[width] = dense


def picked(found: Entries, n: int, width: int, columns: npt.NDArray[np.integer]) -> Floats:
    """(n, len(columns)) of the found entries of n rows, dense; a column may be asked for more than once."""
    owner, column, data = found
    place = np.full(width, -1, np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    at = place[column]
    hit = np.flatnonzero(at >= 0)
    out = np.zeros((n, len(columns)), np.float32)
    out[owner[hit], at[hit]] = data[hit]
    return out[:, place[columns]]


def with_rows(matrix: sp.csr_array, rows: npt.NDArray[np.integer], others: sp.csr_array) -> sp.csr_array:
    """The matrix with the n `others` in place of these n rows."""
    source = np.arange(matrix.shape[0])
    source[rows] = matrix.shape[0] + np.arange(len(rows))
    return sp.csr_array(sp.csr_array(sp.vstack([matrix, others]))[source])


def prune(matrix: sp.csr_array, k: int) -> sp.csr_array:
    """The k entries of largest magnitude in each row."""
    matrix = sp.csr_array(matrix)
    lengths = np.diff(matrix.indptr)
    kept = np.ones(len(matrix.data), bool)
    for row in np.flatnonzero(lengths > k):
        start, stop = matrix.indptr[row : row + 2]
        kept[start + np.argpartition(-np.abs(matrix.data[start:stop]), k)[k:]] = False
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, k))])
    return sp.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def top_of_rows(block: Floats, k: int) -> sp.csr_array:
    """The k entries of largest magnitude in each row of a dense block, zeros left out; of ties the first."""
    size = -np.abs(block)  # from the small end: many zeros at the other would be slow
    kept = size < 0
    if k < block.shape[1]:
        least = np.partition(size, k - 1, axis=1)[:, k - 1] if k else np.full(len(block), -np.inf, np.float32)
        kept &= size <= least[:, None]
        for row in np.flatnonzero(kept.sum(axis=1) > k):  # ties: those above, then the first of them
            tied = np.flatnonzero(size[row] == least[row])
            kept[row, tied[k - int((size[row] < least[row]).sum()) :]] = False
    owner, columns = np.nonzero(kept)
    indptr = np.searchsorted(owner, np.arange(len(block) + 1))
    return sp.csr_array((block[kept], columns.astype(np.int32), indptr), shape=block.shape)
