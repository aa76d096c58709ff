"""The folds: what happened since the bundle was made, in the next answer.

A snapshot is the bundle plus the catalogue and trends as of a position in the two logs, immutable. Histories
are read from the log when asked. Trends are folded up to the last multiple of TREND_BLOCK events, so that a
snapshot is a function of its position alone and a list can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

import numpy as np
import scipy.sparse as sp

from zhiyin.bundle import Bundle
from zhiyin.data.dataset import DAY, Doubles, Floats, Mask
from zhiyin.data.signals import Signals
from zhiyin.data.store.protocols import Store
from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.encoders.base import documents, encode_items
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Arrivals, Batch, Model, best, history_batch
from zhiyin.models.meaning import Meaning
from zhiyin.models.popular import Popular
from zhiyin.models.propagation import text_neighbours
from zhiyin.models.quality import Quality
from zhiyin.models.words import Words
from zhiyin.ranking.fusion import Fusion
from zhiyin.types import AsOf, Event, Item, Query

HISTORY = 200  # newest events of a person that a list is made from
TREND_BLOCK = 64  # events
LATEST = 500  # items
SIMILAR = "similar"  # the scenario in which the past is silent
READERS = frozenset({"words", "meaning"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything but the person: rows are the bundle's, then items that came later."""

    bundle: Bundle
    vocabulary: Vocabulary
    items: Sequence[Item | None]  # by row; None where an item was deleted
    available: Mask  # by row
    published: Doubles  # by row: days since 1970 of publication, -inf where unknown
    models: dict[str, Model]
    fusion: Fusion
    as_of: AsOf
    trends_of: int  # events folded into `popular`

    @property
    def vectors(self) -> Floats:
        """(I, dim) unit rows of what was read."""
        return _readers(self.models)[1].vectors

    @property
    def latest(self) -> Rows:
        """The newest LATEST items that have a date of publication."""
        dated = np.flatnonzero(np.isfinite(self.published))
        return best(self.published[dated], LATEST, dated)

    def passing(self, test: Callable[[Item], bool]) -> Mask:
        """(I,) which items are there and pass."""
        return np.fromiter((item is not None and test(item) for item in self.items), bool, len(self.items))


@dataclass(frozen=True, slots=True)
class Asker:
    """One person's query as rows: the history with weights, what they typed, and what to leave out."""

    history: Batch
    events: tuple[Event, ...]
    seen: Rows  # rows of items in the history
    hidden: Rows  # rows the person does not want


class Live:
    """Tails the logs of one store for one bundle. Safe to share between threads."""

    def __init__(self, bundle: Bundle, store: Store, signals: Signals) -> None:
        self._store, self._signals = store, signals
        self._base = _first_snapshot(bundle, store)
        self._now = self._base
        self._lock = Lock()

    @property
    def folded(self) -> Snapshot:
        """The world as it was folded last, without a look at the logs."""
        return self._now

    def snapshot(self) -> Snapshot:
        """The world as of now; folds what is new first."""
        position = self._store.position()
        now = self._now
        if position == now.as_of:
            return now
        with self._lock:
            self._now = self._advanced(self._now, position)
            return self._now

    def at(self, as_of: AsOf) -> Snapshot:
        """The world as it was at a position, made again from the bundle and the logs."""
        return self._advanced(self._base, as_of)

    def asker(self, query: Query, snapshot: Snapshot, at: datetime) -> Asker:
        """What is known about who asks: the log as of the snapshot, then what the query itself says."""
        events = self._history(query, snapshot)
        rows = snapshot.vocabulary.rows(str(event.item_id) for event in events)
        weights = np.array([self._signals.weight(e.type, e.value) for e in events], np.float32)
        ages = np.array([_age(e, at) for e in events], np.float32)
        told = (*query.session, *query.like, *query.unlike)
        signs = [*[0.5] * len(query.session), *[1.0] * len(query.like), *[-1.0] * len(query.unlike)]
        rows = np.concatenate([rows, snapshot.vocabulary.rows(told)])
        weights = np.concatenate([weights, np.array(signs, np.float32)])
        ages = np.concatenate([ages, np.zeros(len(told), np.float32)])
        known = rows != PAD
        said = known & (weights != 0)
        return Asker(
            history_batch(rows[said], weights[said], ages[said]),
            tuple(events),
            seen=np.unique(rows[known]),
            hidden=np.unique(rows[known & (weights < 0)]),
        )

    def _history(self, query: Query, snapshot: Snapshot) -> list[Event]:
        if query.user_id is None or query.scenario == SIMILAR:  # like an item, whoever asks
            return []
        return self._store.history(query.user_id, limit=HISTORY, until=snapshot.as_of.event)

    def _advanced(self, snapshot: Snapshot, to: AsOf) -> Snapshot:
        if to.item > snapshot.as_of.item:
            snapshot = self._with_items(snapshot, to.item)
        block = to.event - to.event % TREND_BLOCK
        if block > snapshot.trends_of:
            snapshot = self._with_trends(snapshot, block)
        return replace(snapshot, as_of=to)

    def _with_items(self, snapshot: Snapshot, until: int) -> Snapshot:
        changes = self._store.item_changes(after=snapshot.as_of.item, until=until)
        newest = {change.item_id: change.item for change in changes}
        return _changed(snapshot, newest)

    def _with_trends(self, snapshot: Snapshot, block: int) -> Snapshot:
        popular = snapshot.models.get("popular")
        if not isinstance(popular, Popular):  # a zero-shot bundle has no trends
            return snapshot
        rows, weights, at = [], [], []
        for _, event in self._store.events(after=snapshot.trends_of, until=block):
            row = PAD if event.item_id is None else snapshot.vocabulary.row(event.item_id)
            weight = self._signals.weight(event.type, event.value)
            if row != PAD and weight > 0 and event.at is not None:
                rows.append(row)
                weights.append(weight)
                at.append(event.at.timestamp())
        trending = popular.with_events(
            np.array(rows, np.int32), np.array(weights, np.float32), np.array(at, np.float64)
        )
        return replace(snapshot, models={**snapshot.models, "popular": trending}, trends_of=block)


def _first_snapshot(bundle: Bundle, store: Store) -> Snapshot:
    """The bundle's rows with the catalogue as it is now; items the bundle does not know arrive at once."""
    story = bundle.manifest.data
    rows: list[Item | None] = [None] * len(bundle.items)
    later: dict[str, Item | None] = {}
    as_of = AsOf(0, store.position().item)
    for item in store.items():
        row = bundle.items.row(item.item_id)
        if row == PAD:
            later[item.item_id] = item
        else:
            rows[row] = item
    first = Snapshot(
        bundle=bundle,
        vocabulary=bundle.items,
        items=rows,
        available=_available(rows),
        published=_published(rows),
        models=dict(bundle.fitted.models),
        fusion=bundle.fitted.fusion,
        as_of=as_of,
        trends_of=story.last_event,
    )
    return _changed(first, later) if later else first


def _changed(snapshot: Snapshot, newest: dict[str, Item | None]) -> Snapshot:
    """The snapshot with these items new, replaced or deleted."""
    items = list(snapshot.items)
    arrived: list[Item] = []
    reworded: dict[int, Item] = {}
    for item_id, item in newest.items():
        row = snapshot.vocabulary.row(item_id)
        if row == PAD:
            arrived += [item] if item is not None else []
            continue
        before, items[row] = items[row], item
        if item is not None and (before is None or documents(before) != documents(item)):
            reworded[row] = item
    if reworded:
        snapshot = _reworded(snapshot, reworded)
    if arrived:
        snapshot = _extended(snapshot, arrived)
        items += arrived
    return replace(snapshot, items=items, available=_available(items), published=_published(items))


def _available(items: Sequence[Item | None]) -> Mask:
    return np.fromiter((item is not None and item.available for item in items), bool, len(items))


def _published(items: Sequence[Item | None]) -> Doubles:
    days = (
        -np.inf if item is None or item.published_at is None else item.published_at.timestamp() / DAY
        for item in items
    )
    return np.fromiter(days, np.float64, len(items))


def _extended(snapshot: Snapshot, arrived: Sequence[Item]) -> Snapshot:
    """Rows for new items: the readers read them, the others lend them their text neighbours' scores."""
    words, meaning = _readers(snapshot.models)
    vectors = encode_items(meaning.encoder, arrived)
    n_before = len(snapshot.vocabulary)
    unfinished = Arrivals(arrived, vectors, near=sp.csr_array((len(arrived), n_before), dtype=np.float32))
    words, meaning = words.extended(unfinished), meaning.extended(unfinished)
    later = np.arange(n_before, n_before + len(arrived), dtype=np.int32)
    warm = np.flatnonzero(~snapshot.fusion.cold).astype(np.int32)
    arrivals = replace(unfinished, near=text_neighbours(words, meaning, later, warm)[:, :n_before])
    models = {name: model.extended(arrivals) for name, model in snapshot.models.items() if name not in READERS}
    return replace(
        snapshot,
        vocabulary=snapshot.vocabulary.extended(item.item_id for item in arrived),
        models=_in_order(snapshot.models, {**models, "words": words, "meaning": meaning}),
        fusion=snapshot.fusion.extended(len(arrived)),
    )


def _reworded(snapshot: Snapshot, reworded: Mapping[int, Item]) -> Snapshot:
    """The same rows with new texts."""
    rows, items = np.fromiter(reworded, np.int32), list(reworded.values())
    words, meaning = _readers(snapshot.models)
    words, meaning = words.reworded(rows, items), meaning.reworded(rows, encode_items(meaning.encoder, items))
    models: dict[str, Model] = {**snapshot.models, "words": words, "meaning": meaning}
    quality = models.get("quality")
    if isinstance(quality, Quality):
        models["quality"] = replace(quality, meaning=meaning)
    return replace(snapshot, models=models)


def _readers(models: Mapping[str, Model]) -> tuple[Words, Meaning]:
    words, meaning = models["words"], models["meaning"]
    if not (isinstance(words, Words) and isinstance(meaning, Meaning)):
        raise BrokenBundle(
            "a bundle needs the channels words and meaning: take them out of recipe.off, train again"
        )
    return words, meaning


def _in_order(before: Mapping[str, Model], after: dict[str, Model]) -> dict[str, Model]:
    return {name: after[name] for name in before}


def _age(event: Event, at: datetime) -> float:
    """Days from the event to `at`; 0 where unknown."""
    return max((at - event.at).total_seconds() / DAY, 0.0) if event.at is not None else 0.0
