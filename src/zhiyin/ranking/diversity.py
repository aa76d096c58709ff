"""Diversity: a place costs score for being like the places above it (Carbonell & Goldstein 1998, MMR).

It is an adjustment, shown as its own part, never mixed into the channels' parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats


@dataclass(frozen=True, slots=True)
class Diversity:
    """After each choice: − strength · (largest cosine with what was chosen, where above 0)."""

    alike: Floats  # (k, k) cosines of the candidates
    strength: float  # in units of the score

    @classmethod
    def of(cls, vectors: Floats, strength: float) -> Diversity:
        """`vectors` (k, dim) are unit rows of the candidates."""
        return cls(np.maximum(vectors @ vectors.T, 0.0), strength)

    def walk(self) -> DiversityWalk:
        return DiversityWalk(self)


class DiversityWalk:
    """The penalties of one list as its places fill."""

    def __init__(self, diversity: Diversity) -> None:
        self._diversity = diversity
        self.now: Doubles = np.zeros(len(diversity.alike))

    def fill(self, pick: int) -> None:
        if self._diversity.strength:
            penalty = self._diversity.alike[pick] * -np.float64(self._diversity.strength)
            self.now = np.minimum(self.now, penalty)
