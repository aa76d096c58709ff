"""Greedy: the best first. Nothing is left to chance, so nothing can be learned off-policy from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Keys
from zhiyin.policies.base import Adjustment, Noise, Order
from zhiyin.policies.drawing import best_share, tabled


@dataclass(frozen=True, slots=True)
class Greedy:
    """Probability 1 for the highest adjusted score at each place (ties: the smaller key of the item), else 0."""

    name: ClassVar[str] = "greedy"

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        left, walk = scores.astype(np.float64), adjustment.walk()
        order = np.zeros(min(n, len(scores)), np.int64)
        for place in range(len(order)):
            adjusted = left + walk.now
            pick = _best(adjusted, noise.keys)
            if adjusted[pick] == -np.inf:  # nobody may stand there
                return order[:place], np.zeros(place)
            order[place] = pick
            left[pick] = -np.inf
            walk.fill(pick)
        return order, np.zeros(len(order))

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        out = np.zeros(len(order))
        left, walk = scores.astype(np.float64), adjustment.walk()
        for place, pick in enumerate(order.tolist()):
            adjusted = left + walk.now
            out[place] = 0.0 if adjusted[pick] >= adjusted.max() > -np.inf else -np.inf
            left[pick] = -np.inf
            walk.fill(pick)
        return out

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(best_share, scores, order, adjustment)


def _best(adjusted: Doubles, keys: Keys) -> int:
    first = int(adjusted.argmax())
    tied = np.flatnonzero(adjusted == adjusted[first])
    return first if len(tied) == 1 else int(tied[np.argmin(keys[tied])])
