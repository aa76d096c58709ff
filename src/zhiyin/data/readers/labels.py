"""Rows to labels and what label models learn from, as `zhiyin export` writes them.

Texts are read word for word, for a label may be called none or n/a.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from zhiyin.data.readers.build import Built, build_rows
from zhiyin.data.readers.mapping import AnswerFile, ExampleFile, ItemLabelFile
from zhiyin.data.readers.rows import Cell, RowBatch
from zhiyin.data.readers.times import Times
from zhiyin.errors import InvalidData
from zhiyin.texts import clean_text
from zhiyin.types import ItemLabel, LabelExample, check_label_name


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a label."""

    name: str  # of the label model
    label: str
    answer: str


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was said of an item."""

    item_id: str
    name: str  # of the label model
    label: ItemLabel


def build_examples(batch: RowBatch, file: ExampleFile) -> Built[LabelExample]:
    columns = batch.columns

    def make(place: int) -> LabelExample:
        item_id = columns[file.item_id][place] if file.item_id is not None else None
        return LabelExample(
            name=_text(columns[file.name][place]),
            text=_text(columns[file.text][place]),
            labels=_texts(columns[file.labels][place]),
            source=_text(columns[file.source][place]),
            at=_moment(columns[file.at][place]),
            item_id=None if item_id in (None, "") else _text(item_id),
        )

    return build_rows(batch, make)


def build_answers(batch: RowBatch, file: AnswerFile) -> Built[Answer]:
    columns = [batch.columns[name] for name in (file.name, file.label, file.answer)]
    return build_rows(batch, lambda place: Answer(*(_text(cells[place]) for cells in columns)))


def build_item_labels(batch: RowBatch, file: ItemLabelFile, known: Callable[[str], bool]) -> Built[Labelled]:
    """`known`: whether an item is in the catalogue."""
    columns = batch.columns

    def make(place: int) -> Labelled:
        item_id, name = _text(columns[file.item_id][place]), _text(columns[file.name][place])
        if not known(item_id):
            raise InvalidData(f"there is no item {item_id!r}: bring it in the file of items")
        check_label_name(name)
        near = _texts(columns[file.near][place])
        numbers = _numbers(columns[file.probabilities][place])
        if len(near) != len(numbers):
            raise InvalidData(f"{len(near)} labels are near and have {len(numbers)} probabilities: one for each")
        label = ItemLabel(
            _texts(columns[file.labels][place]),
            dict(zip(near, numbers, strict=True)),
            _text(columns[file.by][place]),
            _moment(columns[file.at][place]),
        )
        return Labelled(item_id, name, label)

    return build_rows(batch, make)


def _text(cell: Cell) -> str:
    if not isinstance(cell, str) or not cell.strip():
        raise InvalidData(f"a text is missing, got {cell!r}: the columns are those that zhiyin export writes")
    return clean_text(cell)


def _texts(cell: Cell) -> tuple[str, ...]:
    return tuple(_text(part) for part in _list(cell))


def _numbers(cell: Cell) -> list[float]:
    parts = _list(cell)
    if not all(isinstance(part, int | float) for part in parts):
        raise InvalidData(f"probabilities are a list of numbers, got {cell!r}")
    return [float(str(part)) for part in parts]


def _list(cell: Cell) -> Sequence[Cell]:
    if cell is None:
        return ()
    if not isinstance(cell, list | tuple):
        raise InvalidData(f"a list is meant, got {cell!r}: JSON Lines and Parquet can hold one")
    return cell


def _moment(cell: Cell) -> datetime:
    found = Times("iso", UTC).read(cell)
    if found is None:
        raise InvalidData("a time is missing: when it was said, ISO 8601")
    return found
