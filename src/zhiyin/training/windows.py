"""Histories as a net reads them: windows of at most L entries, each told to foresee the one after it.

All that is random here follows from the seed and the epoch, so a training that was killed goes on exactly as it
would have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Dataset, Mask
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.base import Batch
from zhiyin.models.sequence import SequenceRecipe

LEAST = 3  # entries of a history whose newest may be held out
MOST_HELD = 1_000  # people whose newest entry is held out
HELD_SHARE = 0.1  # and never more than that share of them
LEAST_STEPS = 40
JITTER = 8  # entries by which windows in a batch may differ in length beyond what filling it asks for


@dataclass(frozen=True, slots=True)
class Histories:
    """What U people liked, oldest first: user u has rows[indptr[u]:indptr[u + 1]]."""

    indptr: npt.NDArray[np.int64]  # (U + 1,)
    rows: Rows  # (E,)

    @classmethod
    def of(cls, data: Dataset) -> Self:
        liked = data.weights > 0
        counts = np.bincount(data.user_rows[liked], minlength=len(data.users))
        return cls(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), data.item_rows[liked])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(U,)"""
        return np.diff(self.indptr)

    def taken(self, n_items: int) -> Mask:
        """(n_items,) by anybody."""
        return np.bincount(self.rows, minlength=n_items) > 0

    def held_out(self, seed: int) -> tuple[Histories, Batch, Rows]:
        """Without the newest entry of some people; these people, and what was held out of each."""
        rng = np.random.default_rng(seed)
        able = np.flatnonzero(self.lengths >= LEAST)
        users = np.sort(rng.permutation(able)[: min(MOST_HELD, int(HELD_SHARE * len(able)))])
        newest = self.indptr[users + 1] - 1
        kept = np.ones(len(self.rows), bool)
        kept[newest] = False
        gone = np.zeros(len(self.lengths), np.int64)
        gone[users] = 1
        rest = Histories(self.indptr - np.concatenate([[0], np.cumsum(gone)]), self.rows[kept])
        return rest, rest.batch(users), self.rows[newest]

    def batch(self, users: npt.NDArray[np.integer]) -> Batch:
        """These people as askers."""
        lengths = self.lengths[users]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(indptr[-1]) + np.repeat(self.indptr[users] - indptr[:-1], lengths)
        ones, zeros = np.ones(len(places), np.float32), np.zeros(len(places), np.float32)
        return Batch(indptr, self.rows[places], ones, zeros)


@dataclass(frozen=True, slots=True)
class Windows:
    """Every entry but the first of each history is foreseen once an epoch; where long ones are cut changes."""

    histories: Histories
    length: int  # entries that are read
    batch: int  # windows of full length in a step
    seed: int

    @classmethod
    def of(cls, histories: Histories, recipe: SequenceRecipe, seed: int) -> Self:
        """As the recipe wants them; where people are few, so small that an epoch still has LEAST_STEPS."""
        most = len(histories.rows) // (LEAST_STEPS * recipe.length)
        return cls(histories, recipe.length, max(1, min(recipe.batch, most)), seed)

    def epoch(self, number: int) -> Iterator[tuple[Rows, Rows]]:
        """What is read (n, T) and what comes next (n, T), padded with 0 and PAD, in an order of its own."""
        rng = np.random.default_rng([self.seed, number])
        begins, ends = self._cut(rng)
        for some in self._packed(ends - begins, rng):
            yield self._padded(begins[some], ends[some])

    def steps(self) -> int:
        """About how many steps an epoch has: as many as its first."""
        rng = np.random.default_rng([self.seed, 0])
        begins, ends = self._cut(rng)
        return len(self._packed(ends - begins, rng))

    def _cut(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Places where windows begin, and where the last entry that each foresees is. A history that is longer is
        cut anew in every epoch: its first window has a random length."""
        able = np.flatnonzero(self.histories.lengths >= 2)
        first, last = self.histories.indptr[able], self.histories.indptr[able + 1] - 1
        spans = last - first  # to foresee
        lead = np.where(spans > self.length, rng.integers(1, self.length + 1, len(able)), spans)
        more = -(-(spans - lead) // self.length)
        nth = np.arange(more.sum()) - np.repeat(np.cumsum(more) - more, more)
        later = np.repeat(first + lead, more) + nth * self.length
        begins = np.concatenate([first, later])
        ends = np.concatenate([first + lead, np.minimum(later + self.length, np.repeat(last, more))])
        return begins, ends

    def _packed(self, lengths: npt.NDArray[np.int64], rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
        """Windows of like lengths together, as many as fill `batch` full ones."""
        order = np.argsort(lengths + rng.random(len(lengths)) * JITTER, kind="stable")
        begins, longest = [0], 0
        for place, length in enumerate(lengths[order].tolist()):
            longest = max(longest, length)
            if (place + 1 - begins[-1]) * longest > self.batch * self.length and place > begins[-1]:
                begins.append(place)
                longest = length
        packs = np.split(order, begins[1:])
        return [packs[place] for place in rng.permutation(len(packs)) if len(packs[place])]

    def _padded(self, begins: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> tuple[Rows, Rows]:
        steps = np.arange((ends - begins).max())
        real = steps < (ends - begins)[:, None]
        places = np.where(real, begins[:, None] + steps, 0)
        rows = self.histories.rows
        read = np.where(real, rows[places], 0)
        return read, np.where(real, rows[np.where(real, places + 1, 0)], PAD)
