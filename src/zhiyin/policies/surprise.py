"""Whether items do otherwise than was believed: their errors hang together more than doubt about them allows.

Of one outcome hardly anything can be said: a click that was one in ten is no surprise. Of an item's errors
together it can. If an item is as believed, up to the doubt sd there was when it was shown, the square of Σ w e is
on average Σ w² e² + (Σ w sd)², or less: errors are as large as they are, but do not add up. So the ratio of both,
summed over items, is 1 at the most whatever the noise, and rises where items changed. The weights w double every
half-life, so the newest count and nothing is ever aged; the ratio does not know in which unit they are. Of few
items it is above 1 by chance: what counts is one standard error less, √(2 / items), as of a mean of squares of
normal numbers (items: the effective number, Kish 1965). What all items have in common, as on a day on which less
is wanted of everything, is taken off first: it says nothing of which is better.

An outcome is an error, and teaches what the next ones are held against, once its window has passed: a click comes
sooner than a silence, so the newest outcomes alone say that everything is wanted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.ledger import Change, Exposure, Key

WINDOWS = 3.0  # half-life, in windows of the ledger
MOST = 450.0  # doublings, so that squares are numbers still: with windows of a day, more than three years


@dataclass(slots=True)
class _Open:
    """An exposure whose window has not passed, and what was expected when it was shown."""

    exposure: Exposure
    expected: float
    sd: float
    value: float = 0.0


@dataclass(slots=True)
class _Sums:
    """Of an item."""

    count: float = 0.0  # Σ share
    total: float = 0.0  # Σ share · (value − base)
    weight: float = 0.0  # Σ w
    together: float = 0.0  # Σ w e
    apart: float = 0.0  # Σ w² e²
    doubt: float = 0.0  # Σ w sd

    @property
    def moments(self) -> Doubles:
        """(7,) what it adds to the sums over items: t, w, t², t w, w², a, a², where t is what errs together and a
        what may."""
        t, w, a = self.together, self.weight, self.apart + self.doubt**2
        return np.array([t, w, t * t, t * w, w * w, a, a * a])


@dataclass(slots=True)
class Surprise:
    """Feed it in the order of the log: what it says is the same in however many steps."""

    model: BeliefModel
    _moments: Doubles = field(default_factory=lambda: np.zeros(7))  # sums over items
    _open: dict[Key, _Open] = field(default_factory=dict)
    _due: list[tuple[float, Key]] = field(default_factory=list)  # a heap
    _items: defaultdict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))

    def shown(self, exposure: Exposure, now: float) -> None:
        """An exposure; one that came to be known too late says nothing, and one that is told again is the same
        one. What its text foretells of an item is left in the doubt."""
        ends = exposure.at + self.model.window
        if exposure.key in self._open or now > ends:
            return
        prior, item = self.model.prior, self._items[exposure.key[1]]
        fade = self.model.fade(now)
        left = prior.noise / (prior.noise + prior.spread * item.count * fade)
        mean = left * prior.spread / prior.noise * item.total * fade
        self._open[exposure.key] = _Open(exposure, exposure.base + mean, math.sqrt(left * prior.spread))
        heappush(self._due, (ends, exposure.key))

    def counted(self, change: Change) -> None:
        """What counts of an exposure now."""
        if change.exposure.key in self._open:
            self._open[change.exposure.key].value = change.after[-1] if change.after else 0.0

    def passed(self, now: float) -> None:
        """What came of exposures whose window is over by now."""
        while self._due and self._due[0][0] < now:
            _, key = heappop(self._due)
            self._settle(self._open.pop(key))

    @property
    def now(self) -> float:
        """How much larger squared errors of items are than they should be; at most 1: not at all, for sure."""
        t, w, tt, tw, ww, allowed, squares = self._moments.tolist()
        if not w or not allowed:
            return 1.0
        common = t / w
        apart = tt - 2.0 * common * tw + common**2 * ww  # Σ (t - w · common)²
        return apart / allowed - math.sqrt(2.0 * squares) / allowed

    def _settle(self, one: _Open) -> None:
        exposure, item = one.exposure, self._items[one.exposure.key[1]]
        looked = 1.0 if one.value else exposure.looked
        doublings = (exposure.at - self.model.since) / (WINDOWS * self.model.window)
        weight = 2.0 ** min(max(doublings, -MOST), MOST) * looked
        error, share = one.value - one.expected, self.model.share(exposure.at) * looked
        self._moments -= item.moments
        item.count += share
        item.total += share * (one.value - exposure.base)
        item.weight += weight
        item.together += weight * error
        item.apart += (weight * error) ** 2
        item.doubt += weight * one.sd
        self._moments += item.moments
