"""Softmax with a floor: each place is drawn from (1 − floor) · softmax(score / temperature) + floor / left.

Drawn place by place over the candidates that are left, after the diversity adjustment, so that the logged
probabilities are those of what happened (sequential Plackett–Luce when floor and adjustment are 0; Plackett
1975). Every candidate keeps a probability of at least floor / left: off-policy evaluation has support.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order


@dataclass(frozen=True, slots=True)
class Softmax:
    """`temperature` in units of the score; `floor` the share of a place given to chance alone."""

    name: ClassVar[str] = "softmax"
    temperature: float
    floor: float

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        """Gumbel-max over the mixture, here as the largest ratio of a probability to an exponential: fresh noise
        of the item at each place."""
        order = np.zeros(min(n, len(scores)), np.int64)
        chances = np.zeros(len(order))
        exponentials = -np.log(noise.until(len(order)))
        left, walk = scores.astype(np.float64), adjustment.walk()
        for place in range(len(order)):
            probability = self._probabilities(left + walk.now, len(left) - place)
            order[place] = pick = int((probability / exponentials[place]).argmax())
            chances[place] = probability[pick]
            left[pick] = -np.inf
            walk.fill(pick)
        return order, np.log(chances)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        out = np.zeros(len(order))
        left, walk = scores.astype(np.float64), adjustment.walk()
        for place, pick in enumerate(order.tolist()):
            chance = self._probabilities(left + walk.now, len(left) - place)[pick]
            out[place] = np.log(chance) if chance > 0 else -np.inf
            left[pick] = -np.inf
            walk.fill(pick)
        return out

    def _probabilities(self, adjusted: Doubles, n_left: int) -> Doubles:
        """(k,) of one place; `adjusted` is -inf for those that stand above, and so their chance is 0."""
        weight = adjusted - adjusted.max()
        weight /= self.temperature
        np.exp(weight, out=weight)
        weight *= (1.0 - self.floor) / weight.sum()
        if self.floor:
            np.add(weight, self.floor / n_left, out=weight, where=adjusted > -np.inf)
        return weight
