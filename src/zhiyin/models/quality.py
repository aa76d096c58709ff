"""Quality: how good an item is held to be, alone and together with how near it lies.

s_i is the mean rating shrunk towards the mean of all (an item with few ratings is average until shown
otherwise), scaled to 0..1. The channel's score is r_ui = cos(h_u, v_i) · s_i: near what the person likes,
and good. Without ratings the share of positive events takes their place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import TYPE_CODE, Dataset, Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe, Run
from zhiyin.models.dense import DenseScorer
from zhiyin.models.meaning import Meaning

EQUAL = 1e-3  # a difference of standings that says nothing


@dataclass(frozen=True, slots=True)
class Quality:
    name: ClassVar[str] = "quality"
    meaning: Meaning
    standing: Floats  # (I,) s_i in 0..1
    usual: float  # s of an item nobody rated

    @property
    def n_items(self) -> int:
        return len(self.standing)

    @property
    def speaks(self) -> bool:
        """Whether anything is held to be better than another; if not, this is meaning over again."""
        return bool(np.ptp(self.standing) > EQUAL) if self.n_items else False

    def score(self, batch: Batch) -> Floats:
        return self.meaning.score(batch) * self.standing

    def scorer(self, batch: Batch) -> QualityScorer:
        return QualityScorer(self, self.meaning.scorer(batch))

    def extended(self, arrivals: Arrivals) -> Self:
        return self.beside(self.meaning.extended(arrivals))

    def beside(self, meaning: Meaning) -> Self:
        """The same standing beside another reading; items that came later are as good as usual."""
        usual = np.full(meaning.n_items - self.n_items, self.usual, np.float32)
        return replace(self, meaning=meaning, standing=np.append(self.standing, usual))

    def arrays(self) -> Arrays:
        return {"standing": self.standing, "usual": np.array([self.usual])}

    @classmethod
    def of_arrays(cls, arrays: Arrays, meaning: Meaning) -> Self:
        return cls(meaning, np.asarray(arrays["standing"], np.float32), float(arrays["usual"][0]))


class QualityScorer:
    """What reads like the asker's past, weighed by its standing."""

    def __init__(self, model: Quality, near: DenseScorer) -> None:
        self._standing, self._near = model.standing, near

    def retrieve(self, k: int) -> Rows:
        return np.zeros(0, np.int32)  # what is near is brought by meaning; this channel only weighs it

    def score(self, rows: Rows) -> Floats:
        return self._near.score(rows) * self._standing[rows]

    def why(self, rows: Rows) -> Floats:
        return self._near.why(rows) * self._standing[rows]


class QualityRecipe(Recipe):
    """Shrunken mean rating, weighing what is near."""

    prior: float = Field(default=10.0, gt=0, description="How many average ratings every item starts with.")

    def fit(self, data: Dataset, run: Run, meaning: Meaning) -> Quality:
        rows, marks = _marks(data)
        usual = float(marks.mean()) if len(marks) else 0.5
        n = np.bincount(rows, minlength=len(data.items))
        total = np.bincount(rows, marks, minlength=len(data.items))
        standing = (total + self.prior * usual) / (n + self.prior)
        return Quality(meaning, standing.astype(np.float32), usual)


def _marks(data: Dataset) -> tuple[Rows, Doubles]:
    """Item row and mark (0..1) of every rating; of every event that says yes or no where nobody rated."""
    rated = np.isin(data.types, [TYPE_CODE["rating"], TYPE_CODE["review"]]) & np.isfinite(data.values)
    if rated.any():
        values = data.values[rated].astype(np.float64)
        low, high = values.min(), values.max()
        return data.item_rows[rated], (values - low) / (high - low) if high > low else np.ones(len(values))
    told = data.weights != 0
    return data.item_rows[told], (data.weights[told] > 0).astype(np.float64)
