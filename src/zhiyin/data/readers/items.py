"""Rows to items, users and relations, by the mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from zhiyin.data.readers.build import Built, build_rows, scalars_at
from zhiyin.data.readers.cells import cleaned, count_unclean, id_of, list_of, number_of, text_of, truth_of
from zhiyin.data.readers.mapping import ItemFile, RelationFile, TextColumns, UserFile
from zhiyin.data.readers.rows import Cell, RowBatch
from zhiyin.data.readers.times import Times
from zhiyin.data.readers.vectors import Vectors
from zhiyin.texts import clean_text
from zhiyin.types import Item, Relation, Translation, User


class ItemBuilder:
    """Makes items; `times.naive` counts times of publication without a zone."""

    def __init__(self, file: ItemFile, zone: tzinfo, vectors: Mapping[str, Vectors]) -> None:
        self.times = Times(file.time_format, zone)
        self._file = file
        self._vectors = vectors

    def build(self, batch: RowBatch) -> Built[Item]:
        columns = [batch.columns[name] for name in text_columns(self._file)]
        return build_rows(batch, lambda place: self._item(batch, place), count_unclean(columns))

    def _item(self, batch: RowBatch, place: int) -> Item:
        file, row = self._file, _Row(batch, place)
        item_id = id_of(row.cell(file.item_id))
        available = truth_of(row.cell(file.available))
        return Item(
            item_id=item_id,
            title=row.text(file.title),
            text=row.texts(file.text),
            categories=row.names(file.categories, file.list_separator),
            brand=row.text(file.brand) or None,
            attributes=scalars_at([(name, batch.columns[name]) for name in file.attributes], place),
            price=number_of(row.cell(file.price), comma=file.decimal_comma),
            url=row.text(file.url) or None,
            image=row.text(file.image) or None,
            language=row.text(file.language) or None,
            translations=_translations(row, file.translations),
            vectors=self._vectors_of(item_id, batch.numbers[place]),
            available=True if available is None else available,
            published_at=self.times.read(row.cell(file.published_at)),
        )

    def _vectors_of(self, item_id: str, number: int) -> dict[str, tuple[float, ...]]:
        found = ((name, vectors.of(item_id, number)) for name, vectors in self._vectors.items())
        return {name: vector for name, vector in found if vector is not None}


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


class _Row:
    """One row of a batch; a column that the mapping leaves out is empty."""

    __slots__ = ("_columns", "_place")

    def __init__(self, batch: RowBatch, place: int) -> None:
        self._columns: Mapping[str, Sequence[Cell]] = batch.columns
        self._place = place

    def cell(self, column: str | None) -> Cell:
        return None if column is None else self._columns[column][self._place]

    def text(self, column: str | None) -> str:
        return cleaned(self.cell(column))[0]

    def texts(self, columns: Sequence[str]) -> str:
        """The texts of several columns, and of lists within them, one a line."""
        cells = [self.cell(column) for column in columns]
        parts = (text_of(part) for cell in cells for part in (cell if isinstance(cell, list) else [cell]))
        return clean_text("\n".join(part for part in parts if part))

    def names(self, columns: Sequence[str], separator: str) -> tuple[str, ...]:
        """The distinct names of several columns of lists."""
        found = (name for column in columns for name in list_of(self.cell(column), separator))
        return tuple(dict.fromkeys(clean_text(name) for name in found))
