"""The tables, once, for every SQL store. `migrations/` brings an older database to this shape.

Times are integer microseconds since 1970 in UTC: exact, sortable, and the same in every database. Bodies are
JSON text; a recommendation's is compressed JSON, for its candidates are most of its bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

REVISION = "0005"  # the newest of migrations/versions

metadata = MetaData()
_Big = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY counts by itself in SQLite

items = Table(
    "items",
    metadata,
    Column("item_id", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
item_log = Table(
    "item_log",
    metadata,
    Column("seq", _Big, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("body", Text),  # NULL: the item was deleted
    sqlite_autoincrement=True,
)
users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("attributes", Text, nullable=False),
)
aliases = Table(
    "aliases",
    metadata,
    Column("alias", Text, primary_key=True),
    Column("user_id", Text, nullable=False),  # may itself be an alias: chains are followed when read
    Index("aliases_by_user", "user_id"),
    sqlite_with_rowid=False,
)
relations = Table(
    "relations",
    metadata,
    Column("head", Text, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("tail", Text, primary_key=True),
    sqlite_with_rowid=False,
)
events = Table(
    "events",
    metadata,
    Column("seq", _Big, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # 16 bytes, see codec.event_row
    Column("user_id", Text, nullable=False),
    Column("item_id", Text),
    Column("type", Text, nullable=False),
    Column("at", BigInteger),
    Column("ord", BigInteger),
    Column("value", Double),
    Column("text", Text),
    Column("event_id", Text),
    Column("session_id", Text),
    Column("recommendation_id", Text),
    Column("position", BigInteger),
    Column("context", Text),  # NULL: empty
    Index("events_by_user", "user_id", "at", "ord", "seq"),
    Index("events_said", "user_id", "type", "seq", sqlite_where=text("item_id IS NULL")),  # searches and edits
    Index("events_written", "user_id", "seq", sqlite_where=text("text IS NOT NULL AND type <> 'edit'")),
    Index("events_answers", "seq", sqlite_where=text("recommendation_id IS NOT NULL")),
    Index("events_answers_by_user", "user_id", "seq", sqlite_where=text("recommendation_id IS NOT NULL")),
    sqlite_autoincrement=True,
)
recommendations = Table(
    "recommendations",
    metadata,
    Column("seq", _Big, primary_key=True),
    Column("recommendation_id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("user_id", Text),
    Column("bundle", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("recommendations_by_user", "user_id", "seq"),
    sqlite_autoincrement=True,
)
outlines = Table(
    "outlines",
    metadata,
    Column("recommendation_id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # JSON, see answer_log.outline_row
    sqlite_with_rowid=False,
)
publications = Table(
    "publications",
    metadata,
    Column("seq", _Big, primary_key=True),
    Column("bundle", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)

label_examples = Table(
    "label_examples",
    metadata,
    Column("seq", _Big, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # 16 bytes, see label_book.example_row
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("labels", Text, nullable=False),  # a JSON list
    Column("source", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("item_id", Text),
    Index("label_examples_by_name", "name", "seq"),
    sqlite_autoincrement=True,
)
label_answers = Table(
    "label_answers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("answer", Text, nullable=False),
    sqlite_with_rowid=False,
)

EVENT_FIELDS = tuple(events.columns.keys())[2:]  # as in types.Event, where ord is `order`
