"""In what circumstances an event happened: hour and weekday by the clock of the shop, and named context fields.

Named fields are kept if few distinct values fill them (a device, a place), as codes beside the events; what names
nearly every event apart (a session, an address) is dropped while it is read, so that memory stays bounded.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from zhiyin.data.readers.times import zone_of
from zhiyin.types import Scalar

Codes = npt.NDArray[np.int16]  # -1 where unknown

MOST_FIELDS = 8  # named fields that are kept, those of most events
MOST_LOOKED_AT = 64  # named fields that are looked at, the first to come
MOST_VALUES = 32  # distinct values of a field; one with more is dropped
LONGEST = 100  # characters of a name or a value
UNKNOWN = -1

PARTS = ("night", "morning", "noon", "afternoon", "evening")
BEGINS = (0, 6, 11, 14, 18, 22)  # hours at which they begin; from the last on it is night again
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY, QUARTER = 86_400, 900  # seconds; zones change at full quarters of an hour
FIRST_DAY = 3  # 1970-01-01 was a Thursday
_LEAST, _MOST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2, 9_999))


@dataclass(frozen=True, slots=True)
class ContextField:
    """One named field of the events' context."""

    name: str
    values: tuple[str, ...]
    codes: Codes  # (E,) index into `values`

    def take(self, events: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> ContextField:
        """Of these events only, in this order."""
        return replace(self, codes=self.codes[events])


class ContextColumns:
    """Contexts on their way into codes: append one by one. Two bytes an event and field; none without context."""

    def __init__(self) -> None:
        self._fields: dict[str, tuple[dict[str, int], array[int]] | None] = {}  # None: dropped
        self._n = 0

    def add(self, context: Mapping[str, Scalar]) -> None:
        """The context of the next event."""
        self._n += 1
        for name, value in context.items():
            if self._fields.get(name, True) is not None and len(name) <= LONGEST:
                said = told(value)
                if said is not None:
                    self._put(name, said)

    def fields(self, order: npt.NDArray[np.integer]) -> tuple[ContextField, ...]:
        """Those that are kept, by name, of the events in this order."""
        kept = [self._field(name, *found, order) for name, found in self._fields.items() if found is not None]
        often = sorted(kept, key=lambda field: (-int((field.codes != UNKNOWN).sum()), field.name))
        return tuple(sorted(often[:MOST_FIELDS], key=lambda field: field.name))

    def _put(self, name: str, said: str) -> None:
        if name not in self._fields and len(self._fields) < MOST_LOOKED_AT:
            self._fields[name] = {}, array("h")
        found = self._fields.get(name)
        if found is None:
            return
        values, codes = found
        code = values.setdefault(said, len(values))
        if code >= MOST_VALUES:
            self._fields[name] = None
            return
        codes.extend([UNKNOWN] * (self._n - 1 - len(codes)))
        codes.append(code)

    def _field(
        self, name: str, values: Mapping[str, int], codes: array[int], order: npt.NDArray[np.integer]
    ) -> ContextField:
        whole = np.full(self._n, UNKNOWN, np.int16)
        whole[: len(codes)] = np.frombuffer(codes, np.int16)
        return ContextField(name, tuple(values), whole[order])


def told(value: Scalar) -> str | None:
    """A value of a context as text, the same for what an event and what a query say; None for none."""
    said = str(value).strip()
    return said if 0 < len(said) <= LONGEST else None


def contexts_at(fields: Sequence[ContextField], events: npt.NDArray[np.integer]) -> tuple[Mapping[str, str], ...]:
    """For each of these events what is known of its named fields; empty without any field. UNKNOWN is no event."""
    if not fields:
        return ()
    found: list[dict[str, str]] = [{} for _ in events]
    for field in fields:
        codes = np.append(field.codes, np.int16(UNKNOWN))[events]
        for place in np.flatnonzero(codes != UNKNOWN).tolist():
            found[place][field.name] = field.values[codes[place]]
    return tuple(found)


def calendar(at: npt.NDArray[np.float64], zone: str) -> tuple[Codes, Codes]:
    """(E,) indices into PARTS and into DAYS by the clock of the zone (IANA); UNKNOWN without a time (NaN).

    A moment at midnight sharp, in UTC or in the zone, is a date: its part of the day is unknown.
    """
    known = np.flatnonzero(np.isfinite(at))
    parts, days = (np.full(len(at), UNKNOWN, np.int16) for _ in range(2))
    moments = np.clip(at[known], _LEAST, _MOST)
    clock = np.where(moments % DAY == 0, moments, moments + _offsets(moments, zone))
    hours = (clock % DAY) // 3_600
    part = (np.searchsorted(BEGINS, hours, side="right") - 1) % len(PARTS)
    parts[known] = np.where(clock % DAY == 0, UNKNOWN, part)
    days[known] = (clock // DAY + FIRST_DAY) % len(DAYS)
    return parts, days


def _offsets(moments: npt.NDArray[np.float64], zone: str) -> npt.NDArray[np.float64]:
    """(n,) seconds by which the clock of the zone is ahead of UTC."""
    rules = zone_of(zone)
    if rules is UTC:
        return np.zeros(len(moments))
    quarters, place = np.unique(moments // QUARTER, return_inverse=True)
    ahead = (datetime.fromtimestamp(quarter * QUARTER, rules).utcoffset() for quarter in quarters.tolist())
    return np.array([offset.total_seconds() if offset else 0.0 for offset in ahead])[place]
