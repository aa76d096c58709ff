"""Evergreen: what many took at any time.

What somebody of whom little is known turns out to like is told best by what everybody does; the fashion of the day
(zhiyin.models.popular) tells what comes next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zhiyin.data.dataset import Dataset
from zhiyin.models.base import Recipe, Run
from zhiyin.models.popular import Popular


@dataclass(frozen=True)  # without slots: the leaders are found once
class Evergreen(Popular):
    """Scores are numbers of people, the same for everybody."""

    name: ClassVar[str] = "evergreen"


class EvergreenRecipe(Recipe):
    """How many people took it."""

    def fit(self, data: Dataset, run: Run) -> Evergreen:
        people = np.bincount(data.interactions().indices, minlength=len(data.items))
        return Evergreen(people.astype(np.float64), 0.0, np.inf)
