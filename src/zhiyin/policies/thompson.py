"""Thompson's rule with honest probabilities: each as often as it is believed to be the best (Thompson 1933).

Drawing one sample of the belief and showing the best leaves the probability of what was shown unknown. Here the
probability comes first, and the place is drawn from it: from an integral where doubts are taken as independent,
from a share of many samples where they hang together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import log_ndtr

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order
from zhiyin.policies.drawing import drawn, logged, tabled, with_floor

NODES = np.array([-4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])  # of the integral, in sd
CONTENDERS = 32  # at one place; the rest are too far behind to be worth an integral


@dataclass(frozen=True, slots=True)
class Thompson:
    """π_i = ∫ φ_i(x) Π_{j≠i} Φ_j(x) dx, scores being means with deviations `sd`, independent of each other.

    Over the CONTENDERS of the largest mean + 3 sd, cell by cell between NODES of each. What is left out or rounded
    makes it another policy by so little, not a dishonest one: the place is drawn from these very numbers. Those
    left out live by the floor.
    """

    name: ClassVar[str] = "thompson"
    sd: Doubles  # (k,) in units of the score, >= 0
    floor: float

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(self.chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(self.chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(self.chances, scores, order, adjustment)

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of one place."""
        out = np.zeros(len(adjusted))
        rows = self._contenders(adjusted)
        out[rows] = best_of(adjusted[rows], self.sd[rows])
        return with_floor(out, self.floor, adjusted)

    def _contenders(self, adjusted: Doubles) -> Order:
        """All that may stand here and are no further behind than the CONTENDERS-th; whoever is tied is in."""
        hopes = adjusted + 3.0 * self.sd
        n_may = int(np.count_nonzero(adjusted > -np.inf))
        cut = np.partition(hopes, -CONTENDERS)[-CONTENDERS] if n_may > CONTENDERS else -np.inf
        return np.flatnonzero((hopes >= cut) & (adjusted > -np.inf))


def best_of(means: Doubles, sd: Doubles) -> Doubles:
    """(k,) the probability of each of independent normals to be the largest; sums to one.

    Between two nodes the best lies with probability ΠF(b) − ΠF(a), which is exact; it is shared in proportion to
    log F_i(b) − log F_i(a), which is exact where reversed hazards f / F keep their proportions from a to b.
    """
    sd = np.maximum(sd, 1e-9 * max(1.0, float(np.abs(means).max())))  # the certain are nearly so: ties stay ties
    nodes = (means[:, None] + sd[:, None] * NODES).ravel()
    nodes = np.sort(nodes[nodes >= (means + NODES[0] * sd).max()])  # the best is hardly below
    below = log_ndtr((nodes[:, None] - means) / sd)  # (nodes, k)
    mass = np.diff(np.exp(below.sum(axis=1)))
    steps = np.maximum(
        np.diff(below, axis=0), 0.0
    )  # rounding may turn those between nodes that nearly fall together
    whole = steps.sum(axis=1)
    some = (mass > 0) & (whole > 0)
    share = (mass[some] / whole[some]) @ steps[some]
    return share / share.sum()


@dataclass(frozen=True, slots=True)
class Sampled:
    """π_i = the share of samples of the belief in which i is the best of those left; the tied share a sample.

    `draws` (M, k) are what each sample adds to the scores, made of the recommendation id (`samples`), so that they
    can be made again. Given them π is exact; averaged over ids it is Thompson's rule itself, whatever M. An item
    that is best in no sample has probability 0 in this list: a floor gives off-policy evaluation its support.
    """

    name: ClassVar[str] = "thompson_sampled"
    draws: Doubles  # (M, k)
    floor: float

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(self.chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(self.chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(self.chances, scores, order, adjustment)

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of one place."""
        values = adjusted + self.draws
        best = (values == values.max(axis=1, keepdims=True)).astype(np.float64)
        share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
        return with_floor(share, self.floor, adjusted)
