"""Vectors of items made elsewhere: a .npy matrix in the order of the items file, or Parquet by item id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from zhiyin.data.readers.cells import text_of
from zhiyin.data.readers.mapping import VectorFile
from zhiyin.errors import InvalidData, NotFound


@dataclass(frozen=True, slots=True)
class Vectors:
    """(n, dim) numbers, by item id, or by row number of the items file where `rows` is None."""

    matrix: npt.NDArray[np.floating]
    rows: Mapping[str, int] | None

    def of(self, item_id: str, number: int) -> tuple[float, ...] | None:
        """The vector of an item, None if it has none. Raises InvalidData if it is not finite."""
        row = number - 1 if self.rows is None else self.rows.get(item_id)
        if row is None:
            return None
        vector = self.matrix[row]
        if not np.isfinite(vector).all():
            raise InvalidData(f"the vector of {item_id!r} holds numbers that are not finite: leave its row out")
        return tuple(vector.tolist())


def load_vectors(path: Path, file: VectorFile, n_items: int) -> Vectors:
    """The vectors of a file; `n_items`: rows of the items file, which a .npy file must follow one by one.

    Raises NotFound, or InvalidData for another shape, another length, or duplicate ids.
    """
    if not path.is_file():
        raise NotFound(f"{path} is not a file that is there: check data.vectors in zhiyin.toml")
    if path.suffix == ".npy":
        return Vectors(_npy(path, n_items), None)
    return _parquet(path, file)


def _npy(path: Path, n_items: int) -> npt.NDArray[np.floating]:
    try:
        with path.open("rb") as raw:
            np.lib.format.read_magic(raw)  # numpy.load takes zip archives, too
        matrix: npt.NDArray[np.floating] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise InvalidData(f"{path} is not a .npy file of numbers ({error}): write it with numpy.save") from error
    if matrix.ndim != 2 or matrix.shape[1] == 0 or not _is_real(matrix.dtype):
        raise InvalidData(
            f"{path} holds {matrix.dtype} of shape {matrix.shape}: vectors are numbers, (items, dim)"
        )
    if len(matrix) != n_items:
        raise InvalidData(
            f"{path} has {len(matrix):,} rows and the items file {n_items:,}: "
            "without ids both need the same rows in the same order; a Parquet file may have an item_id column"
        )
    return matrix if np.issubdtype(matrix.dtype, np.floating) else matrix.astype(np.float32)


def _parquet(path: Path, file: VectorFile) -> Vectors:
    id_column = file.item_id or "item_id"
    try:
        table = pq.read_table(path, columns=[id_column, file.vector])
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise InvalidData(f"{path} cannot be read as Parquet ({error}): give .npy or Parquet") from error
    if set(table.column_names) != {id_column, file.vector}:
        raise InvalidData(f"{path} needs the columns {id_column!r} and {file.vector!r}: name them in data.vectors")
    column = table.column(file.vector).combine_chunks()
    if not _holds_numbers(column.type):
        raise InvalidData(f"{path} has {column.type} in {file.vector!r}: vectors are lists of numbers")
    lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
    if column.null_count or len(lengths) != 1:
        raise InvalidData(f"{path} has vectors of {len(lengths)} lengths or empty ones: all need the same length")
    matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1).astype(np.float32)
    rows = {text_of(id_): row for row, id_ in enumerate(table.column(id_column).to_pylist())}
    if len(rows) != len(matrix):
        raise InvalidData(f"{path} names {len(matrix) - len(rows):,} ids more than once: keep one vector an item")
    return Vectors(matrix, rows)


def _is_real(kind: np.dtype[np.generic]) -> bool:
    return np.issubdtype(kind, np.floating) or np.issubdtype(kind, np.integer)


def _holds_numbers(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    inner = kind.value_type if any(is_one(kind) for is_one in lists) else kind
    return inner is not kind and (pa.types.is_floating(inner) or pa.types.is_integer(inner))
