"""What people wrote themselves: what they searched for, what they said of a thing.

A text belongs to the newest event of its person, at its time, that says something: a review to its own, a search
to the one before it. So it is known where that event is known, is hidden where that is hidden, and nothing is
learned from what was written later. What somebody wrote before they did anything belongs to no event, and is
read only when they ask. Lines of profiles are none of this (zhiyin.profile.edits): they speak for themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.types import Event

MOST = 20  # newest texts of a person that are kept
LONGEST = 1_000  # characters of a text that are read
SAME = 1e-4  # days within which an entry and a text are of one moment: ages are counted in 32 bits

Places = npt.NDArray[np.int64]
Signs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Written:
    """What B askers wrote, oldest first: of asker b the texts indptr[b]:indptr[b + 1]; empty where nobody did."""

    indptr: Places  # (B + 1,) or (1,)
    after: Places  # (T,) how many entries of the same history are older
    texts: tuple[str, ...]  # (T,)
    signs: Signs  # (T,) 1, or -1 for what was said of something that was disliked

    @classmethod
    def nothing(cls) -> Self:
        return cls(np.zeros(1, np.int64), np.zeros(0, np.int64), (), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def askers(self) -> Places:
        """(T,) whose it is."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    @property
    def back(self) -> Places:
        """(T,) how many texts of the same asker are newer."""
        return np.repeat(self.indptr[1:], np.diff(self.indptr)) - 1 - np.arange(len(self))

    def some(self, askers: npt.NDArray[np.integer]) -> Written:
        """Of these askers, in this order."""
        if not len(self):
            return self
        sizes = np.diff(self.indptr)[askers]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        places = np.arange(indptr[-1]) + np.repeat(self.indptr[askers] - indptr[:-1], sizes)
        return Written(
            indptr, self.after[places], tuple(self.texts[p] for p in places.tolist()), self.signs[places]
        )


@dataclass(frozen=True, slots=True)
class Notes:
    """T texts beside the entries of a log or of histories, in their order."""

    entries: Places  # (T,) ascending
    texts: tuple[str, ...]  # (T,)
    signs: Signs  # (T,)

    @classmethod
    def none(cls) -> Self:
        return cls(np.zeros(0, np.int64), (), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, entries: npt.NDArray[np.integer]) -> Notes:
        """Those of these entries (H,), which are laid out anew in this order and may come several times."""
        if not len(self):
            return self
        first = np.searchsorted(self.entries, entries, side="left")
        sizes = np.searchsorted(self.entries, entries, side="right") - first
        owner = np.repeat(np.arange(len(entries)), sizes)
        places = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(first, sizes)
        return Notes(owner, tuple(self.texts[p] for p in places.tolist()), self.signs[places])

    def of(self, indptr: Places) -> Written:
        """As histories have them, whose entries these are: history b is indptr[b]:indptr[b + 1]."""
        if not len(self):
            return Written.nothing()
        borders = np.searchsorted(self.entries, indptr).astype(np.int64)
        begins = np.repeat(indptr[:-1], np.diff(borders))
        return Written(borders, self.entries - begins + 1, self.texts, self.signs)


def written_among(ages: Signs, texts: Sequence[str], days: Sequence[float], signs: Sequence[float]) -> Written:
    """What one asker wrote so many days ago, oldest first, among entries of these ages in days, oldest first."""
    kept = [n for n, text in enumerate(texts) if text.strip()]
    order = -np.asarray(ages, np.float64)
    after = np.searchsorted(order, [-days[n] + SAME for n in kept]).astype(np.int64)
    return (
        Written(
            np.array([0, len(kept)], np.int64),
            np.maximum.accumulate(after),
            tuple(texts[n].strip()[:LONGEST] for n in kept),
            np.array([signs[n] for n in kept], np.float32),
        )
        if kept
        else Written.nothing()
    )


@dataclass(frozen=True, slots=True)
class _Note:
    text: str
    at: float  # epoch seconds; -inf where unknown
    order: float
    event: int  # in the order of the log; -1: an event without an item


class NoteColumns:
    """Texts on their way: the newest of each person, as the log has them."""

    def __init__(self) -> None:
        self._of: dict[str, deque[_Note]] = {}

    def add(self, event: Event, number: int, n_events: int) -> None:
        """What was written with an event, the `number`-th of those with an item (-1: without), of which there are
        `n_events` so far."""
        if event.text is None or event.type == "edit" or not event.text.strip():
            return
        at = float("-inf") if event.at is None else event.at.timestamp()
        order = float(n_events if event.order is None else event.order)
        notes = self._of.setdefault(event.user_id, deque(maxlen=MOST))
        notes.append(_Note(event.text.strip()[:LONGEST], at, order, number))

    def notes(self, users: npt.NDArray[np.integer], log: Log) -> Notes:
        """Beside the sorted events of the `log`; `users` are the rows of those who wrote, in the order of
        `who`."""
        found: list[tuple[int, str, float]] = []
        for user, notes in zip(users.tolist(), self._of.values(), strict=True):
            if user >= 0:
                found += log.noted(user, notes)
        found.sort(key=lambda one: one[0])  # stable: of one event as they came
        entries = np.array([entry for entry, _, _ in found], np.int64)
        return Notes(entries, tuple(text for _, text, _ in found), np.array([s for *_, s in found], np.float32))

    @property
    def who(self) -> list[str]:
        """Ids of the people who wrote."""
        return list(self._of)


@dataclass(frozen=True, slots=True)
class Log:
    """Events by user, oldest first."""

    indptr: Places  # (U + 1,)
    at: npt.NDArray[np.float64]  # (E,) -inf where unknown
    order: npt.NDArray[np.float64]  # (E,)
    weights: Signs  # (E,)
    place: Places  # (E,) where each event of the log, in its order, stands

    def noted(self, user: int, notes: deque[_Note]) -> list[tuple[int, str, float]]:
        """Entry, text and sign of each text that belongs to an event."""
        begin, end = int(self.indptr[user]), int(self.indptr[user + 1])
        at, order = self.at[begin:end], self.order[begin:end]
        found = []
        for note in notes:
            if note.event >= 0:
                newest = int(self.place[note.event])
                sign = -1.0 if self.weights[newest] < 0 else 1.0
            else:
                newest, sign = (
                    begin + int(((at < note.at) | ((at == note.at) & (order <= note.order))).sum()) - 1,
                    1.0,
                )
            said = np.flatnonzero(self.weights[begin : newest + 1])
            if len(said):
                found.append((begin + int(said[-1]), note.text, sign))
        return found
