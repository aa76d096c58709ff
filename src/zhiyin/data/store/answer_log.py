"""Answers to lists, in memory and in SQLite.

The outline of a list stands in a table of its own, a few numbers beside the whole list: many of them are read
while somebody waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from zhiyin.data.answers import Answer, Outline, outline_of
from zhiyin.data.store import codec, people
from zhiyin.data.store.checks import check_limit
from zhiyin.data.store.database import Database
from zhiyin.types import Event, Recommendation

_PAGE = 2_000  # rows of a stream in memory
_LAST = 2**63 - 1
_FIELDS = "seq, events.user_id, item_id, type, value, at, recommendation_id"
_ANSWERS = "recommendation_id IS NOT NULL AND item_id IS NOT NULL"
_STREAM = (
    f"SELECT {_FIELDS}, aliases.user_id FROM events LEFT JOIN aliases ON alias = events.user_id "
    f"WHERE {_ANSWERS} AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
)
_OF = f"SELECT {_FIELDS} FROM events WHERE user_id = ? AND {_ANSWERS} AND seq <= ? ORDER BY seq DESC LIMIT ?"
_OUTLINES = (
    "SELECT recommendation_id, body FROM outlines WHERE recommendation_id IN (SELECT value FROM json_each(?))"
)
OUTLINE = "INSERT INTO outlines (recommendation_id, body) VALUES (?, ?) ON CONFLICT DO NOTHING"


def outline_row(recommendation: Recommendation) -> tuple[str, bytes]:
    """(recommendation_id, body)."""
    return recommendation.recommendation_id, orjson.dumps(tuple(outline_of(recommendation)))


class MemoryAnswers:
    """An `AnswerLog` over a store that is gone when the process ends."""

    def __init__(
        self,
        events: Callable[[int, int | None], Iterator[tuple[int, Event]]],
        events_of: Callable[[str, int | None], Iterator[tuple[int, Event]]],
        lists: Mapping[str, Recommendation],
    ) -> None:
        """`events` after and until, and those of a person until, by the merged ids, in their order."""
        self._events, self._events_of, self._lists = events, events_of, lists

    def stream(self, *, after: int = 0, until: int | None = None) -> Iterator[Answer]:
        return _answers(self._events(after, until))

    def of(self, user_id: str, *, limit: int, until: int | None = None) -> list[Answer]:
        check_limit(limit)
        mine = list(_answers(self._events_of(user_id, until)))
        return mine[max(len(mine) - limit, 0) :]

    def outlines(self, recommendation_ids: Sequence[str]) -> Mapping[str, Outline]:
        there = (id_ for id_ in recommendation_ids if id_ in self._lists)
        return {id_: outline_of(self._lists[id_]) for id_ in there}


def _answers(events: Iterator[tuple[int, Event]]) -> Iterator[Answer]:
    for seq, event in events:
        if event.item_id is not None and event.recommendation_id is not None:
            at = None if event.at is None else codec.micros(event.at)
            told = event.user_id, event.item_id, event.type, event.value, at, event.recommendation_id
            yield Answer(seq, *told)


class SqliteAnswers:
    """An `AnswerLog` over the tables `events` and `outlines`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stream(self, *, after: int = 0, until: int | None = None) -> Iterator[Answer]:
        last = _LAST if until is None else until
        while True:
            with self._database.driver() as connection:
                rows = connection.execute(_STREAM, (after, last, _PAGE)).fetchall()
                roots = {row[7]: people.root_of(connection, row[7]) for row in rows if row[7] is not None}
            for row in rows:
                yield Answer(row[0], roots.get(row[7], row[1]), *row[2:7])
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def of(self, user_id: str, *, limit: int, until: int | None = None) -> list[Answer]:
        check_limit(limit)
        last = _LAST if until is None else until
        with self._database.driver() as connection:
            ids = people.ids_of(connection, user_id)
            rows = [row for id_ in ids for row in connection.execute(_OF, (id_, last, limit))]
        newest = sorted(rows, reverse=True)[:limit] if len(ids) > 1 else rows
        return [Answer(row[0], ids[0], *row[2:]) for row in reversed(newest)]

    def outlines(self, recommendation_ids: Sequence[str]) -> Mapping[str, Outline]:
        with self._database.driver() as connection:
            rows = connection.execute(_OUTLINES, (json.dumps(list(recommendation_ids)),)).fetchall()
        return {id_: Outline(*orjson.loads(body)) for id_, body in rows}
