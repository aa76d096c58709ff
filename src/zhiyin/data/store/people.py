"""Who is who in SQLite: aliases form trees, and the root of a tree is the person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from zhiyin.data.store.checks import check_no_cycle
from zhiyin.data.store.label_book import forget_texts
from zhiyin.data.store.protocols import Erased

_CHAIN = """
WITH RECURSIVE chain (id, step) AS (
  VALUES (?, 0) UNION ALL SELECT user_id, step + 1 FROM aliases JOIN chain ON alias = id
) SELECT id FROM chain ORDER BY step
"""
_BELOW = """
WITH RECURSIVE person (id) AS (
  SELECT alias FROM aliases WHERE user_id = ?
  UNION ALL SELECT alias FROM aliases JOIN person ON user_id = id
) SELECT id FROM person
"""

_OUTLINES = (
    "DELETE FROM outlines WHERE recommendation_id IN "
    "(SELECT recommendation_id FROM recommendations WHERE user_id = ?)"
)
_TEXTS = "SELECT DISTINCT text FROM events WHERE user_id = ? AND text IS NOT NULL"


def root_of(connection: sqlite3.Connection, user_id: str) -> str:
    return _chain(connection, user_id)[-1]


def ids_of(connection: sqlite3.Connection, user_id: str) -> list[str]:
    """All ids of the person behind an id, the root first."""
    root = root_of(connection, user_id)
    return [root, *(row[0] for row in connection.execute(_BELOW, (root,)))]


def merge(connection: sqlite3.Connection, alias: str, user_id: str) -> None:
    """A second merge of the same alias moves it, with all that was merged into it."""
    check_no_cycle(alias, _chain(connection, user_id))
    connection.execute(
        "INSERT INTO aliases (alias, user_id) VALUES (?, ?) "
        "ON CONFLICT (alias) DO UPDATE SET user_id = excluded.user_id",
        (alias, user_id),
    )


def erase(connection: sqlite3.Connection, user_id: str) -> Erased:
    ids = [(id_,) for id_ in ids_of(connection, user_id)]
    examples = forget_texts(connection, [text for id_ in ids for (text,) in connection.execute(_TEXTS, id_)])
    connection.executemany(_OUTLINES, ids)
    return Erased(
        examples=examples,
        events=_delete(connection, "DELETE FROM events WHERE user_id = ?", ids),
        recommendations=_delete(connection, "DELETE FROM recommendations WHERE user_id = ?", ids),
        user=_delete(connection, "DELETE FROM users WHERE user_id = ?", ids),
        aliases=_delete(connection, "DELETE FROM aliases WHERE alias = ?", ids),
    )


def _chain(connection: sqlite3.Connection, user_id: str) -> list[str]:
    return [row[0] for row in connection.execute(_CHAIN, (user_id,))]


def _delete(connection: sqlite3.Connection, statement: str, ids: Iterable[tuple[str]]) -> int:
    return connection.executemany(statement, ids).rowcount
