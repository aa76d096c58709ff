"""What the click model learns from: who somebody was when they took something.

Examples are first encounters: what people come back to would teach that things look like themselves. An asker is
what zhiyin.models.clicks makes of their history and their texts up to then, and of nothing later; where histories
have no order, of all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import TYPE_CODE, Dataset, Doubles, Floats, Mask
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.pair import beside
from zhiyin.models.clicks import FADES, FIELDS, NOW, PAST, WRITTEN
from zhiyin.models.dense import turned
from zhiyin.models.meaning import Meaning
from zhiyin.models.reader import Reader
from zhiyin.training.windows import HELD_SHARE, LEAST

REMEMBERED = 60  # newest entries of a history: what is older counts less than a five-hundredth
AGAINST = 4  # items of the same list that were not taken, for each that was
MOST_TEXTS = 30_000  # of all people, that are read: the newest
MOST_HELD = 600  # people whose newest first encounter is held out
AT_ONCE = 512  # texts
STARRED = (TYPE_CODE["rating"], TYPE_CODE["review"])

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asking:
    """n people at some moment: their histories are begin … end of all entries."""

    begin: Places  # (n,)
    end: Places  # (n,)
    without: Rows  # (n,) an item that is no part of them: what they are asked about, where there is no order


@dataclass(frozen=True, slots=True)
class ClickPast:
    """E entries that say something, person by person, oldest first, and what was written beside."""

    indptr: Places  # (U + 1,)
    rows: Rows  # (E,)
    weights: Floats  # (E,)
    at: Doubles  # (E,) epoch seconds, NaN where unknown
    marks: Floats  # (E,) how much it was liked, -1 … 1
    first: Mask  # (E,) whether the person did something with the item for the first time
    ordered: bool
    noted: Places  # (T,) entries that texts belong to, ascending
    texts: tuple[str, ...]  # (T,)
    signs: Floats  # (T,)

    @classmethod
    def of(cls, data: Dataset, most: int) -> Self:
        """`most`: texts of a person that are read; 0 for none."""
        said = np.flatnonzero(data.weights != 0)
        users, rows = data.user_rows[said], data.item_rows[said]
        indptr = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=len(data.users)))]).astype(np.int64)
        pairs = users.astype(np.int64) * len(data.items) + rows
        first = np.zeros(len(said), bool)
        first[np.unique(pairs, return_index=True)[1]] = True
        notes = data.notes.at(said)
        kept = np.arange(len(notes))[-MOST_TEXTS:] if most else np.zeros(0, np.int64)
        return cls(
            indptr, rows, data.weights[said], data.at[said], _marks(data)[said], first, data.ordered,
            notes.entries[kept], tuple(notes.texts[n] for n in kept.tolist()), notes.signs[kept],
        )  # fmt: skip

    @property
    def users(self) -> Places:
        """(E,)"""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    @property
    def supports(self) -> Mask:
        """(E,) what can be learned from: first encounters with something known before, or beside, them."""
        number = np.arange(len(self.rows)) - self.indptr[self.users]
        lengths = np.diff(self.indptr)[self.users]
        return self.first & ((number > 0) if self.ordered else (lengths > 1))

    def keep(self, known: Mask) -> ClickPast:
        """Only these (E,) entries, and what was written with them."""
        place = np.cumsum(known) - 1
        notes = np.flatnonzero(known[self.noted])
        return ClickPast(
            np.concatenate([[0], np.cumsum(known)]).astype(np.int64)[self.indptr], self.rows[known],
            self.weights[known], self.at[known], self.marks[known], self.first[known], self.ordered,
            place[self.noted[notes]], tuple(self.texts[n] for n in notes.tolist()), self.signs[notes],
        )  # fmt: skip

    def before(self, entries: Places) -> Asking:
        """Who somebody was when each of these entries came about."""
        users = self.users[entries]
        end = entries if self.ordered else self.indptr[users + 1]
        return Asking(self.indptr[users], end, self.rows[entries])

    def moments(self, users: Rows, at: Doubles) -> Asking:
        """Who these (n,) people were at these moments."""
        begin, end = self.indptr[users], self.indptr[users + 1]
        found = [b + int((self.at[b:e] < t).sum()) for b, e, t in zip(begin, end, at.tolist(), strict=True)]
        return Asking(begin, np.array(found, np.int64), np.full(len(users), PAD, np.int32))

    def held_out(self, seed: int) -> tuple[Places, Mask]:
        """The newest first encounters of some people, liked, and (E,) what is known without them: all before."""
        rng = np.random.default_rng([seed, 7])
        able = np.flatnonzero(self.supports & (self.weights > 0))
        newest = able[np.append(np.diff(self.users[able]) > 0, True)[: len(able)]]
        newest = newest[np.diff(self.indptr)[self.users[newest]] >= LEAST]
        n = min(MOST_HELD, int(HELD_SHARE * len(newest)))
        held = np.sort(rng.permutation(newest)[:n])
        ends = np.full(len(self.indptr) - 1, len(self.rows), np.int64)
        ends[self.users[held]] = held
        number = np.arange(len(self.rows))
        return held, (number < ends[self.users]) if self.ordered else (number != ends[self.users])


@dataclass(frozen=True, slots=True)
class Gallery:
    """What items and texts are read as, and how askers are made of them."""

    past: ClickPast
    items: Floats  # (I, dim)
    texts: Floats  # (n different texts, dim)
    which: Places  # (T,) rows of `texts`
    most: int  # texts of a person

    def keep(self, known: Mask) -> Gallery:
        """Of these (E,) entries alone."""
        return replace(self, past=self.past.keep(known), which=self.which[known[self.past.noted]])

    @classmethod
    def of(cls, past: ClickPast, seen: Meaning | Reader, read: Floats, most: int) -> Self:
        """`read` (n, encoder's dim): the different texts, in the order in which they come first. They have no
        company."""
        place = {text: n for n, text in enumerate(dict.fromkeys(past.texts))}
        which = np.array([place[text] for text in past.texts], np.int64)
        if len(seen.centre) > read.shape[1]:
            read = beside(read, seen.centre[read.shape[1] :])
        texts = np.zeros((len(read), seen.vectors.shape[1]), np.float32)
        texts[:, : seen.axes.shape[1]] = turned(read, seen.centre, seen.axes)
        return cls(past, seen.vectors, texts, which, most)

    def askers(self, asking: Asking) -> Floats:
        """(n, 2, F, dim) sums, as zhiyin.models.clicks makes them, not yet of length 1."""
        n, past = len(asking.begin), self.past
        found = np.zeros((n, 2, FIELDS, self.items.shape[1]), np.float32)
        start = np.maximum(asking.begin, asking.end - REMEMBERED)
        sizes = asking.end - start
        owner = np.repeat(np.arange(n), sizes)
        entries = np.arange(len(owner)) + np.repeat(start - (np.cumsum(sizes) - sizes), sizes)
        known = past.ordered | (past.rows[entries] != asking.without[owner])
        owner, entries = owner[known], entries[known]
        back = asking.end[owner] - 1 - entries
        for field in (PAST, NOW):
            for side, sign in enumerate((1, -1)):
                counts = np.maximum(sign * past.weights[entries], 0) * self._fading(field, back)
                if counts.any():
                    found[:, side, field] = _summed(owner, past.rows[entries], counts, n, self.items)
        self._add_texts(found, asking)
        return found

    def _add_texts(self, found: Floats, asking: Asking) -> None:
        past = self.past
        end = np.searchsorted(past.noted, asking.end)
        start = np.maximum(np.searchsorted(past.noted, asking.begin), end - self.most)
        sizes = np.maximum(end - start, 0)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        notes = np.arange(len(owner)) + np.repeat(start - (np.cumsum(sizes) - sizes), sizes)
        if not len(notes):
            return
        known = past.ordered | (past.rows[past.noted[notes]] != asking.without[owner])
        owner, notes = owner[known], notes[known]
        fading = self._fading(WRITTEN, end[owner] - 1 - notes)
        for side, sign in enumerate((1, -1)):
            counts = fading * (past.signs[notes] == sign)
            found[:, side, WRITTEN] = _summed(owner, self.which[notes], counts, len(found), self.texts)

    def _fading(self, field: int, back: Places) -> Floats:
        return (np.float32(FADES[field]) ** back if self.past.ordered else np.ones(len(back))).astype(np.float32)


def read_texts(texts: tuple[str, ...], encoder: Encoder) -> Floats:
    """(n, encoder's dim) of the different ones, in the order in which they come first."""
    different = list(dict.fromkeys(texts))
    parts = [encoder.encode(different[start : start + AT_ONCE]) for start in range(0, len(different), AT_ONCE)]
    return np.concatenate([np.zeros((0, encoder.dim), np.float32), *parts])


def against(data: Dataset, past: ClickPast) -> Rows:
    """(E, AGAINST) for each entry, items of the list it answered that were not taken, PAD for none: those that
    stood highest, for they were seen."""
    found = np.full((len(past.rows), AGAINST), PAD, np.int32)
    pairs: dict[tuple[int, int], Rows] = {}
    shown = data.shown
    for number, user in enumerate(shown.users.tolist()):
        places = slice(shown.indptr[number], shown.indptr[number + 1])
        rows, taken = shown.rows[places], shown.rewards[places] > 0
        for row in rows[taken].tolist():
            pairs[user, row] = rows[~taken][:AGAINST]
    if pairs:
        for entry, pair in enumerate(zip(past.users.tolist(), past.rows.tolist(), strict=True)):
            if pair in pairs and past.first[entry]:
                found[entry, : len(pairs[pair])] = pairs[pair]
    return found


def _marks(data: Dataset) -> Floats:
    """(E,) the weight of each event, of one with stars times where they lie among all, in -1 … 1."""
    stars = data.values.astype(np.float64)
    rated = np.isfinite(stars) & np.isin(data.types, STARRED)
    share = np.ones(len(data))
    if rated.any():
        low, high = stars[rated].min(), stars[rated].max()
        share[rated] = (stars[rated] - low) / (high - low) if high > low else 1.0
    return np.clip(data.weights * share, -1.0, 1.0).astype(np.float32)


def _summed(owner: Places, rows: npt.NDArray[np.integer], counts: Floats, n: int, vectors: Floats) -> Floats:
    picked = sp.csr_array((counts, (owner, rows)), shape=(n, len(vectors)), dtype=np.float32)
    return (picked @ vectors).astype(np.float32)
