"""Items by the company they keep: as vectors, of what people take near to what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit
from zhiyin.models.sparse import Sum, prune

REACH, FADES = 5, 0.8  # items after each that count as going with it, and how much less each does
MOST = 100  # of those that an item goes with, the most surprising
WHOLE = 1_000  # items up to which all axes are solved for
SPARE, ROUNDS = 16, 6  # axes beyond those wanted, and multiplications, of an iteration


def company_vectors(together: sp.csr_array, dim: int, seed: int) -> Floats:
    """(I, dim) unit rows: the main axes of the pointwise mutual information, where positive, of items that follow
    one another (Levy & Goldberg 2014), of `pairs`; zero for what nobody took with another."""
    kept = prune(surprise(together), MOST)
    surprising = sp.csr_array(kept.maximum(kept.T))
    strength, axes = main_axes_of(surprising, min(dim, together.shape[0]), seed)
    found = np.zeros((together.shape[0], dim), np.float32)
    found[:, : len(strength)] = axes * np.sqrt(np.abs(strength))
    found[np.diff(surprising.indptr) == 0] = 0.0
    return unit(found)


def main_axes_of(links: sp.csr_array, k: int, seed: int) -> tuple[Floats, Floats]:
    """(k,) and (I, k): the k eigenvalues of a symmetric matrix (I, I) that are largest without their sign, and
    their axes; of a large one about, by subspace iteration from a random start (Halko, Martinsson & Tropp 2011,
    algorithm 4.4). The same bits for the same seed, which ARPACK does not promise where it restarts."""
    if links.shape[0] <= WHOLE:
        values, axes = np.linalg.eigh(links.toarray().astype(np.float64))
    else:
        rng = np.random.default_rng(seed)
        basis = rng.standard_normal((links.shape[0], k + SPARE)).astype(np.float32)
        for _ in range(ROUNDS):
            basis = np.linalg.qr(links @ basis)[0]
        values, within = np.linalg.eigh(basis.T @ (links @ basis))
        axes = basis @ within
    order = np.argsort(-np.abs(values), kind="stable")[:k]
    return values[order].astype(np.float32), axes[:, order].astype(np.float32)


def pairs(indptr: npt.NDArray[np.int64], rows: Rows, n_items: int) -> sp.csr_array:
    """(I, I) how often two items stood near to one another in histories (`rows` (E,), one after the other), nearer
    ones counting more; the same both ways."""
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    near = Sum(n_items)
    for step in range(1, REACH + 1):
        same = owner[step:] == owner[:-step]
        near.add(rows[:-step][same], rows[step:][same], np.full(int(same.sum()), FADES**step, np.float32))
    total = near.total()
    return sp.csr_array(total + sp.csr_array(total.T))


def surprise(together: sp.csr_array) -> sp.csr_array:
    """The logarithm of how much more often than by chance, where that is positive."""
    found = together.tocoo()
    row, column = found.coords
    often = np.asarray(together.sum(axis=1), np.float64).ravel()
    values = np.log(np.maximum(found.data * often.sum() / np.maximum(often[row] * often[column], 1e-12), 1.0))
    kept = (values > 0) & (row != column)
    return sp.csr_array((values[kept].astype(np.float32), (row[kept], column[kept])), shape=together.shape)
