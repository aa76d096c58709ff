"""What a store can do, as four small protocols; `Store` is one object that has them all.

Two logs are the truth: the event log and the catalogue's log of changes, both append-only with sequence
numbers. The current catalogue is a fold of its log. Recommendations are rows. Publications say which bundle
is live. Every write is durable when the call returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from zhiyin.data.answers import AnswerLog
from zhiyin.types import (
    AsOf,
    Event,
    EventType,
    Item,
    ItemLabel,
    LabelExample,
    Recommendation,
    Relation,
    User,
)


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: `stored` + `duplicates` = the number handed in."""

    stored: int
    duplicates: int
    last: int  # sequence number of the newest event in the log


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One entry of the catalogue's log: the item as it became, or None when it was deleted."""

    seq: int
    item_id: str
    item: Item | None


@dataclass(frozen=True, slots=True)
class Publication:
    """A bundle went live."""

    seq: int
    bundle: str
    at: datetime
    reason: str  # published | rolled back


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed for one person, by table."""

    events: int
    recommendations: int
    user: int
    aliases: int
    examples: int = 0  # of label models, whose text is that of an event of theirs


class Taken(NamedTuple):
    """What a list needs to know of an event of a history."""

    item_id: str
    type: EventType
    value: float | None
    at: int | None  # microseconds since 1970


class EventLog(Protocol):
    """Append-only truth about behaviour."""

    def append(self, events: Sequence[Event]) -> Appended:
        """Store a batch in one transaction. Events already stored (same event_id, or the same content
        without one) are skipped and counted."""
        ...

    def append_each(self, batches: Sequence[Sequence[Event]]) -> list[Appended]:
        """`append` for several callers in one transaction: what became of each batch."""
        ...

    def history(self, user_id: str, *, limit: int, until: int | None = None) -> list[Event]:
        """The newest `limit` events with an item of a person (all merged ids), oldest first.
        `until`: only events with a sequence number up to this one."""
        ...

    def taken(self, user_id: str, *, limit: int, until: int | None = None) -> list[Taken]:
        """The same events as `history`, of which only this is read: lists are made while somebody waits."""
        ...

    def said(self, user_id: str, type_: EventType, *, limit: int, until: int | None = None) -> list[Event]:
        """The newest `limit` events without an item of one type (searches, edits) of a person (all merged ids), in
        the order of the log. `until`: as in `history`."""
        ...

    def written(self, user_id: str, *, limit: int, until: int | None = None) -> list[Event]:
        """The newest `limit` events with a text of a person (all merged ids), edits of a profile apart, in the
        order of the log. `until`: as in `history`."""
        ...

    def events(self, *, after: int = 0, until: int | None = None) -> Iterator[tuple[int, Event]]:
        """All events with after < seq <= until in the order of the log, streamed. User ids are the merged ones."""
        ...

    def events_of(self, item_ids: Sequence[str]) -> Iterator[Event]:
        """All events with any of these items, in the order of the log. User ids are the merged ones."""
        ...

    def last_event(self) -> int:
        """Sequence number of the newest event, 0 for an empty log."""
        ...


class Catalogue(Protocol):
    """Items, people and relations as they are now, and the log of how items changed."""

    def put_items(self, items: Sequence[Item]) -> int:
        """Insert or replace; unchanged items write nothing. Returns how many changed."""
        ...

    def put_labels(self, name: str, labels: Mapping[str, ItemLabel | None]) -> int:
        """What a label model says of items, by item id; None takes a label away. Returns how many items changed;
        those that are not there are passed over. Labels stay when the item is put in again."""
        ...

    def delete_items(self, item_ids: Sequence[str]) -> int: ...

    def item(self, item_id: str) -> Item | None: ...

    def items(self) -> Iterator[Item]:
        """All items, ordered by item_id."""
        ...

    def item_changes(self, *, after: int, until: int | None = None) -> Iterator[ItemChange]: ...

    def newest_changes(self, *, until: int) -> Iterator[ItemChange]:
        """The newest change of each item among those with a sequence number up to `until`, in the order of the
        log: the catalogue as it was then, with what was deleted by then."""
        ...

    def last_item(self) -> int:
        """Sequence number of the newest change of the catalogue, 0 for an empty one."""
        ...

    def put_users(self, users: Sequence[User]) -> int: ...

    def user(self, user_id: str) -> User | None: ...

    def users(self) -> Iterator[User]:
        """All people of whom something is known beside what they did, ordered by user_id."""
        ...

    def merge(self, alias: str, user_id: str) -> None:
        """From now on, events of `alias` (an anonymous session) are `user_id`'s. Chains are followed."""
        ...

    def resolve(self, user_id: str) -> str:
        """The person behind an id: itself, or what it was merged into."""
        ...

    def ids_of(self, user_id: str) -> list[str]:
        """All ids of the person behind an id, merged ones included, the person's own first."""
        ...

    def put_relations(self, relations: Sequence[Relation]) -> int: ...

    def relations(self) -> Iterator[Relation]: ...


class RecommendationLog(Protocol):
    """Every list as it was shown."""

    def log(self, recommendations: Sequence[Recommendation]) -> None: ...

    def recommendation(self, recommendation_id: str) -> Recommendation | None: ...

    def recommendations(self) -> Iterator[Recommendation]:
        """All of them, oldest first, streamed."""
        ...

    def recent(self, *, limit: int, user_id: str | None = None) -> list[Recommendation]:
        """Newest first."""
        ...


class LabelBook(Protocol):
    """What label models learn from, and what is answered to their labels."""

    def add(self, examples: Sequence[LabelExample]) -> int:
        """Append; what is there already from the same source is passed over. Returns how many were new."""
        ...

    def examples(self, name: str) -> Iterator[LabelExample]:
        """All of one model, oldest first, streamed."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Examples by the name of the model."""
        ...

    def put_answers(self, name: str, answers: Mapping[str, str]) -> None:
        """Answers by label, new or in place of what was answered before."""
        ...

    def answers(self, name: str) -> Mapping[str, str]: ...


class Store(EventLog, Catalogue, RecommendationLog, Protocol):
    """All of it, and what concerns the whole."""

    @property
    def labels(self) -> LabelBook: ...

    @property
    def answers(self) -> AnswerLog: ...

    def publish(self, bundle: str, *, at: datetime, reason: str) -> Publication: ...

    def publications(self) -> list[Publication]:
        """Newest first; the first one is live."""
        ...

    def position(self) -> AsOf: ...

    def counts(self) -> Mapping[str, int]:
        """Rows by kind: items, users, events, recommendations, relations, aliases; and `events.TYPE` by type."""
        ...

    def unknown_items(self, *, limit: int = 10) -> tuple[int, list[str]]:
        """How many events speak of items that are not in the catalogue, and some of those ids."""
        ...

    def erase(self, user_id: str) -> Erased:
        """Remove every row about a person, all merged ids included, in one transaction."""
        ...

    def backup(self, path: str) -> None:
        """A consistent copy of everything into a new file."""
        ...

    def close(self) -> None: ...
