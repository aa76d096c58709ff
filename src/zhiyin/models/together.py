"""Together: what is taken in the same stretch of a history, and what comes next.

A pair of items d steps apart in somebody's history adds `decay`^(d−1) to their link, forwards a little more
than backwards (`next_bonus`); counts are divided by the product of the two items' supports raised to
`discount`, so that what everybody takes links to nothing in particular. Without any order it is plain
co-occurrence.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset
from zhiyin.models.base import Choices, Run
from zhiyin.models.neighbours import LinksRecipe, Neighbours, common_users
from zhiyin.models.sparse import Sum, prune


@dataclass(frozen=True, slots=True)
class Together(Neighbours):
    name: ClassVar[str] = "together"


class TogetherRecipe(LinksRecipe):
    """Co-occurrence and next item, with recency."""

    choices: ClassVar[Choices] = MappingProxyType({"discount": (0.5, 0.3, 0.7), **LinksRecipe.choices})
    window: int = Field(default=10, gt=0, description="How many steps apart two events may be to count.")
    decay: float = Field(default=0.8, gt=0, le=1, description="How a pair's count falls with each step apart.")
    next_bonus: float = Field(default=1.0, ge=0, description="Extra count for the item that came right after.")
    discount: float | None = Field(
        default=None, ge=0, le=1, description="How strongly popular items are discounted; unset: chosen."
    )
    k: int = Field(default=200, gt=0, description="Links kept of each item.")

    def gather(self, data: Dataset, run: Run) -> sp.csr_array:
        return self._in_order(data, run) if data.ordered else self._in_sets(data)

    def links(self, gathered: sp.csr_array, data: Dataset) -> sp.csr_array:
        return prune(self._discounted(gathered, data.support), self.k)

    def model(self, links: sp.csr_array, data: Dataset) -> Together:
        return Together.of(links, self.fades(data))

    def _in_order(self, data: Dataset, run: Run) -> sp.csr_array:
        liked = data.keep(data.weights > 0)
        n_items = len(data.items)
        steps = max(min(self.window, int(np.diff(liked.indptr).max(initial=0)) - 1), 0)
        near, users = Sum(n_items), liked.user_rows
        run.progress.start("counting what goes together", steps)
        for d in range(1, steps + 1):
            earlier, later = _pairs(liked.item_rows, users, d)
            near.add(earlier, later, np.full(len(earlier), self.decay ** (d - 1), np.float32))
            run.progress.advance(d)
        both = near.total()
        links = both + sp.csr_array(both.T)
        if self.next_bonus and steps:
            following = Sum(n_items)
            earlier, later = _pairs(liked.item_rows, users, 1)
            following.add(earlier, later, np.full(len(earlier), self.next_bonus, np.float32))
            links = links + following.total()
        run.progress.done()
        return sp.csr_array(links)

    def _in_sets(self, data: Dataset) -> sp.csr_array:
        blocks = [prune(common, 4 * self.k) for _, common in common_users(data.interactions())]
        return sp.csr_array(sp.vstack(blocks)) if blocks else sp.csr_array((0, 0), dtype=np.float32)

    def _discounted(self, counts: sp.csr_array, support: np.ndarray) -> sp.csr_array:
        links, discount = counts.copy(), np.float32(self.usual().discount)
        owner = np.repeat(np.arange(links.shape[0]), np.diff(links.indptr))
        expected = (support[owner] * support[links.indices]).astype(np.float32) ** discount
        links.data = np.where(owner == links.indices, 0.0, links.data / expected).astype(np.float32)
        links.eliminate_zeros()
        return links


def _pairs(rows: np.ndarray, users: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Items d steps apart in one history: (earlier, later)."""
    same = users[:-d] == users[d:]
    return rows[:-d][same], rows[d:][same]
