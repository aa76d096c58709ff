"""What a person does with a list: how far they look, what they click, what comes of it, and when.

A person comes down to place k (from 0) with probability stay^k (Moffat & Zobel 2008), and really looks at what is
in view with probability `look`, whatever it is: the position-based model (Richardson et al. 2007; Craswell et al.
2008). The log sees what was in view, never what was looked at. So what a list earns is a sum over its places, and
its expected value is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.simulation.world import sigmoid
from zhiyin.types import EventType

CLICKS: Mapping[EventType, float] = {"click": 1.0}  # what is earned, where nothing else is said
FOLLOWS: tuple[EventType, ...] = ("like", "purchase")  # what may come after a click
AFTER: Mapping[EventType, float] = {"like": 60.0, "hide": 5.0}  # seconds, on average
N_COINS = 8  # numbers of one item in one visit: looks, wants, is late, delay; like, delay; purchase or hide, delay


@dataclass(frozen=True, slots=True)
class Browsing:
    """Habits that all people of a world share."""

    stay: float = 0.9  # chance to go on to the next place
    look: float = 0.8  # chance to look at what is in view
    like: float = 0.0  # logit of a like after a click, beside the utility
    purchase: float = -1.0  # likewise
    hide: float = -7.0  # logit of hiding what was looked at and not wanted, beside −utility
    pace: float = 3.0  # seconds a place takes
    soon: float = 20.0  # seconds until a click, on average
    late: float = 0.15  # share of clicks that come much later
    later: float = 6.0  # hours until these, on average
    decides: float = 600.0  # seconds from a click to a purchase, on average

    def examined(self, n: int) -> Doubles:
        """(n,) the probability that a place is looked at."""
        return self.look * np.power(self.stay, np.arange(n, dtype=np.float64))

    def value(self, wants: Doubles, rewards: Mapping[EventType, float] = CLICKS) -> float:
        """What a list of (N,) wanted places earns, in expectation: exact. A place earns the most that any event
        on it is worth; an event that is not named is worth nothing."""
        return float(self.examined(len(wants)) @ self.earned(wants, rewards))

    def best(self, wants: Doubles, n: int) -> float:
        """Clicks to be expected of the best list of n among (I,) items: the most wanted first, since looking falls
        with the place (the rearrangement inequality)."""
        n = min(n, len(wants))
        first = np.partition(wants, len(wants) - n)[len(wants) - n :] if n else wants
        return self.value(np.sort(first)[::-1])

    def by_chance(self, wants: Doubles, n: int) -> float:
        """The same of a list of n that chance alone draws."""
        n = min(n, len(wants))
        return float(wants.mean() * self.examined(n).sum()) if n else 0.0

    def earned(self, wants: Doubles, rewards: Mapping[EventType, float] = CLICKS) -> Doubles:
        """The same of one place that is looked at, for (…) wants. What is not wanted at all earns nothing."""
        with np.errstate(divide="ignore"):
            utility = np.log(wants) - np.log1p(-wants)
        total = np.zeros(np.shape(wants))
        for happened in product((False, True), repeat=2):
            chance, worth = np.ones(np.shape(wants)), rewards.get("click", 0.0)
            for type_, done in zip(FOLLOWS, happened, strict=True):
                likely = self.follows(type_, utility)
                chance = chance * (likely if done else 1.0 - likely)
                worth = max(worth, rewards.get(type_, 0.0)) if done else worth
            total = total + chance * worth
        return wants * total

    def follows(self, type_: EventType, utility: Doubles) -> Doubles:
        """The probability of a like or a purchase once it was clicked: it grows with the utility."""
        return sigmoid(utility + (self.like if type_ == "like" else self.purchase))


@dataclass(frozen=True, slots=True)
class Reaction:
    """Something that a person does, `seconds` after they saw the list."""

    type: EventType
    place: int  # from 0
    seconds: float


@dataclass(frozen=True, slots=True)
class Visit:
    """The chances of one visit, thrown before any list is shown: two policies that show the same item at places
    that are both looked at meet the same person (common random numbers)."""

    depth: float  # uniform: how far down they come
    coins: Doubles  # (I, N_COINS) uniform: belong to the item, not to the place

    @classmethod
    def of(cls, n_items: int, rng: np.random.Generator) -> Visit:
        return cls(float(rng.random()), rng.random((n_items, N_COINS)))

    def in_view(self, browsing: Browsing, n: int) -> int:
        """How many places of a list are seen: the first always."""
        return int(np.count_nonzero(self.depth < browsing.stay ** np.arange(n)))

    def reactions(self, browsing: Browsing, rows: Sequence[int], utility: Doubles) -> list[Reaction]:
        """To a list of items, by row; (N,) `utility` of each, −∞ for what is not wanted any more. In no order."""
        seen = self.in_view(browsing, len(rows))
        return [
            one
            for place, row in enumerate(rows[:seen])
            for one in _at_place(browsing, place, self.coins[row], utility[place : place + 1])
        ]


def _at_place(browsing: Browsing, place: int, coins: Doubles, utility: Doubles) -> Iterator[Reaction]:
    """(N_COINS,) `coins`, (1,) `utility`."""
    reached = browsing.pace * place
    yield Reaction("impression", place, reached)
    if coins[0] >= browsing.look:
        return
    if coins[1] >= sigmoid(utility):
        if np.isfinite(utility) and coins[6] < sigmoid(browsing.hide - utility):
            yield Reaction("hide", place, reached + _delay(coins[7], AFTER["hide"]))
        return
    clicked = reached + _delay(coins[3], browsing.later * 3_600 if coins[2] < browsing.late else browsing.soon)
    yield Reaction("click", place, clicked)
    for n, type_ in enumerate(FOLLOWS):
        if coins[4 + 2 * n] < browsing.follows(type_, utility):
            after = browsing.decides if type_ == "purchase" else AFTER[type_]
            yield Reaction(type_, place, clicked + _delay(coins[5 + 2 * n], after))


def _delay(coin: float, mean: float) -> float:
    """Exponential with this mean, from a uniform number."""
    return float(-mean * np.log1p(-coin))
