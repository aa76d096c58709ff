"""Softmax with a floor: each place is drawn from (1 − floor) · softmax(score / temperature) + floor / left.

Drawn place by place over the candidates that are left, after the diversity adjustment, so that the logged
probabilities are those of what happened (sequential Plackett–Luce when floor and adjustment are 0; Plackett
1975). Every candidate keeps a probability of at least floor / left: off-policy evaluation has support. With a
belief's doubt added to the scores it is the optimistic softmax. C = 1 / temperature can be learned from the log
(tempering.py), and be softened by the doubt that is left (mixing.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order
from zhiyin.policies.drawing import drawn, logged, tabled, with_floor


@dataclass(frozen=True, slots=True)
class Softmax:
    """`temperature` in units of the score; `floor` the share of a place given to chance alone."""

    name: ClassVar[str] = "softmax"
    temperature: float
    floor: float
    adaptive: bool = False  # the temperature is that of a list of which nothing is known

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(self.chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(self.chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(self.chances, scores, order, adjustment)

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of one place."""
        weight = adjusted - adjusted.max()
        weight /= self.temperature
        np.exp(weight, out=weight)
        weight /= weight.sum()
        return with_floor(weight, self.floor, adjusted)
