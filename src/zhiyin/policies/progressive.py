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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

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
class Progressive:
    """Immutable; a part of what a bundle knows of beliefs."""

    stages: (
        Doubles  # (S,) seconds after the exposure at which each number is known, rising; the last is the window
    )
    expected: Doubles  # (S,) c: the share of base that is there by then; 1 at last
    gains: Doubles  # (S, S) row s − 1: what each of the first s numbers adds to m
    known: Doubles  # (S,) ρ²; 1 at last
    doubt: Doubles  # (S,) √δ; 0 at last

    @classmethod
    def fit(cls, stages: Doubles, traces: Doubles, bases: Doubles, items: Rows) -> Self:
        """From (n, S) completed traces of (n,) items, of which (n,) was expected, by least squares; what differs
        between items by the moments of a one-way layout (Searle, Casella & McCulloch 1992, ch. 3). Raises
        InvalidData without a trace, and where all came as expected."""
        came = bases @ traces
        expected = (
            np.clip(came / came[-1], 0.0, 1.0) if came[-1] > 0 else np.append(np.zeros(len(stages) - 1), 1.0)
        )
        rests = traces - bases[:, None] * expected
        variance = float(np.mean(rests[:, -1] ** 2)) if len(rests) else 0.0
        if not variance:
            raise InvalidData(f"{len(rests)} traces of which none ends otherwise than expected foretell nothing")
        gains, known, doubt = np.zeros((len(stages), len(stages))), np.ones(len(stages)), np.zeros(len(stages))
        gains[-1, -1] = 1.0
        for stage in range(1, len(stages)):
            gains[stage - 1, :stage] = _least_squares(rests[:, :stage], rests[:, -1])
            foretold = rests @ gains[stage - 1]
            share = float(foretold @ rests[:, -1]) / (len(rests) * variance)
            known[stage - 1] = min(max(share, 0.0), 1.0)
            if share > 0:
                own = between(foretold - share * rests[:, -1], items)
                doubt[stage - 1] = np.sqrt(own / variance) / share
        return cls(stages, expected, gains, known, doubt)

    def told(self, trace: Trace, base: float) -> Told:
        """What a trace of one stage or more says; nothing is known where ρ² is 0."""
        n = len(trace)
        known = float(self.known[n - 1])
        foretold = sum(
            gain * (value - base * expected)
            for gain, value, expected in zip(self.gains[n - 1], trace, self.expected, strict=False)
        )
        return Told(float(foretold) / known if known else 0.0, known, float(self.doubt[n - 1]))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "stages": self.stages,
            "stages_expected": self.expected,
            "stages_gains": self.gains,
            "stages_known": self.known,
            "stages_doubt": self.doubt,
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """None where nothing of it was kept."""
        if "stages" not in arrays:
            return None
        return cls(
            arrays["stages"],
            arrays["stages_expected"],
            arrays["stages_gains"],
            arrays["stages_known"],
            arrays["stages_doubt"],
        )


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
