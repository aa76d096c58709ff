"""Rows to items, users and relations, by the mapping.

An item is its id and its words: a row of which these cannot be read is bad. What else is said of it (price, time
of publication, whether it is available, vectors) is left out where it cannot be read, as if the cell were empty,
and told: to lose the item, and all that people did with it, is worse than to lose its price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import TypeVar

from zhiyin.data.readers.build import Built, build_rows, scalars_at
from zhiyin.data.readers.cells import cleaned, count_unclean, id_of, list_of, number_of, text_of, truth_of
from zhiyin.data.readers.mapping import ItemFile, RelationFile, TextColumns, UserFile
from zhiyin.data.readers.rows import BadRow, Cell, LeftOut, RowBatch
from zhiyin.data.readers.times import Times
from zhiyin.data.readers.vectors import Vectors
from zhiyin.errors import InvalidData
from zhiyin.texts import clean_text
from zhiyin.types import Item, Relation, Scalar, Translation, User, check_price, check_vector

T = TypeVar("T")


class ItemBuilder:
    """Makes items; `times.naive` counts times of publication without a zone."""

    def __init__(self, file: ItemFile, zone: tzinfo, vectors: Mapping[str, Vectors]) -> None:
        self.times = Times(file.time_format, zone)
        self._file = file
        self._vectors = vectors

    def build(self, batch: RowBatch) -> Built[Item]:
        columns = [batch.columns[name] for name in text_columns(self._file)]
        left_out: list[LeftOut] = []
        built = build_rows(batch, lambda place: self._item(_Row(batch, place, left_out)), count_unclean(columns))
        bad = {row.number for row in built.bad}
        return replace(built, left_out=[one for one in left_out if one.row.number not in bad])

    def _item(self, row: _Row) -> Item:
        file = self._file
        item_id = id_of(row.cell(file.item_id))
        available = row.if_readable("available", lambda: truth_of(row.cell(file.available)))
        return Item(
            item_id=item_id,
            title=row.text(file.title),
            text=row.texts(file.text),
            categories=row.names(file.categories, file.list_separator),
            brand=row.text(file.brand) or None,
            attributes=row.scalars(file.attributes),
            price=row.if_readable("price", lambda: _price(row.cell(file.price), comma=file.decimal_comma)),
            url=row.text(file.url) or None,
            image=row.text(file.image) or None,
            language=row.text(file.language) or None,
            translations=_translations(row, file.translations),
            vectors=self._vectors_of(item_id, row),
            available=True if available is None else available,
            published_at=row.if_readable("published_at", lambda: self.times.read(row.cell(file.published_at))),
        )

    def _vectors_of(self, item_id: str, row: _Row) -> dict[str, tuple[float, ...]]:
        found: dict[str, tuple[float, ...]] = {}
        for name, vectors in self._vectors.items():
            vector = row.if_readable(f"vector {name}", partial(_vector, name, vectors, item_id, row.number))
            if vector is not None:
                found[name] = vector
        return found


def text_columns(file: ItemFile) -> list[str]:
    """The columns whose texts are cleaned and counted; ids are not: an unclean id is refused."""
    single = (file.title, file.brand, file.url, file.image, file.language)
    more = (name for columns in file.translations.values() for name in (columns.title, columns.text))
    names = (*single, *more, *file.text, *file.categories, *file.attributes)
    return [name for name in dict.fromkeys(names) if name is not None]


def build_users(batch: RowBatch, file: UserFile) -> Built[User]:
    attributes = [(name, batch.columns[name]) for name in file.attributes]
    ids = batch.columns[file.user_id]
    unclean = count_unclean([cells for _, cells in attributes])
    return build_rows(batch, lambda place: User(id_of(ids[place]), scalars_at(attributes, place)), unclean)


def build_relations(batch: RowBatch, file: RelationFile) -> Built[Relation]:
    heads, tails = batch.columns[file.head], batch.columns[file.tail]
    names = batch.columns[file.relation] if file.relation else [file.only_relation] * len(heads)
    return build_rows(
        batch,
        lambda place: Relation(id_of(heads[place]), text_of(names[place]), id_of(tails[place])),
    )


def _translations(row: _Row, columns: Mapping[str, TextColumns]) -> dict[str, Translation]:
    made = {code: Translation(row.text(of.title), row.text(of.text)) for code, of in columns.items()}
    return {code: translation for code, translation in made.items() if translation.title or translation.text}


def _price(cell: Cell, *, comma: bool) -> float | None:
    price = number_of(cell, comma=comma)
    check_price(price)
    return price


def _vector(name: str, vectors: Vectors, item_id: str, number: int) -> tuple[float, ...] | None:
    vector = vectors.of(item_id, number)
    if vector is not None:
        check_vector(name, vector)
    return vector


class _Row:
    """One row of a batch; a column that the mapping leaves out is empty. What cannot be read goes to
    `left_out`."""

    __slots__ = ("_batch", "_columns", "_left_out", "_place")

    def __init__(self, batch: RowBatch, place: int, left_out: list[LeftOut]) -> None:
        self._batch, self._place, self._left_out = batch, place, left_out
        self._columns: Mapping[str, Sequence[Cell]] = batch.columns

    @property
    def number(self) -> int:
        return self._batch.numbers[self._place]

    def if_readable(self, name: str, read: Callable[[], T | None]) -> T | None:
        """A value that an item may lack; None where it cannot be read, which is told."""
        try:
            return read()
        except InvalidData as error:
            self._left_out.append(LeftOut(name, BadRow(self.number, str(error), self._batch.raw(self._place))))
            return None

    def cell(self, column: str | None) -> Cell:
        return None if column is None else self._columns[column][self._place]

    def text(self, column: str | None) -> str:
        return cleaned(self.cell(column))[0]

    def texts(self, columns: Sequence[str]) -> str:
        """The texts of several columns, and of lists within them, one a line."""
        cells = [self.cell(column) for column in columns]
        parts = (text_of(part) for cell in cells for part in (cell if isinstance(cell, list) else [cell]))
        return clean_text("\n".join(part for part in parts if part))

    def scalars(self, columns: Sequence[str]) -> dict[str, Scalar]:
        """The attributes in these columns."""
        return scalars_at([(name, self._columns[name]) for name in columns], self._place)

    def names(self, columns: Sequence[str], separator: str) -> tuple[str, ...]:
        """The distinct names of several columns of lists."""
        found = (name for column in columns for name in list_of(self.cell(column), separator))
        return tuple(dict.fromkeys(clean_text(name) for name in found))
