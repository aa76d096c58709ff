"""How much to explore: less with evidence, more where the world drifts and where much is new.

As single choices are played here, an outcome at a time; a shop learns both otherwise (zhiyin.workflows.tempering,
zhiyin.policies.mixing). Two numbers: `Sharpness` is C of π ∝ exp(C · score), by what each C would have earned;
`Mixing` softens it while the belief is in doubt, or is surprised more than its doubt allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zhiyin.data.dataset import Doubles

Z = 1.0  # standard errors below the mean at which a C is judged
FIRST = 20  # outcomes before anything is concluded
MOST_WEIGHT = 20.0  # of one outcome: what another C would have shown far more often says little


@dataclass(frozen=True, slots=True)
class Sharpness:
    """C by the lower bound of its off-policy value (importance weights are exact: choices log their
    probabilities), outcomes fading as `memory` says; a step of the ladder at a time. A sharp C learns
    that it is wrong only from what a floor shows besides."""

    ladder: Doubles  # (G,) of C, rising
    rung: int
    memory: float  # share of the weight that outcomes keep with each new one, below 1
    counts: float = 0.0
    sums: Doubles | None = None  # (2, G) of weighted rewards and of their squares

    @property
    def now(self) -> float:
        """C."""
        return float(self.ladder[self.rung])

    def seen(self, scores: Doubles, pick: int, probability: float, reward: float) -> Sharpness:
        """After `pick` of these (k,) scores was shown with this probability."""
        weight = np.minimum(softmaxes(scores, self.ladder)[:, pick] / probability, MOST_WEIGHT) * reward
        before = np.zeros((2, len(self.ladder))) if self.sums is None else self.sums
        sums = self.memory * before + np.stack([weight, weight**2])
        counts = self.memory * self.counts + 1.0
        return replace(self, counts=counts, sums=sums, rung=self._rung(counts, sums))

    def _rung(self, counts: float, sums: Doubles) -> int:
        if counts < FIRST:
            return self.rung
        mean, square = sums / counts
        bound = mean - Z * np.sqrt(np.maximum(square - mean**2, 0.0) / counts)
        near = np.arange(max(0, self.rung - 1), min(len(bound), self.rung + 2))
        return int(near[bound[near].argmax()])


def softmaxes(scores: Doubles, ladder: Doubles) -> Doubles:
    """(G, k) the softmax of each C."""
    weight = np.exp(ladder[:, None] * (scores - scores.max()))
    return weight / weight.sum(axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class Mixing:
    """The coefficient that the temperature is multiplied by: doubt left · surprise, between `least` and `most`."""

    least: float
    most: float
    memory: float = 0.98  # share of the weight that surprises keep with each new one
    surprise: float = 1.0  # mean of squared error over what the belief allows for

    def seen(self, error: float, variance: float) -> Mixing:
        """After an outcome that was `error` off, where the belief and the noise allow for this variance."""
        surprise = self.memory * self.surprise + (1.0 - self.memory) * error**2 / variance
        return replace(self, surprise=surprise)

    def coefficient(self, sd: Doubles, prior_sd: Doubles) -> float:
        """For (k,) candidates: the root of the share of doubt that is left in them (1 where all are new), times
        that of the surprise where it is more than it should be."""
        left = float(np.sqrt((sd**2).mean() / (prior_sd**2).mean())) if len(sd) else 0.0
        return float(np.clip(left * np.sqrt(max(1.0, self.surprise)), self.least, self.most))
