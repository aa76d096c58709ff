"""Taste: people who liked this liked that, as a linear item-to-item model.

Up to `max_dense` items EASE in closed form (Steck 2019, "Embarrassingly Shallow Autoencoders", eq. 8),
factorised in place so that one dense matrix is all the memory it needs. People with many items count less, and
items that many took are held back more, which is a normalisation of both sides of the data (Park et al. 2025, "Why
is Normalization Necessary for Linear Recommenders?"), with powers that do for all data sets we measured. Broad
strokes may be added, as loud as EASE itself (`low_pass`), where held-out events prefer it. Above `max_dense`,
cosine item-kNN with shrinkage (Deshpande & Karypis 2004), which never leaves sparse arithmetic. Both are pruned
to `k` links.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.errors import InvalidData
from zhiyin.models.base import Choices, Run
from zhiyin.models.low_pass import low_pass
from zhiyin.models.neighbours import ROWS_AT_ONCE, LinksRecipe, Neighbours, SolvedRecipe, common_users
from zhiyin.models.sparse import prune, top_of_rows
from zhiyin.threads import side_by_side


@dataclass(frozen=True, slots=True)
class Taste(Neighbours):
    name: ClassVar[str] = "taste"


class TasteRecipe(SolvedRecipe):
    """Collaborative filtering by linear item-to-item weights."""

    choices: ClassVar[Choices] = MappingProxyType(
        {
            "reg": (200.0, 50.0, 100.0, 400.0, 800.0, 1600.0),
            "rank": (0, 32, 64, 128),
            **LinksRecipe.choices,
            "recency": (1.0, 0.85, 0.7, 0.5),
            "source_trust": (0.0, 5.0, 20.0),
            "target_trust": (2.0, 0.5, 5.0, 20.0),
        }
    )
    reg: float | None = Field(
        default=None, gt=0, description="Ridge of EASE, in interactions: more = smoother; unset: chosen."
    )
    rank: int | None = Field(
        default=None, ge=0, description="Main axes of taste that are added to EASE; 0: none; unset: chosen."
    )
    user_power: float = Field(
        default=0.5, ge=0, le=1, description="EASE: a person counts as their number of items to minus this power."
    )
    item_power: float = Field(
        default=0.25, ge=0, le=1, description="EASE: an item's ridge grows as its support to this power."
    )
    shrinkage: float = Field(
        default=10.0, ge=0, description="Common users below which item-kNN trusts a pair less."
    )
    k: int = Field(default=300, gt=0, description="Links kept of each item; more in a small catalogue.")
    max_dense: int = Field(default=14_000, ge=0, description="Items up to which the dense EASE is solved.")

    def gather(self, data: Dataset, run: Run) -> sp.csr_array:
        users_by_items = data.interactions()
        seen = len(np.unique(users_by_items.indices))
        if 0 < seen <= self.max_dense:
            return self._ease(users_by_items, run)
        return self._item_knn(users_by_items, run)

    def model(self, links: sp.csr_array, data: Dataset) -> Taste:
        return Taste.of(links, self.fades(data))

    def _ease(self, users_by_items: sp.csr_array, run: Run) -> sp.csr_array:
        """B = I − P / diag(P), P = (XᵀWX + ridge)⁻¹, over the items that have any interaction. Weights of people W
        have mean 1, and an item of mean support has the ridge `reg`."""
        n_items = users_by_items.shape[1]
        seen = np.flatnonzero(np.bincount(users_by_items.indices, minlength=n_items))
        warm = sp.csr_array(users_by_items[:, seen])
        links = self._inverse(warm)
        links /= -links.diagonal()  # row h: what h says about each j
        np.fill_diagonal(links, 0.0)
        if rank := self.usual().rank:
            broad = low_pass(warm, rank)
            links += broad * np.float32(np.linalg.norm(links) / max(float(np.linalg.norm(broad)), 1e-12))
        run.progress.start("pruning taste links", len(seen))
        blocks, room = [], self.room(n_items)
        cut = [links[start : start + ROWS_AT_ONCE] for start in range(0, len(seen), ROWS_AT_ONCE)]
        for n, block in enumerate(side_by_side(lambda rows: top_of_rows(rows, room), cut)):
            blocks.append(block)
            run.progress.advance(min((n + 1) * ROWS_AT_ONCE, len(seen)))
        run.progress.done()
        return _spread(sp.csr_array(sp.vstack(blocks)), seen, n_items)

    def _inverse(self, users_by_items: sp.csr_array) -> Floats:
        """(I, I) P, of items that somebody took."""
        reg = self.usual().reg or 0.0
        taken = np.diff(users_by_items.indptr)
        weight = np.maximum(taken, 1) ** -self.user_power
        weight /= weight[taken > 0].mean()
        weighted = sp.csr_array(sp.diags_array(weight.astype(np.float32)) @ users_by_items)
        gram = _products(sp.csr_array(users_by_items.T), weighted)
        support = gram.diagonal() / gram.diagonal().mean()
        gram[np.diag_indices_from(gram)] += np.float32(reg) * support**self.item_power
        inverse = _inverted(gram)
        if inverse is None:
            raise InvalidData(
                f"the taste channel's equations have no solution with reg={reg}: raise recipe.taste.reg"
            )
        return inverse

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


def _products(left: sp.csr_array, right: sp.csr_array) -> Floats:
    """(n, m) left · right, dense and in Fortran's order if that is symmetric: it is made in C's."""
    found = np.empty((left.shape[0], right.shape[1]), np.float32)

    def filled(start: int) -> None:
        some = slice(start, start + ROWS_AT_ONCE)
        found[some] = (left[some] @ right).toarray()

    for _ in side_by_side(filled, range(0, left.shape[0], ROWS_AT_ONCE)):
        pass
    return found.T


def _inverted(gram: Floats) -> Floats | None:
    """The inverse of a positive definite matrix in Fortran's order, in its own memory (Cholesky potrf, then
    potri), and in C's order, which is the same for a symmetric one."""
    from scipy.linalg import lapack  # noqa: PLC0415  # slow to import, and a server never fits

    factor, failed = lapack.spotrf(gram, lower=0, overwrite_a=1, clean=0)
    inverse, failed_too = lapack.spotri(factor, lower=0, overwrite_c=1)
    if failed or failed_too:
        return None
    rows = inverse.shape[0]
    for start in range(0, rows, ROWS_AT_ONCE):  # potri fills one triangle: mirror it block by block
        stop = min(start + ROWS_AT_ONCE, rows)
        inverse[stop:, start:stop] = inverse[start:stop, stop:].T
        corner = inverse[start:stop, start:stop]
        corner[...] = np.triu(corner) + np.triu(corner, 1).T
    return inverse.T


def _spread(links: sp.csr_array, seen: np.ndarray, n_items: int) -> sp.csr_array:
    """Links among the `seen` items, which ascend, as links among all."""
    lengths = np.zeros(n_items, np.int64)
    lengths[seen] = np.diff(links.indptr)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return sp.csr_array((links.data, seen.astype(np.int32)[links.indices], indptr), shape=(n_items, n_items))
