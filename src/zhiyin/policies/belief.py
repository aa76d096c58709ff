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
class Ground:
    """Where the items of a catalogue start: what no event changes."""

    prior: Prior
    z: Doubles  # (I, d)
    x: Doubles  # (I, d) z as far as the text is heeded: an item starts at w · x
    doubt: Doubles  # (I,) τ² around that
    precision: Doubles  # (I,) of one outcome, by a person of whom nothing is known
    common: Doubles  # (I,) m · z, what it is to people of whom nothing is known

    @classmethod
    def of(cls, prior: Prior, z: Doubles, kinds: Rows) -> Ground:
        """`kinds` (I,) of the items, as the prior counts them."""
        x = z * prior.heeded(kinds)[:, None]
        precision = 1.0 / (prior.noise + prior.people.variance(z))
        return cls(prior, z, x, prior.doubt(kinds), precision, prior.people.expected(z))


@dataclass(frozen=True, slots=True)
class Items:
    """The fold: evidence about every item, and what follows from it."""

    ground: Ground
    weights: Doubles  # (I,) Σ of precisions of what was seen
    totals: Doubles  # (I,) Σ of precision · (reward − base − m · z)
    text: Gaussian  # of w, given all that was seen

    @classmethod
    def unseen(cls, prior: Prior, z: Doubles, kinds: Rows) -> Items:
        """Before any event."""
        return cls(Ground.of(prior, z, kinds), np.zeros(len(z)), np.zeros(len(z)), prior.text)

    def seen(self, row: int, rest: float, share: float = 1.0) -> Items:
        """After one outcome: `rest` is reward − base. `share` of it counts, below 1 for what is old."""
        ground = self.ground
        counted = share * float(ground.precision[row])
        before = float(self.weights[row]), float(self.totals[row])
        after = before[0] + counted, before[1] + counted * (rest - float(ground.common[row]))
        weights, totals = self.weights.copy(), self.totals.copy()
        weights[row], totals[row] = after
        doubt = float(ground.doubt[row])  # what an item says of w counts weight / (1 + τ² · weight)
        old, new = 1.0 + doubt * before[0], 1.0 + doubt * after[0]
        pulls = (after[0] / new - before[0] / old, after[1] / new - before[1] / old)
        return Items(ground, weights, totals, self.text.shifted(ground.x[row], *pulls))

    def forgot(self, row: int, rest: float, share: float = 1.0) -> Items:
        """As if that outcome had never been: exact up to rounding, the prior as it was."""
        return self.seen(row, rest, -share)

    def seen_all(self, rows: Rows, rests: Doubles, shares: Doubles) -> Items:
        """After many outcomes at once; shares below 0 take out what was taken in."""
        counted = shares * self.ground.precision[rows]
        values = rests - self.ground.common[rows]
        weights = self.weights + np.bincount(rows, counted, minlength=len(self.weights))
        totals = self.totals + np.bincount(rows, counted * values, minlength=len(self.weights))
        return self.of_sums(weights, totals)

    def aged(self, share: float) -> Items:
        """After a time in which what was seen came to count only so much: the world drifts, doubt returns."""
        return self.of_sums(self.weights * share, self.totals * share)

    def of_sums(self, weights: Doubles, totals: Doubles) -> Items:
        """With these sums: w made anew from all of them at once, without the rounding of many single steps."""
        rows = np.flatnonzero(weights > 0)
        text = self.ground.prior.text
        if len(rows):
            around = self.ground.doubt[rows] + 1.0 / weights[rows]
            text = text.updated_by_all(self.ground.x[rows], totals[rows] / weights[rows], around)
        return replace(self, weights=weights, totals=totals, text=text)

    def believed(self, rows: Rows) -> tuple[Doubles, Doubles]:
        """(n,) means of b_i and (n,) their variances, m · z not included."""
        x, doubt = self.ground.x[rows], self.ground.doubt[rows]
        left = 1.0 / (1.0 + doubt * self.weights[rows])  # of what the text says
        mean = left * (self.text.expected(x) + doubt * self.totals[rows])
        return mean, doubt * left + left**2 * self.text.variance(x)


@dataclass(frozen=True, slots=True)
class Standing:
    """The fold as requests need it, made once for many of them: what is believed of every item."""

    people: Gaussian
    noise: float
    z: Doubles  # (I, d)
    means: Doubles  # (I,) of b_i
    variances: Doubles  # (I,)

    @classmethod
    def of(cls, items: Items) -> Standing:
        ground = items.ground
        means, variances = items.believed(np.arange(len(ground.z), dtype=np.int32))
        return cls(ground.prior.people, ground.prior.noise, ground.z, means, variances)


def person_of(standing: Standing, rows: Rows, rests: Doubles, shares: Doubles) -> Gaussian:
    """θ_u after a person's own (n,) events, made for one request and kept nowhere: rows of items, reward − base,
    and how much each counts (above 0, to 1, less for what is old). Without events it is N(m, S)."""
    if not len(rows):
        return standing.people
    noise = (standing.noise + standing.variances[rows]) / shares
    return standing.people.updated_by_all(standing.z[rows], rests - standing.means[rows], noise)


@dataclass(frozen=True, slots=True)
class Believed:
    """What is believed of (k,) candidates for one person; `item` and `person` are addends of their scores."""

    item: Doubles  # (k,) b_i, expected
    person: Doubles  # (k,) θ_u · z_i, expected
    sd: Doubles  # (k,) of their sum, without the noise of an outcome

    @classmethod
    def of(cls, standing: Standing, person: Gaussian, rows: Rows) -> Believed:
        z = standing.z[rows]
        sd = np.sqrt(standing.variances[rows] + person.variance(z))
        return cls(standing.means[rows], person.expected(z), sd)


def samples(standing: Standing, person: Gaussian, rows: Rows, noise: Noise, n: int) -> Doubles:
    """(n, k) what each of n samples of the belief adds to what is expected of the candidates of `noise`, from the
    recommendation id: the person's part is one and the same for all items of a sample, the item's part belongs to
    the item. The doubt about w is taken item by item."""
    z = standing.z[rows]
    axes = Noise(noise.draw, np.arange(z.shape[1], dtype=np.uint64))
    root = cholesky(person.covariance + 1e-12 * np.eye(z.shape[1]), lower=True, check_finite=False)
    of_person = ndtri(axes.until(n)) @ (z @ root).T
    return of_person + ndtri(noise.until(2 * n)[n:]) * np.sqrt(standing.variances[rows])
