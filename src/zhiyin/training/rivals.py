"""What a target must win against: a sample of all items, and how it stands for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows

STREAM = 1  # of the random numbers, beside those of the windows


@dataclass(frozen=True, slots=True)
class Rivals:
    """Items that somebody took, drawn with the shares `often`; all of them where there are not more than wanted.

    What nobody took is no rival: its text would be learned to be what nobody wants.
    """

    rows: Rows  # (n,) ascending
    often: Doubles  # (n,) sums to one
    wanted: int
    seed: int

    @classmethod
    def of(cls, support: npt.NDArray[np.int64], wanted: int, by_popularity: float, seed: int) -> Self:
        """Drawn by the support (I,) to the power of `by_popularity`."""
        rows = np.flatnonzero(support > 0).astype(np.int32)
        often = support[rows].astype(np.float64) ** by_popularity
        return cls(rows, often / max(float(often.sum()), 1e-12), wanted, seed)

    def at(self, step: int) -> tuple[Rows, Doubles]:
        """Distinct rows (n,), and what is added to the score of each, such that the sum of their exponentials is
        on average that of all rows (sampled softmax with the log of the expected count taken off; Bengio &
        Senécal 2008)."""
        if self.wanted >= len(self.rows):
            return self.rows, np.zeros(len(self.rows))
        rng = np.random.default_rng([self.seed, STREAM, step])
        drawn = np.searchsorted(np.cumsum(self.often)[:-1], rng.random(self.wanted), side="right")
        places, times = np.unique(drawn, return_counts=True)
        return self.rows[places], np.log(times / (self.wanted * self.often[places]))
