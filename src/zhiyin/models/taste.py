"""Taste: people who liked this liked that, as a linear item-to-item model.

Up to `max_dense` items EASE in closed form (Steck 2019, "Embarrassingly Shallow Autoencoders", eq. 8),
factorised in place so that one dense matrix is all the memory it needs; above, cosine item-kNN with
shrinkage (Deshpande & Karypis 2004), which never leaves sparse arithmetic. Both are pruned to `k` links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.errors import InvalidData
from zhiyin.models.base import Recipe, Run
from zhiyin.models.neighbours import ROWS_AT_ONCE, Neighbours, common_users
from zhiyin.models.sparse import prune


@dataclass(frozen=True, slots=True)
class Taste(Neighbours):
    name: ClassVar[str] = "taste"


class TasteRecipe(Recipe):
    """Collaborative filtering by linear item-to-item weights."""

    reg: float = Field(default=200.0, gt=0, description="Ridge of EASE, in interactions: more = smoother.")
    shrinkage: float = Field(
        default=10.0, ge=0, description="Common users below which item-kNN trusts a pair less."
    )
    recency: float = Field(default=1.0, gt=0, le=1, description="How an event counts less with each newer one.")
    k: int = Field(default=300, gt=0, description="Links kept of each item.")
    max_dense: int = Field(default=14_000, ge=0, description="Items up to which the dense EASE is solved.")

    def fit(self, data: Dataset, run: Run) -> Taste:
        users_by_items = data.interactions()
        seen = len(np.unique(users_by_items.indices))
        links = (
            self._ease(users_by_items, run) if 0 < seen <= self.max_dense else self._item_knn(users_by_items, run)
        )
        return Taste.of(links, self.recency if data.ordered else 1.0)

    def _ease(self, users_by_items: sp.csr_array, run: Run) -> sp.csr_array:
        """B = I − P / diag(P), P = (XᵀX + reg·I)⁻¹, over the items that have any interaction."""
        n_items = users_by_items.shape[1]
        seen = np.flatnonzero(np.bincount(users_by_items.indices, minlength=n_items))
        inverse = _inverse_gram(sp.csr_array(users_by_items[:, seen]), self.reg)
        diagonal = inverse.diagonal().copy()
        run.progress.start("pruning taste links", len(seen))
        blocks = []
        for start in range(0, len(seen), ROWS_AT_ONCE):
            block = -(inverse[start : start + ROWS_AT_ONCE] / diagonal)  # row h: what h says about each j
            block[np.arange(len(block)), np.arange(start, start + len(block))] = 0.0
            blocks.append(_top_of_rows(block, self.k))
            run.progress.advance(start + len(block))
        run.progress.done()
        return _spread(sp.csr_array(sp.vstack(blocks)), seen, n_items)

    def _item_knn(self, users_by_items: sp.csr_array, run: Run) -> sp.csr_array:
        n_items = users_by_items.shape[1]
        support = np.bincount(users_by_items.indices, minlength=n_items).astype(np.float32)
        run.progress.start("linking items by common users", n_items)
        blocks = [sp.csr_array((0, n_items), dtype=np.float32)]
        for start, common in common_users(users_by_items):
            rows = np.repeat(np.arange(start, start + common.shape[0]), np.diff(common.indptr))
            common.data /= np.sqrt(support[rows] * support[common.indices]) + np.float32(self.shrinkage)
            blocks.append(prune(common, self.k))
            run.progress.advance(start + common.shape[0])
        run.progress.done()
        return sp.csr_array(sp.vstack(blocks))


def _inverse_gram(users_by_items: sp.csr_array, reg: float) -> Floats:
    """(XᵀX + reg·I)⁻¹ in the memory of the one matrix (Cholesky potrf, then potri)."""
    from scipy.linalg import lapack  # noqa: PLC0415  # slow to import, and a server never fits

    gram = np.asfortranarray((users_by_items.T @ users_by_items).toarray().astype(np.float32, copy=False))
    gram[np.diag_indices_from(gram)] += np.float32(reg)
    factor, failed = lapack.spotrf(gram, lower=0, overwrite_a=1, clean=0)
    inverse, failed_too = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed or failed_too:
        raise InvalidData(f"the taste channel's equations have no solution with reg={reg}: raise recipe.taste.reg")
    rows = inverse.shape[0]
    for start in range(0, rows, ROWS_AT_ONCE):  # potri fills one triangle: mirror it block by block
        stop = min(start + ROWS_AT_ONCE, rows)
        inverse[stop:, start:stop] = inverse[start:stop, stop:].T
        corner = inverse[start:stop, start:stop]
        corner[...] = np.triu(corner) + np.triu(corner, 1).T
    return inverse


def _top_of_rows(block: Floats, k: int) -> sp.csr_array:
    k = min(k, block.shape[1])
    columns = np.argpartition(-np.abs(block), k - 1, axis=1)[:, :k]
    columns.sort(axis=1)
    data = np.take_along_axis(block, columns, axis=1)
    indptr = np.arange(0, block.shape[0] * k + 1, k)
    return sp.csr_array((data.ravel(), columns.ravel().astype(np.int32), indptr), shape=block.shape)


def _spread(links: sp.csr_array, seen: np.ndarray, n_items: int) -> sp.csr_array:
    """Links among the `seen` items as links among all."""
    coo = links.tocoo()
    row, column = seen[coo.coords[0]], seen[coo.coords[1]]
    return sp.csr_array((coo.data, (row, column)), shape=(n_items, n_items), dtype=np.float32)
