"""Cold rows are scored through others: mixtures of the scores of items that read alike (models.propagation).

The mixtures of a bundle can be walked backwards too, from a source to the cold rows that lean on it, so that
one asker's best cold rows are found without looking at all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.base import union
from zhiyin.models.sparse import entries, prune

MOST_LEANING = 50  # cold rows found through one item


@dataclass(frozen=True, slots=True)
class Lifting:
    """The score of cold[n] is mixtures[n] times the own scores of the I fitted items."""

    cold: Rows  # (n,)
    mixtures: sp.csr_array  # (n, I)
    place_of: Rows  # (I + later,) where a row is in `cold`; PAD for the others
    leaning: sp.csr_array  # (I, m): of the first m cold rows those that lean most on each item

    @classmethod
    def of(cls, cold: Rows, mixtures: sp.csr_array) -> Self:
        """Rows of `cold` from I on are items that came after fitting."""
        n_items = max(mixtures.shape[1], int(cold.max(initial=-1)) + 1)
        place_of = np.full(n_items, PAD, np.int32)
        place_of[cold] = np.arange(len(cold), dtype=np.int32)
        return cls(cold, mixtures, place_of, prune(sp.csr_array(mixtures.T), MOST_LEANING))

    @classmethod
    def none(cls, n_items: int) -> Self:
        """Every row by its own score."""
        return cls.of(np.zeros(0, np.int32), sp.csr_array((0, n_items), dtype=np.float32))

    @property
    def n_later(self) -> int:
        """Items that came after fitting, all of them cold."""
        return len(self.place_of) - int(self.mixtures.shape[1])

    def all(self, own: Floats) -> Floats:
        """(B, I + later) the scores of all rows from the (B, I) own ones."""
        scores = np.hstack([own, np.zeros((len(own), self.n_later), np.float32)])
        if len(self.cold):
            scores[:, self.cold] = (self.mixtures @ own.T).T
        return scores

    def some(self, own: Floats, rows: Rows) -> Floats:
        """(k,) the scores of these rows from the (I,) own ones."""
        places = self.place_of[rows]
        cold = places != PAD
        scores = np.empty(len(rows), np.float32)
        scores[~cold] = own[rows[~cold]]
        if cold.any():
            scores[cold] = self.mixtures[places[cold]] @ own
        return scores

    def reached(self, sources: Rows) -> Rows:
        """The cold rows that lean most on one of these fitted rows, and all that came later, ascending."""
        _, places, _ = entries(self.leaning, sources)
        return union([self.cold[places], self.cold[self.leaning.shape[1] :]])

    def shares(self, rows: Rows) -> tuple[Rows, sp.csr_array]:
        """The sources that the cold rows among `rows` lean on, and (sources, cold rows) what each counts."""
        owner, sources, data = entries(self.mixtures, self.place_of[rows])
        return sources, sp.csr_array((data, (np.arange(len(data)), owner)), shape=(len(data), len(rows)))

    def extended(self, mixtures: sp.csr_array) -> Self:
        """With one cold row more for each of these mixtures (k, I)."""
        k, n_items, n_cold = mixtures.shape[0], len(self.place_of), len(self.cold)
        return type(self)(
            np.append(self.cold, np.arange(n_items, n_items + k, dtype=np.int32)),
            _stacked(self.mixtures, mixtures),
            np.append(self.place_of, np.arange(n_cold, n_cold + k, dtype=np.int32)),
            self.leaning,
        )

    def again(self, rows: Sequence[int] | Rows, mixtures: sp.csr_array) -> Self:
        """With other mixtures (k, I) for these k rows, all of which came after fitting."""
        source = np.arange(len(self.cold))
        source[self.place_of[rows]] = len(self.cold) + np.arange(len(rows))
        changed = sp.csr_array(_stacked(self.mixtures, mixtures)[source])
        return type(self)(self.cold, changed, self.place_of, self.leaning)


def _stacked(above: sp.csr_array, below: sp.csr_array) -> sp.csr_array:
    return sp.csr_array(sp.vstack([above, below])) if above.shape[0] else sp.csr_array(below)
