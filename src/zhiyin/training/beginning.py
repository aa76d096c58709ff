"""What the own parts of items are before a net learns: the axes of what goes with what. It spares most of the
epochs that a net on a few cores would need to find them (docs/LOG.md)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats, Mask
from zhiyin.encoders.base import unit
from zhiyin.training.windows import Histories

REACH, FADES = 5, 0.8  # items after each that count as going with it, and how much less each does


def first_vectors(histories: Histories, n_items: int, dim: int, seed: int) -> Floats:
    """(I, dim) unit rows: the main axes of the pointwise mutual information, where positive, of items that follow
    one another (Levy & Goldberg 2014); zero for what nobody took with another."""
    from scipy.sparse.linalg import svds  # noqa: PLC0415  # heavy, and only training needs it

    found = np.zeros((n_items, dim), np.float32)
    together = surprise(pairs(histories, n_items))
    k = min(dim, n_items - 1)
    if not together.nnz or k < 1:
        return found
    axes, strength, _ = svds(together, k=k, v0=np.random.default_rng(seed).random(n_items).astype(np.float32))
    order = np.argsort(-strength, kind="stable")
    found[:, :k] = axes[:, order] * np.sqrt(strength[order])
    return unit(found)


def borrowed_vectors(own: Floats, had: Mask, histories: Histories) -> Floats:
    """(I, D) own parts, for items that have none yet those of what went with them, as long as the others are."""
    together = surprise(pairs(histories, len(own)))
    lacking = np.flatnonzero(~had)
    if not len(lacking) or not had.any():
        return own
    found = own.copy()
    length = np.float32(np.linalg.norm(own[had], axis=1).mean())
    found[lacking] = unit(together[lacking] @ np.where(had[:, None], own, np.float32(0.0))) * length
    return found


def pairs(histories: Histories, n_items: int) -> sp.csr_array:
    """(I, I) how often two items stood near to one another, nearer ones counting more; the same both ways."""
    rows, owner = histories.rows, np.repeat(np.arange(len(histories.lengths)), histories.lengths)
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
