"""A frozen view of the past, as arrays: what every channel is fitted on.

Events lie user by user, oldest first, so a history is a slice. Time is float64 epoch seconds, NaN where the
source had none; then `order` is the only order, and `timed` says whether ages mean anything.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.circumstances import ContextColumns, ContextField
from zhiyin.data.shown import Shown
from zhiyin.data.signals import Signals
from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.data.written import Log, NoteColumns, Notes
from zhiyin.types import EVENT_TYPES, Event, Item, Relation

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DAY = 86_400.0  # seconds
NEARLY_ALL = 0.9  # of the events: those without a time or order count as older than the others
TYPE_CODE = {name: code for code, name in enumerate(EVENT_TYPES)}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Items, users and their events. Rows of events to items outside the catalogue are left out and counted."""

    items: Vocabulary
    users: Vocabulary
    catalogue: Sequence[Item]  # by item row
    relations: Sequence[Relation]
    indptr: npt.NDArray[np.int64]  # (U + 1,): events of user u are indptr[u]:indptr[u + 1]
    item_rows: Rows  # (E,)
    weights: Floats  # (E,) signed, see signals
    types: npt.NDArray[np.uint8]  # (E,) index into EVENT_TYPES
    values: Floats  # (E,) NaN where none
    at: Doubles  # (E,) epoch seconds, NaN where none
    until: float  # epoch seconds of the newest event; 0 without times
    last_event: int = 0  # position in the event log up to which this view sees
    n_unknown: int = 0  # events left out because their item is not in the catalogue
    ordered: bool = True  # NEARLY_ALL events have a time or an order; else a history is a set in any order
    context: tuple[ContextField, ...] = ()  # named fields of the events' context that few values fill
    time_zone: str = "UTC"  # of the shop's clock
    notes: Notes = field(default_factory=Notes.none)  # what people wrote, beside the events
    shown: Shown = field(default_factory=Shown.nothing)  # lists that were shown, and what came of them

    def __len__(self) -> int:
        return len(self.item_rows)

    @property
    def user_rows(self) -> Rows:
        """(E,) the user of each event."""
        return np.repeat(np.arange(len(self.users), dtype=np.int32), np.diff(self.indptr))

    @property
    def timed(self) -> bool:
        """Whether most events have a time, so that ages in days can be used."""
        return len(self) > 0 and bool(np.isfinite(self.at).mean() > 0.5)

    @property
    def support(self) -> npt.NDArray[np.int64]:
        """(I,) number of positive events of each item."""
        return np.bincount(self.item_rows[self.weights > 0], minlength=len(self.items))

    @property
    def repeat_share(self) -> float:
        """Of the positive events, the share by which a person did with an item what they had done before."""
        liked = self.weights > 0
        if not liked.any():
            return 0.0
        deeds = np.stack([self.user_rows[liked], self.item_rows[liked], self.types[liked].astype(np.int32)])
        return 1.0 - np.unique(deeds, axis=1).shape[1] / int(liked.sum())

    def ages(self) -> Doubles:
        """(E,) days before the newest event; 0 where there is no time."""
        return np.nan_to_num((self.until - self.at) / DAY, nan=0.0)

    def interactions(self) -> sp.csr_array:
        """(U, I) float32: 1 where the user's events with the item sum to a positive weight."""
        summed = sp.csr_array(
            (self.weights, (self.user_rows, self.item_rows)), shape=(len(self.users), len(self.items))
        )
        summed.data = (summed.data > 0).astype(np.float32)
        summed.eliminate_zeros()
        return summed

    def keep(self, mask: Mask) -> Dataset:
        """The same items and users with only the events where `mask` (E,) is true."""
        counts = np.bincount(self.user_rows[mask], minlength=len(self.users))
        at = self.at[mask]
        until = float(np.nanmax(at)) if np.isfinite(at).any() else 0.0
        liked = mask & (self.weights > 0)
        return replace(
            self,
            indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            item_rows=self.item_rows[mask],
            weights=self.weights[mask],
            types=self.types[mask],
            values=self.values[mask],
            at=at,
            until=until,
            context=tuple(one.take(mask) for one in self.context),
            notes=self.notes.at(np.flatnonzero(mask)),
            shown=self.shown.known(self.user_rows[liked], self.item_rows[liked], until),
        )


def build_dataset(
    items: Iterable[Item],
    events: Iterable[Event],
    *,
    relations: Iterable[Relation] = (),
    signals: Signals | None = None,
    last_event: int = 0,
    time_zone: str = "UTC",
) -> Dataset:
    """The dataset of these items and events. Events without an item (searches) are not part of it."""
    signals = signals or Signals()
    by_id = {item.item_id: item for item in items}
    vocabulary = Vocabulary.hashed(by_id)
    columns = EventColumns()
    for event in events:
        columns.add(event, vocabulary, signals)
    data = columns.dataset(vocabulary, [by_id[id_] for id_ in vocabulary], tuple(relations), last_event)
    return replace(data, time_zone=time_zone)


class EventColumns:
    """Events on their way into arrays: append one by one, then sort by user and time. 56 bytes an event."""

    def __init__(self) -> None:
        self._users: dict[str, int] = {}
        self._user = array("q")
        self._item = array("q")
        self._numbers = array("d")  # weight, type, value, at, order of each event
        self._context = ContextColumns()
        self._notes = NoteColumns()
        self._unknown = 0
        self._unordered = 0

    def add(self, event: Event, items: Vocabulary, signals: Signals) -> None:
        if event.item_id is None:
            self._notes.add(event, PAD, len(self._item))
            return
        row = items.row(event.item_id)
        if row == PAD:
            self._unknown += 1
            return
        self._user.append(self._users.setdefault(event.user_id, len(self._users)))
        self._item.append(row)
        self._notes.add(event, len(self._item) - 1, len(self._item))
        self._context.add(event.context)
        self._unordered += event.at is None and event.order is None
        nan = float("nan")
        self._numbers.extend(
            (
                signals.weight(event.type, event.value),
                TYPE_CODE[event.type],
                nan if event.value is None else event.value,
                nan if event.at is None else event.at.timestamp(),
                len(self._item) if event.order is None else event.order,
            )
        )

    def dataset(
        self, items: Vocabulary, catalogue: Sequence[Item], relations: Sequence[Relation], last_event: int
    ) -> Dataset:
        users = Vocabulary.hashed(self._users)
        numbers = np.frombuffer(self._numbers, np.float64).reshape(-1, 5)
        user_rows = users.rows(self._users)[np.frombuffer(self._user, np.int64)]
        at, order = numbers[:, 3], numbers[:, 4]
        place = np.lexsort((order, np.where(np.isfinite(at), at, -np.inf), user_rows))
        counts = np.bincount(user_rows, minlength=len(users))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        weights = numbers[place, 0].astype(np.float32)
        known = np.where(np.isfinite(at), at, -np.inf)[place]
        log = Log(indptr, known, order[place], weights, np.argsort(place))
        return Dataset(
            items=items,
            users=users,
            catalogue=catalogue,
            relations=relations,
            indptr=indptr,
            item_rows=np.frombuffer(self._item, np.int64)[place].astype(np.int32),
            weights=weights,
            types=numbers[place, 1].astype(np.uint8),
            values=numbers[place, 2].astype(np.float32),
            at=at[place],
            until=float(np.nanmax(at)) if np.isfinite(at).any() else 0.0,
            last_event=last_event,
            n_unknown=self._unknown,
            ordered=len(self._item) - self._unordered >= NEARLY_ALL * len(self._item),
            context=self._context.fields(place),
            notes=self._notes.notes(users.rows(self._notes.who), log),
        )
