"""The catalogue as columns: which items are there, since when, and what is read of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import DAY, Doubles, Mask
from zhiyin.types import Item

T = TypeVar("T", bound=np.generic)


def with_values(column: npt.NDArray[T], rows: Sequence[int], values: npt.NDArray[T]) -> npt.NDArray[T]:
    """The column with these rows set, longer where rows are new."""
    longer = np.append(column, np.zeros(sum(row >= len(column) for row in rows), column.dtype))
    longer[list(rows)] = values
    return longer


def read_of(item: Item) -> tuple[object, ...]:
    """All that the channels read of an item."""
    told = item.title, item.text, item.categories, item.brand
    return *told, dict(item.attributes), dict(item.translations), dict(item.vectors)


def availability(items: Sequence[Item | None]) -> Mask:
    return np.fromiter((item is not None and item.available for item in items), bool, len(items))


def publication_days(items: Sequence[Item | None]) -> Doubles:
    days = (
        -np.inf if item is None or item.published_at is None else item.published_at.timestamp() / DAY
        for item in items
    )
    return np.fromiter(days, np.float64, len(items))
