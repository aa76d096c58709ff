"""Whole tables into a new SQLite file: how a store that is not a file makes a backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import insert, text

from zhiyin.data.store.codec import Row
from zhiyin.data.store.database import Database, new_file
from zhiyin.data.store.migrate import migrate
from zhiyin.data.store.schema import metadata

_TIMEOUT = 10.0  # seconds; nobody else knows the file


def write_snapshot(path: Path, rows: Mapping[str, Sequence[Row]], *, last_event: int) -> None:
    """`rows` by table name, in the order of the table's columns.

    `last_event`: the newest sequence number ever given to an event: the copy gives none of them again.
    """
    with new_file(path) as part:
        database = Database(part, timeout=_TIMEOUT)
        try:
            migrate(database)
            with database.write() as connection:
                connection.execute(
                    text("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', :last)"),
                    {"last": last_event},
                )
                for name, table_rows in rows.items():
                    table = metadata.tables[name]
                    if table_rows:
                        connection.execute(
                            insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in table_rows]
                        )
        finally:
            database.close()
