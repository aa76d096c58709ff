"""A file as a table, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zhiyin.data.readers.delimited import DELIMITERS, find_delimiter, read_csv, read_header
from zhiyin.data.readers.jsonlines import read_columns, read_jsonl
from zhiyin.data.readers.parquet import read_parquet, read_schema
from zhiyin.data.readers.rows import RowBatch
from zhiyin.data.readers.source import Source, look_at
from zhiyin.errors import InvalidData

BATCH = 50_000  # rows


@dataclass(frozen=True, slots=True)
class Table:
    """A readable file and its columns. `delimiter` is None unless it is CSV."""

    source: Source
    columns: tuple[str, ...]
    delimiter: str | None = None

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def notes(self) -> tuple[str, ...]:
        return self.source.notes

    def batches(self, size: int = BATCH) -> Iterator[RowBatch]:
        """All rows, from the first, each time it is called."""
        if self.source.format == "parquet":
            return read_parquet(self.source, size)
        if self.source.format == "jsonl":
            return read_jsonl(self.source, self.columns, size)
        return read_csv(self.source, self.delimiter or ",", self.columns, size)

    def need(self, column: str, role: str) -> None:
        """Raises InvalidData if the column is not there."""
        if column in self.columns:
            return
        split = f" (split by {DELIMITERS[self.delimiter]})" if self.delimiter else ""
        raise InvalidData(
            f"{self.path} has no column {column!r} for {role}; its columns{split}: "
            f"{', '.join(self.columns[:30])}. Name the right one in zhiyin.toml"
        )


def open_table(path: Path) -> Table:
    """The table of a CSV, JSON Lines or Parquet file, or of a gzipped one; no row is read yet.

    Raises NotFound, or InvalidData at the door: empty, header only, duplicate columns, neither UTF-8 nor
    GB18030.
    """
    source = look_at(path)
    if source.format == "parquet":
        return Table(source, read_schema(source))
    if source.format == "jsonl":
        return Table(source, read_columns(source))
    delimiter = find_delimiter(source)
    return Table(source, read_header(source, delimiter), delimiter)
