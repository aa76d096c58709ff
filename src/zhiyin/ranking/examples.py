"""Held-out examples: the part of the past that is fitted, and events held out of it, to learn and choose by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.circumstances import contexts_at
from zhiyin.data.dataset import TYPE_CODE, Dataset, Floats, Mask
from zhiyin.data.ragged import Ragged
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Batch, history_batch

BATCH = 128
BEGUN = 1 / 3  # share of the people who are asked as they began
BEGINNINGS = np.array([0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 8])  # items that they had then, few as often as some
MOST_OF_ONE = 10  # targets, and never more than a tenth of what the person likes
MOST_OF_BEGINNER = 20  # the same of one who is asked as they began
REPEATS = 0.25  # share of repeated events from which on what comes back is a target, too
BASKET = 3_600.0  # seconds between two purchases that are made together
LONGEST = 1_000  # newest entries of a history
AHEAD = 0.1  # of what people take of an item that others took, where nothing tells what came when
LATE_OF_ONE = 100  # targets where people come back: nobody's habits are all that is learned


@dataclass(frozen=True, slots=True)
class Examples:
    """N held-out events: a history that the fitted part knows, and the item it led to."""

    batch: Batch  # N askers
    targets: Rows  # (N,)
    begun: Mask  # (N,) whether the history is how somebody began, and the target any later item
    counts: Floats  # (N,) how many events like it each stands for
    later: Ragged  # N lists: all that they went on to take, the target too; none of it is its rival

    @classmethod
    def none(cls) -> Self:
        """Of a past without events."""
        nothing = np.zeros(0, np.int32)
        begun, counts = nothing.astype(bool), nothing.astype(np.float32)
        return cls(history_batch([], [], []), nothing, begun, counts, Ragged.empty(0))

    def __len__(self) -> int:
        return len(self.targets)

    def sample(self, n: int, rng: np.random.Generator) -> Examples:
        """At most n of them."""
        if n >= len(self):
            return self
        chosen = np.sort(rng.permutation(len(self))[:n])
        return self.some(chosen)

    @property
    def newest(self) -> Examples:
        """Those of people as they are now."""
        return self.some(np.flatnonzero(~self.begun))

    def some(self, which: npt.NDArray[np.int64]) -> Examples:
        """Only these, in this order."""
        columns = self.targets[which], self.begun[which], self.counts[which]
        return Examples(some(self.batch, which), *columns, self.later.take(which))

    def parts(self) -> Iterator[Examples]:
        """The same examples, BATCH at a time."""
        for start in range(0, len(self), BATCH):
            yield self.some(np.arange(start, min(start + BATCH, len(self))))


def carve(data: Dataset, n_examples: int, hidden_share: float, seed: int) -> tuple[Dataset, Examples]:
    """The part to fit, and examples held out of it, at most a tenth of what somebody likes or one: `n_examples` of
    most people, the newest items that were new to them, or any where histories have no order; and as many of the
    others, as they began, of what they took later: of who took much more of it, for a list that is full of it is
    full, however much it is.

    A share of the items is hidden from everybody, as if they had just arrived; they come up as targets as often as
    people took them, so cold and warm items are learned on one scale; where nothing tells what came when, each of
    them stands for as many more as more of its item's events are still to come (`_to_come`).
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(data.support > 0)
    hidden = np.zeros(len(data.items), bool)
    hidden[rng.permutation(known)[: int(hidden_share * len(known))]] = True
    beginners = rng.random(len(data.users)) < BEGUN
    pairs = _pairs_of(data)
    if data.ordered and data.repeat_share >= REPEATS:
        targets, held = _late(data, rng)
        targets = rng.permutation(targets)[:n_examples]
    else:
        targets = _new_to_them(data, ~beginners, n_examples, rng)
        targets = rng.permutation(targets)[:n_examples]
        held = _among(pairs, pairs[targets])
    until, later = _begun(data, beginners, n_examples, rng)
    held |= hidden[data.item_rows] | _among(pairs, pairs[later])
    begun = np.arange(len(targets) + len(later)) >= len(targets)
    asked = _Asked(np.concatenate([targets, until]), np.concatenate([targets, later]), begun)
    examples = _examples(data, asked, ~held, rng)
    if not data.ordered:
        counts = np.where(hidden[examples.targets], _to_come(data.support), 1.0)
        examples = replace(examples, counts=counts.astype(np.float32))
    return data.keep(~held), examples.some(rng.permutation(len(examples)))


@dataclass(frozen=True, slots=True)
class _Asked:
    """N questions, by places in the dataset."""

    until: npt.NDArray[np.int64]  # (N,) what came before these is known
    targets: npt.NDArray[np.int64]  # (N,)
    begun: Mask  # (N,)


def _to_come(support: npt.NDArray[np.int64]) -> float:
    """How many times as large a share of a new item's events lies ahead as of one that people took already: all of
    them, and AHEAD of the others'.

    Not every item without an event is new: some were there, and by chance nobody took them, about as many as
    n₁ (n₁ − 1) / 2 (n₂ + 1), of the numbers of items that were taken once and twice (Chao 1987, bias-corrected).
    `support` (I,) of the items.
    """
    unseen, once, twice = (int((support == n).sum()) for n in range(3))
    missed = once * (once - 1) / (2 * (twice + 1))
    new = max(1.0 - missed / unseen, 0.0) if unseen else 0.0
    return new / AHEAD + 1.0 - new


def _pairs_of(data: Dataset) -> npt.NDArray[np.int64]:
    """(E,) one number for each pair of a user and an item."""
    return data.user_rows.astype(np.int64) * len(data.items) + data.item_rows


def _among(pairs: npt.NDArray[np.int64], few: npt.NDArray[np.int64]) -> Mask:
    """(E,) whether each pair is one of a few."""
    few = np.append(np.sort(few), -1)  # what is after the last one is none of them
    return few[np.searchsorted(few[:-1], pairs)] == pairs


def _late(data: Dataset, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], Mask]:
    """Targets where people come back: the items of everybody's last tenth of liked events and of the basket in
    which that begins, each once, new or old to them as it comes, some of them where they are very many; and (E,)
    everything from there on."""
    liked = np.flatnonzero(data.weights > 0)
    users = data.user_rows[liked]
    counts = np.bincount(users, minlength=len(data.users))
    place = np.arange(len(liked)) - (np.cumsum(counts) - counts)[users]  # in the history of liked events
    late = liked[place >= counts[users] - np.maximum(counts[users] // 10, 1)]
    begins = np.full(len(data.users), len(data), np.int64)
    np.minimum.at(begins, data.user_rows[late], _basket_begins(data)[late])
    begins[begins == data.indptr[:-1]] = len(data)  # nothing would be left of them
    held = np.arange(len(data)) >= begins[data.user_rows]
    late = liked[held[liked]]
    _, first = np.unique(_pairs_of(data)[late], return_index=True)
    late = rng.permutation(late[first])
    return late[_place(data.user_rows[late]) < LATE_OF_ONE], held


def _place(users: Rows) -> npt.NDArray[np.int64]:
    """(N,) how many entries of the same user come before each."""
    order = np.argsort(users, kind="stable")
    ordered = users[order]
    place = np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - np.searchsorted(ordered, ordered)
    return place


def _basket_begins(data: Dataset) -> npt.NDArray[np.int64]:
    """(E,) the place where the basket of each event begins: purchases that one person makes together, in whatever
    order they are written down. Any other event is by itself."""
    bought = data.types == TYPE_CODE["purchase"]
    goes_on = np.zeros(len(data), bool)
    goes_on[1:] = bought[1:] & bought[:-1] & (data.user_rows[1:] == data.user_rows[:-1])
    goes_on[1:] &= np.diff(data.at) < BASKET  # never where there are no times
    return np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(data))))


def _new_to_them(data: Dataset, people: Mask, n_examples: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Of each of the `people` with two liked items or more: the event in which they first liked the newest of
    them, or a random one of them in a set; several where people are fewer than examples. What they come back to is
    no target: it would teach that things look like themselves."""
    firsts, counts = _firsts(data, rng)
    newer = np.repeat(np.cumsum(counts), counts) - 1 - np.arange(len(firsts))  # of the same user
    n_able = max(int((people & (counts >= 2)).sum()), 1)
    each = _each(counts, people, min(max(n_examples // n_able, 1), MOST_OF_ONE))
    return firsts[newer < np.repeat(each, counts)]


def _begun(
    data: Dataset, people: Mask, n_examples: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """As many of these people, of each in proportion to what they took: the event before which they had liked the
    first few items or none, and one in which they liked another later."""
    firsts, counts = _firsts(data, rng)
    who = np.repeat(np.arange(len(counts)), _each(counts, people, MOST_OF_BEGINNER))
    who = rng.permutation(who)[:n_examples]
    starts, left = (np.cumsum(counts) - counts)[who], counts[who]
    had = np.minimum(rng.choice(BEGINNINGS, len(who)), left - 1)
    target = had + (rng.random(len(who)) * (left - had)).astype(np.int64)
    return firsts[starts + had], firsts[starts + target]


def _each(counts: npt.NDArray[np.int64], people: Mask, most: int) -> npt.NDArray[np.int64]:
    """(U,) how many examples each of the people gives, who like so many items."""
    return np.where(people & (counts >= 2), np.clip(counts // 10, 1, most), 0)


def _firsts(data: Dataset, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The events in which people first liked an item, by person, oldest first; shuffled in a set, whose places in
    the dataset follow the rows of the items. And (U,) how many each has."""
    liked = np.flatnonzero(data.weights > 0)
    _, first = np.unique(_pairs_of(data)[liked], return_index=True)
    firsts = np.sort(liked[first])
    users = data.user_rows[firsts]
    if not data.ordered:
        firsts = firsts[np.lexsort((rng.random(len(firsts)), users))]
    return firsts, np.bincount(users, minlength=len(data.users))


def _examples(data: Dataset, asked: _Asked, fitted: Mask, rng: np.random.Generator) -> Examples:
    """The history of each target: the user's newest fitted events before the basket of `until`. Where there is no
    order, all of them, or of those who have just begun a few. They ask when the target was taken, as it was then.
    """
    ages = data.ages().astype(np.float32)
    users = data.user_rows[asked.targets]
    histories, later = [], []
    begins = _basket_begins(data)[asked.until]
    for place, user, few in zip(begins, users, asked.begun, strict=True):
        first, last = data.indptr[user : user + 2]
        before = np.arange(first, place if data.ordered else last)
        before = before[fitted[before]]
        if data.ordered:
            before = before[-LONGEST:]
        elif few:
            before = np.sort(rng.permutation(before)[: rng.choice(BEGINNINGS)])
        after = np.arange(place, last) if data.ordered else np.setdiff1d(np.arange(first, last), before)
        histories.append(before)
        later.append(np.unique(data.item_rows[after[data.weights[after] > 0]]))
    indptr = np.concatenate([[0], np.cumsum([len(h) for h in histories])]).astype(np.int64)
    entries = np.concatenate(histories) if histories else np.zeros(0, np.int64)
    since = np.repeat(ages[asked.until], np.diff(indptr))
    batch = Batch(
        indptr,
        data.item_rows[entries],
        data.weights[entries],
        ages[entries] - since,
        now=data.at[asked.targets],
        contexts=contexts_at(data.context, asked.targets),
        written=data.notes.at(entries).of(indptr),
    )
    targets = data.item_rows[asked.targets]
    return Examples(batch, targets, asked.begun, np.ones(len(targets), np.float32), Ragged.of(later))


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
    return Batch(
        indptr,
        batch.rows[entries],
        batch.weights[entries],
        batch.ages[entries],
        now=batch.now[askers] if len(batch.now) else batch.now,
        contexts=tuple(batch.contexts[asker] for asker in askers) if batch.contexts else (),
        written=batch.written.some(askers),
    )


def parts_of(batch: Batch, size: int = BATCH) -> Iterator[Batch]:
    """The same askers in batches of bounded size."""
    for start in range(0, len(batch), size):
        yield some(batch, np.arange(start, min(start + size, len(batch))))
