"""Transition: what is taken next, all that was just taken considered.

The next item is foreseen from a fading memory of the items before it, by one linear model for all people: column j
of the links is the ridge regression of "j came next" on that memory, x_t = Σ_d memory^d · e(item d steps before),
as in the transition model of Choi et al. 2021 ("Session-aware Linear Item-Item Models", SLIT), where the memory
fades by each step. So a link says what an item adds beyond the others that were taken with it, where *together*
counts each pair by itself. Both sides of the normal equations are sums over pairs of entries by their distance.

Of each item only the `k` items that came before it most are asked, which makes n small systems of one large one
(as sparse linear methods choose their features: Ning & Karypis 2011, fsSLIM).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Run
from zhiyin.models.neighbours import Neighbours, SolvedRecipe
from zhiyin.models.sparse import Sum, entries, picked
from zhiyin.threads import side_by_side

FORGOTTEN = 0.01  # of a memory: what is left of it is nothing
AT_ONCE = 64  # items that are solved in one part
SHARE = 0.25  # power of an item's support that its ridge grows with, as in *taste*


@dataclass(frozen=True, slots=True)
class Transition(Neighbours):
    name: ClassVar[str] = "transition"


class TransitionRecipe(SolvedRecipe):
    """What is taken next, all that was just taken considered."""

    memory: float = Field(
        default=0.7, ge=0, lt=1, description="What is left of an event in the memory with each newer one."
    )
    reg: float = Field(default=400.0, gt=0, description="Ridge, in events: more = smoother.")
    k: int = Field(
        default=128, gt=0, description="Items that are asked about each one, of those that came before it."
    )
    max_dense: int = Field(
        default=14_000, ge=0, description="Items up to which products of memories are laid out as a dense matrix."
    )

    def gather(self, data: Dataset, run: Run) -> sp.csr_array:
        """(I, I): row = item in the memory, column = item that comes next."""
        n_items = len(data.items)
        if not n_items:
            return sp.csr_array((0, 0), dtype=np.float32)
        loudest = np.argsort(-data.support, kind="stable")  # what is asked most lies together in memory
        place = np.argsort(loudest).astype(np.int32)
        memories, forward = self._equations(data, place)
        own = memories.diagonal()
        ridge = self.reg * (own / (own[own > 0].mean() if own.any() else 1.0)) ** SHARE
        gram = memories.toarray() if n_items <= self.max_dense else memories
        solving = _Solving.of(gram, own, ridge.astype(np.float32), forward, self.k)
        parts = [np.arange(start, min(start + AT_ONCE, n_items)) for start in range(0, n_items, AT_ONCE)]
        columns = []
        run.progress.start("foreseeing what comes next", n_items)
        for part, found in zip(parts, side_by_side(solving.columns, parts), strict=True):
            columns.append(found)
            run.progress.advance(int(part[-1]) + 1)
        run.progress.done()
        links = sp.coo_array(sp.hstack(columns))
        return sp.csr_array((links.data, (loudest[links.row], loudest[links.col])), shape=links.shape)

    def model(self, links: sp.csr_array, data: Dataset) -> Transition:
        return Transition.of(links, self.fades(data))

    def _equations(self, data: Dataset, place: npt.NDArray[np.int32]) -> tuple[sp.csr_array, sp.csr_array]:
        """Σ_t x_t x_tᵀ and Σ_t x_t e(next)ᵀ over all entries that something follows, (I, I) each, every item at
        its `place` (I,)."""
        liked = data.keep(data.weights > 0)
        rows, users, n_items = place[liked.item_rows], liked.user_rows, len(place)
        after = np.repeat(liked.indptr[1:], np.diff(liked.indptr)) - 1 - np.arange(len(liked))
        lasts = (1.0 - self.memory ** (2 * after)) / (1.0 - self.memory**2)  # Σ of what is left of a pair, squared
        together, forward = Sum(n_items), Sum(n_items)
        for d in range(1, _steps(self.memory, int(np.diff(liked.indptr).max(initial=0))) + 1):
            pair = np.flatnonzero(users[:-d] == users[d:])
            earlier, later = rows[pair], rows[pair + d]
            forward.add(earlier, later, np.full(len(pair), self.memory ** (d - 1)))
            together.add(earlier, later, self.memory**d * lasts[pair + d])
        both, what_follows = side_by_side(Sum.total, (together, forward))
        own = np.bincount(rows, lasts, minlength=n_items).astype(np.float32)
        return sp.csr_array(both + sp.csr_array(both.T) + sp.diags_array(own)), what_follows


@dataclass(frozen=True, slots=True)
class _Solving:
    """The equations of all items."""

    gram: Floats | sp.csr_array  # (I, I)
    ridge: Floats  # (I,)
    forward: sp.csc_array  # (I, I) without its diagonal
    rank: Floats  # of its entries: which are left out first
    k: int

    @classmethod
    def of(cls, gram: Floats | sp.csr_array, own: Floats, ridge: Floats, forward: sp.csr_array, k: int) -> Self:
        """`own` (I,): the diagonal of the Gram matrix; `forward` (I, I)."""
        entries = forward.tocoo()
        other = entries.row != entries.col
        found = sp.csc_array((entries.data[other], (entries.row[other], entries.col[other])), shape=entries.shape)
        return cls(gram, ridge, found, -found.data / np.sqrt(own[found.indices]), k)

    def columns(self, items: npt.NDArray[np.int64]) -> sp.csc_array:
        """(I, n) what speaks for each of these n items: their equations are made as long as the longest, with rows
        that say 0 = 0."""
        asked = [self._asked(item) for item in items]
        lengths = np.array([len(places) for places in asked])
        there = np.arange(lengths.max())[None, :] < lengths[:, None]  # (n, m)
        before, counts = np.zeros(there.shape, np.int64), np.zeros(there.shape, np.float32)
        places = np.concatenate(asked)
        before[there], counts[there] = self.forward.indices[places], self.forward.data[places]
        among = self._among(before) * (there[:, :, None] & there[:, None, :])  # (n, m, m)
        step = np.arange(there.shape[1])
        among[:, step, step] += np.where(there, self.ridge[before], 1.0)
        found = np.linalg.solve(among, counts[:, :, None])[:, :, 0]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return sp.csc_array((found[there], before[there], indptr), shape=(len(self.ridge), len(items)))

    def _asked(self, item: int) -> npt.NDArray[np.int64]:
        """(k,) where in `forward` the items are that came before this one most."""
        start, stop = self.forward.indptr[item : item + 2]
        if stop - start <= self.k:
            return np.arange(start, stop)
        return start + np.sort(np.argpartition(self.rank[start:stop], self.k)[: self.k])

    def _among(self, rows: npt.NDArray[np.int64]) -> Floats:
        """(n, m, m) of the Gram matrix, for each of n (n, m) sets of rows."""
        if isinstance(self.gram, np.ndarray):  # one call for all of them: threads may go on beside it
            return self.gram.take(rows[:, :, None] * len(self.gram) + rows[:, None, :])
        sets = [picked(entries(self.gram, some), len(some), self.gram.shape[1], some) for some in rows]
        return np.stack(sets)


def _steps(memory: float, longest: int) -> int:
    """How many steps apart two entries may be that are remembered together."""
    reach = ceil(log(FORGOTTEN) / log(memory)) if memory > 0 else 1
    return max(min(reach, longest - 1), 0)
