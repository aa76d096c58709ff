"""What label models learn from, and what is answered to their labels: in memory, and in SQLite.

Examples are a log: nothing is changed, a later word on the same text counts more. Imported twice they are there
once.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from threading import RLock

from zhiyin.data.store import codec
from zhiyin.data.store.codec import Row
from zhiyin.data.store.database import Database
from zhiyin.errors import InvalidData
from zhiyin.texts import clean_text
from zhiyin.types import PERSON, LabelExample, check_label_name

MAX_ANSWER = 10_000  # characters
_PAGE = 2_000  # rows of a stream in memory
_FIELDS = "name, text, labels, source, at, item_id"
_ADD = f"INSERT OR IGNORE INTO label_examples (digest, {_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_READ = f"SELECT seq, {_FIELDS} FROM label_examples WHERE name = ? AND seq > ? ORDER BY seq LIMIT ?"
_FORGET = "DELETE FROM label_examples WHERE item_id IS NULL AND text IN ({})"
_AT_ONCE = 500  # texts of a statement
_ANSWER = (
    "INSERT INTO label_answers (name, label, answer) VALUES (?, ?, ?) "
    "ON CONFLICT (name, label) DO UPDATE SET answer = excluded.answer"
)


def example_row(example: LabelExample) -> Row:
    """(digest, name … item_id): the same words from the same source are one example; of a person, who may change
    their mind and change it back, only those of the same moment."""
    at = codec.micros(example.at)
    content = (example.name, example.text, json.dumps(example.labels), example.source)
    identity = (*content, example.item_id, at if example.source == PERSON else None)
    digest = blake2b(json.dumps(identity).encode(), digest_size=16).digest()
    return digest, *content, at, example.item_id


def example_of(row: Row) -> LabelExample:
    """Of (name … item_id)."""
    name, text, labels, source, at, item_id = row
    return LabelExample(name, text, tuple(json.loads(labels)), source, codec.moment(at), item_id)


def answer_rows(name: str, answers: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Raises InvalidData for an answer that is empty or far too long."""
    check_label_name(name)
    for label, answer in answers.items():
        if not answer.strip() or len(answer) > MAX_ANSWER:
            raise InvalidData(f"the answer to {label!r} has 1 to {MAX_ANSWER:,} characters, got {len(answer):,}")
    return [(name, label, answer) for label, answer in sorted(answers.items())]


def spoken(text: str) -> str:
    """A text of an event as it is when it becomes an example."""
    return clean_text(text).strip()


def forget_texts(connection: sqlite3.Connection, texts: Sequence[str]) -> int:
    """Remove the examples with any of these texts but those of items; how many there were."""
    said, gone = sorted({spoken(text) for text in texts}), 0
    for start in range(0, len(said), _AT_ONCE):
        some = said[start : start + _AT_ONCE]
        gone += connection.execute(_FORGET.format(", ".join("?" * len(some))), some).rowcount
    return gone


class MemoryLabels:
    """A `LabelBook` that is gone when the process ends."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._rows: dict[bytes, Row] = {}
        self._answers: dict[tuple[str, str], str] = {}

    def add(self, examples: Sequence[LabelExample]) -> int:
        rows = [example_row(example) for example in examples]
        with self._lock:
            before = len(self._rows)
            for row in rows:
                self._rows.setdefault(row[0], row)
            return len(self._rows) - before

    def examples(self, name: str) -> Iterator[LabelExample]:
        with self._lock:
            rows = [row for row in self._rows.values() if row[1] == name]
        return (example_of(row[1:]) for row in rows)

    def counts(self) -> Mapping[str, int]:
        with self._lock:
            return dict(sorted(Counter(row[1] for row in self._rows.values()).items()))

    def put_answers(self, name: str, answers: Mapping[str, str]) -> None:
        rows = answer_rows(name, answers)
        with self._lock:
            self._answers.update({(name, label): answer for name, label, answer in rows})

    def answers(self, name: str) -> Mapping[str, str]:
        with self._lock:
            return {label: answer for (of, label), answer in sorted(self._answers.items()) if of == name}

    def forget(self, texts: Iterable[str]) -> int:
        """Remove the examples with any of these texts but those of items; how many there were."""
        said = {spoken(text) for text in texts}
        with self._lock:
            gone = [digest for digest, row in self._rows.items() if row[2] in said and row[6] is None]
            for digest in gone:
                del self._rows[digest]
            return len(gone)

    def tables(self) -> dict[str, list[Row]]:
        """All rows by table."""
        with self._lock:
            return {
                "label_examples": [(seq, *row) for seq, row in enumerate(self._rows.values(), 1)],
                "label_answers": [(*key, answer) for key, answer in self._answers.items()],
            }


class SqliteLabels:
    """The same in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, examples: Sequence[LabelExample]) -> int:
        rows = [example_row(example) for example in examples]
        with self._database.driver_write() as connection:
            return max(connection.executemany(_ADD, rows).rowcount, 0)

    def examples(self, name: str) -> Iterator[LabelExample]:
        after = 0
        while True:
            with self._database.driver() as connection:
                rows = connection.execute(_READ, (name, after, _PAGE)).fetchall()
            yield from (example_of(row[1:]) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def counts(self) -> Mapping[str, int]:
        counted = "SELECT name, count(*) FROM label_examples GROUP BY name ORDER BY name"
        with self._database.driver() as connection:
            return dict(connection.execute(counted).fetchall())

    def put_answers(self, name: str, answers: Mapping[str, str]) -> None:
        rows = answer_rows(name, answers)
        with self._database.driver_write() as connection:
            connection.executemany(_ANSWER, rows)

    def answers(self, name: str) -> Mapping[str, str]:
        asked = "SELECT label, answer FROM label_answers WHERE name = ? ORDER BY label"
        with self._database.driver() as connection:
            return dict(connection.execute(asked, (name,)).fetchall())
