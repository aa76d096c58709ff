"""The one currency of the readers: a batch of rows, column by column, with those that could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST = 64 << 20  # unpacked bytes of a batch, beyond which it ends, however few its rows

# What the file holds: text in CSV; text, number, truth, list, object or None in JSON Lines; dates too in
# Parquet. What it means is decided by the mapping, see cells.
Cell = object


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, why, and what it was."""

    number: int
    reason: str
    raw: Cell


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is used without one of its values, which cannot be read; the reason is against that value."""

    name: str  # of the value
    row: BadRow


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows in the order of the file. `numbers` count from 1, the first row after the header; blank lines do
    not count, bad rows do. Columns are all as long as `numbers`; a value that is not there is None or ""."""

    numbers: Sequence[int]
    columns: Mapping[str, Sequence[Cell]]
    bad: Sequence[BadRow]
    bytes_done: int  # of the file on disk, for the remaining time

    def __len__(self) -> int:
        """Rows read, good and bad."""
        return len(self.numbers) + len(self.bad)

    def rows(self) -> Iterator[tuple[int, dict[str, Cell]]]:
        """Row number and the row as a mapping of column to value."""
        names = list(self.columns)
        for number, values in zip(self.numbers, zip(*self.columns.values(), strict=True), strict=True):
            yield number, dict(zip(names, values, strict=True))

    def raw(self, index: int) -> dict[str, Cell]:
        """The row at a place of this batch as a mapping, for the quarantine."""
        return {name: values[index] for name, values in self.columns.items()}
