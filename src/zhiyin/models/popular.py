"""Popular: what many take now. An event `half_life` days old counts half of one that happens now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import DAY, Dataset, Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Recipe, Run, best

LEADERS = 1_000  # found once for a model, and not for every asker


@dataclass(frozen=True)  # without slots: the leaders are found once
class Popular:
    """Scores are decayed counts, the same for everybody; fusion takes the logarithm."""

    name: ClassVar[str] = "popular"
    counts: Doubles  # (I,) decayed to `until`
    until: float  # epoch seconds; 0 without times
    half_life: float  # days

    @property
    def n_items(self) -> int:
        return len(self.counts)

    def score(self, batch: Batch) -> Floats:
        return np.repeat(self.counts.astype(np.float32)[None, :], len(batch), axis=0)

    def scorer(self, batch: Batch) -> PopularScorer:
        return PopularScorer(self, len(batch.rows))

    def leaders(self, k: int) -> Rows:
        """The k rows that most took, best first; none that nobody took."""
        return self._first[:k] if k <= LEADERS else self._best(k)

    @cached_property
    def _first(self) -> Rows:
        return self._best(LEADERS)

    def _best(self, k: int) -> Rows:
        said = np.flatnonzero(self.counts > 0)
        return best(self.counts[said], k, said)

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, counts=np.append(self.counts, np.zeros(len(arrivals.items))))

    def with_events(self, rows: Rows, weights: Floats, at: Doubles) -> Self:
        """The same counts after later events: all decayed to the newest of them. This is the live trend."""
        if not len(rows):
            return self
        until = max(self.until, float(at.max()))
        counts = self.counts * 2.0 ** (-(until - self.until) / DAY / self.half_life) if self.until else self.counts
        fresh = weights * np.exp2(-(until - at) / DAY / self.half_life)
        return replace(self, counts=counts + np.bincount(rows, fresh, minlength=len(counts)), until=until)

    def arrays(self) -> Arrays:
        return {"counts": self.counts, "clock": np.array([self.until, self.half_life])}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        until, half_life = (float(x) for x in arrays["clock"])
        return cls(np.asarray(arrays["counts"], np.float64), until, half_life)


class PopularScorer:
    """The same for whoever asks."""

    def __init__(self, model: Popular, entries: int) -> None:
        self._model, self._entries = model, entries

    def retrieve(self, k: int) -> Rows:
        return self._model.leaders(k)

    def score(self, rows: Rows) -> Floats:
        return self._model.counts[rows].astype(np.float32)

    def why(self, rows: Rows) -> Floats:
        return np.zeros((self._entries, len(rows)), np.float32)


class PopularRecipe(Recipe):
    """An event `half_life` days old counts half of one that happens now."""

    choices: ClassVar[Choices] = MappingProxyType({"half_life": (30.0, 3.0, 7.0, 90.0, 365.0, 3650.0)})
    half_life: float | None = Field(
        default=None,
        gt=0,
        description="Days after which an event counts half; chosen on held-out events if unset.",
    )

    def fit(self, data: Dataset, run: Run) -> Popular:
        half_life = self.usual().half_life or np.inf
        weight = np.maximum(data.weights, 0.0) * np.exp2(-data.ages() / half_life)
        counts = np.bincount(data.item_rows, weight, minlength=len(data.items))
        return Popular(counts.astype(np.float64), data.until, half_life)
