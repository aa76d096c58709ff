"""A share of all lists is drawn by chance alone, to measure everything else against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order, Policy
from zhiyin.policies.chance import Uniform

CHANCE = Uniform()


@dataclass(frozen=True, slots=True)
class Holdout:
    """The whole list by `policy`, or with probability `share` by chance; which, the recommendation id decides.

    Logged is the probability under both together: P(places) = (1 − share) · π(places) + share · uniform(places),
    and of each place given those above it the ratio of two such numbers. So every list keeps support, also those
    of a policy that leaves nothing to chance.
    """

    policy: Policy
    share: float  # 0 to 1

    @property
    def name(self) -> str:
        return f"{self.policy.name}, holdout"

    def by_chance(self, noise: Noise) -> bool:
        """Whether this list is one of those that chance alone draws."""
        return noise.coin < self.share

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        policy = CHANCE if self.by_chance(noise) else self.policy
        order, _ = policy.choose(scores, n, noise, adjustment)
        return order, self.log_probs(scores, order, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        whole = np.logaddexp(*self._so_far(scores, order, adjustment))  # (N,) of all places down to each
        possible = whole > -np.inf
        before = np.append(0.0, whole[:-1])[: len(whole)]
        return np.where(possible, whole - np.where(possible, before, 0.0), -np.inf)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        shares, so_far = self._shares(), self._so_far(scores, order, adjustment)
        above = np.hstack([shares[:, None], so_far])[:, : len(order)]  # (2, N) which of both drew the places above
        likely = np.exp(above - np.maximum(above.max(axis=0), -1e300))
        total = likely.sum(axis=0)
        likely = np.divide(likely, total, out=np.zeros_like(likely), where=total > 0)
        mine, chance = (one.table(scores, order, adjustment) for one in (self.policy, CHANCE))
        return likely[0][:, None] * mine + likely[1][:, None] * chance

    def _so_far(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        """(2, N) of which of both draws, and of all places down to each."""
        both = [one.log_probs(scores, order, adjustment).cumsum() for one in (self.policy, CHANCE)]
        return self._shares()[:, None] + np.stack(both)

    def _shares(self) -> Doubles:
        with np.errstate(divide="ignore"):  # a share of 0 or 1 leaves one of both
            return np.log([1.0 - self.share, self.share])
