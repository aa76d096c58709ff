"""Lists that were shown: what stood where, by what chance, among what, and what was taken of it.

They are known as far as the events that answered them are: where such an event is held out, or the list is newer
than what is known, it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.types import Recommendation

MOST = 5_000  # newest lists that are learned from

Places = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """L lists with N places and M candidates in all, in the order of the log."""

    users: Rows  # (L,) who was asked for
    at: Doubles  # (L,) epoch seconds
    indptr: Places  # (L + 1,) places of list l: indptr[l]:indptr[l + 1], from the top
    rows: Rows  # (N,)
    log_propensities: Doubles  # (N,) of each place, given those above it
    rewards: npt.NDArray[np.float32]  # (N,) what was made of it, 0 for nothing to 1 for a purchase or the like
    pools: Places  # (L + 1,) candidates of list l: pools[l]:pools[l + 1]
    pool: Rows  # (M,) what each was chosen among

    @classmethod
    def nothing(cls) -> Self:
        rows, none = np.zeros(0, np.int32), np.zeros(1, np.int64)
        return cls(rows, np.zeros(0), none, rows, np.zeros(0), np.zeros(0, np.float32), none, rows)

    @classmethod
    def of(
        cls,
        lists: Iterable[tuple[str, Recommendation]],
        earned: Mapping[tuple[str, str], float],
        items: Vocabulary,
        users: Vocabulary,
    ) -> Self:
        """Of the lists of known people, each with the id of its person, who were asked for by their past alone.
        `earned`: by list and item the largest weight of what was done with it. Of items that are gone nothing is
        known, so lists with such are left out."""
        kept: list[tuple[int, float, Rows, list[float], list[float], Rows]] = []
        for user_id, one in lists:
            rows = items.rows(place.item_id for place in one.items)
            pool = items.rows(item_id for item_id, _ in one.candidates)
            user = users.row(user_id)
            if user == PAD or not len(rows) or (rows == PAD).any() or one.query.text:
                continue
            rewards = [min(earned.get((one.recommendation_id, place.item_id), 0.0), 1.0) for place in one.items]
            logged = [place.log_propensity for place in one.items]
            kept.append((user, one.at.timestamp(), rows, logged, rewards, np.union1d(rows, pool[pool != PAD])))
        if not kept:
            return cls.nothing()
        who, at, rows_, logged_, rewards_, pools = zip(*kept, strict=True)
        return cls(
            np.array(who, np.int32),
            np.array(at, np.float64),
            _borders([len(some) for some in rows_]),
            np.concatenate(rows_).astype(np.int32),
            np.concatenate(logged_).astype(np.float64),
            np.concatenate(rewards_).astype(np.float32),
            _borders([len(some) for some in pools]),
            np.concatenate(pools).astype(np.int32),
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def lists(self) -> Places:
        """(N,) the list of each place."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def known(self, users: Rows, items: Rows, until: float) -> Shown:
        """The lists that are no newer than `until`, all of whose answers are among these pairs of who liked
        what."""
        if not len(self):
            return self
        width = 1 + int(max(self.rows.max(initial=0), items.max(initial=0)))
        pairs = self.users[self.lists].astype(np.int64) * width + self.rows
        lacking = (self.rewards > 0) & ~np.isin(pairs, users.astype(np.int64) * width + items)
        gone = np.bincount(self.lists, lacking, minlength=len(self)) > 0
        return self.take(np.flatnonzero(~gone & (self.at <= until)))

    def take(self, lists: npt.NDArray[np.integer]) -> Shown:
        """These lists, in this order."""
        indptr, places = _gathered(self.indptr, lists)
        pools, pool = _gathered(self.pools, lists)
        return Shown(
            self.users[lists],
            self.at[lists],
            indptr,
            self.rows[places],
            self.log_propensities[places],
            self.rewards[places],
            pools,
            self.pool[pool],
        )


def _borders(sizes: Iterable[int]) -> Places:
    return np.concatenate([[0], np.cumsum(np.fromiter(sizes, np.int64))]).astype(np.int64)


def _gathered(indptr: Places, lists: npt.NDArray[np.integer]) -> tuple[Places, Places]:
    borders = _borders(np.diff(indptr)[lists].tolist())
    return borders, np.arange(borders[-1]) + np.repeat(indptr[:-1][lists] - borders[:-1], np.diff(borders))
