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
from zhiyin.data.readers.source import Source
from zhiyin.errors import InvalidData


def read_schema(source: Source) -> tuple[str, ...]:
    """The column names. Raises InvalidData for duplicates, no rows, or a broken file."""
    with _opened(source) as file:
        names = tuple(file.schema_arrow.names)
        rows = file.metadata.num_rows
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidData(f"{source.path} has the column {twice[0]!r} more than once: rename one of them")
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


def _cells(column: pa.Array) -> list[Cell]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[Cell] = column.to_pylist()
    if pa.types.is_decimal(column.type):
        return [float(value) if isinstance(value, Decimal) else None for value in values]
    return values


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    with tempfile.TemporaryFile() as plain, source.open() as stream:
        if source.gzipped:
            shutil.copyfileobj(stream.bytes, plain)
            plain.seek(0)
        try:
            with pq.ParquetFile(plain if source.gzipped else stream.bytes) as file:
                yield file
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise InvalidData(f"{source.path} is a broken Parquet file ({error}): write it again") from error
