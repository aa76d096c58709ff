"""Parquet, batch by batch. A gzipped one is unpacked to a temporary file first: it is read from its end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from zhiyin.data.readers.rows import Cell, RowBatch
from zhiyin.data.readers.source import Source, check_columns
from zhiyin.errors import InvalidData


def read_schema(source: Source) -> tuple[str, ...]:
    """The column names. Raises InvalidData for duplicates, no rows, or a broken file."""
    with _opened(source) as file:
        names = tuple(file.schema_arrow.names)
        rows = file.metadata.num_rows
    check_columns(source, names)
    if rows == 0:
        raise InvalidData(f"{source.path} holds columns ({', '.join(names[:8])}) and no row: add rows")
    return names


def read_parquet(source: Source, size: int) -> Iterator[RowBatch]:
    """All rows in batches; times finer than a microsecond are cut to it, decimals become floats."""
    with _opened(source) as file:
        total = file.metadata.num_rows
        number = 0
        for batch in file.iter_batches(batch_size=size):
            columns = {name: _cells(batch.column(name)) for name in batch.schema.names}
            numbers = range(number + 1, number + len(batch) + 1)
            number += len(batch)
            yield RowBatch(numbers, columns, [], source.size * number // total)
        if number != total:
            raise InvalidData(f"{source.path} holds {number:,} rows and says {total:,}: write it again")


def _cells(column: pa.Array) -> list[Cell]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":  # from coarser ones it would overflow
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        values: list[Cell] = column.to_pylist()
    except (OverflowError, ValueError):  # one of them is no date, no time or no text
        values = [_cell(value) for value in column]
    if pa.types.is_decimal(column.type):
        return [float(value) if isinstance(value, Decimal) else None for value in values]
    return values


def _cell(value: pa.Scalar) -> Cell:
    """What Python cannot hold, a time after the year 9999 or a text that is none, as a text that says what it was:
    the row goes to the quarantine with it, or it is kept as an attribute."""
    try:
        cell: Cell = value.as_py()
    except (OverflowError, ValueError):
        if pa.types.is_temporal(value.type):
            return f"{value.value} as {value.type}"
        return value.cast(pa.binary()).as_py() if pa.types.is_string(value.type) else f"unreadable {value.type}"
    return cell


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    with tempfile.TemporaryFile() as plain, source.open() as stream:
        if source.gzipped:
            shutil.copyfileobj(stream.bytes, plain)
            plain.seek(0)
        try:
            with pq.ParquetFile(plain if source.gzipped else stream.bytes) as file:
                yield file
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeDecodeError) as error:
            raise InvalidData(f"{source.path} is a broken Parquet file ({error}): write it again") from error
