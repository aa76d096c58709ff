"""The ordinary statements on SQLite: items, users, numbers, in a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Select, Table, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from zhiyin.data.store import codec, schema
from zhiyin.types import ItemLabel

T = TypeVar("T")

_MANY = 500  # ids in one IN (…)
_COUNTED = ("items", "users", "events", "recommendations", "relations", "aliases")


def put_items(connection: Connection, bodies: Sequence[tuple[str, str]]) -> int:
    """(item_id, canonical JSON) in, number of changes out."""
    return sum(_put_items(connection, some) for some in _batches(bodies))


def put_labels(connection: Connection, name: str, labels: Mapping[str, ItemLabel | None]) -> int:
    """Labels by item id under a name; items that are not there are passed over."""
    return sum(_put_labels(connection, name, labels, some) for some in _batches(sorted(labels)))


def delete_items(connection: Connection, item_ids: Sequence[str]) -> int:
    return sum(_delete_items(connection, some) for some in _batches(item_ids))


def put_users(connection: Connection, bodies: Sequence[tuple[str, str]]) -> int:
    """(user_id, canonical JSON) in, number of changes out."""
    statement = upsert(schema.users)
    changed = statement.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"attributes": statement.excluded.attributes},
        where=schema.users.c.attributes != statement.excluded.attributes,
    )
    rows = [{"user_id": user_id, "attributes": body} for user_id, body in bodies]
    return connection.execute(changed, rows).rowcount if rows else 0


def counts(connection: Connection) -> dict[str, int]:
    type_ = schema.events.c.type
    by_type = select(type_, func.count()).group_by(type_).order_by(type_)
    rows = {name: connection.scalars(_count(schema.metadata.tables[name])).one() for name in _COUNTED}
    return rows | {f"events.{name}": count for name, count in connection.execute(by_type)}


def unknown_items(connection: Connection, limit: int) -> tuple[int, list[str]]:
    """How many events, and the ids with the most of them first."""
    item_id = schema.events.c.item_id
    known = select(schema.items.c.item_id).where(schema.items.c.item_id == item_id).exists()
    unknown = item_id.is_not(None) & ~known
    ids = select(item_id).where(unknown).group_by(item_id).order_by(func.count().desc(), item_id).limit(limit)
    count = connection.scalars(_count(schema.events).where(unknown)).one()
    return count, list(connection.scalars(ids))


def _put_items(connection: Connection, bodies: Sequence[tuple[str, str]]) -> int:
    ids = {item_id for item_id, _ in bodies}
    there = select(schema.items.c.item_id, schema.items.c.body).where(schema.items.c.item_id.in_(ids))
    now = {item_id: body for item_id, body in connection.execute(there)}  # noqa: C416  # rows are no tuples to mypy
    changes = []
    for item_id, given in bodies:
        before = now.get(item_id)
        now[item_id] = codec.keeping_labels(given, before)
        changes.append((item_id, before, now[item_id]))
    return _written(connection, changes)


def _put_labels(
    connection: Connection, name: str, labels: Mapping[str, ItemLabel | None], item_ids: Sequence[str]
) -> int:
    there = select(schema.items.c.item_id, schema.items.c.body).where(schema.items.c.item_id.in_(item_ids))
    rows = connection.execute(there.order_by(schema.items.c.item_id)).all()
    return _written(connection, [(id_, body, codec.relabelled(body, name, labels[id_])) for id_, body in rows])


def _written(connection: Connection, bodies: Sequence[tuple[str, str | None, str]]) -> int:
    """Of (item_id, before, after) those that differ."""
    changes = [{"item_id": item_id, "body": after} for item_id, before, after in bodies if before != after]
    if changes:
        statement = upsert(schema.items)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["item_id"], set_={"body": statement.excluded.body}),
            changes,
        )
        connection.execute(insert(schema.item_log), changes)
    return len(changes)


def _delete_items(connection: Connection, item_ids: Sequence[str]) -> int:
    there = schema.items.c.item_id.in_(item_ids)
    gone = connection.scalars(select(schema.items.c.item_id).where(there).order_by(schema.items.c.item_id)).all()
    if gone:
        connection.execute(delete(schema.items).where(there))
        connection.execute(insert(schema.item_log), [{"item_id": item_id, "body": None} for item_id in gone])
    return len(gone)


def _count(table: Table) -> Select[int]:
    return select(func.count()).select_from(table)


def _batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + _MANY] for start in range(0, len(rows), _MANY))
