"""From batches of scores to what each user got: one pass, memory bounded by the batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.ragged import Ragged
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData
from zhiyin.metrics.ranking import table
from zhiyin.metrics.ranks import Ranks, ranks_in, shut, top_rows


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores of a batch of users and what they wanted."""

    scores: Floats  # (B, I) higher is better
    targets: Ragged  # (B lists)
    masked: Ragged | None = None  # rows that may not be shown
    candidates: Mask | None = None  # (I,) items that may be shown


@dataclass(frozen=True, slots=True)
class PerUser:
    """What each user got, in the order of the batches: ranks of their targets and the list they would see."""

    ks: tuple[int, ...]
    ranks: Ranks
    top: Rows  # (U, max(ks)) best first, PAD where candidates ran out

    def values(self) -> Mapping[str, Doubles]:
        """Every accuracy metric at every k by its name, (U,) each; NaN for a user without a target."""
        return table(self.ranks, self.ks)

    def bucket(self, targets: Mask) -> PerUser:
        """The same lists judged by these targets alone, (T,) in the order of `ranks`: cold items, say."""
        return PerUser(self.ks, self.ranks.where(targets), self.top)


def judge(batches: Iterable[Judged], ks: Sequence[int], n_items: int) -> PerUser:
    """Rank everything for everybody.

    Raises InvalidData for NaN scores, another number of items than `n_items`, or `ks` that are no places.
    """
    if not ks or min(ks) < 1:
        raise InvalidData(f"ks are numbers of places from 1 up, got {list(ks)}")
    ranks: list[Ranks] = []
    top: list[Rows] = [np.zeros((0, max(ks)), np.int32)]
    for batch in batches:
        if batch.scores.ndim != 2 or batch.scores.shape[1] != n_items:
            raise InvalidData(f"scores are (users, {n_items} items), got {batch.scores.shape}: score every item")
        opened = shut(batch.scores, batch.masked, batch.candidates)
        ranks.append(ranks_in(opened, batch.targets))
        top.append(top_rows(opened, max(ks)))
    return PerUser(tuple(ks), Ranks.joined(ranks), np.concatenate(top))
