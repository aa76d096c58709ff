"""Inverse-gap weighting: the further behind the best, the rarer (Foster & Rakhlin 2020, "Beyond UCB")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order
from zhiyin.policies.drawing import best_share, drawn, logged, tabled, with_floor


@dataclass(frozen=True, slots=True)
class InverseGap:
    """1 / (K + γ · gap) for each of the K that may stand there, and the rest for the best, which the tied share.

    This is the choice of SquareCB. `gamma` is per unit of the score; it grows as √t where the paper's bound holds.
    """

    name: ClassVar[str] = "inverse_gap"
    gamma: float
    floor: float

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(self.chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(self.chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(self.chances, scores, order, adjustment)

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of one place."""
        n_may = np.count_nonzero(adjusted > -np.inf)
        share = 1.0 / (n_may + self.gamma * (adjusted.max() - adjusted))  # 0 for what is infinitely behind
        share[adjusted == adjusted.max()] = 0.0
        share += (1.0 - share.sum()) * best_share(adjusted)
        return with_floor(share, self.floor, adjusted)
