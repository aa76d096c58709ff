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

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky
from scipy.special import ndtri

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.policies.base import Noise
from zhiyin.policies.gaussian import Gaussian

Array = npt.NDArray[Any]


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
    z: Floats  # (I, d)
    heeded: Doubles  # (I,) the share of what the text predicts that an item starts with: at heeded · (w · z)
    doubt: Doubles  # (I,) τ² around that
    precision: Doubles  # (I,) of one outcome, by a person of whom nothing is known
    first: Doubles  # (I,) variance of what is believed before any event, of such a person

    @classmethod
    def of(cls, prior: Prior, z: Doubles | Floats, kinds: Rows) -> Self:
        """`kinds` (I,) of the items, as the prior counts them."""
        z = z.astype(np.float32)
        wide, heeded, doubt = z.astype(np.float64), prior.heeded(kinds), prior.doubt(kinds)
        beside = np.append(wide, wide[:1], axis=0)  # one row alone is summed in another order, and ends otherwise
        people = prior.people.variance(beside)[: len(z)]
        first = doubt + heeded**2 * prior.text.variance(beside)[: len(z)] + people
        return cls(prior, z, heeded, doubt, 1.0 / (prior.noise + people), first)

    def joined(self, z: Floats, kinds: Rows) -> Self:
        """With more items after these."""
        return self._with(Ground.of(self.prior, z, kinds), lambda mine, more: np.concatenate([mine, more]))

    def reworded(self, rows: Rows, z: Floats, kinds: Rows) -> Self:
        """With other texts in these rows."""

        def put(mine: Array, more: Array) -> Array:
            mine = mine.copy()
            mine[rows] = more
            return mine

        return self._with(Ground.of(self.prior, z, kinds), put)

    def x(self, rows: Rows) -> Doubles:
        """(n, d) z as far as the text is heeded."""
        return self.z[rows] * self.heeded[rows, None]

    def common(self, rows: Rows) -> Doubles:
        """(n,) m · z, what they are to people of whom nothing is known."""
        return self.prior.people.expected(self.z[rows].astype(np.float64))

    def _with(self, other: Ground, put: Callable[[Array, Array], Array]) -> Self:
        return replace(
            self,
            z=put(self.z, other.z),
            heeded=put(self.heeded, other.heeded),
            doubt=put(self.doubt, other.doubt),
            precision=put(self.precision, other.precision),
            first=put(self.first, other.first),
        )


@dataclass(frozen=True, slots=True)
class Items:
    """The fold: evidence about every item, and what follows from it."""

    ground: Ground
    counts: Doubles  # (I,) Σ of the shares of what was seen
    totals: Doubles  # (I,) Σ of share · (reward − base)
    text: Gaussian  # of w, given all that was seen

    @classmethod
    def unseen(cls, prior: Prior, z: Doubles | Floats, kinds: Rows) -> Self:
        """Before any event."""
        return cls(Ground.of(prior, z, kinds), np.zeros(len(z)), np.zeros(len(z)), prior.text)

    def seen(self, row: int, rest: float, share: float = 1.0) -> Self:
        """After one outcome: `rest` is reward − base. `share` of it counts, below 1 for what is old."""
        ground = self.ground
        counts, totals = self.counts.copy(), self.totals.copy()
        before = self._of_text(row)
        counts[row] += share
        totals[row] += share * rest
        after = replace(self, counts=counts, totals=totals)
        weight, pull = (new - old for new, old in zip(after._of_text(row), before, strict=True))
        x = ground.z[row].astype(np.float64) * float(ground.heeded[row])
        return replace(after, text=self.text.shifted(x, weight, pull))

    def forgot(self, row: int, rest: float, share: float = 1.0) -> Self:
        """As if that outcome had never been: exact up to rounding, the prior as it was."""
        return self.seen(row, rest, -share)

    def seen_all(self, rows: Rows, rests: Doubles, shares: Doubles) -> Self:
        """After many outcomes at once; shares below 0 take out what was taken in."""
        counts = self.counts + np.bincount(rows, shares, minlength=len(self.counts))
        totals = self.totals + np.bincount(rows, shares * rests, minlength=len(self.counts))
        return self.of_sums(counts, totals)

    def aged(self, share: float) -> Self:
        """After a time in which what was seen came to count only so much: the world drifts, doubt returns."""
        return self.of_sums(self.counts * share, self.totals * share)

    def of_sums(self, counts: Doubles, totals: Doubles) -> Self:
        """With these sums: w made anew from all of them at once, without the rounding of many single steps."""
        rows, ground, text = np.flatnonzero(counts > 0).astype(np.int32), self.ground, self.ground.prior.text
        if len(rows):
            around = ground.doubt[rows] + 1.0 / (ground.precision[rows] * counts[rows])
            text = text.updated_by_all(ground.x(rows), totals[rows] / counts[rows] - ground.common(rows), around)
        return replace(self, counts=counts, totals=totals, text=text)

    def believed(self, rows: Rows) -> tuple[Doubles, Doubles]:
        """(n,) means of b_i and (n,) their variances, m · z not included."""
        mean, left, doubt = self._around_text(rows, self.text.expected(self.ground.x(rows)))
        return mean, doubt * left + left**2 * self.text.variance(self.ground.x(rows))

    def for_person(self, person: Gaussian, rows: Rows) -> Believed:
        """(k,) candidates to one person. In single precision, half the time: somebody waits, and doubt is no
        matter of the seventh digit."""
        z, d = self.ground.z[rows], len(person.mean)
        means = z @ np.stack([self.text.mean, person.mean], axis=1).astype(np.float32)
        spread = z @ np.concatenate([self.text.covariance, person.covariance], axis=1).astype(np.float32)
        variances = np.einsum("kcd,kd->ck", spread.reshape(len(rows), 2, d), z)
        heeded = self.ground.heeded[rows]
        mean, left, doubt = self._around_text(rows, heeded * means[:, 0])
        variance = doubt * left + (left * heeded) ** 2 * variances[0] + variances[1]
        return Believed(mean, means[:, 1].astype(np.float64), np.sqrt(np.maximum(variance, 0.0)))

    def _of_text(self, row: int) -> tuple[float, float]:
        """What an item says of w: how much precision, and precision times value."""
        ground, count = self.ground, float(self.counts[row])
        weight = float(ground.precision[row]) * count
        around = 1.0 + float(ground.doubt[row]) * weight
        total = float(self.totals[row]) - count * float(ground.prior.people.mean @ ground.z[row])
        return weight / around, float(ground.precision[row]) * total / around

    def _around_text(self, rows: Rows, told: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """(n,) means, what share of the text's word is left beside the evidence, and τ²."""
        ground = self.ground
        doubt, precision, counts = ground.doubt[rows], ground.precision[rows], self.counts[rows]
        left = 1.0 / (1.0 + doubt * precision * counts)
        rests = self.totals[rows]
        if ground.prior.people.mean.any():
            rests = rests - counts * ground.common(rows)
        return left * (told + doubt * precision * rests), left, doubt


def person_of(items: Items, rows: Rows, rests: Doubles, shares: Doubles) -> Gaussian:
    """θ_u after a person's own (n,) events, made for one request and kept nowhere: rows of items, reward − base,
    and how much each counts (above 0, to 1, less for what is old). Without events it is N(m, S)."""
    people = items.ground.prior.people
    if not len(rows):
        return people
    means, variances = items.believed(rows)
    noise = (items.ground.prior.noise + variances) / shares
    return people.updated_by_all(items.ground.z[rows].astype(np.float64), rests - means, noise)


@dataclass(frozen=True, slots=True)
class Believed:
    """What is believed of (k,) candidates for one person; `item` and `person` are addends of their rewards."""

    item: Doubles  # (k,) b_i, expected
    person: Doubles  # (k,) θ_u · z_i, expected
    sd: Doubles  # (k,) of their sum, without the noise of an outcome


def samples(items: Items, person: Gaussian, rows: Rows, noise: Noise, n: int) -> Doubles:
    """(n, k) what each of n samples of the belief adds to what is expected of the candidates of `noise`, from the
    recommendation id: the person's part is one and the same for all items of a sample, the item's part belongs to
    the item. The doubt about w is taken item by item."""
    z = items.ground.z[rows].astype(np.float64)
    axes = Noise(noise.draw, np.arange(z.shape[1], dtype=np.uint64))
    root = cholesky(person.covariance + 1e-12 * np.eye(z.shape[1]), lower=True, check_finite=False)
    of_person = ndtri(axes.until(n)) @ (z @ root).T
    _, variances = items.believed(rows)
    return of_person + ndtri(noise.until(2 * n)[n:]) * np.sqrt(variances)
