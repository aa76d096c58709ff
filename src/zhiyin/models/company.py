"""Items by the company they keep: as vectors, of what people take near to what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit

REACH, FADES = 5, 0.8  # items after each that count as going with it, and how much less each does


def company_vectors(together: sp.csr_array, dim: int, seed: int) -> Floats:
    """(I, dim) unit rows: the main axes of the pointwise mutual information, where positive, of items that follow
    one another (Levy & Goldberg 2014), of `pairs`; zero for what nobody took with another."""
    from scipy.sparse.linalg import svds  # noqa: PLC0415  # heavy, and serving does not need it

    n_items = together.shape[0]
    found = np.zeros((n_items, dim), np.float32)
    surprising = surprise(together)
    k = min(dim, n_items - 1)
    if not surprising.nnz or k < 1:
        return found
    axes, strength, _ = svds(surprising, k=k, v0=np.random.default_rng(seed).random(n_items).astype(np.float32))
    order = np.argsort(-strength, kind="stable")
    found[:, :k] = axes[:, order] * np.sqrt(strength[order])
    return unit(found)


def pairs(indptr: npt.NDArray[np.int64], rows: Rows, n_items: int) -> sp.csr_array:
    """(I, I) how often two items stood near to one another in histories (`rows` (E,), one after the other), nearer
    ones counting more; the same both ways."""
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    total = sp.csr_array((n_items, n_items), dtype=np.float32)
    for step in range(1, REACH + 1):
        same = owner[step:] == owner[:-step]
        weights = np.full(int(same.sum()), FADES**step, np.float32)
        total = total + sp.csr_array((weights, (rows[:-step][same], rows[step:][same])), shape=total.shape)
    return sp.csr_array(total + total.T)


def surprise(together: sp.csr_array) -> sp.csr_array:
    """The logarithm of how much more often than by chance, where that is positive."""
    found = together.tocoo()
    row, column = found.coords
    often = np.asarray(together.sum(axis=1), np.float64).ravel()
    values = np.log(np.maximum(found.data * often.sum() / np.maximum(often[row] * often[column], 1e-12), 1.0))
    kept = (values > 0) & (row != column)
    return sp.csr_array((values[kept].astype(np.float32), (row[kept], column[kept])), shape=together.shape)
