"""What becomes of a batch of rows: nouns, and the rows that could not be one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from zhiyin.data.readers.cells import scalar_of
from zhiyin.data.readers.rows import BadRow, Cell, LeftOut, RowBatch
from zhiyin.errors import InvalidData
from zhiyin.types import Scalar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Built(Generic[T]):
    """`made[i]` comes from place `places[i]` of the batch; `bad` holds the reader's bad rows too.

    len(made) + len(bad) = rows of the batch. `cleaned` counts rows whose texts lost control characters; of those
    made, `left_out` are the values that they lack since these could not be read.
    """

    made: Sequence[T]
    places: Sequence[int]
    bad: Sequence[BadRow]
    cleaned: int = 0
    left_out: Sequence[LeftOut] = ()


def build_rows(batch: RowBatch, make: Callable[[int], T], cleaned: int = 0) -> Built[T]:
    """One noun a row by `make(place)`; a row for which it raises InvalidData is bad for that reason."""
    made: list[T] = []
    places: list[int] = []
    bad = list(batch.bad)
    for place, number in enumerate(batch.numbers):
        try:
            made.append(make(place))
            places.append(place)
        except InvalidData as error:
            bad.append(BadRow(number, str(error), batch.raw(place)))
    return Built(made, places, bad, cleaned)


def scalars_at(columns: Sequence[tuple[str, Sequence[Cell]]], place: int) -> dict[str, Scalar]:
    """The attributes of one row: those columns that hold something."""
    values = ((name, scalar_of(cells[place])) for name, cells in columns)
    return {name: value for name, value in values if value is not None}
