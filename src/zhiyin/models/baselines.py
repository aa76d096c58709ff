"""What every recipe is measured against: simple, known, and fitted on the same events.

Their settings are the usual ones and are not tuned, here or by anybody's zhiyin.toml. A baseline that the data
cannot carry (the last seven days without times, EASE over too many items) is left out, never replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

import numpy as np

from zhiyin.data.dataset import DAY, Dataset, Doubles, Floats, Mask
from zhiyin.models.base import Batch, Run
from zhiyin.models.popular import Popular
from zhiyin.models.taste import TasteRecipe
from zhiyin.models.together import TogetherRecipe
from zhiyin.models.words import WordsRecipe
from zhiyin.types import Item

RECENT = 7.0  # days
MOST_FOR_EASE = 14_000  # items: one dense float32 matrix of these is 0.8 GB
ITEM_KNN = TasteRecipe(max_dense=0, shrinkage=10.0, k=200)
EASE = TasteRecipe(max_dense=MOST_FOR_EASE, reg=500.0, user_power=0.0, item_power=0.0)
EASE_LINKS = 24_000_000  # kept in all: nothing is pruned up to 4,800 items, 2,000 an item are left of 12,000

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "popular": "Popular",
        "popular_recent": "Popular in the last 7 days",
        "item_knn": "item-kNN",
        "text_knn": "text-kNN on titles",
        "co_occurrence": "co-occurrence + next item",
        "ease": "EASE",
        "personal_frequency": "personal frequency",
    }
)


class Peer(Protocol):
    """Anything that scores everything for a batch of histories."""

    def score(self, batch: Batch) -> Floats:
        """(B, I)"""
        ...


@dataclass(frozen=True, slots=True)
class PersonalFrequency:
    """How often the person took an item, then how often all did: for shops where things are bought again."""

    counts: Doubles  # (I,)

    def score(self, batch: Batch) -> Floats:
        taken = batch.matrix(len(self.counts), (batch.weights > 0).astype(np.float32)).toarray()
        return (taken + self.counts / (1.0 + self.counts.max(initial=0.0))).astype(np.float32)


def fit_baselines(data: Dataset, run: Run, *, repeats: bool) -> dict[str, Peer]:
    """All baselines that `data` can carry, by name; `repeats`: what a person had may be shown again."""
    liked = data.weights > 0
    n_seen = int((data.support > 0).sum())
    scorers: dict[str, Peer] = {"popular": _counted(data, liked)}
    if data.timed:
        scorers["popular_recent"] = _counted(data, liked & (data.at > data.until - RECENT * DAY))
    scorers["item_knn"] = ITEM_KNN.fit(data, run)
    scorers["text_knn"] = WordsRecipe().fit(titles_only(data), run)
    scorers["co_occurrence"] = TogetherRecipe().fit(data, run)
    if 0 < n_seen <= MOST_FOR_EASE:
        scorers["ease"] = EASE.model_copy(update={"k": EASE_LINKS // n_seen}).fit(data, run)
    if repeats:
        scorers["personal_frequency"] = PersonalFrequency(_counts(data, liked))
    return scorers


def left_out(scorers: Mapping[str, Peer]) -> list[str]:
    """Why a baseline is not there, in words."""
    reasons = {
        "popular_recent": "most events have no time, so nothing is popular in the last 7 days",
        "ease": f"over {MOST_FOR_EASE:,} items with events are too many for EASE in memory",
    }
    return [reason for name, reason in reasons.items() if name not in scorers]


def _counted(data: Dataset, chosen: Mask) -> Popular:
    return Popular(_counts(data, chosen), until=0.0, half_life=1.0)


def _counts(data: Dataset, chosen: Mask) -> Doubles:
    return np.bincount(data.item_rows[chosen], minlength=len(data.items)).astype(np.float64)


def titles_only(data: Dataset) -> Dataset:
    """The same events of a catalogue without any text but titles."""
    return replace(data, catalogue=[Item(item.item_id, item.title) for item in data.catalogue])
