"""The store in memory: the same rows in dicts. For tests and notebooks, and what the SQL must agree with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import RLock

from zhiyin.data.store import codec
from zhiyin.data.store.answer_log import MemoryAnswers, outline_row
from zhiyin.data.store.checks import check_limit, check_no_cycle, check_same
from zhiyin.data.store.codec import Row
from zhiyin.data.store.label_book import MemoryLabels
from zhiyin.data.store.protocols import Appended, Erased, ItemChange, Publication, Taken
from zhiyin.data.store.schema import EVENT_FIELDS
from zhiyin.data.store.snapshot import write_snapshot
from zhiyin.texts import check_id
from zhiyin.types import AsOf, Event, EventType, Item, ItemLabel, Recommendation, Relation, User

_TEXT = 1 + EVENT_FIELDS.index("text")  # of a row, whose first is its digest


class MemoryStore:
    """A `Store` that is gone when the process ends. One lock; streams hold it for a row at a time."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._events: dict[int, Row] = {}  # seq -> digest, user_id … context
        self._last_given = 0  # the newest sequence number ever given, erased or not
        self._digests: set[bytes] = set()
        self._by_user: defaultdict[str, list[int]] = defaultdict(list)
        self._items: dict[str, str] = {}  # item_id -> canonical JSON
        self._item_log: list[tuple[str, str | None]] = []  # seq - 1 -> item_id, canonical JSON
        self._users: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._below: defaultdict[str, set[str]] = defaultdict(set)  # user_id -> its aliases
        self._relations: set[Relation] = set()
        self._shown: dict[str, Recommendation] = {}  # oldest first
        self._publications: list[Publication] = []
        self.labels = MemoryLabels()
        self.answers = MemoryAnswers(
            lambda after, until: self.events(after=after, until=until), self._events_of, self._shown
        )

    # -- events

    def append(self, events: Sequence[Event]) -> Appended:
        return self.append_each([events])[0]

    def append_each(self, batches: Sequence[Sequence[Event]]) -> list[Appended]:
        rows = [[codec.event_row(event) for event in events] for events in batches]
        with self._lock:
            return [self._append_all(some) for some in rows]

    def history(self, user_id: str, *, limit: int, until: int | None = None) -> list[Event]:
        root, rows = self._newest(user_id, limit, until)
        return [codec.event_of((root, *row[3:])) for row in rows]

    def taken(self, user_id: str, *, limit: int, until: int | None = None) -> list[Taken]:
        _, rows = self._newest(user_id, limit, until)
        return [Taken(item_id, type_, value, at) for _, _, _, item_id, type_, at, _, value, *_ in rows]

    def said(self, user_id: str, type_: EventType, *, limit: int, until: int | None = None) -> list[Event]:
        check_limit(limit)
        root, rows = self._logged(user_id, until)
        wanted = [row for _, row in rows if row[2] is None and row[3] == type_]
        return [codec.event_of((root, *row[2:])) for row in wanted[max(len(wanted) - limit, 0) :]]

    def written(self, user_id: str, *, limit: int, until: int | None = None) -> list[Event]:
        check_limit(limit)
        root, rows = self._logged(user_id, until)
        wanted = [row for _, row in rows if row[_TEXT] is not None and row[3] != "edit"]
        return [codec.event_of((root, *row[2:])) for row in wanted[max(len(wanted) - limit, 0) :]]

    def events(self, *, after: int = 0, until: int | None = None) -> Iterator[tuple[int, Event]]:
        last = self.last_event() if until is None else min(until, self.last_event())
        for seq in range(max(after, 0) + 1, last + 1):
            with self._lock:
                row = self._events.get(seq)
                if row is not None:
                    row = (self.resolve(row[1]), *row[2:])
            if row is not None:
                yield seq, codec.event_of(row)

    def events_of(self, item_ids: Sequence[str]) -> Iterator[Event]:
        wanted = set(item_ids)
        return (event for _, event in self.events() if event.item_id in wanted)

    def last_event(self) -> int:
        with self._lock:
            return next(reversed(self._events), 0)

    def _append_all(self, rows: Sequence[Row]) -> Appended:
        stored = sum(self._append(row) for row in rows)
        return Appended(stored, len(rows) - stored, self.last_event())

    def _append(self, row: Row) -> bool:
        digest, user_id, *_ = row
        if digest in self._digests:
            return False
        self._last_given += 1
        self._digests.add(digest)
        self._events[self._last_given] = row
        self._by_user[user_id].append(self._last_given)
        return True

    def _events_of(self, user_id: str, until: int | None) -> Iterator[tuple[int, Event]]:
        root, rows = self._logged(user_id, until)
        return ((seq, codec.event_of((root, *row[2:]))) for seq, row in rows)

    def _logged(self, user_id: str, until: int | None) -> tuple[str, list[tuple[int, Row]]]:
        """The id of the person, and by seq rows of digest, user_id … context in the order of the log."""
        with self._lock:
            root, *others = self._ids_of(user_id)
            seqs = sorted(seq for id_ in (root, *others) for seq in self._by_user.get(id_, ()))
            return root, [(seq, self._events[seq]) for seq in seqs if until is None or seq <= until]

    def _newest(self, user_id: str, limit: int, until: int | None) -> tuple[str, list[Row]]:
        """The id of the person, and rows of seq, digest, user_id … context with an item, oldest first."""
        check_limit(limit)
        with self._lock:
            root, *others = self._ids_of(user_id)
            seqs = [seq for id_ in (root, *others) for seq in self._by_user.get(id_, ())]
            rows = [(seq, *self._events[seq]) for seq in seqs if until is None or seq <= until]
        newest = sorted((row for row in rows if row[3] is not None), key=_recency, reverse=True)[:limit]
        return root, newest[::-1]

    # -- catalogue

    def put_items(self, items: Sequence[Item]) -> int:
        bodies = [(item.item_id, codec.item_json(item)) for item in items]
        with self._lock:
            before = len(self._item_log)
            for item_id, body in bodies:
                self._put_item(item_id, codec.keeping_labels(body, self._items.get(item_id)))
            return len(self._item_log) - before

    def put_labels(self, name: str, labels: Mapping[str, ItemLabel | None]) -> int:
        with self._lock:
            before = len(self._item_log)
            for item_id, label in sorted(labels.items()):
                if (body := self._items.get(item_id)) is not None:
                    self._put_item(item_id, codec.relabelled(body, name, label))
            return len(self._item_log) - before

    def _put_item(self, item_id: str, body: str) -> None:
        if self._items.get(item_id) != body:
            self._items[item_id] = body
            self._item_log.append((item_id, body))

    def delete_items(self, item_ids: Sequence[str]) -> int:
        with self._lock:
            gone = [item_id for item_id in sorted(set(item_ids)) if self._items.pop(item_id, None) is not None]
            self._item_log.extend((item_id, None) for item_id in gone)
            return len(gone)

    def item(self, item_id: str) -> Item | None:
        body = self._items.get(item_id)
        return None if body is None else codec.item_of(item_id, body)

    def items(self) -> Iterator[Item]:
        with self._lock:
            ids = sorted(self._items)
        return (item for item in map(self.item, ids) if item is not None)

    def item_changes(self, *, after: int, until: int | None = None) -> Iterator[ItemChange]:
        last = self.last_item() if until is None else min(until, self.last_item())
        for seq in range(max(after, 0) + 1, last + 1):
            item_id, body = self._item_log[seq - 1]
            yield ItemChange(seq, item_id, None if body is None else codec.item_of(item_id, body))

    def newest_changes(self, *, until: int) -> Iterator[ItemChange]:
        newest = {item_id: seq for seq, (item_id, _) in enumerate(self._item_log[: max(until, 0)], 1)}
        for seq in sorted(newest.values()):
            yield from self.item_changes(after=seq - 1, until=seq)

    def last_item(self) -> int:
        return len(self._item_log)

    # -- people

    def put_users(self, users: Sequence[User]) -> int:
        bodies = [(user.user_id, codec.scalars_json("attributes", user.attributes)) for user in users]
        changed = 0
        with self._lock:
            for user_id, body in bodies:
                changed += self._users.get(user_id) != body
                self._users[user_id] = body
        return changed

    def user(self, user_id: str) -> User | None:
        body = self._users.get(user_id)
        return None if body is None else User(user_id, codec.scalars_of(body))

    def users(self) -> Iterator[User]:
        with self._lock:
            bodies = sorted(self._users.items())
        return (User(user_id, codec.scalars_of(body)) for user_id, body in bodies)

    def merge(self, alias: str, user_id: str) -> None:
        check_id("alias", alias)
        check_id("user_id", user_id)
        if alias == user_id:
            return
        with self._lock:
            check_no_cycle(alias, self._chain(user_id))
            self._below[self._aliases.get(alias, alias)].discard(alias)
            self._below[user_id].add(alias)
            self._aliases[alias] = user_id

    def resolve(self, user_id: str) -> str:
        with self._lock:
            return self._chain(user_id)[-1]

    def ids_of(self, user_id: str) -> list[str]:
        with self._lock:
            return self._ids_of(user_id)

    def put_relations(self, relations: Sequence[Relation]) -> int:
        with self._lock:
            before = len(self._relations)
            self._relations.update(relations)
            return len(self._relations) - before

    def relations(self) -> Iterator[Relation]:
        with self._lock:
            return iter(sorted(self._relations, key=astuple))

    def erase(self, user_id: str) -> Erased:
        with self._lock:
            ids = set(self._ids_of(user_id))
            seqs = [seq for id_ in ids for seq in self._by_user.pop(id_, ())]
            texts = [
                event.text for seq in seqs if (event := codec.event_of(self._events[seq][1:])).text is not None
            ]
            for seq in seqs:
                self._digests.remove(self._events.pop(seq)[0])
            shown = [id_ for id_, shown in self._shown.items() if shown.query.user_id in ids]
            for id_ in shown:
                del self._shown[id_]
            for id_ in ids:
                self._below.pop(id_, None)
            return Erased(
                events=len(seqs),
                recommendations=len(shown),
                user=sum(self._users.pop(id_, None) is not None for id_ in ids),
                aliases=sum(self._aliases.pop(id_, None) is not None for id_ in ids),
                examples=self.labels.forget(texts),
            )

    def _chain(self, user_id: str) -> list[str]:
        chain = [user_id]
        while (above := self._aliases.get(chain[-1])) is not None:
            chain.append(above)
        return chain

    def _ids_of(self, user_id: str) -> list[str]:
        """All ids of the person behind an id, the root first."""
        ids = [self.resolve(user_id)]
        for id_ in ids:  # grows while it is read
            ids.extend(self._below.get(id_, ()))
        return ids

    # -- recommendations and publications

    def log(self, recommendations: Sequence[Recommendation]) -> None:
        kept = [codec.recommendation_of(codec.recommendation_row(shown)[-1]) for shown in recommendations]
        with self._lock:
            new: dict[str, Recommendation] = {}
            for shown in kept:
                id_ = shown.recommendation_id
                check_same(self._shown.get(id_) or new.setdefault(id_, shown), shown)
            self._shown.update(new)

    def recommendation(self, recommendation_id: str) -> Recommendation | None:
        return self._shown.get(recommendation_id)

    def recommendations(self) -> Iterator[Recommendation]:
        with self._lock:
            return iter(list(self._shown.values()))

    def recent(self, *, limit: int, user_id: str | None = None) -> list[Recommendation]:
        check_limit(limit)
        with self._lock:
            ids = set() if user_id is None else set(self._ids_of(user_id))
            newest = (s for s in reversed(self._shown.values()) if user_id is None or s.query.user_id in ids)
            return list(islice(newest, limit))

    def publish(self, bundle: str, *, at: datetime, reason: str) -> Publication:
        with self._lock:
            publication = Publication(len(self._publications) + 1, bundle, codec.moment(codec.micros(at)), reason)
            self._publications.append(publication)
            return publication

    def publications(self) -> list[Publication]:
        return self._publications[::-1]

    # -- the whole

    def position(self) -> AsOf:
        return AsOf(self.last_event(), self.last_item())

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            types = Counter(f"events.{row[3]}" for row in self._events.values())
            return {
                "items": len(self._items),
                "users": len(self._users),
                "events": len(self._events),
                "recommendations": len(self._shown),
                "relations": len(self._relations),
                "aliases": len(self._aliases),
                **dict(sorted(types.items())),
            }

    def unknown_items(self, *, limit: int = 10) -> tuple[int, list[str]]:
        """The ids with the most events first."""
        check_limit(limit)
        with self._lock:
            ids = (row[2] for row in self._events.values())
            unknown = Counter(id_ for id_ in ids if id_ is not None and id_ not in self._items)
        return unknown.total(), sorted(unknown, key=lambda id_: (-unknown[id_], id_))[:limit]

    def backup(self, path: str) -> None:
        """Into a new SQLite file, which `open_store(path)` opens. Raises InvalidData if `path` exists."""
        with self._lock:
            rows: dict[str, list[Row]] = {
                "items": list(self._items.items()),
                "item_log": [(seq, *change) for seq, change in enumerate(self._item_log, 1)],
                "users": list(self._users.items()),
                "aliases": list(self._aliases.items()),
                "relations": [astuple(relation) for relation in self._relations],
                "events": [(seq, *row) for seq, row in self._events.items()],
                "recommendations": [
                    (seq, *codec.recommendation_row(shown)) for seq, shown in enumerate(self._shown.values(), 1)
                ],
                "outlines": [outline_row(shown) for shown in self._shown.values()],
                "publications": [
                    (entry.seq, entry.bundle, codec.micros(entry.at), entry.reason) for entry in self._publications
                ],
                **self.labels.tables(),
            }
            last_event = self._last_given
        write_snapshot(Path(path), rows, last_event=last_event)

    def close(self) -> None:
        """Nothing to let go of."""


def _recency(row: Row) -> tuple[bool, int, bool, int, int]:
    """By at, then order, then sequence number; nothing comes before every number."""
    seq, at, order = row[0], row[5], row[6]
    return at is not None, at or 0, order is not None, order or 0, seq
