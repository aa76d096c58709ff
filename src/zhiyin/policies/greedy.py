"""Greedy: the best first. Nothing is left to chance, so nothing can be learned off-policy from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order


@dataclass(frozen=True, slots=True)
class Greedy:
    """Probability 1 for the highest adjusted score at each place (ties: the smaller key of the item), else 0."""

    name: ClassVar[str] = "greedy"

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        chosen: list[int] = []
        left = np.ones(len(scores), bool)
        for _ in range(min(n, len(scores))):
            pick = self._best(scores + adjustment.after(chosen), left, noise.keys)
            chosen.append(pick)
            left[pick] = False
        return np.array(chosen, np.int64), np.zeros(len(chosen))

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        out = np.zeros(len(order))
        left = np.ones(len(scores), bool)
        for place, pick in enumerate(order):
            adjusted = np.where(left, scores + adjustment.after(order[:place].tolist()), -np.inf)
            out[place] = 0.0 if adjusted[pick] >= adjusted.max() else -np.inf
            left[pick] = False
        return out

    def _best(self, adjusted: Doubles, left: np.ndarray, keys: np.ndarray) -> int:
        adjusted = np.where(left, adjusted, -np.inf)
        tied = np.flatnonzero(adjusted == adjusted.max())
        return int(tied[np.argmin(keys[tied])])
