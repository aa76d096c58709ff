"""What a tower may know of a shop: histories, what was typed before something was taken, what was shown in vain.

A share of the items is hidden from all of it, and the newest entry of some people, to judge by.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import TYPE_CODE, Dataset, Mask
from zhiyin.data.signals import Signals
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import documents
from zhiyin.training.windows import Histories
from zhiyin.types import Event

SOON = 3_600.0  # seconds after a search in which what is taken answers it
ANSWERS = 3  # items at most that answer a search
LEAST = 3  # entries of a history whose newest may be held out
IN_VAIN = tuple(TYPE_CODE[name] for name in ("impression", "dislike", "hide"))


@dataclass(frozen=True, slots=True)
class Typed:
    """Somebody typed `text` and took `row`."""

    user: int  # row; PAD for somebody unknown
    text: str
    row: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that was shown to a person, or taken, and not liked; after so many entries of their history."""

    user: int
    row: int
    after: int


@dataclass(frozen=True, slots=True)
class HeldOut:
    """People, how much of their history is known, and what each took next."""

    users: Rows
    known: Rows  # entries of the history
    targets: Rows


@dataclass(frozen=True, slots=True)
class Past:
    """All that is learned from."""

    histories: Histories  # of the items that are not hidden, without what is held out
    texts: tuple[str, ...]  # (I,) "" where an item has none
    hidden: Mask  # (I,)
    typed: tuple[Typed, ...]
    refused: tuple[Refused, ...]
    held: HeldOut  # what people took last, of items that are not hidden
    held_hidden: HeldOut  # the same of hidden ones
    whole: Histories  # with everything

    @classmethod
    def of(cls, data: Dataset, searches: Iterable[Typed], hidden: Mask, n_held: int, seed: int) -> Self:
        """`hidden` (I,) items; of at most `n_held` people each the newest entry is held out."""
        texts = tuple(documents(item)[0] for item in data.catalogue)
        told = np.array([bool(text) for text in texts])
        whole = _with(Histories.of(data), told)
        held_hidden = _newest(whole, hidden, n_held, seed)
        held = _newest(whole, ~hidden, n_held, seed)
        left = np.ones(len(whole.rows), bool)
        left[whole.indptr[held.users] + held.known] = False
        histories = _with(whole, ~hidden, left)
        gone = set(zip(held.users.tolist(), held.targets.tolist(), strict=True))
        typed = tuple(
            one for one in searches if told[one.row] and not hidden[one.row] and (one.user, one.row) not in gone
        )
        return cls(
            histories, texts, hidden, typed, _refused(data, told & ~hidden), held, held_hidden, whole
        )  # fmt: skip

    @property
    def support(self) -> npt.NDArray[np.int64]:
        """(I,) entries of each item."""
        return np.bincount(self.histories.rows, minlength=len(self.texts))


def draw_hidden(data: Dataset, share: float, seed: int) -> Mask:
    """(I,) a share of the items that somebody took, and of those that nobody did."""
    return np.random.default_rng([seed, 1]).random(len(data.items)) < share


def typed_in(events: Iterable[Event], data: Dataset, signals: Signals) -> list[Typed]:
    """What was typed, and each of the first few items that the same person then took with pleasure: at once, where
    the log has times. Of the `events` up to where `data` ends."""
    open_: dict[str, tuple[str, float | None, int]] = {}
    found: list[Typed] = []
    rows = {(int(u), int(r)) for u, r in zip(data.user_rows, data.item_rows, strict=True)}
    for event in events:
        if event.type == "search" and event.text and event.text.strip():
            open_[event.user_id] = (event.text, event.at.timestamp() if event.at else None, ANSWERS)
            if event.item_id is None:
                continue
        if event.item_id is None or event.user_id not in open_ or signals.weight(event.type, event.value) <= 0:
            continue
        text, at, left = open_[event.user_id]
        late = at is not None and event.at is not None and event.at.timestamp() - at > SOON
        if late or not left:
            del open_[event.user_id]
            continue
        open_[event.user_id] = (text, at, left - 1)
        user, row = data.users.row(event.user_id), data.items.row(event.item_id)
        if (user, row) in rows:  # else the dataset does not know of it: it is asked for, or not in the catalogue
            found.append(Typed(user, text, row))
    return found


def _with(histories: Histories, items: Mask, entries: Mask | None = None) -> Histories:
    """Only entries of these items (I,), and only these entries (E,)."""
    kept = items[histories.rows] if entries is None else items[histories.rows] & entries
    counts = np.concatenate([[0], np.cumsum(kept)])
    return Histories(counts[histories.indptr].astype(np.int64), histories.rows[kept])


def _newest(whole: Histories, among: Mask, most: int, seed: int) -> HeldOut:
    """Of people whose newest entry is among these items, at most so many."""
    able = np.flatnonzero(whole.lengths >= LEAST)
    newest = whole.indptr[able + 1] - 1
    able = able[among[whole.rows[newest]]]
    users = np.sort(np.random.default_rng([seed, 2]).permutation(able)[:most])
    last = whole.indptr[users + 1] - 1
    return HeldOut(
        users.astype(np.int32), (last - whole.indptr[users]).astype(np.int32), whole.rows[last].astype(np.int32)
    )


def _refused(data: Dataset, among: Mask) -> tuple[Refused, ...]:
    """What was shown or taken in vain."""
    liked = (data.weights > 0) & among[data.item_rows]
    before: npt.NDArray[np.int64] = np.cumsum(liked) - liked
    start: npt.NDArray[np.int64] = (
        before[np.minimum(data.indptr[:-1], max(len(data) - 1, 0))] if len(data) else before
    )
    vain = np.flatnonzero(np.isin(data.types, IN_VAIN) & ~(data.weights > 0) & among[data.item_rows])
    users = data.user_rows
    return tuple(
        Refused(int(users[n]), int(data.item_rows[n]), int(before[n] - start[users[n]])) for n in vain.tolist()
    )
