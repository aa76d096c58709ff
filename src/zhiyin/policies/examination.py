"""How far people look: the chance that a place is seen at all, by surface, learned from what chance put where.

A click needs that the place was looked at and that the item was wanted: P(click) = e_place · r_item (Richardson et
al. 2007). Clicks by place alone mix both up, since a ranking puts first what is wanted most. But a policy of
chance sometimes shows the same two items the other way round, and how likely it was to do so is known to the last
bit: given which items stand at places a and b, what stands above and what between, a list shows one of two orders.
Weighted by the probability of the order that was *not* shown, both orders count alike (overlap weights: Li, Morgan
& Zaslavsky 2018), so that both places held the same items; what is left between the clicks of a and b is e_a : e_b
(exchanged items: Joachims et al. 2017; from what a log holds anyway, all pairs: Agarwal et al. 2019).

All pairs together are a tournament of places, each click a win (Bradley & Terry 1952), with a normal prior around
1 / (1 + place)^η: where little is known the curve is the prior's, and its interval says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.policies.base import Adjustment, Order, Policy

ETA, ETA_SD = 0.7, 0.5  # of the prior curve 1 / (1 + place)^eta
BENT = 0.3  # standard deviation of how far log e strays from that, at twice the place
NORMAL = 1.959963984540054  # standard errors that hold 95 % of a normal distribution
STEPS = 50  # of Newton, at most
PLACES = 50  # of a list that are looked into


@dataclass(frozen=True, slots=True)
class SeenLists:
    """n lists of up to L places of one surface, with what was clicked."""

    clicks: Mask  # (n, L) false below the end of a list
    others: Doubles  # (n, L, L) probability of the two items of a pair of places the other way round; 0: not told

    @classmethod
    def of_luce(cls, log_propensities: Doubles, clicks: Mask, lengths: npt.NDArray[np.integer]) -> Self:
        """From what every log holds: (n, L) of each place given those above, (n,) how many places there are. Exact
        where what is left is drawn in the old proportions (softmax), near where a floor or diversity is small."""
        kept = np.flatnonzero(clicks.any(axis=1))  # the others say nothing
        width = min(clicks.shape[1], PLACES)
        here = np.arange(width) < lengths[kept, None]
        chance = np.where(here, np.exp(log_propensities[kept, :width]), 0.0)
        both = here[:, :, None] & here[:, None, :]
        return cls(clicks[kept, :width] & here, np.where(both, exchanged_by_luce(chance), 0.0))

    @classmethod
    def stacked(cls, lists: Sequence[tuple[Mask, Doubles]]) -> Self:
        """Of clicks (N,) and `exchanged` (N, N) of each list."""
        width = min(max((len(clicks) for clicks, _ in lists), default=0), PLACES)
        clicked = np.zeros((len(lists), width), bool)
        others = np.zeros((len(lists), width, width))
        for one, (clicks, other) in enumerate(lists):
            n = min(len(clicks), width)
            clicked[one, :n], others[one, :n, :n] = clicks[:n], other[:n, :n]
        return cls(clicked, others)


def exchanged_by_luce(chance: Doubles) -> Doubles:
    """(n, L, L) probability of the other order, from (n, L) chances of each place given those above."""
    n, width = chance.shape
    found = np.zeros((n, width, width))
    for a in range(width - 1):
        left = np.cumprod(np.concatenate([np.ones((n, 1)), 1.0 - chance[:, a:]], axis=1), axis=1)
        at_a = chance[:, a:] * left[:, :-1]  # what each item below would have had at a
        for b in range(a + 1, width):
            shown = left[:, 1 : b - a + 1]  # chance that is left at a + 1 … b
            swapped = np.maximum(shown + at_a[:, :1] - at_a[:, b - a, None], 0.0)
            one, other = shown.prod(axis=1), swapped.prod(axis=1)
            share = np.divide(one, one + other, out=np.zeros(n), where=one + other > 0)
            found[:, a, b] = found[:, b, a] = share
    return found


def exchanged(policy: Policy, scores: Doubles, order: Order, adjustment: Adjustment, reach: int = 3) -> Doubles:
    """(L, L) probability of the other order of one list, exact for any policy: it is asked about each pair of
    places up to `reach` apart; 0 for others."""
    width = min(len(order), PLACES)
    found = np.zeros((len(order), len(order)))
    shown = policy.log_probs(scores, order[:width], adjustment)
    for a in range(width - 1):
        for b in range(a + 1, min(a + reach, width - 1) + 1):
            swapped = order[: b + 1].copy()
            swapped[[a, b]] = swapped[[b, a]]
            other = policy.log_probs(scores, swapped, adjustment)[a:].sum()
            found[a, b] = found[b, a] = 1.0 / (1.0 + np.exp(np.minimum(shown[a : b + 1].sum() - other, 700.0)))
    return found


@dataclass(frozen=True, slots=True)
class Looks:
    """How likely the places of a surface are looked at, from the first, which is 1."""

    chance: Doubles  # (L,) never rising
    low: Doubles  # (L,) of an interval of 95 %
    high: Doubles  # (L,)
    n_clicks: int  # that say anything of it

    @classmethod
    def of(cls, known: Normal, seen: list[SeenLists]) -> Self:
        """No place is looked at more than the one above it: means are pooled where they rise, as sure as each is
        (isotonic regression: Ayer et al. 1955)."""
        sd = np.sqrt(np.diag(known.covariance))
        told = sum(int((lists.clicks & (lists.others > 0).any(axis=2)).sum()) for lists in seen)
        chance, low, high = (_falling(known.mean + sigmas * sd, sd) for sigmas in (0.0, -NORMAL, NORMAL))
        return cls(chance, low, high, told)

    @property
    def curves(self) -> Doubles:
        """(4, L) all of it as numbers."""
        return np.stack([self.chance, self.low, self.high, np.full(len(self.chance), float(self.n_clicks))])

    @classmethod
    def of_curves(cls, curves: Doubles) -> Self:
        return cls(curves[0], curves[1], curves[2], int(curves[3, 0]))

    def at(self, place: int) -> float:
        """Of a place from 0 on; below the last one as at that."""
        return float(self.chance[min(max(place, 0), len(self.chance) - 1)])


def _falling(log_e: Doubles, sd: Doubles) -> Doubles:
    """(L,) chances from (L − 1,) logarithms below the first place, none above the one before it."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  # heavy, and a server never learns

    if not len(log_e):
        return np.ones(1)
    pooled = isotonic_regression(log_e, weights=1.0 / sd**2, increasing=False).x
    return np.append(1.0, np.exp(np.minimum(pooled, 0.0)))


@dataclass(frozen=True, slots=True)
class Examination:
    """Of every surface, and of those that nothing is known of."""

    surfaces: Mapping[str, Looks]
    anywhere: Looks

    @classmethod
    def fit(cls, seen: Mapping[str, SeenLists], n_places: int) -> Self:
        """All surfaces together first, then each, drawn towards all. `n_places`: of the curves."""
        prior = Normal.prior(max(1, min(n_places, PLACES)))
        together = prior.after(list(seen.values()))
        each = Normal(together.mean, prior.bent)
        curves = {name: Looks.of(each.after([lists]), [lists]) for name, lists in seen.items()}
        elsewhere = Normal(together.mean, together.covariance + prior.bent)
        return cls(curves, Looks.of(elsewhere, list(seen.values())))

    def of(self, surface: str) -> Looks:
        return self.surfaces.get(surface, self.anywhere)

    def share(self, place: int, surface: str, relevance: float = 0.0) -> float:
        """How much a silence at a place counts: the probability that it was looked at although nothing was
        clicked, e (1 − r) / (1 − e r), r what the item was expected to be wanted. A click counts 1."""
        looked = self.of(surface).at(place)
        wanted = min(max(relevance, 0.0), 1.0)
        missed = 1.0 - looked * wanted
        return looked * (1.0 - wanted) / missed if missed > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Normal:
    """What is known of log e of the places below the first, whose is 0."""

    mean: Doubles  # (L − 1,)
    covariance: Doubles  # (L − 1, L − 1)

    @classmethod
    def prior(cls, n_places: int) -> Self:
        """Around (1 + place)^-η, η itself not known, the curve bent here and there."""
        steps = np.log1p(np.arange(1, n_places))
        known = cls(-ETA * steps, np.zeros((len(steps), len(steps))))
        return cls(known.mean, known.bent + ETA_SD**2 * np.outer(steps, steps))

    @property
    def bent(self) -> Doubles:
        """(L − 1, L − 1) of a walk that strays BENT from one place to the one twice as far down."""
        steps = np.log1p(np.arange(1, len(self.mean) + 1))
        return BENT**2 / np.log(2.0) * np.minimum.outer(steps, steps)

    def after(self, seen: list[SeenLists]) -> Self:
        """The mode, and the covariance around it by how much lists differ (sandwich: Huber 1967; pairs of one list
        hang together, lists do not)."""
        if not len(self.mean):
            return self
        wins, precision = self._wins(seen), np.linalg.inv(self.covariance)
        at = self.mean.copy()
        for _ in range(STEPS):
            slope, bend = _slope(at, wins)
            bend = bend + precision
            step = np.linalg.solve(bend, slope - precision @ (at - self.mean))
            at += step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-10:
                break
        spread = np.linalg.inv(bend)
        return type(self)(at, spread @ (self._told(seen, at) + precision) @ spread)

    def _wins(self, seen: list[SeenLists]) -> Doubles:
        """(L, L) clicks of a place against another."""
        width = len(self.mean) + 1
        wins = np.zeros((width, width))
        for lists in seen:
            used = min(width, lists.clicks.shape[1])
            clicks, others = lists.clicks[:, :used] * _loud(lists)[:, None], lists.others[:, :used, :used]
            wins[:used, :used] += np.einsum("na,nab->ab", clicks, others)
        return wins

    def _told(self, seen: list[SeenLists], at: Doubles) -> Doubles:
        """(L − 1, L − 1) the sum over lists of the squares of what each pulls at log e."""
        width = len(self.mean) + 1
        total, first = np.zeros((width, width)), _first(at)
        for lists in seen:
            used = min(width, lists.clicks.shape[1])
            clicks, others = lists.clicks[:, :used] * _loud(lists)[:, None], lists.others[:, :used, :used]
            pull = clicks * np.einsum("nab,ab->na", others, 1.0 - first[:used, :used])
            pull -= np.einsum("nab,ab,nb->na", others, first[:used, :used], clicks)
            total[:used, :used] += pull.T @ pull
        return total[1:, 1:]


def _loud(lists: SeenLists) -> Doubles:
    """(n,) so that a click tells as much of L places as one draw among L does, not L times that."""
    told = (lists.others > 0).any(axis=2).sum(axis=1)
    return 4.0 / np.maximum(told, 4.0)


def _first(at: Doubles) -> Doubles:
    """(L, L) share of the clicks of two places that the first of them gets."""
    log_e = np.append(0.0, at)
    return np.asarray(1.0 / (1.0 + np.exp(log_e[None, :] - log_e[:, None])))


def _slope(at: Doubles, wins: Doubles) -> tuple[Doubles, Doubles]:
    """Of the log-likelihood by log e of the places below the first, and its second derivatives, negated."""
    first, both = _first(at), wins + wins.T
    slope = (wins - both * first).sum(axis=1)
    bend = -both * first * (1.0 - first)
    np.fill_diagonal(bend, 0.0)
    np.fill_diagonal(bend, -bend.sum(axis=1))
    return slope[1:], bend[1:, 1:]
