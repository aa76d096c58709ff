"""A reward that takes days, foretold from what was seen so far.

Whether somebody buys within a week is known after a week; that they clicked, after a minute. The outcome of an
exposure as it stood after each stage is a trace x_1 … x_S, whose last number is the reward that counts. Traces of
settled exposures say how the numbers hang together, less what was expected of each (c_s · base): the Gaussian
filter of "Impatient Bandits" (McDonald et al. 2023, section 4), in the unit of outcomes.

The first s numbers foretell reward − base as m, and ρ² of its variance is gone. A measurement of a reward with the
noise that is left says as much as ρ² of an outcome of m / ρ²: its addends are ρ² and m. An item of which a click
leads to more or less than elsewhere errs the same way in all its traces; so many of them say no more than 1 / δ
outcomes, where δ is how much m − ρ² · (reward − base) differs between items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData

Trace = tuple[float, ...]  # the outcome as it stood after each stage so far

RIDGE = 1e-6  # share of the mean square of a trace's numbers that each keeps for itself: some never change


class Told(NamedTuple):
    """What a trace says of the reward, as an outcome."""

    rest: float  # reward − base
    known: float  # how much of an outcome that counts, 0 to 1
    doubt: float  # √δ: what all traces of an item so far have in common, as a share of the noise


@dataclass(frozen=True, slots=True)
class Stage:
    """What is known when the number of this stage is."""

    after: float  # seconds since the exposure
    expected: float  # c: the share of base that is there by then
    known: float  # ρ² of the numbers up to this one
    doubt: float  # √δ of what they foretell
    gains: tuple[float, ...]  # what each of them adds to m


@dataclass(frozen=True, slots=True)
class Progressive:
    """Immutable; a part of what a bundle knows of beliefs."""

    stages: tuple[Stage, ...]  # rising; the last is the window, at which all is known

    @classmethod
    def fit(cls, after: Doubles, traces: Doubles, bases: Doubles, items: Rows) -> Self:
        """From (n, S) completed traces of (n,) items, of which (n,) was expected, by least squares; what differs
        between items by the moments of a one-way layout (Searle, Casella & McCulloch 1992, ch. 3). Raises
        InvalidData without a trace, and where all came as expected."""
        came = bases @ traces
        expected = np.clip(came / came[-1], 0.0, 1.0) if came[-1] > 0 else np.zeros(len(after))
        expected[-1] = 1.0
        rests = traces - bases[:, None] * expected
        if not rests[:, -1].any():
            raise InvalidData(f"{len(rests)} traces of which none ends otherwise than expected foretell nothing")
        stages = [
            Stage(seconds, share, *_foretold(rests[:, : n + 1], rests[:, -1], items))
            for n, (seconds, share) in enumerate(zip(after.tolist(), expected.tolist(), strict=True))
        ]
        last = (*np.zeros(len(after) - 1).tolist(), 1.0)
        return cls((*stages[:-1], Stage(float(after[-1]), 1.0, 1.0, 0.0, last)))

    def told(self, trace: Trace, base: float) -> Told:
        """What a trace of one stage or more says; nothing where ρ² is 0."""
        stage = self.stages[len(trace) - 1]
        foretold = 0.0
        for gain, value, earlier in zip(stage.gains, trace, self.stages, strict=False):
            foretold += gain * (value - base * earlier.expected)
        return Told(foretold / stage.known if stage.known else 0.0, stage.known, stage.doubt)

    @property
    def array(self) -> Doubles:
        """(S, 4 + S), a row a stage."""
        filled = [(*one.gains, *[0.0] * (len(self.stages) - len(one.gains))) for one in self.stages]
        rows = [
            (one.after, one.expected, one.known, one.doubt, *gains)
            for one, gains in zip(self.stages, filled, strict=True)
        ]
        return np.array(rows)

    @classmethod
    def of_array(cls, array: Doubles) -> Self:
        rows = array.tolist()
        return cls(
            tuple(Stage(row[0], row[1], row[2], row[3], tuple(row[4 : 5 + n])) for n, row in enumerate(rows))
        )


def _foretold(told: Doubles, last: Doubles, items: Rows) -> tuple[float, float, tuple[float, ...]]:
    """ρ², √δ and the gains of (n, s) numbers."""
    gains, variance = _least_squares(told, last), float(np.mean(last**2))
    foretold = told @ gains
    known = min(float(np.mean(foretold * last)) / variance, 1.0)
    if known <= 0:
        return 0.0, 0.0, tuple(np.zeros(len(gains)).tolist())
    own = between(foretold - known * last, items)
    return known, float(np.sqrt(own / variance)) / known, tuple(gains.tolist())


def between(values: Doubles, items: Rows) -> float:
    """The variance of what items differ by, of (n,) values with noise; 0 where chance explains it, or none was
    shown twice."""
    _, item, counts = np.unique(items, return_inverse=True, return_counts=True)
    n, n_items = len(values), len(counts)
    if n_items < 2 or n <= n_items:
        return 0.0
    means = np.bincount(item, values) / counts
    within = float(((values - means[item]) ** 2).sum()) / (n - n_items)
    apart = float((counts * (means - values.mean()) ** 2).sum()) / (n_items - 1)
    usual = (n - float((counts**2).sum()) / n) / (n_items - 1)  # values of an item
    return max((apart - within) / usual, 0.0)


def _least_squares(x: Doubles, y: Doubles) -> Doubles:
    """(s,) weights of (n, s) numbers that foretell (n,) others."""
    square = x.T @ x
    own = RIDGE * float(np.trace(square)) / len(square)
    if not own:  # nothing ever happens that early
        return np.zeros(len(square))
    return np.asarray(np.linalg.solve(square + own * np.eye(len(square)), x.T @ y), np.float64)
