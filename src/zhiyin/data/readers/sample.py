"""The first rows of a file and what each column looks like: what inference decides from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from zhiyin.data.readers.cells import is_missing, number_of, text_of, truth_of
from zhiyin.data.readers.rows import Cell
from zhiyin.data.readers.synonyms import plain
from zhiyin.data.readers.table import Table
from zhiyin.data.readers.times import TimeGuess, guess_times
from zhiyin.errors import InvalidData

SAMPLE = 50_000  # rows
LOOKED_AT = 2_000  # filled cells of a column, for what is slow to find out
_URL = re.compile(r"(https?:)?//\S+|data:\S+", re.IGNORECASE)
_IMAGE = re.compile(r"\.(jpe?g|png|webp|gif|svg|avif)(\?\S*)?$", re.IGNORECASE)


class Column:
    """What a column looks like. Shares are of the cells that are not empty."""

    def __init__(self, name: str, cells: Sequence[Cell]) -> None:
        self.name = name
        self.plain = plain(name)
        self.cells = cells

    @cached_property
    def filled(self) -> Sequence[Cell]:
        return [cell for cell in self.cells if not is_missing(cell)]

    @cached_property
    def texts(self) -> Sequence[str]:
        return [text_of(cell) for cell in self.filled]

    @cached_property
    def distinct(self) -> frozenset[str]:
        return frozenset(self.texts)

    @property
    def fill(self) -> float:
        """Share of the rows that have something in this column."""
        return len(self.filled) / max(1, len(self.cells))

    @property
    def uniqueness(self) -> float:
        """Distinct values for each filled cell: 1.0 for a key."""
        return len(self.distinct) / max(1, len(self.filled))

    @cached_property
    def length(self) -> float:
        """Mean characters of a filled cell."""
        looked = self.texts[:LOOKED_AT]
        return sum(map(len, looked)) / max(1, len(looked))

    @cached_property
    def times(self) -> TimeGuess | None:
        return guess_times(self.filled[:LOOKED_AT])

    def is_number(self, *, comma: bool = False) -> bool:
        """Whether at least 9 in 10 cells are numbers, also with a currency sign."""
        return self._share(lambda cell: number_of(cell, comma=comma)) >= 0.9

    def is_truth(self) -> bool:
        return self._share(truth_of) >= 0.9

    def is_url(self) -> bool:
        looked = self.texts[:LOOKED_AT]
        return bool(looked) and sum(bool(_URL.match(text)) for text in looked) >= 0.8 * len(looked)

    def is_image(self) -> bool:
        looked = self.texts[:LOOKED_AT]
        return bool(looked) and sum(bool(_IMAGE.search(text)) for text in looked) >= 0.8 * len(looked)

    def numbers(self, *, comma: bool = False) -> list[float]:
        """The cells that are numbers."""
        found = []
        for cell in self.filled:
            try:
                number = number_of(cell, comma=comma)
            except InvalidData:
                continue
            if number is not None:
                found.append(number)
        return found

    def _share(self, read: Callable[[Cell], object]) -> float:
        looked = self.filled[:LOOKED_AT]
        fine = 0
        for cell in looked:
            try:
                fine += read(cell) is not None
            except InvalidData:
                continue
        return fine / len(looked) if looked else 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a file. `whole`: they are all rows."""

    path: str  # as it will stand in zhiyin.toml
    columns: Mapping[str, Column]
    n_rows: int
    whole: bool
    delimiter: str | None = None

    @property
    def rows_said(self) -> str:
        return f"{self.n_rows:,} rows" if self.whole else f"the first {self.n_rows:,} rows"


def take_sample(table: Table, path: str, rows: int = SAMPLE) -> Sample:
    """Up to `rows` good rows from the start. Raises InvalidData if none can be read."""
    cells: dict[str, list[Cell]] = {name: [] for name in table.columns}
    n_rows, whole, why = 0, True, ""
    for batch in table.batches():
        for name, column in cells.items():
            column.extend(batch.columns[name])
        n_rows += len(batch.numbers)
        why = why or (batch.bad[0].reason if batch.bad else "")
        if n_rows >= rows:
            whole = False
            break
    if n_rows == 0:
        raise InvalidData(f"no row of {table.path} can be read; the first: {why}")
    columns = {name: Column(name, column) for name, column in cells.items()}
    return Sample(path, columns, n_rows, whole, table.delimiter)
