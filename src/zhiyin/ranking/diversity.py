"""Diversity: a place costs score for being like the places above it (Carbonell & Goldstein 1998, MMR).

It is an adjustment, shown as its own part, never mixed into the channels' parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.policies.base import Order


@dataclass(frozen=True, slots=True)
class Diversity:
    """After each choice: − strength · (largest cosine with what was chosen, where above 0)."""

    costs: Doubles  # (k, k) what each candidate adds to the score of each other once it is shown; none above 0

    @classmethod
    def of(cls, vectors: Floats, strength: float) -> Diversity:
        """`vectors` (k, dim) are unit rows of the candidates; `strength` in units of the score."""
        return cls(np.maximum(vectors @ vectors.T, 0.0) * -np.float64(strength))

    def walk(self) -> DiversityWalk:
        return DiversityWalk(self.costs)

    def added(self, order: Order) -> Doubles:
        """(N,) what was added to the score of each place of a list, given the places above it."""
        costs = self.costs[np.ix_(order, order)]
        above = np.minimum.accumulate(costs, axis=0)
        return np.append(np.zeros(min(1, len(order))), above.diagonal(1))


class DiversityWalk:
    """The penalties of one list as its places fill."""

    def __init__(self, costs: Doubles) -> None:
        self._costs = costs
        self.now: Doubles = np.zeros(len(costs))

    def fill(self, pick: int) -> None:
        np.minimum(self.now, self._costs[pick], out=self.now)
