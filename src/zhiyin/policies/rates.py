"""How often an item is clicked, segment by segment, where every segment says something of the others.

log-odds of item i in segment s = b_i + e_is. b_i ~ N(middle, spread²) is what an item is to everybody, e_is how a
segment departs from that: mostly little, now and then much, so a mixture of normals. Clicks among looks are
binomial. Clicks are rare and rates differ by orders of magnitude, which a normal belief about rewards (belief.py)
cannot tell from luck; here both sums run over a grid of log-odds and take in every skew.

The fold is two counts a cell: forgetting somebody is a subtraction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows

GRID = np.linspace(-9.0, 2.5, 93)  # of log-odds: rates from 1 in 8,000 to 12 in 13
SIZES = np.array([0.12, 0.3, 0.6, 1.2])  # standard deviations that departures are mixed of
FIRST = np.array([0.85, 0.1, 0.04, 0.01])  # how often each, before anything is known
AS_MANY = 100.0  # cells that FIRST counts for
LEAST = 0.2  # of `spread`
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class RatePrior:
    """What items and segments are like: learned from all of them, item by item unknown."""

    middle: float  # log-odds
    spread: float  # of items around it
    shares: Doubles  # (SIZES,) of departures of each size

    @classmethod
    def around(cls, rate: float) -> RatePrior:
        """Before anything is known but about how often anything is clicked at all."""
        return cls(float(np.log(rate / (1.0 - rate))), 1.0, FIRST)


@dataclass(frozen=True, slots=True)
class Rates:
    """The fold: how often each item was looked at in each segment, and clicked."""

    prior: RatePrior
    clicks: Doubles  # (S, I)
    looks: Doubles  # (S, I)

    @classmethod
    def unseen(cls, prior: RatePrior, n_segments: int, n_items: int) -> Rates:
        """Before any look."""
        return cls(prior, np.zeros((n_segments, n_items)), np.zeros((n_segments, n_items)))

    def seen(self, segments: Rows, items: Rows, clicks: Doubles, looks: Doubles) -> Rates:
        """After (E,) looks, each counted as far as it was one (sight.py); below 0 they are taken back."""
        cells = segments.astype(np.int64) * self.looks.shape[1] + items
        added = (np.bincount(cells, counts, minlength=self.looks.size) for counts in (clicks, looks))
        more_clicks, more_looks = (counts.reshape(self.looks.shape) for counts in added)
        return replace(self, clicks=self.clicks + more_clicks, looks=self.looks + more_looks)

    def aged(self, share: float) -> Rates:
        """After a time in which what was seen came to count only so much."""
        return replace(self, clicks=self.clicks * share, looks=self.looks * share)

    def learned(self, believed: BelievedRates) -> Rates:
        """With the prior that one step of EM makes of what is believed now (empirical Bayes)."""
        return replace(self, prior=believed.prior_after())


class BelievedRates:
    """The posterior of every cell, all cells of an item together."""

    def __init__(self, rates: Rates) -> None:
        self._prior = rates.prior
        self._likelihood = _likelihood(rates)
        self._kernel = np.tensordot(rates.prior.shares, _DEPARTURES, 1)  # (b, log-odds)
        self._of_cell = np.maximum(self._likelihood @ self._kernel.T, _TINY)  # (S, I, b)
        self._told = np.log(self._of_cell)
        around = -0.5 * ((GRID - rates.prior.middle) / rates.prior.spread) ** 2
        self._of_item = around + self._told.sum(axis=0)  # (I, b) log posterior of b_i, less a constant
        self._sigmoid = 1.0 / (1.0 + np.exp(-GRID))

    @cached_property
    def posterior(self) -> Doubles:
        """(S, I, GRID) of the log-odds of every cell: its own looks, and b_i by what other segments say of it."""
        others = _shared(self._of_item - self._told) @ self._kernel
        others *= self._likelihood
        return others / others.sum(axis=-1, keepdims=True)

    @cached_property
    def mean(self) -> Doubles:
        """(S, I) expected rates."""
        return self.posterior @ self._sigmoid

    @cached_property
    def sd(self) -> Doubles:
        """(S, I) of the rates."""
        return np.sqrt(np.maximum(self.posterior @ self._sigmoid**2 - self.mean**2, 0.0))

    def prior_after(self) -> RatePrior:
        """One step of EM: where items lie, and how large departures are."""
        of_item = _shared(self._of_item)  # (I, b)
        middle = float((of_item @ GRID).mean())
        variance = float((of_item @ (GRID - middle) ** 2).mean())
        cells = len(GRID)
        ratio = (of_item / self._of_cell).reshape(-1, cells)
        pairs = ratio.T @ self._likelihood.reshape(-1, cells)  # (b, log-odds) Σ over cells
        counts = self._prior.shares * (_DEPARTURES * pairs).sum(axis=(1, 2)) + AS_MANY * FIRST
        return RatePrior(middle, max(float(np.sqrt(variance)), LEAST), counts / counts.sum())


def _likelihood(rates: Rates) -> Doubles:
    """(S, I, GRID) of what was seen, the most likely 1."""
    log = rates.clicks[..., None] * GRID - rates.looks[..., None] * np.logaddexp(0.0, GRID)
    log -= log.max(axis=-1, keepdims=True)
    likelihood: Doubles = np.exp(log, out=log)
    return likelihood


def _shared(log: Doubles) -> Doubles:
    """Probabilities along the last axis."""
    weight = np.exp(log - log.max(axis=-1, keepdims=True))
    return weight / weight.sum(axis=-1, keepdims=True)


def _departures() -> Doubles:
    """(SIZES, b, log-odds) normals around each b on the grid, rows summing to one."""
    away = GRID[None, None, :] - GRID[None, :, None]
    weight = np.exp(-0.5 * (away / SIZES[:, None, None]) ** 2)
    return weight / weight.sum(axis=-1, keepdims=True)


_DEPARTURES = _departures()
