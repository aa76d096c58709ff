"""Repeat: what a person takes again and again, as groceries and songs are taken.

The score of an item is the sum of the weights of its entries in the history, an entry counting `recency` as much
with each newer one (personal frequency; Hu et al. 2020, "Modeling Personalized Item Frequency Information for
Next-basket Recommendation"). Nothing is fitted: the history says it all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe, Run, best


@dataclass(frozen=True, slots=True)
class Repeat:
    name: ClassVar[str] = "repeat"
    n_items: int
    recency: float

    def score(self, batch: Batch) -> Floats:
        return batch.matrix(self.n_items, self.values(batch)).toarray()

    def scorer(self, batch: Batch) -> RepeatScorer:
        return RepeatScorer(batch.rows, self.values(batch))

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, n_items=self.n_items + len(arrivals.items))

    def arrays(self) -> Arrays:
        return {"n_items": np.array([self.n_items]), "recency": np.array([self.recency])}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        return cls(int(arrays["n_items"][0]), float(arrays["recency"][0]))

    def values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts."""
        return (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)


class RepeatScorer:
    """One asker's own items."""

    def __init__(self, rows: Rows, values: Floats) -> None:
        self._rows, self._values = rows, values
        self._own, place = np.unique(rows, return_inverse=True)
        self._scores = np.bincount(place, values, minlength=len(self._own)).astype(np.float32)

    def retrieve(self, k: int) -> Rows:
        positive = np.flatnonzero(self._scores > 0)
        return best(self._scores[positive], k, self._own[positive])

    def score(self, rows: Rows) -> Floats:
        place = np.searchsorted(self._own, rows)
        found = np.append(self._own, PAD)[place] == rows
        return np.append(self._scores, np.float32(0.0))[np.where(found, place, len(self._own))]

    def why(self, rows: Rows) -> Floats:
        return np.where(self._rows[:, None] == rows[None, :], self._values[:, None], np.float32(0.0))


class RepeatRecipe(Recipe):
    """What this person had before; only where people do take things again."""

    recency: float = Field(default=0.99, gt=0, le=1, description="How an event counts less with each newer one.")

    def fit(self, data: Dataset, run: Run) -> Repeat:
        return Repeat(len(data.items), self.recency if data.ordered else 1.0)
