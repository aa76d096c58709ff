"""What is fitted on, and what is asked and wanted afterwards: the one place where the future is cut off.

A split never copies the log into lists: it is a `Dataset.keep` for fitting and flat arrays for the users who
are judged. Every history ends before the first wanted event of its user. `strict` (the default) fits
without validation and test events; `refit` gives the validation events back for the last run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from zhiyin.data.circumstances import contexts_at
from zhiyin.data.dataset import DAY, Dataset, Doubles, Floats, Mask
from zhiyin.data.ragged import Pointers, Ragged, gather, pointers
from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.data.written import Notes
from zhiyin.errors import InvalidData
from zhiyin.types import Event

Part = Literal["test", "validation"]
Pair = tuple[str, str]  # user id, item id


@dataclass(frozen=True, slots=True)
class Past:
    """Histories of U users, oldest first: user u has the entries indptr[u]:indptr[u + 1]."""

    indptr: Pointers  # (U + 1,)
    rows: Rows  # (H,)
    weights: Floats  # (H,) signed
    at: Doubles  # (H,) epoch seconds, NaN where none
    now: Doubles  # (U,) the moment each user asks, NaN where there is no time
    comes: Doubles  # (U,) when each comes for the first thing that is wanted, NaN where unknown
    contexts: tuple[Mapping[str, str], ...] = ()  # (U,) what else is known of that moment; or empty
    notes: Notes = field(default_factory=Notes.none)  # what they wrote, beside the entries

    @classmethod
    def of(cls, data: Dataset, known: Mask, now: Doubles | None = None, wanted: Mask | None = None) -> Past:
        """What is `known` (E,) of all users; without `now` each asks at the time of their newest event.

        Whoever asks is there, so the hour and what else is known of the moment of the first `wanted` (E,) event
        may be told; ages go by `now` all the same, which lies before anything that is wanted.
        """
        newest = np.full(len(data.users), -np.inf)
        timed = known & np.isfinite(data.at)
        np.maximum.at(newest, data.user_rows[timed], data.at[timed])
        came = _first_of(data, np.zeros(len(data), bool) if wanted is None else wanted)
        return cls(
            indptr=pointers(np.bincount(data.user_rows[known], minlength=len(data.users))),
            rows=data.item_rows[known],
            weights=data.weights[known],
            at=data.at[known],
            now=np.where(np.isfinite(newest), newest, np.nan) if now is None else now,
            comes=np.append(data.at, np.nan)[came],
            contexts=contexts_at(data.context, came),
            notes=data.notes.at(np.flatnonzero(known)),
        )

    def __len__(self) -> int:
        return len(self.now)

    @property
    def lengths(self) -> Pointers:
        """(U,)"""
        return np.diff(self.indptr)

    @property
    def ages(self) -> Floats:
        """(H,) days before the user asks, 0 where there is no time."""
        return np.nan_to_num((np.repeat(self.now, self.lengths) - self.at) / DAY, nan=0.0).astype(np.float32)

    @property
    def seen(self) -> Ragged:
        """Distinct items that each user did something with; an impression alone is not that."""
        touched = self.weights != 0
        owners = np.repeat(np.arange(len(self)), self.lengths)
        return Ragged.of_pairs(owners[touched], self.rows[touched], len(self))

    def take(self, users: npt.NDArray[np.integer]) -> Past:
        """The histories of these users, in this order; PAD has none."""
        indptr, places = gather(np.append(self.indptr, self.indptr[-1]), users)  # PAD = -1 is the empty last list
        now = np.append(self.now, np.nan)[users]
        return Past(
            indptr,
            self.rows[places],
            self.weights[places],
            self.at[places],
            now,
            comes=np.append(self.comes, np.nan)[users],
            contexts=tuple(({} if user == PAD else self.contexts[user]) for user in users)
            if self.contexts
            else (),
            notes=self.notes.at(places),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """A dataset to fit on and U people to judge by; `targets` and `masked` of a person never overlap."""

    fit: Dataset
    users: Rows  # (U,) user rows of `fit`, PAD for people it does not know
    past: Past  # what is known of each when they ask
    targets: Ragged  # distinct item rows that each went on to choose
    masked: Ragged  # item rows that may not be shown to each
    candidates: Mask  # (I,) items that may be shown; a target outside is a miss for every system

    def __len__(self) -> int:
        return len(self.users)

    def take(self, users: npt.NDArray[np.integer]) -> Split:
        """The same split with these of its people (numbers 0 … U - 1), in this order."""
        return replace(
            self,
            users=self.users[users],
            past=self.past.take(users),
            targets=self.targets.take(users),
            masked=self.masked.take(users),
        )

    def batches(self, size: int = 512) -> Iterator[Split]:
        """The people in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be asked of a split over time."""

    part: Part = "test"
    refit: bool = False  # fit on validation events too; no difference for part="validation"
    filter_history: bool = True  # mask what the user had; then only what is new to them is a target
    items: Mask | None = None  # (I,) the items it is about: others are neither targets nor candidates


@dataclass(frozen=True, slots=True)
class TimeCut:
    """Two moments in epoch seconds; an event at the moment itself lies after it."""

    validation_from: float
    test_from: float
    last_only: bool = False  # the one target is the user's last event, not all from the cut on
    seen_only: bool = False  # candidates are items with an event before the cut


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file with histories (oldest first) and targets."""

    user_id: str
    history: tuple[str, ...]
    targets: tuple[str, ...]


STRICT = Terms()


def leave_one_out(data: Dataset, terms: Terms = STRICT) -> Split:
    """Each user's last positive event (validation: the second-last) is wanted, all before it is the history.

    Strict fits on what lies before the second-last positive event, refit on what lies before the last. A user
    without an event before the target is not judged. `now` is the time of the newest event of the history,
    since how long after that the target came must not be known.
    """
    held = 1 if terms.part == "test" else 2
    fit = data.keep(_before(data, held if terms.refit else 2))
    wanted = (data.weights > 0) & (_turns(data) == held)
    past = Past.of(data, _before(data, held), wanted=wanted)
    return _split(fit, past, _targets(data, wanted), _everything(data), terms)


def global_time(data: Dataset, cut: TimeCut, terms: Terms = STRICT, wanted: Iterable[Pair] | None = None) -> Split:
    """Everybody asks at one moment; wanted is what they chose from then on.

    Test: history before `test_from`, strict fits before `validation_from`, refit before `test_from`.
    Validation: history and fitting before `validation_from`, targets before `test_from`. `wanted` replaces
    the targets, see `first_sessions`. Raises InvalidData if an event has no time.
    """
    if not np.isfinite(data.at).all():
        raise InvalidData(
            f"a split in time needs a time on every event, {int(np.isnan(data.at).sum())} have none: "
            "use leave_one_out, which goes by order"
        )
    start, end = window(cut, terms.part)
    known = data.at < start
    later = (data.at >= start) & (data.at < end) & (data.weights > 0)
    if cut.last_only:
        later &= _last_of(data, later)
    targets = _targets(data, later) if wanted is None else _targets_of_pairs(data, data.users, wanted)
    seen = np.bincount(data.item_rows[known], minlength=len(data.items)) > 0
    fit = data.keep(data.at < (start if terms.refit else cut.validation_from))
    past = Past.of(data, known, np.full(len(data.users), start), later)
    return _split(fit, past, targets, seen if cut.seen_only else _everything(data), terms)


def window(cut: TimeCut, part: Part) -> tuple[float, float]:
    """From when, and until before when, an event is wanted."""
    return (cut.test_from, np.inf) if part == "test" else (cut.validation_from, cut.test_from)


def first_sessions(events: Iterable[Event], start: float, end: float) -> list[Pair]:
    """The (user, item) pairs of each user's first session in start <= time < end; ties in time go by `order`.

    Raises InvalidData if an event there has no session.
    """
    first: dict[str, tuple[float, float, str]] = {}
    items: dict[tuple[str, str], list[str]] = {}
    for event in events:
        at = float("nan") if event.at is None else event.at.timestamp()
        if event.item_id is None or not start <= at < end:
            continue
        if event.session_id is None:
            raise InvalidData(f"an event of user {event.user_id!r} has no session_id: judge by all later events")
        items.setdefault((event.user_id, event.session_id), []).append(event.item_id)
        place = (at, float("inf") if event.order is None else event.order, event.session_id)
        first[event.user_id] = min(place, first.get(event.user_id, place))
    return [(user, item) for user, (_, _, session) in first.items() for item in items[user, session]]


def given_pairs(fit: Dataset, wanted: Sequence[Pair], masked: Sequence[Pair], items: Mask | None = None) -> Split:
    """Train and test are sets of pairs that somebody published; the history is what `fit` holds of the user.

    Every user of `wanted` is judged, also without history. Pairs that are masked too, or outside `items`, are
    no targets. Raises InvalidData for an item that is not in the catalogue.
    """
    users = Vocabulary.hashed(user for user, _ in wanted)
    targets = _targets_of_pairs(fit, users, wanted)
    hidden = _targets_of_pairs(fit, users, (pair for pair in masked if pair[0] in users))
    candidates = _everything(fit) if items is None else items
    rows = fit.users.rows(users)
    past = Past.of(fit, np.ones(len(fit), bool)).take(rows)
    targets = targets.where(candidates[targets.rows])
    return _judged(Split(fit, rows, past, targets, hidden, candidates), needs_history=False)


def given_rows(fit: Dataset, rows: Sequence[Row], terms: Terms = STRICT) -> Split:
    """Histories and targets as given, one question a row; people may be unknown to `fit` and occur twice.

    Raises InvalidData for an item that is not in the catalogue.
    """
    history = [_rows_of(fit, row.history) for row in rows]
    past = Past(
        indptr=pointers([len(items) for items in history]),
        rows=np.concatenate([np.zeros(0, np.int32), *history]),
        weights=np.ones(sum(map(len, history)), np.float32),
        at=np.full(sum(map(len, history)), np.nan),
        now=np.full(len(rows), np.nan),
        comes=np.full(len(rows), np.nan),
    )
    wanted = [_rows_of(fit, row.targets) for row in rows]
    owners = np.repeat(np.arange(len(rows)), [len(items) for items in wanted])
    targets = Ragged.of_pairs(owners, np.concatenate([np.zeros(0, np.int32), *wanted]), len(rows))
    split = _asked(fit, past, targets, _everything(fit), terms)
    return _judged(replace(split, users=fit.users.rows(row.user_id for row in rows)), needs_history=False)


def _split(fit: Dataset, past: Past, targets: Ragged, candidates: Mask, terms: Terms) -> Split:
    """The users of `fit` who have a history and a target."""
    return _judged(_asked(fit, past, targets, candidates, terms), needs_history=True)


def _asked(fit: Dataset, past: Past, targets: Ragged, candidates: Mask, terms: Terms) -> Split:
    """All users, with the terms applied to what they may be shown."""
    masked = past.seen if terms.filter_history else Ragged.empty(len(past))
    about = _everything(fit) if terms.items is None else terms.items
    users = np.arange(len(past), dtype=np.int32)
    return Split(fit, users, past, targets.where(about[targets.rows]), masked, candidates & about)


def _judged(split: Split, *, needs_history: bool) -> Split:
    """Those of `split` with something left to find. Raises InvalidData if nobody is."""
    targets = split.targets.without(split.masked)
    enough = (targets.sizes > 0) & ((split.past.lengths > 0) | (not needs_history))
    if not enough.any():
        raise InvalidData(
            f"none of {len(split)} users can be judged: each needs an event before the cut and a new item "
            "after it; move the cut, or keep the history among the candidates"
        )
    return replace(split, targets=targets).take(np.flatnonzero(enough))


def _turns(data: Dataset) -> Pointers:
    """(E,) how many positive events the user has from this one on, it included."""
    from_here = np.append(np.cumsum(data.weights[::-1] > 0)[::-1], 0).astype(np.int64)
    after_user = from_here[data.indptr[1:]]
    turns: Pointers = from_here[:-1] - np.repeat(after_user, np.diff(data.indptr))
    return turns


def _before(data: Dataset, held: int) -> Mask:
    """(E,) events that lie before the user's positive event number `held`, counted from the end."""
    turns = _turns(data)
    before: Mask = (turns > held) | ((turns == held) & (data.weights <= 0))
    return before


def _last_of(data: Dataset, chosen: Mask) -> Mask:
    """(E,) the last of the chosen events of each user."""
    last = np.zeros(len(data), bool)
    places = np.flatnonzero(chosen)
    last[places[np.append(np.diff(data.user_rows[places]) > 0, True)[: len(places)]]] = True
    return last


def _first_of(data: Dataset, chosen: Mask) -> Pointers:
    """(U,) the first of the chosen events of each user, PAD without one."""
    first = np.full(len(data.users), PAD, np.int64)
    places = np.flatnonzero(chosen)
    users, where = np.unique(data.user_rows[places], return_index=True)
    first[users] = places[where]
    return first


def _targets(data: Dataset, wanted: Mask) -> Ragged:
    return Ragged.of_pairs(data.user_rows[wanted], data.item_rows[wanted], len(data.users))


def _targets_of_pairs(data: Dataset, users: Vocabulary, pairs: Iterable[Pair]) -> Ragged:
    """One list for each of `users`; pairs of other users are left out."""
    kept = [(users.row(user), item) for user, item in pairs]
    owners = np.fromiter((owner for owner, _ in kept), np.int64, len(kept))
    rows = _rows_of(data, [item for _, item in kept])
    return Ragged.of_pairs(owners[owners != PAD], rows[owners != PAD], len(users))


def _rows_of(data: Dataset, item_ids: Sequence[str]) -> Rows:
    rows = data.items.rows(item_ids)
    if (rows == PAD).any():
        unknown = item_ids[int(np.argmax(rows == PAD))]
        raise InvalidData(f"item {unknown!r} is not in the catalogue: the split belongs to other items")
    return rows


def _everything(data: Dataset) -> Mask:
    return np.ones(len(data.items), bool)
