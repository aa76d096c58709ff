"""A budget of regret: at most such a share of the expected reward of a list is given up, and the temperature
follows.

What is expected of an item is taken as in proportion to exp(score): gates are learned with a conditional logit,
whose scores are log odds (ranking/objective.py). That is the careful choice: where a click is sigmoid(score + a),
whatever a, an item below the best is worth a larger share of it than exp says, so a budget kept here is kept
there.

Greedy's list is walked once, and for each of its places the temperature is solved for at which softmax with its
floor gives up the budget and no more. Used at the same place below *other* items, a temperature gives up no more
of what greedy has there: what was passed over above is still left, is at least as good as anything in greedy's
rest, and at least as likely, which raises the mean. So every place, every beginning of a list, and any sum over
places in which lower places count no more than higher ones keeps the budget. Where diversity or a bonus breaks
that, a place is mixed with the best until it keeps it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.base import Adjustment, Noise, Order
from zhiyin.policies.drawing import best_share, drawn, logged, tabled, with_floor

HOTTEST = 1.0  # temperature at which a place is drawn in proportion to what is expected: never above it
COLDEST = 1e-6
FIRST = 20.0  # inverse temperature that solving begins with
STEPS = 30  # of Newton, at most; four or five do
SHORT = 0.01  # share of the budget by which a solution may fall short of it
GONE = -1e30  # the score of what cannot stand here, as a number that can be multiplied
LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Budgeted:
    """Softmax with a floor, as hot as the budget allows at each place. A floor that costs more than the budget is
    lowered to what the budget allows; then the rest is greedy."""

    name: ClassVar[str] = "budgeted"
    budget: float  # share of the expected reward, above 0 and below 1
    floor: float  # share of a place's probability that all who may stand there share evenly
    bonus: Doubles | None = None  # (k,) of one list: what curiosity added to scores, and nobody expects to earn
    adaptive: bool = False  # the budget is that of a list of which nothing is known

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        return drawn(_Places(self, scores, n, adjustment).chances, scores, n, noise, adjustment)

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return logged(_Places(self, scores, len(order), adjustment).chances, scores, order, adjustment)

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        return tabled(_Places(self, scores, len(order), adjustment).chances, scores, order, adjustment)


@dataclass(frozen=True, slots=True)
class Plan:
    """How hot each of n places may be, by greedy's list."""

    temperatures: Doubles  # (n,)
    floors: Doubles  # (n,)
    bests: Doubles  # (n,) the adjusted score of greedy's item; inf below the end of its list

    @classmethod
    def of(cls, policy: Budgeted, scores: Doubles, n: int, adjustment: Adjustment) -> Self:
        """(k,) scores as they are chosen by, the bonus of the policy among them."""
        extra = policy.bonus
        below, bests = _greedy(scores if extra is None else scores - extra, n, adjustment)
        chosen_by = below if extra is None else below + extra * (below > GONE)
        floors, temperatures = solved(below, chosen_by, policy.budget, policy.floor)
        missing = n - len(bests)
        last = temperatures[-1:] if len(bests) else np.full(1, HOTTEST)
        return cls(
            np.append(temperatures, np.repeat(last, missing)),
            np.append(floors, np.full(missing, floors[-1] if len(floors) else 0.0)),
            np.append(bests, np.full(missing, np.inf)),
        )


def solved(below: Doubles, chosen_by: Doubles, budget: float, floor: float) -> tuple[Doubles, Doubles]:
    """(n,) floors and (n,) temperatures at which each of n places gives up `budget` of the best's exp(score), or
    less: COLDEST where the floor takes all of it, HOTTEST where even that does not cost it. `below` (n, k): scores
    of what may stand there less the best of them, else GONE; `chosen_by`: with a bonus."""
    may = below > GONE
    lost = -np.expm1(below)  # (n, k) share of the best's reward
    of_chance = np.einsum("nk,nk->n", lost, may) / np.maximum(np.count_nonzero(may, axis=1), 1)
    floors = np.minimum(floor, budget / np.maximum(of_chance, budget))
    left = (budget - floors * of_chance) / (1.0 - floors)
    if chosen_by is not below:
        chosen_by = chosen_by - chosen_by.max(axis=1, keepdims=True, initial=GONE)
    return floors, 1.0 / _inverse(chosen_by, lost, left)


def _inverse(below: Doubles, lost: Doubles, left: Doubles) -> Doubles:
    """(n,) inverse temperatures at which softmax over (n, k) `below` loses `left`, up to SHORT of it: Newton on
    the logarithm of the loss, which falls nearly straight."""
    cold = left <= LEAST
    goal = np.where(cold, 1.0, left * (1.0 - SHORT / 2.0))
    inverse = np.full(len(below), FIRST)
    for _ in range(STEPS):
        weight = np.exp(inverse[:, None] * below)
        risk = weight * lost
        whole, risked = weight.sum(axis=1), np.maximum(risk.sum(axis=1), LEAST)
        away = np.log(risked / (whole * goal))  # above 0: too hot
        slope = np.einsum("nk,nk->n", weight, below) / whole - np.einsum("nk,nk->n", risk, below) / risked
        step = np.clip(inverse + away / np.maximum(slope, LEAST), 1.0 / HOTTEST, 1.0 / COLDEST) - inverse
        inverse += step
        if (np.abs(away) < SHORT / 2.0)[step != 0.0].all():
            break
    inverse[cold] = 1.0 / COLDEST
    return inverse


class _Places:
    """The chances of one place after the other."""

    def __init__(self, policy: Budgeted, scores: Doubles, n: int, adjustment: Adjustment) -> None:
        self._policy, self._place = policy, 0
        plan = Plan.of(policy, scores, min(n, len(scores)), adjustment)
        self._temperatures, self._floors = plan.temperatures.tolist(), plan.floors.tolist()
        self._bests = plan.bests.tolist()

    def chances(self, adjusted: Doubles) -> Doubles:
        """(k,) of the next place: where it would lose more than the budget, of what greedy has here or, where that
        is less, of the best that is left, it is mixed with the best until it does not."""
        place, extra = self._place, self._policy.bonus
        self._place += 1
        below = adjusted - adjusted.max()
        weight = np.exp(below / self._temperatures[place])
        weight /= weight.sum()
        chance = with_floor(weight, self._floors[place], adjusted)
        plain = adjusted if extra is None else adjusted - extra
        best = float(plain.max())
        needed = (1.0 - self._policy.budget) * math.exp(min(self._bests[place] - best, 0.0))
        expected = float(chance @ np.exp(below if extra is None else plain - best))
        if expected >= needed:
            return chance
        share = (1.0 - needed) / (1.0 - expected)
        return share * chance + (1.0 - share) * best_share(plain)


def _greedy(scores: Doubles, n: int, adjustment: Adjustment) -> tuple[Doubles, Doubles]:
    """(m, k) what may stand at each of greedy's m <= n places, its score less the best there, GONE for what may
    not; and (m,) these bests."""
    below = np.full((n, len(scores)), GONE)
    bests = np.zeros(n)
    left, walk = scores.astype(np.float64), adjustment.walk()
    for place in range(n):
        adjusted = left + walk.now
        pick = int(adjusted.argmax())
        bests[place] = best = adjusted[pick]
        if best == -np.inf:
            return below[:place], bests[:place]
        np.maximum(adjusted - best, GONE, out=below[place])
        left[pick] = -np.inf
        walk.fill(pick)
    return below, bests


def share_lost(scores: Doubles, order: Order, adjustment: Adjustment, looks: Doubles | None = None) -> float:
    """What choosing cost a list that was shown: 1 − Σ exp(score as shown) / Σ exp(score of greedy's list), both
    after adjustment, at as many places; each place counts as much as it is looked at, (N,) `looks`, else all
    alike. Below 0 where, for what diversity makes of it, the list was better than greedy's."""
    _, bests = _greedy(scores, len(order), adjustment)
    if not len(bests):
        return 0.0
    as_shown, walk = np.zeros(len(order)), adjustment.walk()
    for place, pick in enumerate(order.tolist()):
        as_shown[place] = scores[pick] + walk.now[pick]
        walk.fill(pick)
    weights, top = np.ones(len(order)) if looks is None else looks, bests.max()
    earned, possible = np.exp(as_shown - top) @ weights, np.exp(bests - top) @ weights[: len(bests)]
    return 1.0 - float(earned / possible)
