"""How long something takes, when for some of those who wait it is not over yet.

The product-limit curve (Kaplan & Meier 1958): whoever still waits counts for as long as they were watched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles, Mask


@dataclass(frozen=True, slots=True)
class Waiting:
    """The share of n for whom it is over after some time: a step at each moment at which it was for somebody."""

    n: int
    n_over: int
    after: Doubles  # (P,) rising
    share: Doubles  # (P,) rising

    @classmethod
    def of(cls, waited: Doubles, over: Mask) -> Self:
        """(n,) how long each was watched, and whether it was over then."""
        moments = np.unique(waited[over])
        ends = np.array([np.count_nonzero(over & (waited == moment)) for moment in moments])
        there = np.array([np.count_nonzero(waited >= moment) for moment in moments])
        left = np.cumprod(1.0 - ends / np.maximum(there, 1))
        return cls(len(waited), int(over.sum()), moments, 1.0 - left)

    @property
    def median(self) -> float | None:
        """After which it is over for half of them; None where that is not known yet."""
        half = np.flatnonzero(self.share >= 0.5)
        return float(self.after[half[0]]) if len(half) else None
