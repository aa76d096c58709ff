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
        chosen: list[int] = []
        log_probs: list[float] = []
        left = np.ones(len(scores), bool)
        for place in range(min(n, len(scores))):
            log_probability = self._log_probabilities(scores + adjustment.after(chosen), left)
            pick = self._draw(log_probability, noise, place)
            chosen.append(pick)
            log_probs.append(float(log_probability[pick]))
            left[pick] = False
        return np.array(chosen, np.int64), np.array(log_probs)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        out = np.zeros(len(order))
        left = np.ones(len(scores), bool)
        for place, pick in enumerate(order):
            adjusted = scores + adjustment.after(order[:place].tolist())
            out[place] = self._log_probabilities(adjusted, left)[pick]
            left[pick] = False
        return out

    def _log_probabilities(self, adjusted: Doubles, left: np.ndarray) -> Doubles:
        """(k,) of one place; -inf for those that stand above, and where a chance is too small for a number."""
        logits = np.where(left, adjusted / self.temperature, -np.inf)
        weight = np.exp(logits - logits.max())
        probability = (1.0 - self.floor) * weight / weight.sum() + self.floor * left / left.sum()
        return np.log(probability, out=np.full(len(probability), -np.inf), where=probability > 0)

    def _draw(self, log_probability: Doubles, noise: Noise, place: int) -> int:
        """Gumbel-max over the mixture, with fresh noise of the item at this place."""
        return int(np.argmax(log_probability - np.log(-np.log(noise.at(place)))))
