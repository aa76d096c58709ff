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
        with np.errstate(divide="ignore"):  # a share of 0 or 1 leaves one of both
            shares = np.log([1.0 - self.share, self.share])
        both = [one.log_probs(scores, order, adjustment).cumsum() for one in (self.policy, CHANCE)]
        whole = np.logaddexp(shares[0] + both[0], shares[1] + both[1])  # (N,) of all places down to each
        possible = whole > -np.inf
        before = np.append(0.0, whole[:-1])[: len(whole)]
        return np.where(possible, whole - np.where(possible, before, 0.0), -np.inf)
