"""Times, by the format of a whole column: decided once from many values, then obeyed row by row.

A single 45000 may be seconds, an Excel day or a counter; a column of them is one thing.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zhiyin.data.readers.cells import is_missing
from zhiyin.data.readers.rows import Cell
from zhiyin.errors import InvalidData

UNITS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}
DAYS = ("year_first", "month_first", "day_first")
FORMATS = ("iso", *UNITS, "excel", *DAYS)
_EXCEL_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAR = 6.2e10  # seconds from 1970 that stay within the years 1 to 9999
_SLASHED = re.compile(
    r"(\d{1,4})\s*[/.年-]\s*(\d{1,2})\s*[/.月-]\s*(\d{1,4})日?"
    r"(?:[T,\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?)?"
)
_COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """The format of a column, the share of filled values that have it, and a word about zones and doubts."""

    format: str
    share: float
    said: tuple[str, ...] = ()


def zone_of(name: str) -> tzinfo:
    """A zone of the IANA table. Raises InvalidData for an unknown one."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidData(f"time_zone {name!r} is unknown: write one like UTC or Asia/Shanghai") from error


class Times:
    """Reads the cells of one column into UTC; `naive` counts those that had no zone and were given `zone`."""

    def __init__(self, format_: str, zone: tzinfo) -> None:
        self.naive = 0
        self._zone = zone
        self._format = format_
        self._unit = UNITS.get(format_, 0)

    def read(self, cell: Cell) -> datetime | None:
        """The instant, None for an empty cell. Raises InvalidData for what the format does not fit."""
        if is_missing(cell):
            return None
        try:
            if self._unit:
                return _EPOCH + timedelta(microseconds=_microseconds(cell, self._unit))
            moment = self._moment(cell)
            naive = moment.tzinfo is None
            if naive:
                moment = moment.replace(tzinfo=self._zone)
            moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)  # may leave the years 1 to 9999
        except (ValueError, OverflowError, TypeError) as error:
            raise InvalidData(f"{str(cell)[:60]!r} is not a time of the form {self._format}") from error
        self.naive += naive
        return moment

    def _moment(self, cell: Cell) -> datetime:
        if isinstance(cell, datetime):
            return cell
        if isinstance(cell, date):
            return datetime(cell.year, cell.month, cell.day)  # the zone comes later
        if self._format == "excel":
            return (_EXCEL_ZERO + timedelta(days=float(str(cell)))).replace(tzinfo=None)
        if self._format in DAYS:
            return _slashed(str(cell).strip(), self._format)
        if "%" in self._format:
            return datetime.strptime(str(cell).strip(), self._format)
        return datetime.fromisoformat(str(cell).strip().removesuffix(" UTC"))


def guess_times(values: Sequence[Cell]) -> TimeGuess | None:
    """The time format of a column from its filled values, None if fewer than 9 in 10 are times."""
    filled = [value for value in values if not is_missing(value)]
    if not filled:
        return None
    numbers = _numbers(filled)
    compact = sum(bool(_COMPACT.fullmatch(str(value))) for value in filled)
    if len(numbers) >= 0.9 * len(filled) > compact:
        return _guess_epoch(numbers, len(filled))
    best = max(
        (_tried(filled, format_) for format_ in ("iso", *_day_orders(filled))), key=lambda guess: guess.share
    )
    return best if best.share >= 0.9 else None


def check_format(format_: str) -> str:
    """The format itself. Raises ValueError for an unknown one."""
    if format_ not in FORMATS and "%" not in format_:
        raise ValueError(f"a time format is one of {', '.join(FORMATS)} or a pattern such as %d %b %Y %H:%M")
    return format_


def _guess_epoch(numbers: Sequence[float], n_filled: int) -> TimeGuess | None:
    """By the magnitude of the middle value: 1e9 is seconds, 1e12 milli-, 1e15 micro-, 1e18 nanoseconds."""
    middle = statistics.median(numbers)
    if min(numbers) >= 20_000 and max(numbers) <= 80_000:  # 1954 to 2119 in days of Excel
        return TimeGuess(
            "excel", len(numbers) / n_filled, (f"numbers near {middle:.0f} count days as Excel does",)
        )
    for name, unit in UNITS.items():
        if 1e8 <= middle / unit < _FAR:  # 1973 to 3934
            fine = [value for value in numbers if abs(value / unit) < _FAR]
            first, last = (_EPOCH + timedelta(seconds=value / unit) for value in (min(fine), max(fine)))
            words = f"numbers near {middle:.4g} count {name.removeprefix('epoch_')} since 1970"
            return TimeGuess(name, len(fine) / n_filled, (f"{words}: {first:%Y-%m-%d} to {last:%Y-%m-%d}",))
    return None


def _tried(filled: Sequence[Cell], format_: str) -> TimeGuess:
    times = Times(format_, UTC)
    fine, zones = 0, set()
    for value in filled:
        try:
            times.read(value)
        except InvalidData:
            continue
        fine += 1
        zones.add(_offset(value))
    said = []
    if len(zones) > 1:
        said.append(f"time zones are mixed ({', '.join(sorted(zones))}): each is honoured")
    if format_ in ("month_first", "day_first") and not _decisive(filled):
        said.append(f"no day is above 12, so I cannot know the order of day and month: I took {format_}")
    return TimeGuess(format_, fine / len(filled), tuple(said))


def _offset(value: Cell) -> str:
    if isinstance(value, datetime):
        return str(value.tzinfo or "none")
    match = re.search(r"(Z|[+-]\d\d:?\d\d)$", str(value)[10:].strip())
    return match[1].replace("Z", "+00:00") if match else "none"


def _day_orders(filled: Sequence[Cell]) -> tuple[str, ...]:
    """The orders of year, month and day to try, the likelier first."""
    dotted = sum("." in str(value) for value in filled[:100]) * 2 > len(filled[:100])
    return ("year_first", "day_first", "month_first") if dotted else DAYS


def _decisive(filled: Sequence[Cell]) -> bool:
    parts = (match for value in filled if (match := _SLASHED.match(str(value).strip())))
    return any(int(part[1]) > 12 or int(part[2]) > 12 for part in parts)


def _slashed(text: str, order: str) -> datetime:
    match = _SLASHED.fullmatch(text)
    if not match:
        raise ValueError(text)
    first, second, third = (int(match[place]) for place in (1, 2, 3))
    year, month, day = {
        "year_first": (first, second, third),
        "month_first": (third, first, second),
        "day_first": (third, second, first),
    }[order]
    if year < 100:
        if order == "year_first":
            raise ValueError(text)
        year += 2000 if year < 70 else 1900
    hour, minute, second = (int(match[place] or 0) for place in (4, 5, 6))
    if match[7]:
        hour = hour % 12 + (12 if match[7].lower() == "pm" else 0)
    return datetime(year, month, day, hour, minute, second)  # the zone comes later


def _microseconds(cell: Cell, unit: int) -> int:
    """Whole numbers exactly, others as floats."""
    if isinstance(cell, str) and cell.isdigit():
        cell = int(cell)
    if isinstance(cell, int):
        return cell * 1_000_000 // unit
    return round(float(str(cell)) * 1_000_000 / unit)


def _numbers(filled: Sequence[Cell]) -> list[float]:
    numbers = []
    for value in filled:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                continue
            if math.isfinite(number):
                numbers.append(number)
    return numbers
