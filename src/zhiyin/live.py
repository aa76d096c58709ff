"""The folds: what happened since the bundle was made, in the next answer.

A snapshot is the bundle plus the catalogue, trends and beliefs as of a position in the two logs, immutable.
Histories are read from the log when asked. A snapshot is a function of its position alone, to the last bit, in
however many steps it came there, so that a list can be replayed: trends and beliefs are folded in blocks of
TREND_BLOCK events, also for items that are not there yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from threading import Lock

import numpy as np

from zhiyin.bundle import Bundle
from zhiyin.data.answers import Answer
from zhiyin.data.dataset import DAY, Floats
from zhiyin.data.signals import Signals
from zhiyin.data.store.codec import micros
from zhiyin.data.store.protocols import Store, Taken
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.data.written import Written, written_among
from zhiyin.encoders.pair import NOT_ASKED, Listen, Reading, nobody_listens
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Batch, history_batch
from zhiyin.models.clicks import Clicks
from zhiyin.models.popular import Popular
from zhiyin.outcomes import OTHERS, Asked, Believer, OutcomeFold, joined
from zhiyin.profile.background import Background, background
from zhiyin.profile.edits import EDITS, Said, standing
from zhiyin.profile.traits import READ
from zhiyin.questions import Questions
from zhiyin.snapshot import Snapshot, changed, first_snapshot, readers
from zhiyin.types import SIMILAR, AsOf, Event, Item, Query

MINE = 200  # newest answers of a person to lists
HISTORY = 200  # newest events of a person that a list is made from
ITEMS_AT_ONCE = 2_000  # so many more items make beliefs about texts one block older
SEEN = 5_000  # newest events of a person with a long history that say what they had already
TREND_BLOCK = 64  # events
OPINIONS = {
    "more": 1.0,
    "less": -1.0,
    "never": -1.0,
}  # of sentences, as likes and dislikes of what reads like them


@dataclass(frozen=True, slots=True)
class Asker:
    """One person's query as rows: the history with weights, what they typed, and what to leave out."""

    history: Batch
    seen: Rows  # rows of items in the history
    hidden: Rows  # rows the person does not want
    said: tuple[Said, ...] = ()  # what they say of their profile
    believer: Believer | None = None


class Live:
    """Tails the logs of one store for one bundle. Safe to share between threads."""

    def __init__(self, bundle: Bundle, store: Store, signals: Signals, listen: Listen = nobody_listens) -> None:
        """`listen`: how an endpoint reads what is typed."""
        self._store, self._signals, self._listen = store, signals, listen
        self._base = first_snapshot(bundle, store)  # as of the bundle's own position
        self._now, self._fold = self._base, self._new_fold()
        self._lock = Lock()
        self._questions: Questions | None = None
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
            self._now = self._advanced(self._now, self._store.position(), self._fold)
            return self._now

    def at(self, as_of: AsOf, *, believing: bool = True) -> Snapshot:
        """The world as it was at a position, made again from bundle and logs. Without `believing` nobody has
        answered to a list yet, which saves reading all answers."""
        return self._advanced(self._base, as_of, self._new_fold() if believing else None)

    def background(self, snapshot: Snapshot) -> Background:
        """What people's profiles are held against; made again when the catalogue has changed."""
        kept = self._background
        if kept is None or kept[0] is not snapshot.items:
            kept = self._background = snapshot.items, background(snapshot.items, snapshot.vocabulary.keys)
        return kept[1]

    def questions(self) -> Questions:
        """What the bundle may ask; looked for once."""
        if self._questions is None:
            self._questions = Questions.of(self._base)
        return self._questions

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
        meant = (rows != PAD) & (weights != 0)  # what was only shown says nothing
        newest = np.flatnonzero(meant)[-HISTORY - len(told) :]
        history = history_batch(
            rows[newest].tolist(),
            weights[newest].tolist(),
            ages[newest].tolist(),
            now=at.timestamp(),
            context=query.context,
        )
        said = self._said(query, snapshot)
        return Asker(
            replace(history, written=self._written(query, snapshot, history.ages, now)),
            seen=np.unique(rows[meant]),
            hidden=np.unique(rows[meant & (weights < 0)]),
            said=said,
            believer=self._believer(query, snapshot, at, said),
        )

    @property
    def listens(self) -> bool:
        """Whether an endpoint may be asked."""
        return self._listen is not nobody_listens

    def reading(self, snapshot: Snapshot, text: str) -> Reading:
        """How an endpoint reads what was typed; it is not asked where it has not read the bundle's catalogue."""
        return self._listen(text) if readers(snapshot.models)[1].two else NOT_ASKED

    def wrote(self, user_id: str | None, snapshot: Snapshot) -> dict[str, str]:
        """What the person wrote about items lately, by item id: their reviews."""
        events = self._store.history(user_id, limit=HISTORY, until=snapshot.as_of.event) if user_id else []
        return {event.item_id: event.text for event in events if event.item_id and event.text}

    def _said(self, query: Query, snapshot: Snapshot) -> tuple[Said, ...]:
        """What stands of what the person said of their profile."""
        if query.user_id is None or query.scenario == SIMILAR:
            return ()
        return standing(self._store.said(query.user_id, "edit", limit=EDITS, until=snapshot.as_of.event))

    def _believer(self, query: Query, snapshot: Snapshot, at: datetime, said: tuple[Said, ...]) -> Believer | None:
        """What is believed for them, after what they answered to lists and said of themselves."""
        beliefs = snapshot.beliefs
        if beliefs is None or query.scenario == SIMILAR:
            return None
        log, mine = self._store.answers, list[Answer]()
        if query.user_id is not None:
            mine = log.of(query.user_id, limit=MINE, until=snapshot.as_of.event)
        encoder = readers(snapshot.models)[1].encoder
        sentences = [one for one in said if one.trait.field in READ and one.stance in OPINIONS]
        texts = encoder.encode([one.trait.value for one in sentences]) if sentences else None
        asked = Asked(snapshot.vocabulary, self._signals, at.timestamp())
        person = beliefs.person(list(joined(iter(mine), log, OTHERS)), asked)
        if texts is not None:
            person = beliefs.told(person, texts, np.array([OPINIONS[one.stance] for one in sentences]))
        return Believer(beliefs, person)

    def _new_fold(self) -> OutcomeFold | None:
        model = self._base.bundle.fitted.belief
        return None if model is None else OutcomeFold(model, self._signals, self._store.answers)

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

    def _advanced(self, snapshot: Snapshot, to: AsOf, fold: OutcomeFold | None) -> Snapshot:
        if to.item > snapshot.as_of.item:
            snapshot = self._with_items(snapshot, to.item)
        block = to.event - to.event % TREND_BLOCK
        if block > snapshot.trends_of:
            snapshot = self._with_trends(snapshot, block)
        return replace(_with_beliefs(snapshot, block, fold), as_of=to)

    def _with_items(self, snapshot: Snapshot, until: int) -> Snapshot:
        changes = self._store.item_changes(after=snapshot.as_of.item, until=until)
        newest = {change.item_id: change.item for change in changes}
        return changed(snapshot, newest)

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


def _with_beliefs(snapshot: Snapshot, until: int, fold: OutcomeFold | None) -> Snapshot:
    """The belief about texts is made anew the more seldom the more items there are: it looks at all of them."""
    beliefs = snapshot.beliefs
    if beliefs is None or fold is None or until <= beliefs.position:
        return snapshot
    every = TREND_BLOCK * max(1, len(snapshot.fitted) // ITEMS_AT_ONCE)
    return replace(snapshot, beliefs=beliefs.after(fold, until, snapshot.vocabulary, every))
