"""`zhiyin import`: files into the store by the mapping of zhiyin.toml.

Batch by batch, each batch one transaction (while the next one is read), and every row counted: read = stored +
duplicates + quarantined. A value that cannot be read and that an item may lack costs the value, not the item.
Nothing is remembered between runs: a second import finds everything there, and one after a kill goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from zhiyin.data.cycles import uncollected
from zhiyin.data.readers.build import Built
from zhiyin.data.readers.events import EventBuilder
from zhiyin.data.readers.items import ItemBuilder, build_relations, build_users
from zhiyin.data.readers.labels import Answer, Labelled, build_answers, build_examples, build_item_labels
from zhiyin.data.readers.mapping import FileColumns
from zhiyin.data.readers.rows import BadRow, LeftOut, RowBatch
from zhiyin.data.readers.table import BATCH, Table, open_table
from zhiyin.data.readers.times import Times, zone_of
from zhiyin.data.readers.vectors import Vectors, load_vectors
from zhiyin.data.store.protocols import Store
from zhiyin.encoders.album import FILE as ALBUM_FILE
from zhiyin.encoders.album import NAME as ALBUM
from zhiyin.encoders.album import Album
from zhiyin.errors import InvalidData, ZhiyinError
from zhiyin.progress import Progress, Silent
from zhiyin.settings import Settings
from zhiyin.types import Event, Item
from zhiyin.workflows.quarantine import Quarantine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of the rows of one file. Raises ZhiyinError if the counts do not reconcile."""

    kind: str  # users | items | relations | events
    path: Path
    read: int
    stored: int
    duplicates: int  # already in the store, or twice in the file
    quarantined: int
    cleaned: int  # stored rows whose texts lost NUL or control characters
    notes: tuple[str, ...]
    quarantine: Path | None = None
    left_out: int = 0  # values of rows that were used without them, as they cannot be read

    def __post_init__(self) -> None:
        if self.read != self.stored + self.duplicates + self.quarantined:
            raise ZhiyinError(
                f"{self.path}: {self.read:,} rows read are not {self.stored:,} stored + {self.duplicates:,} "
                f"duplicates + {self.quarantined:,} quarantined: this is a bug, please report it"
            )

    def sentences(self) -> list[str]:
        """The counts, then the notes."""
        return [
            f"{self.kind}: {self.read:,} rows read from {self.path.name} = {self.stored:,} stored + "
            f"{self.duplicates:,} there already + {self.quarantined:,} quarantined",
            *(f"  {note}" for note in self.notes),
        ]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """All files, and how many events of the store speak of items that are not in its catalogue."""

    files: tuple[FileReport, ...]
    unknown_items: int
    unknown_examples: tuple[str, ...]

    def sentences(self) -> list[str]:
        """The report in words, notes under their file."""
        told = [line for file in self.files for line in file.sentences()]
        if self.unknown_items:
            examples = ", ".join(self.unknown_examples)
            told.append(f"{self.unknown_items:,} events are about items that are not in the catalogue: {examples}")
        return told


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of one batch."""

    stored: int
    duplicates: int
    bad: Sequence[BadRow]
    cleaned: int
    left_out: Sequence[LeftOut]


Put = Callable[[], _Taken]  # one transaction
Take = Callable[[RowBatch], Put]


def ingest(
    settings: Settings, store: Store, *, progress: Progress | None = None, batch_size: int = BATCH
) -> ImportReport:
    """Import all files that the settings name: people, items, relations, events, then labels.

    Raises NotFound or InvalidData at the door of a file; a bad row is quarantined and never an error.
    """
    run = _Import(settings, store, progress or Silent(), batch_size)
    data = settings.data
    if not (data.items or data.events or data.users or data.relations):
        raise InvalidData("zhiyin.toml names no file: add [data.items] or [data.events], or run `zhiyin init`")
    files = [*run.users(), *run.items(), *run.relations(), *run.events(), *run.labels()]
    count, examples = store.unknown_items()
    return ImportReport(tuple(files), count, tuple(examples))


class _Import:
    """One run: what all files share."""

    def __init__(self, settings: Settings, store: Store, progress: Progress, batch_size: int) -> None:
        self._settings = settings
        self._data = settings.data
        self._store = store
        self._progress = progress
        self._batch_size = batch_size
        self._zone = zone_of(settings.data.time_zone)

    def users(self) -> Iterable[FileReport]:
        if (file := self._data.users) is not None:
            once = _FirstRows()

            def take(batch: RowBatch) -> Put:
                built = build_users(batch, file)
                fresh, again = once.sort(batch, built, [user.user_id for user in built.made])
                return lambda: _settled(built, self._store.put_users(fresh), again)

            yield self._import("users", self._table(file), take)

    def items(self) -> Iterable[FileReport]:
        if (file := self._data.items) is not None:
            table = self._table(file)
            builder, once = ItemBuilder(file, self._zone, self._vectors(table)), _FirstRows()
            with self._album() as album:

                def take(batch: RowBatch) -> Put:
                    built = builder.build(batch)
                    fresh, again = once.sort(batch, built, [item.item_id for item in built.made])
                    fresh = album.restored(fresh) if album is not None else fresh
                    return lambda: _settled(built, self._store.put_items(fresh), again)

                yield self._import("items", table, take, builder.times)

    def relations(self) -> Iterable[FileReport]:
        if (file := self._data.relations) is not None:

            def take(batch: RowBatch) -> Put:
                built = build_relations(batch, file)
                return lambda: _settled(built, self._store.put_relations(list(dict.fromkeys(built.made))), ())

            yield self._import("relations", self._table(file), take)

    def events(self) -> Iterable[FileReport]:
        if (file := self._data.events) is not None:
            builder = EventBuilder(file, self._zone, datetime.now(UTC))
            bare = _BareItems(self._store) if self._data.items is None else None

            def take(batch: RowBatch) -> Put:
                built = builder.build(batch)

                def put() -> _Taken:
                    if bare is not None:
                        bare.add(built.made)
                    return _settled(built, self._store.append(built.made).stored, ())

                return put

            yield self._import("events", self._table(file), take, builder.times)

    def labels(self) -> Iterable[FileReport]:
        """What label models learn from, what is answered, and what was said of items."""
        store, files = self._store, self._data.labels
        if (examples := files.examples) is not None:

            def take_examples(batch: RowBatch) -> Put:
                built = build_examples(batch, examples)
                return lambda: _settled(built, store.labels.add(built.made), ())

            yield self._import("label examples", self._table(examples), take_examples)
        if (answers := files.answers) is not None:

            def take_answers(batch: RowBatch) -> Put:
                built = build_answers(batch, answers)
                return lambda: _settled(built, _put_answers(store, built.made), ())

            yield self._import("label answers", self._table(answers), take_answers)
        if (items := files.items) is not None:

            def take_items(batch: RowBatch) -> Put:
                built = build_item_labels(batch, items, lambda id_: store.item(id_) is not None)
                return lambda: _settled(built, _put_item_labels(store, built.made), ())

            yield self._import("item labels", self._table(items), take_items)

    def _import(self, kind: str, table: Table, take: Take, times: Times | None = None) -> FileReport:
        """All batches of a file through `take`, counted."""
        read = stored = duplicates = cleaned = left_out = 0
        self._progress.start(f"import {kind} from {table.path.name}", table.source.size)
        with closing(Quarantine(self._settings.folder, kind, table.path)) as quarantine, uncollected():
            for batch, taken in _one_behind((batch, take(batch)) for batch in table.batches(self._batch_size)):
                quarantine.add(taken.bad, taken.left_out)
                read += len(batch)
                stored += taken.stored
                duplicates += taken.duplicates
                cleaned += taken.cleaned
                left_out += len(taken.left_out)
                self._progress.advance(batch.bytes_done, f"{read:,} rows")
        self._progress.done()
        notes = (*table.notes, *_said(times, cleaned, self._data.time_zone), *quarantine.notes())
        count, bad = quarantine.count, quarantine.path if quarantine.count else None
        return FileReport(kind, table.path, read, stored, duplicates, count, cleaned, notes, bad, left_out)

    def _table(self, file: FileColumns) -> Table:
        """The file, with every column that the mapping names. Raises InvalidData naming the missing one."""
        table = open_table(self._settings.path(file.path))
        for column, role in file.columns():
            table.need(column, role)
        return table

    def _album(self) -> AbstractContextManager[Album | None]:
        """What `zhiyin images` has seen, where it has been and no file brings vectors of pictures."""
        folder = self._settings.path("cache")
        if ALBUM in self._data.vectors or not (folder / ALBUM_FILE).exists():
            return nullcontext()
        return Album(folder)

    def _vectors(self, items: Table) -> Mapping[str, Vectors]:
        """All vectors; a .npy matrix is checked against the rows of the items before anything is stored."""
        files = self._data.vectors
        by_row = any(file.path.endswith(".npy") for file in files.values())
        n_items = sum(len(batch) for batch in items.batches()) if by_row else 0
        return {name: load_vectors(self._settings.path(file.path), file, n_items) for name, file in files.items()}


class _FirstRows:
    """The first row of each id is taken. The same row again is a duplicate; another row for it is bad: which
    of the two is right cannot be known, and taking the last would make a second import change things."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}  # id: row number, hash of the row

    def sort(self, batch: RowBatch, built: Built[T], ids: Sequence[str]) -> tuple[list[T], list[BadRow]]:
        """Those of new ids, and the bad rows."""
        fresh: list[T] = []
        bad: list[BadRow] = []
        for made, place, id_ in zip(built.made, built.places, ids, strict=True):
            here = batch.numbers[place], hash(repr(batch.raw(place)))
            number, content = self._seen.setdefault(id_, here)
            if number == here[0]:
                fresh.append(made)
            elif content != here[1]:
                reason = f"{id_!r} is in row {number:,} already, with other content: keep one of them"
                bad.append(BadRow(here[0], reason, batch.raw(place)))
        return fresh, bad


class _BareItems:
    """Without an items file, an item is its id: made when an event first speaks of it, unless it is known."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: set[str] = set()

    def add(self, events: Sequence[Event]) -> None:
        ids = {event.item_id for event in events if event.item_id is not None} - self._seen
        self._seen |= ids
        self._store.put_items([Item(id_) for id_ in sorted(ids) if self._store.item(id_) is None])


def _put_answers(store: Store, answers: Sequence[Answer]) -> int:
    """How many are new or another."""
    new = 0
    for name in dict.fromkeys(one.name for one in answers):
        ours = {one.label: one.answer for one in answers if one.name == name}
        new += len(ours.items() - store.labels.answers(name).items())
        store.labels.put_answers(name, ours)
    return new


def _put_item_labels(store: Store, said: Sequence[Labelled]) -> int:
    """How many are new or others."""
    names = dict.fromkeys(one.name for one in said)
    return sum(
        store.put_labels(name, {one.item_id: one.label for one in said if one.name == name}) for name in names
    )


def _one_behind(prepared: Iterable[tuple[RowBatch, Put]]) -> Iterator[tuple[RowBatch, _Taken]]:
    """Each batch and what became of it, in order: one is stored while the next is read."""
    with ThreadPoolExecutor(1) as storing:
        before: tuple[RowBatch, Future[_Taken]] | None = None
        for batch, put in prepared:
            if before is not None:
                yield before[0], before[1].result()
            before = batch, storing.submit(put)
        if before is not None:
            yield before[0], before[1].result()


def _settled(built: Built[T], stored: int, again: Sequence[BadRow]) -> _Taken:
    """What was not stored and is not bad was there already."""
    refused = {row.number for row in again}
    left_out = [one for one in built.left_out if one.row.number not in refused]
    return _Taken(stored, len(built.made) - len(again) - stored, [*built.bad, *again], built.cleaned, left_out)


def _said(times: Times | None, cleaned: int, zone: str) -> list[str]:
    said = []
    if times is not None and times.naive:
        said.append(f"{times.naive:,} times have no zone: they were taken as {zone} (data.time_zone)")
    if cleaned:
        said.append(f"{cleaned:,} rows had NUL or control characters in their texts: these were removed")
    return said
