"""What is believed of items and people, in closed form: reward = base + b_i + θ_u · z_i + noise.

z_i is what an item reads like (whitening.py), base what the score and the moment foretell. An item starts where
its text predicts, b_i ~ N(w · z_i, τ²), a person where people are, θ_u ~ N(m, S); both are learned from others
(fitting.py), so that the first event already counts for what it is worth.

Of items the fold keeps two sums each, from which everything else follows in closed form; of people nothing: their
posterior is made from their last events when they ask. Where this is not the whole posterior: while items learn,
what one person says of several items is taken as independent (the doubt about the person is in the noise); while a
person is read, items are as they are believed to be, each with its own doubt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky
from scipy.special import ndtri

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.policies.base import Noise
from zhiyin.policies.gaussian import Gaussian


@dataclass(frozen=True, slots=True)
class Prior:
    """What a bundle knows before any event: of the (d,) numbers that an item reads like."""

    text: Gaussian  # of w: what a text predicts of an item
    people: Gaussian  # of θ_u: N(m, S)
    noise: float  # σ², variance of one outcome
    spread: float  # v, variance of items of which nothing is read
    pseudo: Doubles  # (kinds,) κ: how many observations the text counts in each kind of item (gate.py)

    @property
    def dim(self) -> int:
        return len(self.text.mean)

    def heeded(self, kinds: Rows) -> Doubles:
        """(I,) the share of what the text predicts that an item begins with: 0 where κ is 0, towards 1."""
        known = self.pseudo[kinds] * self.spread
        return known / (known + self.noise)

    def doubt(self, kinds: Rows) -> Doubles:
        """(I,) τ²: the variance around that."""
        return 1.0 / (1.0 / self.spread + self.pseudo[kinds] / self.noise)


@dataclass(frozen=True, slots=True)
class Items:
    """The fold: evidence about every item, and what follows from it."""

    prior: Prior
    z: Doubles  # (I, d)
    kinds: Rows  # (I,) kind of each item
    precision: Doubles  # (I,) of one outcome, by a person of whom nothing is known
    weights: Doubles  # (I,) Σ of precisions of what was seen
    totals: Doubles  # (I,) Σ of precision · (reward − base − m · z)
    text: Gaussian  # of w, given all that was seen

    @classmethod
    def unseen(cls, prior: Prior, z: Doubles, kinds: Rows) -> Items:
        """Before any event."""
        nothing = np.zeros(len(z))
        precision = 1.0 / (prior.noise + prior.people.variance(z))
        return cls(prior, z, kinds, precision, nothing, nothing, prior.text)

    def seen(self, row: int, rest: float, share: float = 1.0) -> Items:
        """After one outcome: `rest` is reward − base. `share` of it counts, below 1 for what is old."""
        return self._with(row, rest, share)

    def forgot(self, row: int, rest: float, share: float = 1.0) -> Items:
        """As if that outcome had never been: exact up to rounding, the prior as it was."""
        return self._with(row, rest, -share)

    def seen_all(self, rows: Rows, rests: Doubles, shares: Doubles) -> Items:
        """After many outcomes at once; shares below 0 take out what was taken in."""
        counted = shares * self.precision[rows]
        values = rests - self.z[rows] @ self.prior.people.mean
        weights = self.weights + np.bincount(rows, counted, minlength=len(self.z))
        totals = self.totals + np.bincount(rows, counted * values, minlength=len(self.z))
        return self.of_sums(weights, totals)

    def aged(self, share: float) -> Items:
        """After a time in which what was seen came to count only so much: the world drifts, doubt returns."""
        return self.of_sums(self.weights * share, self.totals * share)

    def of_sums(self, weights: Doubles, totals: Doubles) -> Items:
        """With these sums: w made anew from all of them at once, without the rounding of many single steps."""
        known = np.flatnonzero(weights > 0).astype(np.int32)
        heard, values = self._heard(known, weights[known], totals[known])
        text = self.prior.text
        if len(known):
            x = self.z[known] * self.prior.heeded(self.kinds[known])[:, None]
            text = text.updated_by_all(x, values, 1.0 / heard)
        return replace(self, weights=weights, totals=totals, text=text)

    def believed(self, rows: Rows) -> tuple[Doubles, Doubles]:
        """(n,) means of b_i and (n,) their variances, m · z not included."""
        kinds, weights = self.kinds[rows], self.weights[rows]
        doubt, x = self.prior.doubt(kinds), self.z[rows] * self.prior.heeded(kinds)[:, None]
        left = 1.0 / (1.0 + doubt * weights)  # of what the text says
        mean = left * (self.text.expected(x) + doubt * self.totals[rows])
        return mean, doubt * left + left**2 * self.text.variance(x)

    def _with(self, row: int, rest: float, share: float) -> Items:
        z = self.z[row]
        counted = share * self.precision[row]
        weights, totals = self.weights.copy(), self.totals.copy()
        weights[row] += counted
        totals[row] += counted * (rest - float(z @ self.prior.people.mean))
        at = np.array([row], np.int32)
        x = z * self.prior.heeded(self.kinds[at])[0]
        before, after = self._pull(at, self.weights, self.totals), self._pull(at, weights, totals)
        text = self.text.shifted(x, after[0] - before[0], after[1] - before[1])
        return replace(self, weights=weights, totals=totals, text=text)

    def _pull(self, at: Rows, weights: Doubles, totals: Doubles) -> tuple[float, float]:
        """What one item says about w: its precision there, and precision times value."""
        scale = 1.0 / (1.0 + float(self.prior.doubt(self.kinds[at])[0]) * weights[at[0]])
        return float(weights[at[0]] * scale), float(totals[at[0]] * scale)

    def _heard(self, rows: Rows, weights: Doubles, totals: Doubles) -> tuple[Doubles, Doubles]:
        """(n,) precisions with which items that were seen speak about w, and (n,) what they say."""
        return weights / (1.0 + self.prior.doubt(self.kinds[rows]) * weights), totals / weights


def person_of(items: Items, rows: Rows, rests: Doubles, shares: Doubles) -> Gaussian:
    """θ_u after a person's own (n,) events, made for one request and kept nowhere: rows of items, reward − base,
    and how much each counts (above 0, to 1, less for what is old). Without events it is N(m, S)."""
    people = items.prior.people
    if not len(rows):
        return people
    mean, variance = items.believed(rows)
    return people.updated_by_all(items.z[rows], rests - mean, (items.prior.noise + variance) / shares)


@dataclass(frozen=True, slots=True)
class Believed:
    """What is believed of (k,) candidates for one person; `item` and `person` are addends of their scores."""

    item: Doubles  # (k,) b_i, expected
    person: Doubles  # (k,) θ_u · z_i, expected
    sd: Doubles  # (k,) of their sum, without the noise of an outcome

    @classmethod
    def of(cls, items: Items, person: Gaussian, rows: Rows) -> Believed:
        mean, variance = items.believed(rows)
        z = items.z[rows]
        return cls(mean, person.expected(z), np.sqrt(variance + person.variance(z)))


def samples(items: Items, person: Gaussian, rows: Rows, noise: Noise, n: int) -> Doubles:
    """(n, k) what each of n samples of the belief adds to what is expected of the candidates of `noise`, from the
    recommendation id: the person's part is one and the same for all items of a sample, the item's part belongs to
    the item. The doubt about w is taken item by item."""
    z = items.z[rows]
    axes = Noise(noise.draw, np.arange(z.shape[1], dtype=np.uint64))
    root = cholesky(person.covariance + 1e-12 * np.eye(z.shape[1]), lower=True, check_finite=False)
    of_person = ndtri(axes.until(n)) @ (z @ root).T
    return of_person + ndtri(noise.until(2 * n)[n:]) * np.sqrt(items.believed(rows)[1])
