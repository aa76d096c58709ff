"""Policies that know only which is best, or not even that: ε-greedy, and chance alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order
from zhiyin.policies.drawing import best_share, drawn, logged, tabled, with_floor


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """(1 − ε) on the best, which the tied share, and ε over all that may stand there (Sutton & Barto 2018, 2.2).

    Over scores to which a belief's doubt was added this is UCB with a floor (Auer 2002), over plain scores and
    with ε = 0 it is greedy.
    """

    name: ClassVar[str] = "epsilon_greedy"
    epsilon: float

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(self.chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(self.chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(self.chances, scores, order, adjustment)

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of one place."""
        return with_floor(best_share(adjusted), self.epsilon, adjusted)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Whatever may stand in a place does so with the same probability."""

    name: ClassVar[str] = "uniform"

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(self.chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(self.chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(self.chances, scores, order, adjustment)

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of one place."""
        may = adjusted > -np.inf
        return may / np.count_nonzero(may)
