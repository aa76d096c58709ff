"""`zhiyin export`: everything in plain files that a stranger can read, and import again.

One file a noun, JSON Lines or Parquet, and beside them a zhiyin.toml that maps their columns: `zhiyin import`
in that folder gives the same catalogue, the same events, and the same labels with who said them and when. Bundles,
label models and the log of lists are not imported again; `zhiyin backup` moves a whole shop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from zhiyin.data.readers.labels import Answer, Labelled
from zhiyin.data.readers.mapping import (
    AnswerFile,
    EventFile,
    ExampleFile,
    ItemFile,
    ItemLabelFile,
    LabelFiles,
    RelationFile,
    TextColumns,
    UserFile,
    VectorFile,
)
from zhiyin.errors import InvalidData
from zhiyin.labels.shelf import names as trained
from zhiyin.progress import Progress, Silent
from zhiyin.settings import FILE, DataSettings, Settings
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.types import Event, Item
from zhiyin.workflows.flat import (
    ANSWER_COLUMNS,
    EXAMPLE_COLUMNS,
    ITEM_LABEL_COLUMNS,
    PUBLICATION_COLUMNS,
    RECOMMENDATION_COLUMNS,
    RELATION_COLUMNS,
    Column,
    Value,
    event_columns,
    item_columns,
    user_columns,
    vector_columns,
)
from zhiyin.workflows.toml import toml_of

T = TypeVar("T")
Format = Literal["jsonl", "parquet"]
PAGE = 5_000  # rows written at once

_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "number": pa.float64(),
    "numbers": pa.list_(pa.float64()),
    "whole": pa.int64(),
    "truth": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """The files and how many rows each holds; nouns without a row have no file."""

    folder: Path
    files: Mapping[str, int]


def export(shop: Zhiyin, folder: Path, format_: Format = "jsonl", *, progress: Progress | None = None) -> Exported:
    """Write all into a folder that is empty or not there yet. Raises InvalidData if it holds anything."""
    if folder.exists() and any(folder.iterdir()):
        raise InvalidData(f"{folder} holds something, and nothing is overwritten: choose an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    return _Export(shop, folder, format_, progress or Silent()).run()


class _Export:
    """One export: what all files share."""

    def __init__(self, shop: Zhiyin, folder: Path, format_: Format, progress: Progress) -> None:
        self._settings, self._store = shop.settings, shop.store
        self._folder, self._format, self._progress = folder, format_, progress
        self._files: dict[str, int] = {}
        self._totals = shop.store.counts()
        self._last = shop.store.last_event()  # events that come meanwhile are not part of it

    def run(self) -> Exported:
        data = DataSettings(
            items=self._items(),
            users=self._users(),
            relations=self._relations(),
            events=self._behaviour(),
            vectors={name: self._vectors(name) for name in self._vector_names()},
            labels=self._labels(),
            signals=self._settings.data.signals,
        )
        self._write("recommendations", self._store.recommendations(), RECOMMENDATION_COLUMNS)
        self._write("publications", reversed(self._store.publications()), PUBLICATION_COLUMNS)
        _write_settings(self._folder, self._settings, data)
        return Exported(self._folder, self._files)

    def _events(self) -> Iterator[Event]:
        return (event for _, event in self._store.events(until=self._last))

    def _items(self) -> ItemFile | None:
        columns, languages = item_columns(self._store.items())
        path = self._write("items", self._store.items(), columns)
        return _item_file(path, columns, languages) if path else None

    def _users(self) -> UserFile | None:
        columns = user_columns(self._store.users())
        path = self._write("users", self._store.users(), columns)
        return UserFile(path=path, user_id="user_id", attributes=_free(columns)) if path else None

    def _relations(self) -> RelationFile | None:
        path = self._write("relations", self._store.relations(), RELATION_COLUMNS)
        return RelationFile(path=path, head="head", relation="relation", tail="tail") if path else None

    def _behaviour(self) -> EventFile | None:
        columns = event_columns(self._events())
        path = self._write("events", self._events(), columns)
        return _event_file(path, columns) if path else None

    def _labels(self) -> LabelFiles:
        """The label models themselves are learned again from their examples."""
        book = self._store.labels
        names = sorted({*book.counts(), *self._settings.labels, *trained(self._settings.path(LABELS))})
        examples = self._write(
            "label_examples", (one for name in names for one in book.examples(name)), EXAMPLE_COLUMNS
        )
        said = (Answer(name, *pair) for name in names for pair in book.answers(name).items())
        answers = self._write("label_answers", said, ANSWER_COLUMNS)
        given = (Labelled(i.item_id, name, label) for i in self._store.items() for name, label in i.labels.items())
        items = self._write("item_labels", given, ITEM_LABEL_COLUMNS)
        return LabelFiles(
            examples=ExampleFile(path=examples, item_id="item_id") if examples else None,
            answers=AnswerFile(path=answers) if answers else None,
            items=ItemLabelFile(path=items) if items else None,
        )

    def _vector_names(self) -> list[str]:
        return sorted({name for item in self._store.items() for name in item.vectors})

    def _vectors(self, name: str) -> VectorFile:
        """Always Parquet: vectors are read from nothing else."""
        having = (item for item in self._store.items() if name in item.vectors)
        path = f"vectors-{len(self._files)}.parquet"
        self._write_file(path, having, vector_columns(name))
        return VectorFile(path=path, item_id="item_id", vector="vector")

    def _write(self, noun: str, rows: Iterable[T], columns: Sequence[Column[T]]) -> str | None:
        """The file of a noun; its name, or None where there is no row."""
        path = f"{noun}.{self._format}"
        if self._write_file(path, rows, columns):
            return path
        (self._folder / path).unlink()
        return None

    def _write_file(self, name: str, rows: Iterable[T], columns: Sequence[Column[T]]) -> int:
        """Page by page; the number of rows."""
        self._progress.start(f"export {name}", self._totals.get(Path(name).stem, 0))
        written = 0
        with (self._folder / name).open("wb") as file:
            writer = _Parquet(file, columns) if name.endswith(".parquet") else _Lines(file)
            source = iter(rows)
            while page := list(islice(source, PAGE)):
                writer.write([{column.name: column.read(row) for column in columns} for row in page])
                written += len(page)
                self._progress.advance(written, f"{written:,} rows")
            writer.close()
        self._progress.done()
        if written:
            self._files[name] = written
        return written


class _Lines:
    """JSON Lines; every line has every key, so that the first lines tell all columns."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, rows: Sequence[Mapping[str, Value]]) -> None:
        self._file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)

    def close(self) -> None:
        """The file is the caller's."""


class _Parquet:
    """Parquet with the types of the columns."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column[T]]) -> None:
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._writer = pq.ParquetWriter(file, self._schema)

    def write(self, rows: Sequence[Mapping[str, Value]]) -> None:
        self._writer.write_table(pa.Table.from_pylist(list(rows), self._schema))

    def close(self) -> None:
        self._writer.close()


def _write_settings(folder: Path, settings: Settings, data: DataSettings) -> None:
    """A zhiyin.toml with the same choices and the mapping of these files; keys and addresses stay at home."""
    made = Settings.model_construct(
        name=settings.name,
        language=settings.language,
        data=data,
        policy=settings.policy,
        ranking=settings.ranking,
        recipe=settings.recipe,
        labels=settings.labels,
        folder=folder,
    )
    said = {"data": ["`zhiyin export` wrote these files: `zhiyin import` reads them back as they were."]}
    (folder / FILE).write_text(toml_of(made, said), encoding="utf-8")


def _item_file(path: str, columns: Sequence[Column[Item]], languages: Sequence[str]) -> ItemFile:
    return ItemFile(
        path=path,
        item_id="item_id",
        title="title",
        text=("text",),
        categories=("categories",),
        list_separator="",
        brand="brand",
        price="price",
        url="url",
        image="image",
        language="language",
        available="available",
        published_at="published_at",
        translations={code: TextColumns(title=f"title_{code}", text=f"text_{code}") for code in languages},
        attributes=_free(columns),
    )


def _event_file(path: str, columns: Sequence[Column[Event]]) -> EventFile:
    return EventFile(
        path=path,
        user_id="user_id",
        item_id="item_id",
        type="type",
        at="at",
        order="order",
        value="value",
        text="text",
        event_id="event_id",
        session_id="session_id",
        recommendation_id="recommendation_id",
        position="position",
        context=_free(columns),
    )


def _free(columns: Sequence[Column[T]]) -> tuple[str, ...]:
    return tuple(column.name for column in columns if column.free)
