"""How every policy of chance fills a list: place by place, from probabilities that are then logged as they are.

A policy is a function from the scores at one place, after everything that adjusts or forbids, to the probability
of each candidate. Whatever that function is, a share of draws, an integral, an approximation: what is drawn from
is what is logged, so the logged number is exact by construction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order

Chances = Callable[[Doubles], Doubles]  # (k,) adjusted scores, -inf for what cannot stand here, to probabilities


def drawn(
    chances: Chances, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment
) -> tuple[Order, Doubles]:
    """The places and the log-probability of each given those above.

    Gumbel-max (Gumbel 1954), here as the largest ratio of a probability to an exponential, with fresh noise of the
    item at each place. Where nobody may stand the list ends.
    """
    order = np.zeros(min(n, len(scores)), np.int64)
    chance = np.zeros(len(order))
    exponentials = -np.log(noise.until(len(order)))
    left, walk = scores.astype(np.float64), adjustment.walk()
    for place in range(len(order)):
        adjusted = left + walk.now
        if adjusted.max() == -np.inf:
            return order[:place], np.log(chance[:place])
        probability = chances(adjusted)
        order[place] = pick = int((probability / exponentials[place]).argmax())
        chance[place] = probability[pick]
        left[pick] = -np.inf
        walk.fill(pick)
    return order, np.log(chance)


def logged(chances: Chances, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
    """The log-probability of each place of a given order, given the places before it; -inf for what cannot be."""
    with np.errstate(divide="ignore"):
        return np.log(tabled(chances, scores, order, adjustment)[np.arange(len(order)), order])


def tabled(chances: Chances, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
    """(N, k) the probability of each candidate at each place of a given order, given the places before it; all 0
    where nobody may stand."""
    out = np.zeros((len(order), len(scores)))
    left, walk = scores.astype(np.float64), adjustment.walk()
    for place, pick in enumerate(order.tolist()):
        adjusted = left + walk.now
        if adjusted.max() > -np.inf:
            out[place] = chances(adjusted)
        left[pick] = -np.inf
        walk.fill(pick)
    return out


def with_floor(probability: Doubles, floor: float, adjusted: Doubles) -> Doubles:
    """(1 − floor) · probability + floor / |those that may stand here|."""
    if not floor:
        return probability
    may = adjusted > -np.inf
    mixed = probability * (1.0 - floor)
    np.add(mixed, floor / np.count_nonzero(may), out=mixed, where=may)
    return mixed


def best_share(adjusted: Doubles) -> Doubles:
    """(k,) all probability on the best; the tied share it."""
    best = adjusted == adjusted.max()
    return best / np.count_nonzero(best)
