"""Rows of sparse matrices without scipy's overhead: one asker needs microseconds, not a matrix product."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows

Places = npt.NDArray[np.int64]


def entries(matrix: sp.csr_array, rows: npt.NDArray[np.integer]) -> tuple[Places, Rows, Floats]:
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


def block(matrix: sp.csr_array, rows: Rows, columns: npt.NDArray[np.integer]) -> Floats:
    """(len(rows), len(columns)) dense; a column may be asked for more than once."""
    wanted, place = np.unique(columns, return_inverse=True)
    owner, column, data = entries(matrix, rows)
    at = np.searchsorted(wanted, column)
    at[at == len(wanted)] = 0
    hit = wanted[at] == column if len(wanted) else np.zeros(len(column), bool)
    out = np.zeros((len(rows), len(wanted)), np.float32)
    out[owner[hit], at[hit]] = data[hit]
    return out[:, place]
