"""The folds: what happened since the bundle was made, in the next answer.

A snapshot is the bundle plus the catalogue and trends as of a position in the two logs, immutable. Histories
are read from the log when asked. A snapshot is a function of its position alone, to the last bit, in however
many steps it came there, so that a list can be replayed: trends are folded in blocks of TREND_BLOCK events, also
for items that are not there yet; items are read one by one, and scored through their text neighbours as the bundle
knows those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from threading import Lock

import numpy as np
import scipy.sparse as sp

from zhiyin.bundle import Bundle
from zhiyin.data.columns import availability, publication_days, read_of, with_values
from zhiyin.data.cycles import uncollected
from zhiyin.data.dataset import DAY, Doubles, Floats, Mask
from zhiyin.data.signals import Signals
from zhiyin.data.store.codec import micros
from zhiyin.data.store.protocols import Store, Taken
from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.data.written import Written, written_among
from zhiyin.encoders.base import encode_items
from zhiyin.encoders.pair import NOT_ASKED, Listen, Reading, nobody_listens
from zhiyin.encoders.remembering import Remembering
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Arrivals, Batch, Model, best, history_batch
from zhiyin.models.clicks import Clicks
from zhiyin.models.context import Context
from zhiyin.models.factors import Factors
from zhiyin.models.graph import Graph
from zhiyin.models.meaning import Meaning
from zhiyin.models.neighbours import Neighbours
from zhiyin.models.popular import Popular
from zhiyin.models.propagation import text_neighbours
from zhiyin.models.quality import Quality
from zhiyin.models.reader import Reader
from zhiyin.models.sequence import Sequence as SequenceChannel
from zhiyin.models.vectors import Vectors
from zhiyin.models.words import Words
from zhiyin.profile.background import Background, background
from zhiyin.profile.edits import EDITS, Said, standing
from zhiyin.ranking.fusion import Fusion
from zhiyin.types import AsOf, Event, Item, Query

HISTORY = 200  # newest events of a person that a list is made from
SEEN = 5_000  # newest events of a person with a long history that say what they had already
TREND_BLOCK = 64  # events
LATEST = 500  # items
SIMILAR = "similar"  # the scenario in which the past is silent


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
    strangers: Mapping[str, float]  # counts of the same trends for items that are not there yet
    fitted: Sequence[Item | None]  # by the bundle's row, as it read them

    @property
    def vectors(self) -> Floats:
        """(I, dim) unit rows of what was read."""
        return _readers(self.models)[1].vectors

    @property
    def latest(self) -> Rows:
        """The newest LATEST available items that have a date of publication."""
        dated = np.flatnonzero(np.isfinite(self.published) & self.available)
        return best(self.published[dated], LATEST, dated)

    def passing(self, test: Callable[[Item], bool]) -> Mask:
        """(I,) which items are there and pass."""
        return np.fromiter((item is not None and test(item) for item in self.items), bool, len(self.items))


@dataclass(frozen=True, slots=True)
class Asker:
    """One person's query as rows: the history with weights, what they typed, and what to leave out."""

    history: Batch
    seen: Rows  # rows of items in the history
    hidden: Rows  # rows the person does not want
    said: tuple[Said, ...] = ()  # what they say of their profile


class Live:
    """Tails the logs of one store for one bundle. Safe to share between threads."""

    def __init__(self, bundle: Bundle, store: Store, signals: Signals, listen: Listen = nobody_listens) -> None:
        """`listen`: how an endpoint reads what is typed."""
        self._store, self._signals, self._listen = store, signals, listen
        self._base = _first_snapshot(bundle, store)  # as of the bundle's own position
        self._now = self._base
        self._lock = Lock()
        self._background: tuple[Sequence[Item | None], Background] | None = None  # of these items

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
            self._now = self._advanced(self._now, self._store.position())
            return self._now

    def at(self, as_of: AsOf) -> Snapshot:
        """The world as it was at a position, made again from the bundle and the logs."""
        return self._advanced(self._base, as_of)

    def background(self, snapshot: Snapshot) -> Background:
        """What people's profiles are held against; made again when the catalogue has changed."""
        kept = self._background
        if kept is None or kept[0] is not snapshot.items:
            kept = self._background = snapshot.items, background(snapshot.items, snapshot.vocabulary.keys)
        return kept[1]

    def asker(self, query: Query, snapshot: Snapshot, at: datetime) -> Asker:
        """What is known about who asks: the log as of the snapshot, then what the query itself says."""
        events, now = self._history(query, snapshot), micros(at)
        rows = snapshot.vocabulary.rows(event.item_id for event in events)
        weights = np.array([self._signals.weight(e.type, e.value) for e in events], np.float32)
        ages = np.array([0.0 if e.at is None else (now - e.at) / 1e6 / DAY for e in events], np.float32)
        told = (*query.session, *query.like, *query.unlike)
        signs = [*[0.5] * len(query.session), *[1.0] * len(query.like), *[-1.0] * len(query.unlike)]
        rows = np.concatenate([rows, snapshot.vocabulary.rows(told)])
        weights = np.concatenate([weights, np.array(signs, np.float32)])
        ages = np.concatenate([np.maximum(ages, 0.0), np.zeros(len(told), np.float32)])
        said = (rows != PAD) & (weights != 0)  # what was only shown says nothing
        newest = np.flatnonzero(said)[-HISTORY - len(told) :]
        history = history_batch(
            rows[newest].tolist(),
            weights[newest].tolist(),
            ages[newest].tolist(),
            now=at.timestamp(),
            context=query.context,
        )
        return Asker(
            replace(history, written=self._written(query, snapshot, history.ages, now)),
            seen=np.unique(rows[said]),
            hidden=np.unique(rows[said & (weights < 0)]),
            said=self._said(query, snapshot),
        )

    @property
    def listens(self) -> bool:
        """Whether an endpoint may be asked."""
        return self._listen is not nobody_listens

    def reading(self, snapshot: Snapshot, text: str) -> Reading:
        """How an endpoint reads what was typed; it is not asked where it has not read the bundle's catalogue."""
        return self._listen(text) if _readers(snapshot.models)[1].two else NOT_ASKED

    def wrote(self, user_id: str | None, snapshot: Snapshot) -> dict[str, str]:
        """What the person wrote about items lately, by item id: their reviews."""
        events = self._store.history(user_id, limit=HISTORY, until=snapshot.as_of.event) if user_id else []
        return {event.item_id: event.text for event in events if event.item_id and event.text}

    def _said(self, query: Query, snapshot: Snapshot) -> tuple[Said, ...]:
        """What stands of what the person said of their profile."""
        if query.user_id is None or query.scenario == SIMILAR:
            return ()
        return standing(self._store.said(query.user_id, "edit", limit=EDITS, until=snapshot.as_of.event))

    def _written(self, query: Query, snapshot: Snapshot, ages: Floats, now: int) -> Written:
        """What the person wrote, where a channel reads that; beside entries of so many days."""
        clicks = snapshot.models.get("clicks")
        silent = query.user_id is None or query.scenario == SIMILAR
        if silent or not (isinstance(clicks, Clicks) and clicks.most):
            return Written.nothing()
        events = self._store.written(query.user_id or "", limit=clicks.most, until=snapshot.as_of.event)
        signs = [-1.0 if self._signals.weight(event.type, event.value) < 0 else 1.0 for event in events]
        days = [0.0 if event.at is None else (now - micros(event.at)) / 1e6 / DAY for event in events]
        return written_among(ages, [event.text or "" for event in events], days, signs)

    def _history(self, query: Query, snapshot: Snapshot) -> list[Taken]:
        if query.user_id is None or query.scenario == SIMILAR:  # like an item, whoever asks
            return []
        until = snapshot.as_of.event
        newest = self._store.taken(query.user_id, limit=HISTORY, until=until)
        return newest if len(newest) < HISTORY else self._store.taken(query.user_id, limit=SEEN, until=until)

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

    def _with_trends(self, snapshot: Snapshot, until: int) -> Snapshot:
        if "popular" not in snapshot.models:  # a zero-shot bundle has no trends
            return snapshot
        events = self._store.events(after=snapshot.trends_of, until=until)
        for _, block in groupby(events, key=lambda numbered: (numbered[0] - 1) // TREND_BLOCK):
            snapshot = self._with_block(snapshot, [event for _, event in block])
        return replace(snapshot, trends_of=until)

    def _with_block(self, snapshot: Snapshot, events: Sequence[Event]) -> Snapshot:
        """One block of events in the trends; items without a row are counted by their ids."""
        popular, n = snapshot.models["popular"], len(snapshot.vocabulary)
        if not isinstance(popular, Popular):
            raise BrokenBundle(f"the channel popular is a {type(popular).__name__}: train again")
        place = {id_: n + number for number, id_ in enumerate(snapshot.strangers)}
        rows, weights, at = [], [], []
        for event in events:
            weight = self._signals.weight(event.type, event.value)
            if event.item_id is not None and event.at is not None and weight > 0:
                row = snapshot.vocabulary.row(event.item_id)
                rows.append(row if row != PAD else place.setdefault(event.item_id, n + len(place)))
                weights.append(weight)
                at.append(event.at.timestamp())
        before = np.array([snapshot.strangers.get(id_, 0.0) for id_ in place])
        after = replace(popular, counts=np.append(popular.counts, before)).with_events(
            np.array(rows, np.int32), np.array(weights, np.float32), np.array(at, np.float64)
        )
        return replace(
            snapshot,
            models={**snapshot.models, "popular": replace(after, counts=after.counts[:n])},
            strangers=dict(zip(place, after.counts[n:].tolist(), strict=True)),
        )


def _first_snapshot(bundle: Bundle, store: Store) -> Snapshot:
    """The bundle's rows with the catalogue as it was when the bundle was made."""
    story = bundle.manifest.data
    with uncollected():
        then = {change.item_id: change.item for change in store.newest_changes(until=story.last_item)}
    items = [then.get(id_) for id_ in bundle.items]
    return Snapshot(
        bundle=bundle,
        vocabulary=bundle.items,
        items=items,
        available=availability(items),
        published=publication_days(items),
        models=_remembering(bundle.fitted.models),
        fusion=bundle.fitted.fusion,
        as_of=AsOf(0, story.last_item),
        trends_of=story.last_event,
        strangers={},
        fitted=items,
    )


def _remembering(models: Mapping[str, Model]) -> dict[str, Model]:
    """The models that read while somebody waits with one encoder that remembers what it read last; others as they
    are."""
    encoder = Remembering(_readers(models)[1].encoder)
    return {
        name: replace(model, encoder=encoder) if isinstance(model, Meaning | Clicks) else model
        for name, model in models.items()
    }


def _changed(snapshot: Snapshot, newest: Mapping[str, Item | None]) -> Snapshot:
    """The snapshot with these items new, replaced or deleted. What was deleted keeps its row and no text, also
    when it was never here in between: rows are numbered by first mention in the log."""
    items, touched = list(snapshot.items), list[int]()
    arrived: list[Item] = []
    reworded: dict[int, Item] = {}
    for item_id, item in newest.items():
        row = snapshot.vocabulary.row(item_id)
        told = item or Item(item_id)
        if row == PAD:
            items.append(item)
            arrived.append(told)
            continue
        before, items[row] = items[row] or Item(item_id), item
        touched.append(row)
        if read_of(before) != read_of(told):
            reworded[row] = told
    if reworded:
        snapshot = _reworded(snapshot, reworded)
    if arrived:
        snapshot = _extended(snapshot, arrived)
    changed = [*touched, *range(len(snapshot.available), len(items))]
    return replace(
        snapshot,
        items=items,
        available=with_values(snapshot.available, changed, availability([items[row] for row in changed])),
        published=with_values(snapshot.published, changed, publication_days([items[row] for row in changed])),
    )


def _extended(snapshot: Snapshot, arrived: Sequence[Item]) -> Snapshot:
    """Rows for new items: the readers read them, the others lend them their text neighbours' scores."""
    arrivals = _arrivals(snapshot, arrived)
    _, meaning = _readers(snapshot.models)
    meaning = meaning.extended(arrivals)
    models: dict[str, Model] = {}
    for name, model in snapshot.models.items():
        if isinstance(model, Meaning | Quality):  # one reading for both
            models[name] = meaning if isinstance(model, Meaning) else model.beside(meaning)
        else:
            models[name] = model.extended(arrivals)
    strangers, popular = dict(snapshot.strangers), models.get("popular")
    if isinstance(popular, Popular):
        counts = popular.counts.copy()
        counts[-len(arrived) :] = [strangers.pop(item.item_id, 0.0) for item in arrived]
        models["popular"] = replace(popular, counts=counts)
    return replace(
        snapshot,
        vocabulary=snapshot.vocabulary.extended(item.item_id for item in arrived),
        models=models,
        fusion=snapshot.fusion.extended(len(arrived)),
        strangers=strangers,
    )


def _arrivals(snapshot: Snapshot, arrived: Sequence[Item]) -> Arrivals:
    """What the channels need of items that the bundle does not know; `near` as the bundle read its own."""
    words, meaning = _readers(snapshot.bundle.fitted.models)
    n = len(snapshot.bundle.items)
    vectors = meaning.joined(np.concatenate([encode_items(meaning.encoder, [item]) for item in arrived]))
    blind = Arrivals(arrived, vectors, near=sp.csr_array((len(arrived), n), dtype=np.float32))
    words, meaning = words.extended(blind), meaning.extended(blind)
    later = np.arange(n, n + len(arrived), dtype=np.int32)
    warm = np.flatnonzero(~snapshot.fusion.cold).astype(np.int32)
    if not len(warm):  # of a zero-shot bundle, whose items are all as good as each other
        warm = np.arange(n, dtype=np.int32)
    return replace(blind, near=text_neighbours(words, meaning, later, warm, at_once=1)[:, :n])


def _reworded(snapshot: Snapshot, reworded: Mapping[int, Item]) -> Snapshot:
    """The same rows with new texts; those that the bundle does not know get new neighbours too."""
    rows, items = np.fromiter(reworded, np.int32), list(reworded.values())
    arrivals = _arrivals(snapshot, items)
    words, meaning = _readers(snapshot.models)
    words, meaning = words.reworded(rows, items), meaning.reworded(rows, arrivals.vectors)
    again = _as_fitted(snapshot, reworded)
    origin = snapshot.bundle.fitted.models
    meaning = meaning.with_rows_of(_readers(origin)[1], again)
    models: dict[str, Model] = {**snapshot.models, "words": words, "meaning": meaning}
    later = rows >= len(snapshot.bundle.items)
    for name, model in models.items():
        if isinstance(model, Quality):
            models[name] = model.beside(meaning)
        if isinstance(model, Vectors | Reader | Clicks):
            models[name] = model.read_again(rows, arrivals).with_rows_of(origin[name], again)
        if isinstance(model, SequenceChannel) and later.any():
            models[name] = model.read_again(rows[later], arrivals.vectors[later])
        if isinstance(model, Neighbours | Factors | Graph | Context) and later.any():
            models[name] = model.borrowed_again(rows[later], arrivals.near[later])
    return replace(snapshot, models=models)


def _as_fitted(snapshot: Snapshot, reworded: Mapping[int, Item]) -> Rows:
    """Of these rows those that say again what the bundle read: it read them together, which differs in the last
    bit."""
    n = len(snapshot.fitted)
    back = [row for row, item in reworded.items() if row < n and read_of(_told(snapshot, row)) == read_of(item)]
    return np.array(back, np.int32)


def _told(snapshot: Snapshot, row: int) -> Item:
    return snapshot.fitted[row] or Item(snapshot.vocabulary[row])


def _readers(models: Mapping[str, Model]) -> tuple[Words, Meaning]:
    words, meaning = models["words"], models["meaning"]
    if not (isinstance(words, Words) and isinstance(meaning, Meaning)):
        raise BrokenBundle(
            "a bundle needs the channels words and meaning: take them out of recipe.off, train again"
        )
    return words, meaning
