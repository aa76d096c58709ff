"""A past, item by item: what a person took to and what they turned down, with the events that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.types import Event, Item

REVIEWS = 40  # newest texts of a person that are read


@dataclass(slots=True)
class Touched:
    """An item of a past while it is counted: `at` and `places` of the events that say something."""

    row: int
    item: Item
    weight: float = 0.0  # of its events, summed
    places: list[int] = field(default_factory=list)  # in the history, ascending
    at: list[datetime] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # that the person wrote about it


@dataclass(frozen=True, slots=True)
class Side:
    """The n items of one kind, in the order in which they were met last, and what each counts."""

    touched: tuple[Touched, ...]
    counts: Doubles  # (n,) in (0, 1]: a glance is less than a purchase

    @property
    def rows(self) -> Rows:
        return np.array([one.row for one in self.touched], np.int32)

    @classmethod
    def of(cls, touched: Sequence[Touched]) -> Side:
        ordered = tuple(sorted(touched, key=lambda one: one.places[-1]))
        return cls(ordered, np.array([min(abs(one.weight), 1.0) for one in ordered], np.float64))


@dataclass(frozen=True, slots=True)
class Past:
    """Liked is what the events of an item speak for on the whole, disliked what they speak against."""

    liked: Side
    disliked: Side
    length: int  # events of the history


def past_of(events: Sequence[Event], weights: Sequence[float], rows: Rows, items: Sequence[Item | None]) -> Past:
    """Of events with an item, oldest first, with their signed weights and rows; those whose item is gone and those
    that say nothing are left out."""
    met: dict[int, Touched] = {}
    written = 0
    for place in range(len(events) - 1, -1, -1):  # the newest texts first
        event, row, weight = events[place], int(rows[place]), weights[place]
        item = items[row] if row >= 0 else None
        if item is None or weight == 0:
            continue
        one = met.setdefault(row, Touched(row, item))
        one.weight += weight
        one.places.append(place)
        if event.at is not None:
            one.at.append(event.at)
        if event.text and written < REVIEWS:
            one.texts.append(event.text)
            written += 1
    for one in met.values():
        one.places.reverse()
        one.at.reverse()
    liked = [one for one in met.values() if one.weight > 0]
    return Past(Side.of(liked), Side.of([one for one in met.values() if one.weight < 0]), len(events))
