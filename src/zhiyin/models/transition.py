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
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Run
from zhiyin.models.neighbours import Neighbours, SolvedRecipe
from zhiyin.models.sparse import entries, picked
from zhiyin.threads import side_by_side

FORGOTTEN = 0.01  # of a memory: what is left of it is nothing
AT_ONCE = 128  # items that are solved in one part
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
        memories, forward = self._equations(data)
        gram = memories.toarray() if n_items <= self.max_dense else memories
        own = memories.diagonal()
        ridge = self.reg * (own / (own[own > 0].mean() if own.any() else 1.0)) ** SHARE
        solving = _Solving(gram, own, ridge.astype(np.float32), sp.csc_array(forward), self.k)
        parts = [np.arange(start, min(start + AT_ONCE, n_items)) for start in range(0, n_items, AT_ONCE)]
        columns = [sp.csc_array((n_items, 0), dtype=np.float32)]
        run.progress.start("foreseeing what comes next", n_items)
        for part, found in zip(parts, side_by_side(solving.columns, parts), strict=True):
            columns.append(found)
            run.progress.advance(int(part[-1]) + 1)
        run.progress.done()
        return sp.csr_array(sp.hstack(columns))

    def model(self, links: sp.csr_array, data: Dataset) -> Transition:
        return Transition.of(links, self.fades(data))

    def _equations(self, data: Dataset) -> tuple[sp.csr_array, sp.csr_array]:
        """Σ_t x_t x_tᵀ and Σ_t x_t e(next)ᵀ over all entries that something follows, (I, I) each."""
        liked = data.keep(data.weights > 0)
        rows, users, shape = liked.item_rows, liked.user_rows, (len(data.items), len(data.items))
        after = np.repeat(liked.indptr[1:], np.diff(liked.indptr)) - 1 - np.arange(len(liked))
        lasts = (1.0 - self.memory ** (2 * after)) / (1.0 - self.memory**2)  # Σ of what is left of a pair, squared
        memories = sp.csr_array((lasts.astype(np.float32), (rows, rows)), shape=shape)
        forward = sp.csr_array(shape, dtype=np.float32)
        for d in range(1, _steps(self.memory, int(np.diff(liked.indptr).max(initial=0))) + 1):
            pair = np.flatnonzero(users[:-d] == users[d:])
            earlier, later = rows[pair], rows[pair + d]
            ones = np.full(len(pair), self.memory ** (d - 1), np.float32)
            forward = forward + sp.csr_array((ones, (earlier, later)), shape=shape)
            both = sp.csr_array(
                ((self.memory**d * lasts[pair + d]).astype(np.float32), (earlier, later)), shape=shape
            )
            memories = memories + both + sp.csr_array(both.T)
        return sp.csr_array(memories), sp.csr_array(forward)


@dataclass(frozen=True, slots=True)
class _Solving:
    """The equations of all items."""

    gram: Floats | sp.csr_array  # (I, I)
    own: Floats  # (I,) its diagonal
    ridge: Floats  # (I,)
    forward: sp.csc_array  # (I, I)
    k: int

    def columns(self, items: npt.NDArray[np.int64]) -> sp.csc_array:
        """(I, n) what speaks for each of these n items."""
        found = [self._column(int(item)) for item in items]
        indptr = np.concatenate([[0], np.cumsum([len(rows) for rows, _ in found])])
        rows, values = (np.concatenate(side) for side in zip(*found, strict=True))
        return sp.csc_array((values, rows, indptr), shape=(len(self.own), len(items)))

    def _column(self, item: int) -> tuple[npt.NDArray[np.int32], Floats]:
        start, stop = self.forward.indptr[item : item + 2]
        before, counts = self.forward.indices[start:stop], self.forward.data[start:stop]
        others = before != item
        before, counts = before[others], counts[others]
        if len(before) > self.k:
            first = np.sort(np.argpartition(-counts / np.sqrt(self.own[before]), self.k)[: self.k])
            before, counts = before[first], counts[first]
        among = self._among(before)
        among[np.diag_indices(len(before))] += self.ridge[before]
        return before.astype(np.int32), np.linalg.solve(among, counts).astype(np.float32)

    def _among(self, rows: npt.NDArray[np.int32]) -> Floats:
        """(n, n) of the Gram matrix."""
        if isinstance(self.gram, np.ndarray):
            places = rows.astype(np.int64)
            return self.gram.take(places[:, None] * len(self.gram) + places)  # threads may go on beside it
        return picked(entries(self.gram, rows), len(rows), self.gram.shape[1], rows)


def _steps(memory: float, longest: int) -> int:
    """How many steps apart two entries may be that are remembered together."""
    reach = ceil(log(FORGOTTEN) / log(memory)) if memory > 0 else 1
    return max(min(reach, longest - 1), 0)
