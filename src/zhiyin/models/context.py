"""Context: what is taken at such hours, on such days, and in such circumstances.

The score is Σ_f log λ_jf over what is known of the moment, the part of the day, the weekday and named fields,
summed as naive Bayes does: λ_jf is how much more often than usual item j is taken where f holds
(zhiyin.models.lifts). Items that nobody took borrow from those that read alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field, field_validator

from zhiyin.data.circumstances import DAYS, PARTS, UNKNOWN, ContextField, calendar, told
from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.readers.times import zone_of
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe, Run
from zhiyin.models.columns import packed, unpacked
from zhiyin.models.lifts import counted, decided
from zhiyin.models.neighbours import Alike, ScoresOfAll, matrix_in, named_parts
from zhiyin.models.sparse import prune, weighted_sum, with_rows

PART, WEEKDAY = "@part", "@weekday"  # no field of a context is called so
LEAST_LIFT = 0.02  # what is nearer to 0 is nothing
MOST_LIFTS = 50_000  # items of a value, the largest


@dataclass(frozen=True, slots=True)
class Context:
    """Scores are sums of logarithms of how much more often than usual; 0 where nothing is known of the moment."""

    name: ClassVar[str] = "context"
    zone: str  # of the clock
    values: tuple[tuple[str, str], ...]  # (V,) field and value
    lifts: sp.csr_array  # (V, I) log λ̂
    often: sp.csr_array  # (V, I) 1 where an item itself was taken more often than usual: what may be said of it
    later: sp.csr_array  # (L, I): an item that came later is scored as this mixture of fitted ones

    @property
    def n_fitted(self) -> int:
        return int(self.lifts.shape[1])

    @property
    def n_items(self) -> int:
        return self.n_fitted + int(self.later.shape[0])

    @property
    def speaks(self) -> bool:
        """Whether anything is taken at some times rather than at others."""
        return bool(self.lifts.nnz)

    def score(self, batch: Batch) -> Floats:
        own = (self.present(batch) @ self.lifts).toarray()
        return np.hstack([own, (self.later @ own.T).T]) if self.later.shape[0] else own

    def scorer(self, batch: Batch) -> ContextScorer:
        return ContextScorer(self, batch)

    def present(self, batch: Batch) -> sp.csr_array:
        """(B, V) 1 for the values that hold when each asks."""
        place = {value: number for number, value in enumerate(self.values)}
        owners, found = [], []
        for asker, value in _values_of(batch, self.zone):
            if value in place:
                owners.append(asker)
                found.append(place[value])
        ones = np.ones(len(found), np.float32)
        return sp.csr_array((ones, (owners, found)), shape=(len(batch), len(self.values)))

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, later=sp.csr_array(sp.vstack([self.later, arrivals.near[:, : self.n_fitted]])))

    def borrowed_again(self, rows: Rows, mixtures: sp.csr_array) -> Self:
        """The same lifts, with these later rows scored through other mixtures (n, I)."""
        return replace(self, later=with_rows(self.later, rows - self.n_fitted, mixtures))

    def arrays(self) -> Arrays:
        fields, values = zip(*self.values, strict=True) if self.values else ((), ())
        return {
            **packed("zone", (self.zone,)),
            **packed("fields", fields),
            **packed("values", values),
            **named_parts("lifts", self.lifts),
            **named_parts("often", self.often),
            **named_parts("later", self.later),
            "n_items": np.array([self.n_fitted]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        n_items = int(arrays["n_items"][0])
        lifts, often, later = (matrix_in(name, arrays, n_items) for name in ("lifts", "often", "later"))
        (zone,) = unpacked("zone", arrays)
        values = zip(unpacked("fields", arrays), unpacked("values", arrays), strict=True)
        return cls(zone, tuple(values), lifts, often, later)


class ContextScorer(ScoresOfAll):
    """What is taken at a moment such as this."""

    def __init__(self, model: Context, batch: Batch) -> None:
        self._model, self._entries = model, len(batch.rows)
        self._values = model.present(batch).indices
        own = weighted_sum(model.lifts, self._values, np.ones(len(self._values), np.float32))
        super().__init__(own, model.later)

    def why(self, rows: Rows) -> Floats:
        return np.zeros((self._entries, len(rows)), np.float32)

    def often(self, row: int) -> tuple[str, ...]:
        """Of what holds now, that in which people themselves took this item more often than usual: `friday`,
        `evening`, `device: phone`. Nothing for items that borrow."""
        if row >= self._model.n_fitted:
            return ()
        values = [value for value in self._values.tolist() if _has(self._model.often, value, row)]
        return tuple(_said(*self._model.values[value]) for value in values)


class ContextRecipe(Recipe):
    """Hours, weekdays and what else is known of the moment."""

    time_zone: str | None = Field(
        default=None,
        description="Zone of the clock that people live by, such as Asia/Shanghai; unset: `data.time_zone`.",
    )
    fields: tuple[str, ...] | None = Field(
        default=None,
        description="Fields of the context of events and queries that are known when a list is asked for, such as "
        "device; unset: those with few values that items do not decide.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name

    def fit(self, data: Dataset, run: Run, alike: Alike | None = None) -> Context:
        """Items that nobody took borrow from what reads `alike`; without that, they score 0."""
        zone, n_items = self.time_zone or data.time_zone, len(data.items)
        none = sp.csr_array((0, n_items), dtype=np.float32)
        values, lifts, often = list[tuple[str, str]](), [none], [none]
        for field in (*_hours_and_days(data, zone), *self._named(data)):
            seen = counted(field, data)
            if seen is None:
                continue
            found = seen.lifts()
            values += [(field.name, value) for value in seen.values]
            often.append(sp.csr_array((seen.often & (found > LEAST_LIFT)).T.astype(np.float32)))
            if alike is not None:
                bare = np.flatnonzero(seen.expected.sum(axis=1) == 0)
                found[bare] = alike.neighbours[bare] @ found
            lifts.append(prune(_without_little(found.T), MOST_LIFTS))
        return Context(zone, tuple(values), sp.csr_array(sp.vstack(lifts)), sp.csr_array(sp.vstack(often)), none)

    def _named(self, data: Dataset) -> Iterator[ContextField]:
        """Those of the fields that are to be learned from."""
        for field in data.context:
            wanted = not decided(field, data) if self.fields is None else field.name in self.fields
            if wanted and field.name not in (PART, WEEKDAY):
                yield field


def _hours_and_days(data: Dataset, zone: str) -> tuple[ContextField, ContextField]:
    parts, days = calendar(data.at, zone)
    return ContextField(PART, PARTS, parts), ContextField(WEEKDAY, DAYS, days)


def _values_of(batch: Batch, zone: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Asker, and field and value of what holds when they ask."""
    if len(batch.now):
        for name, words, codes in zip((PART, WEEKDAY), (PARTS, DAYS), calendar(batch.now, zone), strict=True):
            for asker in np.flatnonzero(codes != UNKNOWN).tolist():
                yield asker, (name, words[codes[asker]])
    for asker, context in enumerate(batch.contexts):
        for name, value in context.items():
            if name not in (PART, WEEKDAY) and (said := told(value)) is not None:
                yield asker, (name, said)


def _without_little(lifts: Floats) -> sp.csr_array:
    return sp.csr_array(np.where(np.abs(lifts) < LEAST_LIFT, np.float32(0), lifts))


def _has(matrix: sp.csr_array, row: int, column: int) -> bool:
    """Whether there is an entry; columns are ascending. Faster than scipy, which this is asked for every place."""
    columns = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
    place = int(np.searchsorted(columns, column))
    return place < len(columns) and int(columns[place]) == column


def _said(field: str, value: str) -> str:
    return value if field in (PART, WEEKDAY) else f"{field}: {value}"
