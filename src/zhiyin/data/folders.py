"""A folder with items.parquet, events.parquet and splits/: the layout of data sets for benchmarks.

items: item_id, title, then text, categories ('|'-joined), brand, price; other plain columns are attributes.
events: user_id, item_id, type, value, timestamp (UTC seconds), order, session_id.
splits: pairs (user_id, item_id) or rows (user_id, history, target).
Where there are vectors: vectors_NAME.npy (items, dim), row k of the item with item_index k, or of the k-th item.
Where there are relations: relations (head, relation, tail), item_edges (item_id, other_id), or a knowledge graph
in kg (head, relation, tail) with kg_link (item_id, entity_id) to say which entity an item is.
`split_of` is the way from a protocol to arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow.parquet as pq

from zhiyin.data.dataset import Dataset, Doubles, Mask, build_dataset
from zhiyin.data.protocols import CandidateRule, GivenPairs, GivenRows, GlobalTime, Protocol
from zhiyin.data.splits import (
    Pair,
    Part,
    Row,
    Split,
    Terms,
    first_sessions,
    given_pairs,
    given_rows,
    global_time,
    leave_one_out,
    window,
)
from zhiyin.errors import InvalidData, NotFound
from zhiyin.texts import clean_text
from zhiyin.types import EVENT_TYPES, SAME_AS, Event, Item, Relation, Scalar, User

_TEXTS = ("title", "text", "brand", "url", "image", "language")
_OWN = frozenset({"item_id", "categories", "price", *_TEXTS})
_EVENT_COLUMNS = ("user_id", "item_id", "type", "value", "timestamp", "order", "session_id")

Record = Mapping[str, object]


def load_dataset(protocol: Protocol) -> Dataset:
    """The catalogue of the protocol's folder, and its events where the protocol divides them.

    Given pairs and rows bring their own events, so nothing but them can be fitted on. All events count as
    wanted, whatever their value. Raises NotFound for a missing file.
    """
    divides = not isinstance(protocol.rule, GivenPairs | GivenRows)
    folder = protocol.folder
    events = read_events(folder, implicit=True) if divides else iter(())
    return build_dataset(read_items(folder), events, relations=read_relations(folder))


def split_of(
    protocol: Protocol,
    data: Dataset,
    *,
    part: Part = "test",
    refit: bool = False,
    filter_history: bool | None = None,
) -> Split:
    """The split that the protocol states, of `load_dataset(protocol)`.

    `filter_history` None takes the first of `protocol.filter_history`. Raises InvalidData where the files
    differ from what is stated, and for a validation part that the protocol does not have.
    """
    filters = protocol.filter_history[0] if filter_history is None else filter_history
    terms = Terms(part, refit, filters, _items(protocol, data))
    match protocol.rule:
        case GivenPairs() as rule:
            return _pairs_split(rule, protocol.folder, data, terms)
        case GivenRows() as rule:
            return _rows_split(rule, protocol.folder, data, terms)
        case GlobalTime(cut, by_session):
            events = read_events(protocol.folder, implicit=True) if by_session else iter(())
            wanted = first_sessions(events, *window(cut, part)) if by_session else None
            return global_time(data, cut, terms, wanted)
        case _:
            return leave_one_out(data, terms)


def read_items(folder: Path) -> list[Item]:
    """The catalogue, with the vectors of vectors_*.npy. Raises NotFound without items.parquet, InvalidData where a
    matrix of vectors has too few rows."""
    items = [_item(record) for record in _records(folder / "items.parquet")]
    index = [cast(int, item.attributes.get("item_index", place)) for place, item in enumerate(items)]
    for path in sorted(folder.glob("vectors_*.npy")):
        rows = _vectors(path, max(index, default=-1) + 1)
        name = path.stem.removeprefix("vectors_")
        items = [
            replace(item, vectors={**item.vectors, name: tuple(rows[k].tolist())}) if rows[k].any() else item
            for item, k in zip(items, index, strict=True)
        ]
    return items


def read_events(folder: Path, *, implicit: bool) -> Iterator[Event]:
    """Events one by one. A type we do not know ("library") is a like; `implicit` leaves the values out, so
    that one star counts like five. Raises NotFound without events.parquet."""
    for record in _records(folder / "events.parquet", _EVENT_COLUMNS):
        seconds, value = record.get("timestamp"), record.get("value")
        type_ = str(record["type"])
        yield Event(
            user_id=str(record["user_id"]),
            item_id=str(record["item_id"]),
            type=type_ if type_ in EVENT_TYPES else "like",
            at=datetime.fromtimestamp(cast(int, seconds), UTC) if seconds is not None else None,
            order=cast("int | None", record.get("order")),
            value=None if implicit else cast("float | None", value),
            session_id=cast("str | None", record.get("session_id")),
        )


def read_relations(folder: Path) -> list[Relation]:
    """Any relations, edges between items (item_edges) and a knowledge graph (kg, joined to items by kg_link)."""
    found: list[Relation] = []
    for name, head, relation, tail in (
        ("relations", "head", "", "tail"),
        ("item_edges", "item_id", "linked", "other_id"),
        ("kg_link", "item_id", SAME_AS, "entity_id"),
        ("kg", "head", "", "tail"),
    ):
        if (folder / f"{name}.parquet").is_file():
            found += [
                Relation(str(record[head]), relation or str(record["relation"]), str(record[tail]))
                for record in _records(folder / f"{name}.parquet")
            ]
    return found


def read_people(folder: Path) -> list[User]:
    """What is known about people, if there is a users.parquet."""
    path = folder / "users.parquet"
    records = _records(path) if path.is_file() else iter(())
    return [
        User(
            str(record["user_id"]),
            {key: value for key, value in record.items() if key != "user_id" and isinstance(value, Scalar)},
        )
        for record in records
    ]


def read_pairs(folder: Path, names: Sequence[str]) -> list[Pair]:
    """The (user, item) pairs of these files of splits/, one file after another."""
    return [
        (str(record["user_id"]), str(record["item_id"]))
        for name in names
        for record in _records(folder / "splits" / f"{name}.parquet", ("user_id", "item_id"))
    ]


def read_rows(folder: Path, name: str) -> list[Row]:
    """The rows of a file of splits/; `target` is one item id or a list of them."""
    return [
        Row(str(record["user_id"]), _ids(record["history"]), _ids(record["target"]))
        for record in _records(folder / "splits" / f"{name}.parquet")
    ]


def _pairs_split(rule: GivenPairs, folder: Path, data: Dataset, terms: Terms) -> Split:
    """Fit on train (refit: and validation); what is known of the part that is judged is not masked."""
    validating = terms.part == "validation"
    judged = _stated_part(rule.validation, "validation") if validating else rule.test
    fitted = (*rule.train, *rule.validation) if terms.refit and not validating else rule.train
    masked = tuple(name for name in rule.masked if name not in judged)
    wanted = _in_every([read_pairs(folder, [name]) for name in judged], every=rule.in_every)
    fit = _fit(data, set(read_pairs(folder, fitted)))
    split = given_pairs(fit, wanted, read_pairs(folder, masked), terms.items)
    if not validating and rule.n_users is not None and rule.n_users != len(split):
        raise InvalidData(f"the protocol states {rule.n_users} users, its files give {len(split)}")
    return split


def _in_every(files: Sequence[list[Pair]], *, every: bool) -> list[Pair]:
    """All pairs; `every` keeps the users who are in each of the files."""
    both = set.intersection(*({user for user, _ in pairs} for pairs in files))
    return [pair for pairs in files for pair in pairs if not every or pair[0] in both]


def _rows_split(rule: GivenRows, folder: Path, data: Dataset, terms: Terms) -> Split:
    """Fit on the longest row of each user in train (refit: and validation), its targets at the end."""
    validating = terms.part == "validation"
    judged = (
        _stated_part((rule.validation,) if rule.validation else (), "validation")[0] if validating else rule.test
    )
    known = read_rows(folder, rule.train)
    if terms.refit and not validating and rule.validation:
        known += read_rows(folder, rule.validation)
    longest: dict[str, tuple[str, ...]] = {}
    for row in known:
        longest[row.user_id] = max(longest.get(row.user_id, ()), (*row.history, *row.targets), key=len)
    events = (
        Event(user, item, "like", order=place)
        for user, items in longest.items()
        for place, item in enumerate(items)
    )
    fit = build_dataset(data.catalogue, events, relations=data.relations)
    return given_rows(fit, read_rows(folder, judged), terms)


def _fit(data: Dataset, pairs: set[Pair]) -> Dataset:
    """The same catalogue with these pairs as its events: a set, in hash order, so that ids tell nothing."""
    ordered = sorted(pairs, key=lambda pair: (pair[0], data.items.row(pair[1])))
    events = (Event(user, item, "like") for user, item in ordered)
    return build_dataset(data.catalogue, events, relations=data.relations)


def _stated_part(names: tuple[str, ...], part: str) -> tuple[str, ...]:
    if not names:
        raise InvalidData(f"the protocol has no {part} part: carve one out of the training part instead")
    return names


def _items(protocol: Protocol, data: Dataset) -> Mask | None:
    """(I,) the items that the protocol is about. Raises InvalidData if they are not as many as it states."""
    rule = protocol.candidates
    mask = np.fromiter((_fits(rule, item) for item in data.catalogue), bool, len(data.catalogue))
    if rule.of:
        named = data.items.rows({item for _, item in read_pairs(protocol.folder, rule.of)})
        mask &= np.isin(np.arange(len(mask)), named)
    if rule.count is not None and rule.count != mask.sum():
        raise InvalidData(f"{protocol.name} states {rule.count} candidates, the files give {mask.sum()}")
    return None if mask.all() else mask


def _fits(rule: CandidateRule, item: Item) -> bool:
    return (rule.has is None or rule.has in item.attributes) and (
        rule.kind is None or item.attributes.get("kind") == rule.kind
    )


def _item(record: Record) -> Item:
    texts = {name: clean_text(str(record[name])) for name in _TEXTS if record.get(name) is not None}
    item = Item(
        item_id=str(record["item_id"]),
        title=texts.get("title", ""),
        text=texts.get("text", ""),
        categories=tuple(name for name in str(record.get("categories") or "").split("|") if name),
        brand=texts.get("brand"),
        price=cast("float | None", record.get("price")),
        attributes={key: value for key, value in record.items() if key not in _OWN and isinstance(value, Scalar)},
    )
    return replace(item, url=texts.get("url"), image=texts.get("image"), language=texts.get("language"))


def _vectors(path: Path, n_rows: int) -> Doubles:
    """(rows, dim); a row of zeros is none."""
    matrix: Doubles = np.load(path, allow_pickle=False).astype(np.float64)
    if matrix.ndim != 2 or len(matrix) < n_rows:
        raise InvalidData(f"{path} has shape {matrix.shape}, the items need {n_rows:,} rows of numbers")
    return matrix


def _ids(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _records(path: Path, columns: Sequence[str] = ()) -> Iterator[Record]:
    """The rows of a file, of these columns where they exist, else of all."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}: a folder has items.parquet, events.parquet and splits/")
    with pq.ParquetFile(path) as file:
        kept = [name for name in file.schema_arrow.names if not columns or name in columns]
        for batch in file.iter_batches(columns=kept):
            lists = [column.to_pylist() for column in batch.columns]
            for values in zip(*lists, strict=True):
                yield dict(zip(batch.schema.names, values, strict=True))
