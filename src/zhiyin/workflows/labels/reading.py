"""Where labelled texts come from: a file, an attribute of the catalogue, what people said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from zhiyin.data.readers.cells import MISSING
from zhiyin.data.readers.rows import Cell
from zhiyin.data.readers.table import Table, open_table
from zhiyin.encoders.base import MAX_READ
from zhiyin.errors import InvalidData
from zhiyin.labels.examples import Example
from zhiyin.texts import clean_text
from zhiyin.types import MAX_TEXT, PERSON, Item, LabelExample

TEXT = (
    "text",
    "sentence",
    "question",
    "utterance",
    "review",
    "content",
    "message",
    "title",
    "body",
    "文本",
    "内容",
)
LABEL = ("label", "labels", "category", "intent", "class", "topic", "sentiment", "tag", "tags", "标签", "类别")
ANSWER = ("answer", "response", "reply", "回答")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file are meant; None: found by their names. `several`: what stands between the labels of
    a text that has several, such as | or ;."""

    text: str | None = None
    label: str | None = None
    answer: str | None = None
    several: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds."""

    examples: tuple[LabelExample, ...]
    answers: Mapping[str, str]
    notes: tuple[str, ...]


def read_file(path: Path, name: str, columns: Columns, at: datetime) -> Read:
    """Examples of the label model `name`. Raises NotFound or InvalidData at the door, with the nearest column."""
    table = open_table(path)
    text = column_of(table, columns.text, TEXT, "the texts", "--text-column")
    label = column_of(table, columns.label, LABEL, "the labels", "--label-column")
    answer = columns.answer or next((one for one in ANSWER if one in _folded(table)), None)
    if columns.answer:
        column_of(table, columns.answer, ANSWER, "the answers", "--answer-column")
    examples: list[LabelExample] = []
    answers: dict[str, str] = {}
    bad = empty = 0
    for batch in table.batches():
        bad += len(batch.bad)
        for _, row in batch.rows():
            words, labels = _cell(row[text]), _labels(row[label], columns.several)
            if not words or not (labels or columns.several):
                empty += 1
                continue
            examples.append(LabelExample(name, words[:MAX_TEXT], labels, path.name, at))
            if answer and len(labels) == 1 and (said := _cell(row[_folded(table)[answer.lower()]])):
                answers.setdefault(labels[0], said)
    notes = [*table.notes]
    notes += [f"{bad:,} rows cannot be read: left out"] if bad else []
    notes += [f"{empty:,} rows have no text or no label: left out"] if empty else []
    if not examples:
        raise InvalidData(
            f"{path} has no row with a text in {text!r} and a label in {label!r}: name other columns"
        )
    return Read(tuple(examples), answers, tuple(notes))


def examples_of_harm() -> Path:
    """The file that comes along: scams, insults, dangerous offers, advertisements for adults, ordinary goods."""
    return Path(str(files("zhiyin.data.harm") / "examples.jsonl"))


def of_items(items: Iterable[Item], attribute: str) -> Iterator[Example]:
    """Each item's own text, labelled by an attribute, `brand`, or its `category`, which is the first of
    several; `categories` are all of them."""
    for item in items:
        if labels := _told(item, attribute):
            yield Example(item_text(item), labels)


def item_text(item: Item) -> str:
    """What is read of an item to label it: title and text, never what labels could be learned from."""
    parts = [item.title, item.text]
    if not any(part.strip() for part in parts) and item.translations:
        one = min(item.translations.items())[1]
        parts = [one.title, one.text]
    return ". ".join(part.strip() for part in parts if part.strip())[:MAX_READ]


def of_file(path: Path, column: str | None) -> Iterator[str]:
    """The texts of a file, whatever else it holds; "" where one is missing."""
    table = open_table(path)
    text = column_of(table, column, TEXT, "the texts", "--text-column")
    for batch in table.batches():
        yield from (_cell(cell) for cell in batch.columns[text])


def newest(examples: Iterable[LabelExample]) -> list[LabelExample]:
    """Without what a person has said otherwise since: of a text, or an item, their newest word counts alone."""
    said: dict[str, list[LabelExample]] = {}
    for one in examples:
        key = f"item {one.item_id}" if one.item_id is not None else clean_text(one.text).strip()
        before = said.get(key, [])
        if one.source == PERSON:
            said[key] = [one]
        elif not (before and before[0].source == PERSON):
            said.setdefault(key, []).append(one)
    return [one for group in said.values() for one in group]


def _told(item: Item, attribute: str) -> tuple[str, ...]:
    if attribute in ("category", "categories"):
        return item.categories if attribute == "categories" else item.categories[:1]
    value = item.brand if attribute == "brand" else item.attributes.get(attribute)
    return () if value is None or not str(value).strip() else (str(value),)


def column_of(table: Table, wanted: str | None, usual: Sequence[str], role: str, option: str) -> str:
    """The column of a role by its name, whatever its capitals."""
    known = _folded(table)
    if wanted is None:
        found = next((known[name] for name in usual if name in known), None)
        if found is not None:
            return found
        raise InvalidData(
            f"no column of {table.path} is named like {role}; there are {_list(table)}: say which with {option}"
        )
    if wanted.lower() in known:
        return known[wanted.lower()]
    near = get_close_matches(wanted.lower(), known, 1)
    cure = f"did you mean {known[near[0]]!r}?" if near else f"there are {_list(table)}"
    raise InvalidData(f"{table.path} has no column {wanted!r} for {role}: {cure}")


def _folded(table: Table) -> dict[str, str]:
    return {column.lower(): column for column in reversed(table.columns)}


def _list(table: Table) -> str:
    return ", ".join(table.columns[:20])


def _cell(cell: Cell) -> str:
    """A text or a number as a text; nothing for what is missing."""
    text = "" if cell is None else clean_text(str(cell)).strip()
    return "" if text in MISSING else text


def _labels(cell: Cell, several: str) -> tuple[str, ...]:
    if isinstance(cell, list | tuple):
        return tuple(text for one in cell if (text := _cell(one)))
    text = _cell(cell)
    parts = text.split(several) if several else [text]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
