"""Who plays the carousels of E1: 12 of 862 items for people of whom only the segment is known.

Our player believes rates of clicks, all segments together (zhiyin.policies.rates), infers who looked at what
(sight.py), and draws each list by a softmax over log-rates with exact probabilities (lists.py). Items have no
texts here, and the simulator's own vectors are nobody's to see: all that is learned is learned from clicks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from zhiyin.data.vocabulary import key_of
from zhiyin.policies.lists import softmax_lists
from zhiyin.policies.rates import BelievedRates, RatePrior, Rates
from zhiyin.policies.sight import NOT_CLICKED, Sight

PLACES, IN_SIGHT = 12, 3
PRIOR = (1.0, 99.0)  # clicks and others that everybody starts from
TIES = 1e-9  # are broken by chance
WORTH = 100.0  # looks that an item's rate in all segments counts for in each, of pooled priors


class Player(Protocol):
    """Chooses lists for (B,) segments, and learns from what was seen of them."""

    def choose(self, segments: np.ndarray) -> np.ndarray: ...

    def learn(self, segments: np.ndarray, lists: np.ndarray, seen: np.ndarray, clicked: np.ndarray) -> None: ...


@dataclass(slots=True)
class Believing:
    """Ours: softmax over the logarithm of rate + c · sd."""

    name: str  # of the game, from which the noise is derived
    n_items: int
    n_segments: int
    sharpness: float  # C
    optimism: float  # c
    in_sight: int  # places that count as seen without a click
    inferring: bool = True  # how far somebody looked
    logs: list[np.ndarray] = field(default_factory=list)  # log-probabilities of what was shown
    rates: Rates = field(init=False)
    sight: Sight = field(init=False)
    believed: BelievedRates = field(init=False)
    keys: np.ndarray = field(init=False)
    round: int = 0

    def __post_init__(self) -> None:
        rate = PRIOR[0] / sum(PRIOR)
        self.rates = Rates.unseen(RatePrior.around(rate), self.n_segments, self.n_items)
        self.believed, self.sight = BelievedRates(self.rates), Sight(self.in_sight)
        self.keys = np.array([key_of(f"item {item}") for item in range(self.n_items)], np.uint64)

    def choose(self, segments: np.ndarray) -> np.ndarray:
        lists, logs = np.empty((len(segments), PLACES), np.int64), np.empty((len(segments), PLACES))
        for segment in np.unique(segments):
            rows = np.flatnonzero(segments == segment)
            draws = [key_of(f"{self.name} {self.round} {row}") for row in rows.tolist()]
            hopes = np.log(self.believed.mean[segment] + self.optimism * self.believed.sd[segment])
            lists[rows], logs[rows] = softmax_lists(hopes, 1.0 / self.sharpness, PLACES, draws, self.keys)
        self.round += 1
        self.logs.append(logs)
        return lists

    def learn(self, segments: np.ndarray, lists: np.ndarray, seen: np.ndarray, clicked: np.ndarray) -> None:
        looked = seen.astype(float)
        if self.inferring:
            expected = self.believed.mean[segments[:, None], lists]
            place = np.where(clicked.any(axis=1), clicked.argmax(axis=1), NOT_CLICKED)
            self.sight = self.sight.seen(expected, place)
            looked = self.sight.looked(expected, place)
        who = np.repeat(segments, PLACES)
        self.rates = self.rates.seen(who, lists.ravel(), clicked.ravel().astype(float), looked.ravel())
        self.rates = self.rates.learned(self.believed)
        self.believed = BelievedRates(self.rates)


@dataclass(slots=True)
class Counting:
    """Others: a Beta belief a segment and item, shown by samples of it (Thompson 1933) or by its mean (greedy).

    `pooled`: the prior of an item in a segment is its rate in all of them, worth WORTH looks, not PRIOR.
    """

    seed: int
    n_items: int
    n_segments: int
    pooled: bool
    greedy: bool
    counts: np.ndarray = field(init=False)  # (2, S, I) clicks and looks without
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros((2, self.n_segments, self.n_items))
        self.rng = np.random.default_rng([self.seed, 1])

    def choose(self, segments: np.ndarray) -> np.ndarray:
        clicks, others = self._beta()
        lists = np.empty((len(segments), PLACES), np.int64)
        for segment in np.unique(segments):
            rows = np.flatnonzero(segments == segment)
            a, b = clicks[segment], others[segment]
            shape = (len(rows), self.n_items)
            values = np.broadcast_to(a / (a + b), shape) if self.greedy else self.rng.beta(a, b, shape)
            first = np.argpartition(-(values + TIES * self.rng.random(shape)), PLACES, axis=1)[:, :PLACES]
            best = np.take_along_axis(values, first, axis=1)
            lists[rows] = np.take_along_axis(first, np.argsort(-best, axis=1), axis=1)
        return lists

    def learn(self, segments: np.ndarray, lists: np.ndarray, seen: np.ndarray, clicked: np.ndarray) -> None:
        for kind, what in enumerate((clicked, seen & ~clicked)):
            np.add.at(self.counts[kind], (np.repeat(segments, PLACES), lists.ravel()), what.ravel())

    def _beta(self) -> np.ndarray:
        """(2, S, I)"""
        first = np.array(PRIOR)[:, None]
        if not self.pooled:
            return self.counts + first[:, :, None]
        everywhere = self.counts.sum(axis=1) + first
        return self.counts + (WORTH * everywhere / everywhere.sum(axis=0))[:, None, :]


@dataclass(slots=True)
class Chance:
    """Uniform random lists: what regret is a share of."""

    seed: int
    n_items: int
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def choose(self, segments: np.ndarray) -> np.ndarray:
        return np.argsort(self.rng.random((len(segments), self.n_items)), axis=1)[:, :PLACES]

    def learn(self, segments: np.ndarray, lists: np.ndarray, seen: np.ndarray, clicked: np.ndarray) -> None:
        """Nothing."""


Made = Callable[[int, int, int, int], Player]  # seed, items, segments, places in sight
PEERS: dict[str, Made] = {
    "thompson per segment, Beta(1, 99)": lambda seed, i, s, _: Counting(seed, i, s, pooled=False, greedy=False),
    "thompson, pooled prior": lambda seed, i, s, _: Counting(seed, i, s, pooled=True, greedy=False),
    "greedy, pooled prior": lambda seed, i, s, _: Counting(seed, i, s, pooled=True, greedy=True),
}


def ours(sharpness: float, optimism: float, *, inferring: bool = True) -> Made:
    return lambda seed, i, s, sight: Believing(f"carousel {seed}", i, s, sharpness, optimism, sight, inferring)
