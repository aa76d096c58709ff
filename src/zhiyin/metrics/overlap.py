"""Whether a log can tell what another policy would have earned: a traffic light, and the reasons for it.

Weights w = pi / pi_0 have mean 1 where everything that the policy in question does was done, too, now and then.
What was never done cannot be seen in the weights of what was, so where all probabilities of both policies are
known, the moments of the weights are counted over everything that could have been done. Red is no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData

Light = Literal["green", "amber", "red"]

RED_SHARE, AMBER_SHARE = 0.001, 0.01  # of the acts, as many as which the weighted ones tell
FEW = 30.0  # weighted acts, below which no interval of a mean is to be trusted
ROUNDING = 1e-6  # of as many
DECIDES, MUCH = 0.2, 0.05  # share of all weight that one act has
OFF, FAR_OFF = 2.0, 4.0  # standard errors of the mean weight from 1
MISSING, LITTLE = 0.05, 0.005  # of what the policy in question does, unseen
CROOKED, SKEWED = 1.0, 0.3  # how far the mean of the weights is from normal


@dataclass(frozen=True, slots=True)
class Moments:
    """Of the weights at each of n acts, over all that could have been done there."""

    first: Doubles  # (n,) E[w], that is how likely the policy in question does what the log's could do, too
    second: Doubles  # (n,) E[w^2]
    third: Doubles  # (n,) E[w^3]

    @classmethod
    def of(cls, before: Doubles, target: Doubles) -> Moments:
        """(n, k) log-probabilities of all acts under the log's policy and the one in question."""
        able = before > -np.inf
        ratio = np.exp(np.where(able, target - np.where(able, before, 0.0), -np.inf))
        likely = np.where(able, np.exp(target), 0.0)
        first, second, third = (found.sum(axis=1) for found in (likely, likely * ratio, likely * ratio**2))
        return cls(first, second, third)

    @classmethod
    def seen(cls, weights: Doubles) -> Moments:
        """Where all probabilities are not known: those of what was done."""
        return cls(weights, weights**2, weights**3)

    def each(self, change: Callable[[Doubles], Doubles]) -> Moments:
        """All three, changed."""
        return Moments(change(self.first), change(self.second), change(self.third))

    @property
    def effective(self) -> float:
        """Of n acts, as many as will tell as much if all had the same weight."""
        return len(self.second) / float(self.second.mean()) if self.second.any() else 0.0

    @property
    def skew(self) -> float:
        """Of the mean of n weights, E[w^3] / E[w^2]^1.5 / sqrt(n): an interval that takes a mean for normal is off
        by no more than in proportion to it (Berry 1941, Esseen 1942)."""
        second = float(self.second.mean())
        return float(self.third.mean()) / second**1.5 / np.sqrt(len(self.third)) if second else np.inf


@dataclass(frozen=True, slots=True)
class Overlap:
    """How well n logged acts cover a policy."""

    n: int
    effective: float  # acts that would tell as much if all had the same weight (Kish 1965)
    largest: float  # share of all weight that one act has
    mean: float  # of the weights
    error: float  # standard error of that
    unseen: float = 0.0  # share of what the policy in question does that could not have been logged
    skew: float = 0.0  # of the mean weight
    people: float = np.inf  # who would tell as much if the acts of all had the same weight

    @classmethod
    def of(cls, weights: Doubles, moments: Moments | None = None, people: Rows | None = None) -> Overlap:
        """(n,) weights of what was done, the moments where all probabilities are known, whose acts they are."""
        n, total = len(weights), float(weights.sum())
        if not n:
            raise InvalidData("nothing was logged: whether policies overlap needs at least one act")
        effective = _kish(weights)
        return cls(
            n=n,
            effective=effective if moments is None else min(effective, moments.effective),
            largest=float(weights.max()) / total if total else 1.0,
            mean=total / n,
            error=float(weights.std() / np.sqrt(n)),
            unseen=0.0 if moments is None else max(0.0, 1.0 - float(moments.first.mean())),
            skew=0.0 if moments is None else moments.skew,
            people=np.inf if people is None else _kish(np.bincount(people, weights).astype(np.float64)),
        )

    @property
    def light(self) -> Light:
        """The worst of all that is looked at."""
        lights = {light for light, _ in self._found()}
        return "red" if "red" in lights else "amber" if "amber" in lights else "green"

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is not green, in words."""
        return tuple(words for light, words in self._found() if light != "green")

    def _found(self) -> list[tuple[Light, str]]:
        share, off = self.effective / self.n, self._off()
        return [
            (
                _light(-share, -AMBER_SHARE, -RED_SHARE),
                f"{self.n:,} logged acts tell as much as {self.effective:,.1f}",
            ),
            ("red" if self.effective < FEW - ROUNDING else "green", f"only {self.effective:,.1f} acts count"),
            ("red" if self.people < FEW - ROUNDING else "green", f"only {self.people:,.1f} people count"),
            (_light(self.largest, MUCH, DECIDES), f"one act has {self.largest:.1%} of all weight"),
            (_light(off, OFF, FAR_OFF), f"the mean weight is {self.mean:.3f}, and should be 1"),
            (
                _light(self.unseen, LITTLE, MISSING),
                f"{self.unseen:.1%} of what the policy would do could not have been logged",
            ),
            (_light(self.skew, SKEWED, CROOKED), f"rare acts of great weight decide (skew {self.skew:.2f})"),
        ]

    def _off(self) -> float:
        """Standard errors of the mean weight from 1; none where all weights are the same."""
        return abs(self.mean - 1.0) / self.error if self.error > 0 else 0.0 if self.mean > 0 else np.inf


def _kish(weights: Doubles) -> float:
    """As many as tell as much, if all had the same weight."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _light(value: float, amber: float, red: float) -> Light:
    return "red" if value > red else "amber" if value > amber else "green"
