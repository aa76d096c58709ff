"""Rows to events, by the mapping: column by column, since there are many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import TypeVar

from zhiyin.data.readers.build import Built, build_rows, scalars_at
from zhiyin.data.readers.cells import count_unclean, id_of, number_of, text_of, whole_of
from zhiyin.data.readers.mapping import EventFile
from zhiyin.data.readers.rows import Cell, RowBatch
from zhiyin.data.readers.synonyms import event_type_of
from zhiyin.data.readers.times import Times
from zhiyin.errors import InvalidData
from zhiyin.texts import clean_text
from zhiyin.types import EVENT_TYPES, Event, EventType, Scalar

T = TypeVar("T")
AHEAD = timedelta(days=366)  # that a clock, or a booking, may be


class EventBuilder:
    """Makes events, as of `now`; `times.naive` counts times without a zone."""

    def __init__(self, file: EventFile, zone: tzinfo, now: datetime) -> None:
        self.times = Times(file.time_format, zone)
        self._file, self._latest = file, now + AHEAD
        known: dict[str, EventType] = {name: name for name in EVENT_TYPES}
        self._types = known | file.types

    def build(self, batch: RowBatch) -> Built[Event]:
        file, columns = self._file, _Columns(batch)
        rows = list(
            zip(  # in the order of the fields of Event
                columns.read(file.user_id, id_of, ""),
                columns.read(file.item_id, _id_or_none, None),
                columns.read(file.type, self._type, file.only_type),
                columns.read(file.at, self._moment, None),
                columns.read(file.order, whole_of, None),
                columns.read(file.value, self._number, None),
                columns.read(file.text, _clean_or_none, None),
                columns.read(file.event_id, _id_or_none, None),
                columns.read(file.session_id, _id_or_none, None),
                columns.read(file.recommendation_id, _id_or_none, None),
                columns.read(file.position, whole_of, None),
                columns.scalars(file.context),
                strict=True,
            )
        )

        def make(place: int) -> Event:
            if place in columns.reasons:
                raise InvalidData(columns.reasons[place])
            return Event(*rows[place])

        texts = (*file.context, file.text) if file.text else file.context
        return build_rows(batch, make, count_unclean([batch.columns[name] for name in texts]))

    def _type(self, cell: Cell) -> EventType:
        known = self._types.get(cell) if isinstance(cell, str) else None
        return (
            known
            or self._types.get(text_of(cell))
            or self._types.get(text_of(cell).lower())
            or self._unknown_type(text_of(cell))
        )

    def _unknown_type(self, name: str) -> EventType:
        raise InvalidData(
            f"unknown event type {name!r}, nearest known: {nearest_type(name)}; "
            f'if it means that, add "{name}" = "{nearest_type(name)}" under [data.events.types]'
        )

    def _moment(self, cell: Cell) -> datetime | None:
        """One of the future, such as 2096 or the placeholder 9999-12-31, would be the present, and all that
        happened long ago."""
        moment = self.times.read(cell)
        if moment is not None and moment > self._latest:
            raise InvalidData(f"{text_of(cell)!r} is more than a year ahead: leave the time empty if unknown")
        return moment

    def _number(self, cell: Cell) -> float | None:
        return number_of(cell, comma=self._file.decimal_comma)


def nearest_type(name: str) -> EventType:
    """The event type that a foreign name means or resembles most."""
    if (known := event_type_of(name)) is not None:
        return known
    close = get_close_matches(name.lower(), EVENT_TYPES, 1, 0.0)
    return next(type_ for type_ in EVENT_TYPES if type_ == close[0])


class _Columns:
    """The columns of one batch on their way; `reasons` keeps the first reason against a place."""

    def __init__(self, batch: RowBatch) -> None:
        self._batch = batch
        self.reasons: dict[int, str] = {}

    def read(self, column: str | None, read: Callable[[Cell], T], otherwise: T) -> Sequence[T]:
        """The values of a column, `otherwise` where it is not mapped or a cell means nothing."""
        if column is None:
            return [otherwise] * len(self._batch.numbers)
        values: list[T] = []
        for cell in self._batch.columns[column]:
            try:
                values.append(read(cell))
            except InvalidData as error:
                self.reasons.setdefault(len(values), str(error))
                values.append(otherwise)
        return values

    def scalars(self, names: Sequence[str]) -> Sequence[Mapping[str, Scalar]]:
        """What is kept as context, of each place."""
        if not names:
            return [{}] * len(self._batch.numbers)
        columns = [(name, self._batch.columns[name]) for name in names]
        return [scalars_at(columns, place) for place in range(len(self._batch.numbers))]


def _id_or_none(cell: Cell) -> str | None:
    return id_of(cell) or None


def _clean_or_none(cell: Cell) -> str | None:
    return clean_text(text_of(cell)) or None
