"""From numbers to places on a plot: where the axis begins and ends, and which round numbers are written on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Self

PAD = 0.06  # of the span, on both sides of what is shown
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis: `low` at 0, `high` at 100."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float], *, zero: bool = True) -> Self:
        """Room for all finite values, and for 0 if that is what they are compared with. No value needs none."""
        known = [value for value in values if isfinite(value)] + ([0.0] if zero else [])
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        span = high - low if high - low > TINY else max(abs(high), 1.0)
        return cls(low - PAD * span, high + PAD * span)

    def at(self, value: float) -> float:
        """The place of a value in percent; what lies outside is put at the edge."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def ticks(self, most: int = 5) -> tuple[float, ...]:
        """At most so many round numbers within the axis, evenly spaced."""
        for step in _steps((self.high - self.low) / most):
            first, last = ceil(self.low / step - TINY), floor(self.high / step + TINY)
            if last - first < most:
                return tuple(round(n * step, 12) for n in range(first, last + 1))
        return ()


def digits_for(ticks: tuple[float, ...]) -> int:
    """Decimals by which the labels of these ticks differ."""
    step = min((b - a for a, b in pairwise(ticks)), default=1.0)
    return next((n for n in range(8) if abs(step * 10**n - round(step * 10**n)) < 1e-6), 8)


def _steps(rough: float) -> Iterable[float]:
    """Round steps from about `rough` upwards."""
    power = floor(log10(rough))
    return (base * 10.0 ** (power + shift) for shift in range(3) for base in STEPS)
