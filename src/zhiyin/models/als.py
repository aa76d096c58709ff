"""Implicit alternating least squares: people and items as vectors whose product is near 1 where somebody took
something, near 0 everywhere else.

    L = Σ_taken (⟨w_u, h_i⟩ − 1)² + α Σ_all ⟨w_u, h_i⟩² + λ Σ_u (n_u + α I)^ν |w_u|² + λ Σ_i (n_i + α U)^ν |h_i|²

(Hu, Koren & Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets", weighed as by Rendle,
Krichene, Zhang & Koren 2022, "Revisiting the Performance of iALS on Item Recommendation Benchmarks", section 3.)
One side is solved exactly while the other is fixed. The fixed side is turned to the axes on which its Gram matrix
is diagonal, which changes no product; then somebody with L < D items needs L equations, not D.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.progress import Progress
from zhiyin.threads import side_by_side

FEW = 20_000  # entries: threads take longer to start than to solve fewer
AT_ONCE = 4_000_000  # numbers gathered for the equations of one block
UNEVEN = 1.25  # times the shortest list of a block
Places = npt.NDArray[np.int64]
_Block = tuple[Places, Places, Mask]
Mapped = Callable[[Callable[[_Block], tuple[Places, Floats]], Iterable[_Block]], Iterable[tuple[Places, Floats]]]


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the terms of L."""

    unobserved: float  # α
    reg: float  # λ
    power: float  # ν

    def ridge(self, counts: Doubles, others: int) -> Floats:
        """(n,) λ (count + α others)^ν."""
        return (self.reg * (counts + self.unobserved * others) ** self.power).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Plan:
    """How L is minimised."""

    dim: int  # D
    epochs: int
    weights: Weights
    seed: int


@dataclass(frozen=True, slots=True)
class Lists:
    """n lists of rows of the fixed side, each entry with a signed value: the weight of its being 1, or −1."""

    indptr: Places  # (n + 1,)
    rows: Rows  # (H,)
    values: Floats  # (H,)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def counts(self) -> Doubles:
        """(n,) Σ |value|."""
        owner = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        return np.bincount(owner, np.abs(self.values), minlength=len(self)).astype(np.float64)

    @classmethod
    def of(cls, matrix: sp.csr_array) -> Self:
        """The rows of a matrix."""
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A side that stands still, on axes on which its Gram matrix is diagonal."""

    vectors: Floats  # (n, D)
    spread: Floats  # (D,) α · diagonal of the Gram matrix

    @classmethod
    def of(cls, vectors: Floats, unobserved: float) -> Self:
        """The same products, turned."""
        values, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
        spread = unobserved * np.maximum(values, 0.0)
        return cls(vectors @ axes.astype(np.float32), spread.astype(np.float32))


def alternate(taken: sp.csr_array, plan: Plan, progress: Progress, begin: Floats | None = None) -> Fixed:
    """The items (I, D) of (U, I) ones where somebody took something, both sides solved `epochs` times. `begin`
    (I, D): items to begin with; random ones otherwise."""
    dim, weights = plan.dim, plan.weights
    by_user, by_item = Lists.of(taken), Lists.of(sp.csr_array(taken.T))
    of_users = weights.ridge(by_user.counts, taken.shape[1])
    of_items = weights.ridge(by_item.counts, taken.shape[0])
    if begin is None:
        rng = np.random.default_rng(plan.seed)
        begin = rng.normal(0.0, 0.1 / np.sqrt(dim), (taken.shape[1], dim)).astype(np.float32)
    items = Fixed.of(begin, weights.unobserved)
    mapped: Mapped = map if taken.nnz < FEW else side_by_side
    progress.start("solving people and items in turn", plan.epochs)
    for epoch in range(plan.epochs):
        users = Fixed.of(solved(items, by_user, of_users, mapped), weights.unobserved)
        items = Fixed.of(solved(users, by_item, of_items, mapped), weights.unobserved)
        progress.advance(epoch + 1)
    progress.done()
    return items


def solved(fixed: Fixed, lists: Lists, ridge: Floats, mapped: Mapped = map) -> Floats:
    """(n, D) the vector of each list: z = (Σ |v| h hᵀ + spread + ridge)⁻¹ Σ v h. 0 for an empty list. `mapped`:
    how block after block is done."""
    dim = fixed.vectors.shape[1]

    def of_block(block: _Block) -> tuple[Places, Floats]:
        which, places, there = block
        values = np.where(there, lists.values[places], np.float32(0.0))
        loud = np.sqrt(np.abs(values))
        rows = fixed.vectors[lists.rows[places]] * loud[:, :, None]  # (b, L, D)
        diagonal = fixed.spread + ridge[which, None]  # (b, D)
        wanted = np.sign(values) * loud  # (b, L)
        return which, _few(rows, diagonal, wanted) if rows.shape[1] < dim else _many(rows, diagonal, wanted)

    out = np.zeros((len(lists), dim), np.float32)
    for which, found in mapped(of_block, _blocks(lists, dim)):
        out[which] = found
    return out


def addends(fixed: Fixed, rows: Rows, values: Floats, ridge: float) -> Floats:
    """(L, D) what each entry of one list adds to its vector."""
    told = fixed.vectors[rows]
    gram = (told.T * np.abs(values)) @ told + np.diag(fixed.spread + np.float32(ridge))
    return np.linalg.solve(gram, (told * values[:, None]).T).T


def _few(rows: Floats, diagonal: Floats, wanted: Floats) -> Floats:
    """(b, D) by L equations each: z = D⁻¹ Yᵀ (1 + Y D⁻¹ Yᵀ)⁻¹ y (the push-through identity)."""
    scaled = rows / diagonal[:, None, :]
    small = rows @ scaled.transpose(0, 2, 1)  # (b, L, L)
    places = np.arange(rows.shape[1])
    small[:, places, places] += 1.0
    told = np.linalg.solve(small, wanted[:, :, None])
    return (scaled.transpose(0, 2, 1) @ told)[:, :, 0]


def _many(rows: Floats, diagonal: Floats, wanted: Floats) -> Floats:
    """(b, D) by D equations each."""
    turned = rows.transpose(0, 2, 1)
    gram = turned @ rows  # (b, D, D)
    places = np.arange(rows.shape[2])
    gram[:, places, places] += diagonal
    return np.linalg.solve(gram, turned @ wanted[:, :, None])[:, :, 0]


def _blocks(lists: Lists, dim: int) -> Iterator[_Block]:
    """Lists of about the same length: which (b,), the places of their entries (b, L), and which of these there
    are. Empty lists are left out."""
    lengths = np.diff(lists.indptr)
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order]
    start = int(np.searchsorted(ascending, 1))
    while start < len(order):
        first = int(ascending[start])
        longest = max(int(first * UNEVEN), first + 2)
        room = max(AT_ONCE // (max(longest, dim) * dim), 1)
        stop = min(int(np.searchsorted(ascending, longest, side="right")), start + room)
        which = order[start:stop]
        step = np.arange(int(ascending[stop - 1]))
        there = step < lengths[which, None]
        yield which, np.where(there, lists.indptr[which, None] + step, 0), there
        start = stop
