"""`zhiyin init`: from files of one's own to a zhiyin.toml, with every assumption said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from zhiyin.data.readers.inference import (
    Inferred,
    Sample,
    infer_events,
    infer_items,
    infer_relations,
    infer_users,
    language_in,
    rating_threshold,
    take_sample,
)
from zhiyin.data.readers.mapping import ItemFile, VectorFile
from zhiyin.data.readers.source import look_at
from zhiyin.data.readers.synonyms import ITEM_NAMES
from zhiyin.data.readers.table import Table, open_table
from zhiyin.data.signals import Signals
from zhiyin.errors import InvalidData, InvalidSettings
from zhiyin.files import appearing
from zhiyin.settings import FILE, DataSettings, Settings
from zhiyin.settings_file import half_restored
from zhiyin.workflows.toml import toml_of

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Files:
    """What there is to begin with: items or events at least."""

    items: Path | None = None
    events: Path | None = None
    users: Path | None = None
    relations: Path | None = None
    vectors: Path | None = None


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What init decided: the settings it wrote, and why, by section of zhiyin.toml ("" for the whole)."""

    path: Path
    settings: Settings
    said: Mapping[str, Sequence[str]]

    def sentences(self) -> list[str]:
        """All of them, in the order of the file."""
        return [sentence for sentences in self.said.values() for sentence in sentences]


def init_project(folder: Path, files: Files, *, name: str = "", force: bool = False) -> Assumptions:
    """Look at the files, decide what they hold, and write zhiyin.toml into the folder.

    Raises InvalidSettings if there is one and not `force`; InvalidData if a file cannot be understood.
    """
    target = folder / FILE
    if target.exists() and not force:
        raise InvalidSettings(f"{target} is there already: change it by hand, or write it anew with --force")
    if told := half_restored(folder):
        raise InvalidSettings(told)
    if files.items is None and files.events is None:
        raise InvalidData("there are neither items nor events: give --items FILE, --events FILE, or both")
    folder.mkdir(parents=True, exist_ok=True)
    assumed = _Inference(folder).infer(files, name or folder.resolve().name or "zhiyin")
    with appearing(target) as draft:
        draft.write_text(toml_of(assumed.settings, assumed.said), encoding="utf-8")
    return assumed


class _Inference:
    """Samples files once and grows the sentences; thrown away when init is done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: dict[str, tuple[str, ...]] = {}

    def infer(self, files: Files, name: str) -> Assumptions:
        items, events = self._sample(files.items), self._sample(files.events)
        users, relations = self._sample(files.users), self._sample(files.relations)
        item_file = self._said_of("items", infer_items(items, event_ids=_ids(events))) if items else None
        ids = items.columns[item_file.item_id].distinct if items and item_file else frozenset()
        event_file = self._said_of("events", infer_events(events, item_ids=ids)) if events else None
        threshold = None
        if events and event_file:
            threshold, why = rating_threshold(events, event_file)
            self._say("data.signals", why)
        data = DataSettings(
            items=item_file,
            events=event_file,
            users=self._said_of("users", infer_users(users)) if users else None,
            relations=self._said_of("relations", infer_relations(relations)) if relations else None,
            vectors=self._vectors(files.vectors, item_file),
            signals=Signals(rating_threshold=threshold),
        )
        settings = _settings(self._folder, name, self._language(items, item_file), data)
        return Assumptions(self._folder / FILE, settings, self._said)

    def _sample(self, path: Path | None) -> Sample | None:
        return take_sample(open_table(path), self._named(path)) if path else None

    def _named(self, path: Path) -> str:
        """The path as it stands in zhiyin.toml: relative within the folder, absolute elsewhere."""
        whole, home = path.resolve(), self._folder.resolve()
        return whole.relative_to(home).as_posix() if whole.is_relative_to(home) else str(whole)

    def _said_of(self, section: str, inferred: Inferred[M]) -> M:
        self._say(f"data.{section}", *inferred.said)
        return inferred.mapping

    def _say(self, section: str, *sentences: str) -> None:
        self._said[section] = (*self._said.get(section, ()), *sentences)

    def _language(self, items: Sample | None, file: ItemFile | None) -> str:
        if items is None or file is None:
            self._say("", "there is no items file: items become bare ids when events are imported")
            return "other"
        language = language_in(items, file)
        self._say("", language.said)
        return language.code

    def _vectors(self, path: Path | None, items: ItemFile | None) -> dict[str, VectorFile]:
        if path is None:
            return {}
        if items is None:
            raise InvalidData(f"{path} holds vectors of items, but there is no items file: give --items FILE too")
        name = "".join(c if c.isalnum() else "_" for c in path.name.split(".")[0].lower()) or "own"
        if path.suffix == ".npy":
            self._say(f"data.vectors.{name}", "rows of the .npy file follow the rows of the items file one by one")
            return {name: VectorFile(path=self._named(path))}
        item_id, vector = _vector_columns(open_table(path))
        self._say(f"data.vectors.{name}", f"I took `{item_id}` as the item id and `{vector}` as its vector")
        return {name: VectorFile(path=self._named(path), item_id=item_id, vector=vector)}


def _ids(events: Sample | None) -> frozenset[str]:
    """The values of the events' item column, as its name alone tells it."""
    if events is None:
        return frozenset()
    named = [
        column for name in ITEM_NAMES["item_id"] for column in events.columns.values() if column.plain == name
    ]
    return named[0].distinct if named else frozenset()


def _vector_columns(table: Table) -> tuple[str, str]:
    """The columns of ids and of lists of numbers of a Parquet file."""
    if look_at(table.path).format != "parquet":
        raise InvalidData(f"{table.path} holds no vectors: give a .npy matrix, or Parquet with an id and a list")
    first = next(table.batches(100))
    lists = [name for name, cells in first.columns.items() if cells and isinstance(cells[0], list)]
    ids = [name for name in first.columns if name not in lists]
    if len(lists) != 1 or not ids:
        raise InvalidData(
            f"{table.path} needs one column of ids and one of lists of numbers, has: {', '.join(table.columns)}"
        )
    return ids[0], lists[0]


def _settings(folder: Path, name: str, language: str, data: DataSettings) -> Settings:
    """As the file will be read without variables: the draft must not hold what the environment says."""
    return Settings.model_construct(name=name, language=language, data=data, folder=folder)
