"""What accuracy does not say of the lists of each system: how new, how varied, how popular, how like the taste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, Doubles, Floats
from zhiyin.data.ragged import Ragged, pointers
from zhiyin.data.splits import Split
from zhiyin.data.vocabulary import PAD
from zhiyin.metrics.beyond import Counts, coverage, diversity, gini, miscalibration, novelty, popularity_lift
from zhiyin.metrics.judge import PerUser
from zhiyin.metrics.ranking import gauc
from zhiyin.models.meaning import Meaning
from zhiyin.recipe import Fitted

PLACES = (10, 20)
STEMS = ("coverage", "gini", "novelty", "diversity", "popularity_lift", "miscalibration")  # all measures here
PERSON_BY_PERSON = ("novelty", "diversity", "popularity_lift", "miscalibration")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lists are looked at with; the same for all systems."""

    split: Split
    holders: Counts  # (I,) how many people had the item in the fitted part
    liked: Ragged  # (U lists) what each person had and liked
    shares: sp.csr_array  # (I, C) how much of an item belongs to each category
    vectors: Floats  # (I, D) unit rows of the meaning, (I, 0) without that channel

    @classmethod
    def of(cls, split: Split, fitted: Fitted) -> Self:
        past, meaning = split.past, fitted.models.get("meaning")
        owners = np.repeat(np.arange(len(split)), past.lengths)[past.weights > 0]
        liked = Ragged(pointers(np.bincount(owners, minlength=len(split))), past.rows[past.weights > 0])
        return cls(
            split,
            np.bincount(split.fit.interactions().indices, minlength=len(split.candidates)),
            liked,
            category_shares(split.fit),
            meaning.vectors if isinstance(meaning, Meaning) else np.zeros((len(split.candidates), 0), np.float32),
        )

    def by_person(self, one: PerUser) -> dict[str, Doubles]:
        """(U,) of each measure that a person's own list has, at each number of places that was kept."""
        found: dict[str, Doubles] = {}
        for k in _places(one):
            top = one.top[:, :k]
            found[f"novelty@{k}"] = novelty(top, self.holders, max(len(self.split.fit.users), 1))
            found[f"diversity@{k}"] = diversity(top, self.vectors)
            found[f"popularity_lift@{k}"] = popularity_lift(top, self.liked, self.holders)
            found[f"miscalibration@{k}"] = miscalibration(top, self.liked, self.shares)
        return found

    def of_all(self, one: PerUser) -> Mapping[str, float]:
        """What only all lists together have: coverage and Gini over the candidates, and GAUC where it is one."""
        place = np.cumsum(self.split.candidates) - 1
        n = int(self.split.candidates.sum())
        found: dict[str, float] = {}
        for k in _places(one):
            top = one.top[:, :k]
            local = np.where(top == PAD, PAD, place[top]).astype(np.int32)
            found |= {f"coverage@{k}": coverage(local, n), f"gini@{k}": gini(local, n)}
        found["gauc"] = gauc(one.ranks)
        return {name: value for name, value in found.items() if np.isfinite(value)}


def category_shares(data: Dataset) -> sp.csr_array:
    """(I, C) an item of n categories belongs to each by 1 / n."""
    names = sorted({name for item in data.catalogue for name in item.categories})
    column = {name: number for number, name in enumerate(names)}
    held = [sorted({column[name] for name in item.categories}) for item in data.catalogue]
    sizes = [len(columns) for columns in held]
    return sp.csr_array(
        (
            np.repeat(1.0 / np.maximum(sizes, 1), sizes),
            np.concatenate([np.zeros(0, np.int64), *(np.array(columns, np.int64) for columns in held)]),
            pointers(sizes),
        ),
        shape=(len(held), len(names)),
    )


def shelf_names(ks: tuple[int, ...]) -> tuple[str, ...]:
    """The measures of `Shelf.by_person`."""
    return tuple(f"{stem}@{k}" for k in PLACES if k in ks for stem in PERSON_BY_PERSON)


def _places(one: PerUser) -> list[int]:
    return [k for k in PLACES if k in one.ks]
