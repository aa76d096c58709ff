"""The prior of a belief, learned from everybody: what a new person or item starts from (empirical Bayes by EM).

A linear mixed model (Laird & Ware 1982): reward = β · f + b_i + θ_u · z_i + noise. Expectations of people and of
items are taken in turns, each in closed form given the other, then β, S and the variances are set by them.
What all people have in common, m · z, cannot be told from what a text predicts, w · z. It goes to w, behind the
gate (m = 0): where texts mislead, it must not come in by the other door.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData
from zhiyin.policies.belief import Prior
from zhiyin.policies.gate import HeldOut, pseudo_observations
from zhiyin.policies.gaussian import Gaussian

ROUNDS = 15
AS_MANY = 10.0  # people that the first guess of S counts for, so that few people do not make it singular
LEAST = 1e-6  # of a variance, as a share of that of the rewards


@dataclass(frozen=True, slots=True)
class Outcomes:
    """E settled outcomes: who, what, what is known before (f: 1, score, moment), and what came."""

    users: Rows  # (E,)
    items: Rows  # (E,)
    features: Doubles  # (E, p)
    rewards: Doubles  # (E,)

    def among(self, some: Mask) -> Outcomes:
        """Those of a mask (E,)."""
        return Outcomes(self.users[some], self.items[some], self.features[some], self.rewards[some])


@dataclass(frozen=True, slots=True)
class FittedPrior:
    """The prior and the weights of what is known before: base = f · base."""

    base: Doubles  # (p,) β
    prior: Prior


def fit_prior(outcomes: Outcomes, z: Doubles, kinds: Rows, rounds: int = ROUNDS) -> FittedPrior:
    """From all outcomes there are; `z` (I, d) and `kinds` (I,) of every item. Raises InvalidData without any."""
    if not len(outcomes.rewards):
        raise InvalidData("no outcome to learn a prior from: log recommendations and events first")
    fit = _Fit(outcomes, z)
    for _ in range(rounds):
        fit.expect_people()
        fit.expect_items()
        fit.maximise()
    kappa = np.ones(int(kinds.max(initial=-1)) + 1)
    for _ in range(2):  # once more with w of those kinds alone in which it tells something
        kappa = pseudo_observations(fit.held_out(kinds, kappa > 0), len(kappa), fit.noise, fit.spread)
    text = Gaussian.alike(z.shape[1], fit.text_variance)
    return FittedPrior(fit.base, Prior(text, fit.people, fit.noise, fit.spread, kappa))


class _Fit:
    """The expectations as they are now."""

    def __init__(self, outcomes: Outcomes, z: Doubles) -> None:
        self.outcomes, self.z = outcomes, z
        n_items, dim = z.shape
        self.base = self._base_of(outcomes.rewards)
        variance = float(np.var(outcomes.rewards - outcomes.features @ self.base))
        self.least = max(LEAST * variance, 1e-12)
        self.noise = self.spread = self.around = max(variance / 2.0, self.least)  # σ², v, τ²
        self.text_variance = self.first = self.noise / dim
        self.people = Gaussian.alike(dim, self.first)
        self.counts = np.bincount(outcomes.items, minlength=n_items).astype(np.float64)
        self.by_person = groups(outcomes.users)
        self.biases, self.bias_variances = np.zeros(n_items), np.zeros(n_items)
        self.persons, self.person_variances = np.zeros(len(outcomes.rewards)), np.zeros(len(outcomes.rewards))

    def expect_people(self) -> None:
        """θ_u of everybody given the items, and S of them all; their mean is left to the items."""
        rests, rows = self._rests() - self.biases[self.outcomes.items], self.outcomes.items
        means, covariance = [], np.zeros_like(self.people.covariance)
        for events in self.by_person:
            z = self.z[rows[events]]
            person = self.people.updated_by_all(z, rests[events], np.full(len(events), self.noise))
            self.persons[events], self.person_variances[events] = person.expected(z), person.variance(z)
            means.append(person.mean)
            covariance += person.covariance
        found = np.array(means)
        mean = found.mean(axis=0)
        covariance += (found - mean).T @ (found - mean) + AS_MANY * self.first * np.eye(len(mean))
        self.persons -= self.z[rows] @ mean
        self.people = Gaussian(np.zeros_like(mean), covariance / (len(found) + AS_MANY))

    def expect_items(self) -> None:
        """b_i of all items given people: first w from all of them, then each around what it foretells."""
        text = self._text_of(self.counts > 0)
        precision = self.counts / self.noise + 1.0 / self.around
        left = 1.0 / (self.around * precision)
        self.biases = left * text.expected(self.z) + self._sums() / (self.noise * precision)
        self.bias_variances = 1.0 / precision + left**2 * text.variance(self.z)
        self.text_variance = max(
            (float(text.mean @ text.mean) + float(np.trace(text.covariance))) / len(text.mean), self.least
        )
        seen = self.counts > 0
        missed = self.biases[seen] - text.expected(self.z[seen])
        self.around = max(float((missed**2 + 1.0 / precision[seen]).mean()), self.least)
        self.spread = max(float((self.biases[seen] ** 2 + self.bias_variances[seen]).mean()), self.least)

    def maximise(self) -> None:
        """β and σ² of what is left."""
        known = self.biases[self.outcomes.items] + self.persons
        self.base = self._base_of(self.outcomes.rewards - known)
        missed = self._rests() - known
        doubt = self.bias_variances[self.outcomes.items] + self.person_variances
        self.noise = max(float((missed**2 + doubt).mean()), self.least)

    def held_out(self, kinds: Rows, trusted: Mask) -> HeldOut:
        """Every item that was seen, guessed by the other half of the items, those of trusted kinds."""
        halves = np.random.default_rng(0).random(len(self.z)) < 0.5  # whatever their order means
        guesses = np.zeros(len(self.z))
        for half in (halves, ~halves):
            guesses[half] = self._text_of(~half & (self.counts > 0) & trusted[kinds]).expected(self.z[half])
        seen = np.flatnonzero(self.counts)
        return HeldOut(guesses[seen], self._sums()[seen] / self.counts[seen], self.counts[seen], kinds[seen])

    def _text_of(self, items: Mask) -> Gaussian:
        """w after these items, b_i integrated out."""
        rows = np.flatnonzero(items)
        text = Gaussian.alike(self.z.shape[1], self.text_variance)
        if not len(rows):
            return text
        counts = self.counts[rows]
        return text.updated_by_all(self.z[rows], self._sums()[rows] / counts, self.around + self.noise / counts)

    def _sums(self) -> Doubles:
        """(I,) of what people do not explain."""
        rests = self._rests() - self.persons
        return np.bincount(self.outcomes.items, rests, minlength=len(self.z)).astype(np.float64)

    def _rests(self) -> Doubles:
        return self.outcomes.rewards - self.outcomes.features @ self.base

    def _base_of(self, rewards: Doubles) -> Doubles:
        return np.linalg.lstsq(self.outcomes.features, rewards, rcond=None)[0].astype(np.float64)


def groups(users: Rows) -> list[Rows]:
    """The events of each person."""
    order = np.argsort(users, kind="stable").astype(np.int32)
    return np.split(order, np.flatnonzero(np.diff(users[order])) + 1)
