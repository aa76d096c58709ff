"""The store of one machine: a single SQLite file.

SQLAlchemy for what is ordinary, prepared statements on the driver for what is hot (append, history, log).
Streams are read page by page, so that they hold neither memory nor a snapshot, however slowly they are used.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain
from operator import itemgetter
from pathlib import Path

from sqlalchemy import Select, insert, select, tuple_

from zhiyin.data.store import catalogue, codec, people, schema
from zhiyin.data.store.answer_log import OUTLINE, SqliteAnswers, outline_row
from zhiyin.data.store.checks import check_limit, check_same
from zhiyin.data.store.codec import Row
from zhiyin.data.store.database import Database, new_file, told
from zhiyin.data.store.label_book import SqliteLabels
from zhiyin.data.store.migrate import migrate
from zhiyin.data.store.protocols import Appended, Erased, ItemChange, Publication, Taken
from zhiyin.data.store.schema import EVENT_FIELDS
from zhiyin.errors import StoreBusy
from zhiyin.texts import check_id
from zhiyin.types import AsOf, Event, EventType, Item, ItemLabel, Recommendation, Relation, User

logger = logging.getLogger(__name__)

_PAGE = 2_000  # rows of a stream in memory
_LAST = 2**63 - 1

_FIELDS = ", ".join(EVENT_FIELDS)
_APPEND = (
    f"INSERT INTO events (digest, {_FIELDS}) VALUES (?{', ?' * len(EVENT_FIELDS)}) ON CONFLICT (digest) DO NOTHING"
)
_BULK = 10_000  # events of one transaction; beyond these it is an import
_TOGETHER = 2_000  # events of one statement: an older SQLite takes 32,766 values
_APPEND_BULK = (  # OR IGNORE, the same for checked rows: what can fail midway keeps a journal, a third of the time
    f"INSERT OR IGNORE INTO events (digest, {_FIELDS}) VALUES "
    + ", ".join([f"(?{', ?' * len(EVENT_FIELDS)})"] * _TOGETHER)
)
_LAST_EVENT = "SELECT coalesce(max(seq), 0) FROM events"
_POSITION = (  # one statement: both as of the same moment
    "SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT coalesce(max(seq), 0) FROM item_log)"
)
_NEWEST_OF = (  # "+seq": the index gives the order, never the rowid
    "SELECT seq, at, ord, {} FROM events WHERE user_id = ? AND item_id IS NOT NULL AND +seq <= ? "
    "ORDER BY at DESC, ord DESC, seq DESC LIMIT ?"
)
_HISTORY = _NEWEST_OF.format(", ".join(name for name in EVENT_FIELDS if name != "user_id"))
_TAKEN = _NEWEST_OF.format("item_id, type, value, at")
_SAID = (
    f"SELECT seq, {', '.join(name for name in EVENT_FIELDS if name != 'user_id')} FROM events "
    "WHERE user_id = ? AND type = ? AND item_id IS NULL AND seq <= ? ORDER BY seq DESC LIMIT ?"
)
_WRITTEN = (
    f"SELECT seq, {', '.join(name for name in EVENT_FIELDS if name != 'user_id')} FROM events "
    "WHERE user_id = ? AND text IS NOT NULL AND type <> 'edit' AND seq <= ? ORDER BY seq DESC LIMIT ?"
)
_MERGED = (
    f"SELECT seq, aliases.user_id, {', '.join(f'events.{name}' for name in EVENT_FIELDS)} "
    "FROM events LEFT JOIN aliases ON alias = events.user_id "
)
_EVENTS = f"{_MERGED} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_OF_ITEMS = "SELECT seq FROM events WHERE item_id IN (SELECT value FROM json_each(?)) ORDER BY seq"
_AMONG = f"{_MERGED} WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
_NEWEST = "SELECT max(seq) FROM item_log WHERE seq <= ? GROUP BY item_id ORDER BY 1"
_CHANGES = "SELECT seq, item_id, body FROM json_each(?) CROSS JOIN item_log ON seq = value ORDER BY seq"
_LOG = (
    "INSERT INTO recommendations (recommendation_id, at, user_id, bundle, body) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (recommendation_id) DO NOTHING"
)
_LOGGED = "SELECT body FROM recommendations WHERE recommendation_id = ?"
_RECENT = "SELECT seq, body FROM recommendations ORDER BY seq DESC LIMIT ?"
_RECENT_OF = "SELECT seq, body FROM recommendations WHERE user_id = ? ORDER BY seq DESC LIMIT ?"


class SqliteStore:
    """A `Store` in one file, for any number of threads and processes at once."""

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        """Makes the file if there is none, migrates an older one.

        `timeout`: seconds to wait for another writer before StoreBusy.
        Raises BrokenStore if the file is damaged, foreign or of a newer version.
        """
        self._database = Database(path, timeout=timeout)
        try:
            migrate(self._database)
        except BaseException:
            self._database.close()
            raise
        self.labels, self.answers = SqliteLabels(self._database), SqliteAnswers(self._database)

    # -- events

    def append(self, events: Sequence[Event]) -> Appended:
        return self.append_each([events])[0]

    def append_each(self, batches: Sequence[Sequence[Event]]) -> list[Appended]:
        rows = [[codec.event_row(event) for event in events] for events in batches]
        with self._database.driver_write(bulk=sum(map(len, rows)) > _BULK) as connection:
            return [_append(connection, some) for some in rows]

    def history(self, user_id: str, *, limit: int, until: int | None = None) -> list[Event]:
        root, rows = self._newest(_HISTORY, user_id, limit, until)
        return [codec.event_of((root, *row[3:])) for row in rows]

    def taken(self, user_id: str, *, limit: int, until: int | None = None) -> list[Taken]:
        _, rows = self._newest(_TAKEN, user_id, limit, until)
        return [Taken._make(row[3:]) for row in rows]

    def said(self, user_id: str, type_: EventType, *, limit: int, until: int | None = None) -> list[Event]:
        return self._newest_logged(_SAID, user_id, (type_, _LAST if until is None else until, limit))

    def written(self, user_id: str, *, limit: int, until: int | None = None) -> list[Event]:
        return self._newest_logged(_WRITTEN, user_id, (_LAST if until is None else until, limit))

    def events(self, *, after: int = 0, until: int | None = None) -> Iterator[tuple[int, Event]]:
        until = self.last_event() if until is None else until
        while rows := self._page_of_events(_EVENTS, (after, until, _PAGE)):
            for row in rows:
                yield row[0], codec.event_of(row[1:])
            after = rows[-1][0]

    def events_of(self, item_ids: Sequence[str]) -> Iterator[Event]:
        """Looks at every event: there is no index by item, which every import would pay for."""
        with self._database.driver() as connection:
            seqs = [seq for (seq,) in connection.execute(_OF_ITEMS, (json.dumps(list(item_ids)),))]
        for start in range(0, len(seqs), _PAGE):
            for row in self._page_of_events(_AMONG, (json.dumps(seqs[start : start + _PAGE]),)):
                yield codec.event_of(row[1:])

    def last_event(self) -> int:
        with self._database.driver() as connection:
            last: int = connection.execute(_LAST_EVENT).fetchone()[0]
        return last

    def _newest(self, statement: str, user_id: str, limit: int, until: int | None) -> tuple[str, list[Row]]:
        """The id of the person, and rows of seq, at, ord and what else is asked for, oldest first."""
        check_limit(limit)
        until = _LAST if until is None else until
        with self._database.driver() as connection:
            ids = people.ids_of(connection, user_id)
            rows = [row for id_ in ids for row in connection.execute(statement, (id_, until, limit))]
        if len(ids) > 1:
            rows = sorted(rows, key=_recency, reverse=True)[:limit]
        rows.reverse()
        return ids[0], rows

    def _newest_logged(self, statement: str, user_id: str, values: Row) -> list[Event]:
        """Events of a person in the order of the log; the last of the `values` is how many, the newest."""
        check_limit(values[-1])
        with self._database.driver() as connection:
            ids = people.ids_of(connection, user_id)
            rows = [row for id_ in ids for row in connection.execute(statement, (id_, *values))]
        newest = sorted(rows, key=itemgetter(0), reverse=True)[: values[-1]]
        return [codec.event_of((ids[0], *row[1:])) for row in reversed(newest)]

    def _page_of_events(self, statement: str, values: Row) -> list[Row]:
        """Rows of seq, user_id … context, the user being the person behind the stored id."""
        roots: dict[str, str] = {}
        page = []
        with self._database.driver() as connection:
            for row in connection.execute(statement, values):
                user_id = row[1]
                if user_id is None:
                    page.append((row[0], *row[2:]))
                    continue
                if user_id not in roots:
                    roots[user_id] = people.root_of(connection, user_id)
                page.append((row[0], roots[user_id], *row[3:]))
        return page

    # -- catalogue

    def put_items(self, items: Sequence[Item]) -> int:
        bodies = [(item.item_id, codec.item_json(item)) for item in items]
        with self._database.write() as connection:
            return catalogue.put_items(connection, bodies)

    def put_labels(self, name: str, labels: Mapping[str, ItemLabel | None]) -> int:
        with self._database.write() as connection:
            return catalogue.put_labels(connection, name, labels)

    def delete_items(self, item_ids: Sequence[str]) -> int:
        with self._database.write() as connection:
            return catalogue.delete_items(connection, sorted(set(item_ids)))

    def item(self, item_id: str) -> Item | None:
        with self._database.driver() as connection:
            row = connection.execute("SELECT body FROM items WHERE item_id = ?", (item_id,)).fetchone()
        return None if row is None else codec.item_of(item_id, row[0])

    def items(self) -> Iterator[Item]:
        query = select(schema.items.c.item_id, schema.items.c.body).order_by(schema.items.c.item_id)
        for item_id, body in self._stream(query, lambda row: query.where(schema.items.c.item_id > row[0])):
            yield codec.item_of(item_id, body)

    def item_changes(self, *, after: int, until: int | None = None) -> Iterator[ItemChange]:
        last = self.last_item() if until is None else until
        query = select(schema.item_log).where(schema.item_log.c.seq <= last).order_by(schema.item_log.c.seq)
        rows = self._stream(
            query.where(schema.item_log.c.seq > after),
            lambda row: query.where(schema.item_log.c.seq > row[0]),
        )
        for seq, item_id, body in rows:
            yield ItemChange(seq, item_id, None if body is None else codec.item_of(item_id, body))

    def newest_changes(self, *, until: int) -> Iterator[ItemChange]:
        with self._database.driver() as connection:
            seqs = [seq for (seq,) in connection.execute(_NEWEST, (until,))]
        for start in range(0, len(seqs), _PAGE):
            with self._database.driver() as connection:
                page = connection.execute(_CHANGES, (json.dumps(seqs[start : start + _PAGE]),)).fetchall()
            for seq, item_id, body in page:
                yield ItemChange(seq, item_id, None if body is None else codec.item_of(item_id, body))

    def last_item(self) -> int:
        return self.position().item

    # -- people

    def put_users(self, users: Sequence[User]) -> int:
        bodies = [(user.user_id, codec.scalars_json("attributes", user.attributes)) for user in users]
        with self._database.write() as connection:
            return catalogue.put_users(connection, bodies)

    def user(self, user_id: str) -> User | None:
        with self._database.read() as connection:
            body = connection.scalar(select(schema.users.c.attributes).where(schema.users.c.user_id == user_id))
        return None if body is None else User(user_id, codec.scalars_of(body))

    def users(self) -> Iterator[User]:
        query = select(schema.users).order_by(schema.users.c.user_id)
        for user_id, body in self._stream(query, lambda row: query.where(schema.users.c.user_id > row[0])):
            yield User(user_id, codec.scalars_of(body))

    def merge(self, alias: str, user_id: str) -> None:
        check_id("alias", alias)
        check_id("user_id", user_id)
        if alias == user_id:
            return
        with self._database.driver_write() as connection:
            people.merge(connection, alias, user_id)

    def resolve(self, user_id: str) -> str:
        with self._database.driver() as connection:
            return people.root_of(connection, user_id)

    def ids_of(self, user_id: str) -> list[str]:
        with self._database.driver() as connection:
            return people.ids_of(connection, user_id)

    def put_relations(self, relations: Sequence[Relation]) -> int:
        rows = [(edge.head, edge.relation, edge.tail) for edge in relations]
        with self._database.driver_write() as connection:
            return connection.executemany("INSERT OR IGNORE INTO relations VALUES (?, ?, ?)", rows).rowcount

    def relations(self) -> Iterator[Relation]:
        key = tuple_(*schema.relations.c)
        query = select(schema.relations).order_by(*schema.relations.c)
        for row in self._stream(query, lambda row: query.where(key > tuple_(*row))):
            yield Relation(*row)

    def erase(self, user_id: str) -> Erased:
        with self._database.driver_write() as connection:
            erased = people.erase(connection, user_id)
        if erased != Erased(0, 0, 0, 0):
            self._scrub()
        return erased

    # -- recommendations and publications

    def log(self, recommendations: Sequence[Recommendation]) -> None:
        rows = [codec.recommendation_row(shown) for shown in recommendations]
        outlines = [outline_row(shown) for shown in recommendations]
        with self._database.driver_write() as connection:
            connection.executemany(OUTLINE, outlines)
            if connection.executemany(_LOG, rows).rowcount < len(rows):
                _check_same(connection, recommendations)

    def recommendation(self, recommendation_id: str) -> Recommendation | None:
        with self._database.driver() as connection:
            row = connection.execute(_LOGGED, (recommendation_id,)).fetchone()
        return None if row is None else codec.recommendation_of(row[0])

    def recommendations(self) -> Iterator[Recommendation]:
        seq, body = schema.recommendations.c.seq, schema.recommendations.c.body
        query = select(seq, body).order_by(seq)
        for _, packed in self._stream(query, lambda row: query.where(seq > row[0])):
            yield codec.recommendation_of(packed)

    def recent(self, *, limit: int, user_id: str | None = None) -> list[Recommendation]:
        check_limit(limit)
        with self._database.driver() as connection:
            if user_id is None:
                rows = connection.execute(_RECENT, (limit,)).fetchall()
            else:
                ids = people.ids_of(connection, user_id)
                rows = [row for id_ in ids for row in connection.execute(_RECENT_OF, (id_, limit))]
        rows = sorted(rows, key=itemgetter(0), reverse=True)[:limit]
        return [codec.recommendation_of(body) for _, body in rows]

    def publish(self, bundle: str, *, at: datetime, reason: str) -> Publication:
        micros = codec.micros(at)
        row = insert(schema.publications).values(bundle=bundle, at=micros, reason=reason)
        with self._database.write() as connection:
            seq = connection.scalars(row.returning(schema.publications.c.seq)).one()
        return Publication(seq, bundle, codec.moment(micros), reason)

    def publications(self) -> list[Publication]:
        with self._database.read() as connection:
            rows = connection.execute(select(schema.publications).order_by(schema.publications.c.seq.desc())).all()
        return [Publication(seq, bundle, codec.moment(at), reason) for seq, bundle, at, reason in rows]

    # -- the whole

    def position(self) -> AsOf:
        with self._database.driver() as connection:
            return AsOf(*connection.execute(_POSITION).fetchone())

    def counts(self) -> Mapping[str, int]:
        with self._database.read() as connection:
            return catalogue.counts(connection)

    def unknown_items(self, *, limit: int = 10) -> tuple[int, list[str]]:
        """The ids with the most events first."""
        check_limit(limit)
        with self._database.read() as connection:
            return catalogue.unknown_items(connection, limit)

    def backup(self, path: str) -> None:
        """Writers go on meanwhile. Restoring is opening the copy.

        Raises InvalidData if `path` exists.
        """
        with (
            new_file(Path(path)) as part,
            told(Path(path)),
            closing(sqlite3.connect(part)) as copy,
            self._database.driver() as connection,
        ):
            connection.backup(copy)

    def close(self) -> None:
        self._database.close()

    def _stream(self, query: Select[Row], following: Callable[[Row], Select[Row]]) -> Iterator[Row]:
        """The rows of a query in pages; `following` asks for what comes after a row."""
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.limit(_PAGE)).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            query = following(tuple(rows[-1]))

    def _scrub(self) -> None:
        """Rewrite the file without what was deleted. secure_delete zeroes deleted rows, but rows that a page
        split had moved away before leave copies in the gaps of old pages."""
        try:
            with self._database.driver() as connection:
                connection.execute("VACUUM")
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except StoreBusy:
            busy = 1
        if busy:
            logger.warning("erased rows are gone, their bytes stay in the file until the next erasure")


def _append(connection: sqlite3.Connection, rows: Sequence[Row]) -> Appended:
    whole = len(rows) - len(rows) % _TOGETHER
    stored = sum(
        connection.execute(_APPEND_BULK, tuple(chain.from_iterable(rows[start : start + _TOGETHER]))).rowcount
        for start in range(0, whole, _TOGETHER)
    )
    if rest := rows[whole:]:
        stored += connection.executemany(_APPEND, rest).rowcount
    last: int = connection.execute(_LAST_EVENT).fetchone()[0]
    return Appended(stored, len(rows) - stored, last)


def _check_same(connection: sqlite3.Connection, recommendations: Iterable[Recommendation]) -> None:
    for shown in recommendations:
        (body,) = connection.execute(_LOGGED, (shown.recommendation_id,)).fetchone()
        check_same(codec.recommendation_of(body), shown)


def _recency(row: Row) -> tuple[bool, int, bool, int, int]:
    """The order of SQLite for (at, ord, seq), where nothing comes before every number."""
    seq, at, order = row[:3]
    return at is not None, at or 0, order is not None, order or 0, seq
