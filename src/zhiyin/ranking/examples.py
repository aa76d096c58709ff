"""Held-out examples: the part of the past that is fitted, and events held out of it, to learn and choose by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Dataset, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Batch

BATCH = 128
SHORTENED = 0.5  # share of the histories
MOST_OF_ONE = 5  # targets, and never more than a tenth of what the person likes
REPEATS = 0.3  # share of repeated events from which on what comes back is a target, too


@dataclass(frozen=True, slots=True)
class Examples:
    """N held-out events: a history that the fitted part knows, and the item it led to."""

    batch: Batch  # N askers
    targets: Rows  # (N,)

    def __len__(self) -> int:
        return len(self.targets)

    def sample(self, n: int, rng: np.random.Generator) -> Examples:
        """At most n of them."""
        if n >= len(self):
            return self
        chosen = np.sort(rng.permutation(len(self))[:n])
        return Examples(some(self.batch, chosen), self.targets[chosen])

    def shortened(self, rng: np.random.Generator) -> Examples:
        """Half of the histories cut to random lengths, the newest left: short ones are learned from, too."""
        lengths = self.batch.lengths
        kept = np.where(rng.random(len(self)) < SHORTENED, 1 + rng.random(len(self)) * (lengths - 1), lengths)
        kept = np.minimum(kept.astype(np.int64), lengths)
        entry = self.batch.back < np.repeat(kept, lengths)
        indptr = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        batch = Batch(indptr, self.batch.rows[entry], self.batch.weights[entry], self.batch.ages[entry])
        return Examples(batch, self.targets)

    def parts(self) -> Iterator[Examples]:
        """The same examples, BATCH at a time."""
        for start, part in zip(range(0, len(self), BATCH), parts_of(self.batch), strict=True):
            yield Examples(part, self.targets[start : start + BATCH])


def carve(data: Dataset, n_examples: int, hidden_share: float, seed: int) -> tuple[Dataset, Examples]:
    """The part to fit, and examples held out of it: of sampled people the newest item that was new to them, or any
    of their items where histories have no order; of few people a few.

    A share of the items is hidden from everybody, as if they had just arrived; they come up as targets as often as
    people took them, so cold and warm items are learned on one scale.
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(data.support > 0)
    hidden = np.zeros(len(data.items), bool)
    hidden[rng.permutation(known)[: int(hidden_share * len(known))]] = True
    if data.ordered and data.repeat_share >= REPEATS:
        targets, late = _late(data)
        targets = np.sort(rng.permutation(targets)[:n_examples])
        held = hidden[data.item_rows] | late
    else:
        targets = np.sort(rng.permutation(_new_to_them(data, n_examples, rng))[:n_examples])
        pairs = _pairs_of(data)
        held = hidden[data.item_rows] | np.isin(pairs, pairs[targets])
    return data.keep(~held), _examples(data, targets, ~held)


def _pairs_of(data: Dataset) -> npt.NDArray[np.int64]:
    """(E,) one number for each pair of a user and an item."""
    return data.user_rows.astype(np.int64) * len(data.items) + data.item_rows


def _late(data: Dataset) -> tuple[npt.NDArray[np.int64], Mask]:
    """Targets where people come back: the items of everybody's last tenth of liked events, each once, new or old
    to them as it comes; and (E,) everything from where that tenth begins."""
    liked = np.flatnonzero(data.weights > 0)
    users = data.user_rows[liked]
    counts = np.bincount(users, minlength=len(data.users))
    place = np.arange(len(liked)) - (np.cumsum(counts) - counts)[users]  # in the history of liked events
    late = liked[place >= counts[users] - np.maximum(counts[users] // 10, 1)]
    late = late[counts[data.user_rows[late]] >= 2]
    begins = np.full(len(data.users), len(data), np.int64)
    np.minimum.at(begins, data.user_rows[late], late)
    _, first = np.unique(_pairs_of(data)[late], return_index=True)
    return late[np.sort(first)], np.arange(len(data)) >= begins[data.user_rows]


def _new_to_them(data: Dataset, n_examples: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Of each user with two liked items or more: the event in which they first liked the newest of them, or a
    random one of them in a set, whose places in the dataset follow the rows of the items; up to MOST_OF_ONE where
    people are fewer than examples. What they come back to is no target: it would teach that things look like
    themselves."""
    liked = np.flatnonzero(data.weights > 0)
    _, first = np.unique(_pairs_of(data)[liked], return_index=True)
    firsts = np.sort(liked[first])
    users = data.user_rows[firsts]
    if not data.ordered:
        firsts = firsts[np.lexsort((rng.random(len(firsts)), users))]
    counts = np.bincount(users, minlength=len(data.users))
    newer = np.cumsum(counts)[users] - 1 - np.arange(len(users))  # of the same user
    wanted = min(max(n_examples // max(int((counts >= 2).sum()), 1), 1), MOST_OF_ONE)
    each = np.where(counts >= 2, np.clip(counts // 10, 1, wanted), 0)
    return firsts[newer < each[users]]


def _examples(data: Dataset, targets: npt.NDArray[np.int64], fitted: Mask) -> Examples:
    """The history of each target: the user's fitted events before it, or all of them where there is no order."""
    ages = data.ages().astype(np.float32)
    users = data.user_rows[targets]
    histories = []
    for place, user in zip(targets, users, strict=True):
        before = np.arange(data.indptr[user], place if data.ordered else data.indptr[user + 1])
        histories.append(before[fitted[before]])
    indptr = np.concatenate([[0], np.cumsum([len(h) for h in histories])]).astype(np.int64)
    entries = np.concatenate(histories) if histories else np.zeros(0, np.int64)
    since = np.repeat(ages[targets], np.diff(indptr))
    batch = Batch(indptr, data.item_rows[entries], data.weights[entries], ages[entries] - since)
    return Examples(batch, data.item_rows[targets])


def singles(rows: npt.NDArray[np.int64]) -> Batch:
    """One asker for each row, whose history is that item alone."""
    n = len(rows)
    ones, zeros = np.ones(n, np.float32), np.zeros(n, np.float32)
    return Batch(np.arange(n + 1, dtype=np.int64), rows.astype(np.int32), ones, zeros)


def some(batch: Batch, askers: npt.NDArray[np.int64]) -> Batch:
    """Only these askers, in this order."""
    lengths = batch.lengths[askers]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries = np.arange(indptr[-1]) + np.repeat(batch.indptr[askers] - indptr[:-1], lengths)
    return Batch(indptr, batch.rows[entries], batch.weights[entries], batch.ages[entries])


def parts_of(batch: Batch, size: int = BATCH) -> Iterator[Batch]:
    """The same askers in batches of bounded size."""
    for start in range(0, len(batch), size):
        yield some(batch, np.arange(start, min(start + size, len(batch))))
