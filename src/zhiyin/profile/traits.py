"""Traits: what can be said of an item in one field and one value, such as category: Garden or price: 10..25.

A line of a profile speaks of a trait. Numbers are told in bands, dates in decades, so that few values stand for
many items; a band stands in the value itself and goes on meaning the same when the catalogue changes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from zhiyin.types import MAX_LINE, Item, Scalar

CATEGORY, BRAND, LANGUAGE, PRICE, PUBLISHED = "category", "brand", "language", "price", "published"
ATTRIBUTE = "attributes."  # before the name of an attribute
WORD, TOPIC, TEXT = "word", "topic", "text"  # of what was written: an exact word, a topic, anything at all
FIELDS = (CATEGORY, BRAND, LANGUAGE, PRICE, PUBLISHED, f"{ATTRIBUTE}NAME", WORD, TOPIC, TEXT)
READ = frozenset({TOPIC, TEXT})  # fields whose value the encoder reads
TO = ".."  # between the ends of a band: low <= x < high; an end that is open is left out
QUANTILES = (0.2, 0.4, 0.6, 0.8)  # of the catalogue, where bands of numbers end
LONGEST = 100  # characters of a value that is told
FEW = 8  # different numbers of an attribute that are told as they are

Language = Literal["en", "zh"]  # of who reads a profile
Bounds = tuple[float, ...]  # where bands end, ascending
Bands = Mapping[str, Bounds]  # by field
Test = Callable[[Item], bool]


class Trait(NamedTuple):
    """A field and a value of it."""

    field: str
    value: str

    @property
    def key(self) -> tuple[str, str]:
        """The same for values that differ in case, width or spaces only."""
        return self.field, folded(self.value)


def folded(text: str) -> str:
    """In one spelling."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@lru_cache(maxsize=16_384)
def _folded(value: str) -> str:
    """Of a value of the catalogue. What people say is never kept."""
    return folded(value)


def traits_of(item: Item, bands: Bands) -> set[Trait]:
    """What an item is, as far as fields say so."""
    found = {Trait(CATEGORY, name) for name in item.categories if _short(name)}
    for field, value in ((BRAND, item.brand), (LANGUAGE, item.language)):
        if value is not None and _short(value):
            found.add(Trait(field, value))
    for field, number in numbers_of(item):
        if field in bands:
            found.add(Trait(field, band_of(number, bands[field])))
    found |= {Trait(ATTRIBUTE + name, said(value)) for name, value in _words_of(item, bands)}
    if item.published_at is not None:
        found.add(Trait(PUBLISHED, _decade(item)))
    return found


def numbers_of(item: Item) -> Iterable[tuple[str, float]]:
    """The fields of an item that hold a number, with it."""
    if item.price is not None:
        yield PRICE, item.price
    for name, value in item.attributes.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield ATTRIBUTE + name, float(value)


def bounds_of(numbers: Iterable[float]) -> Bounds:
    """Where bands end: at fifths of the numbers, rounded to two digits."""
    ends = np.quantile(np.fromiter(numbers, np.float64), QUANTILES)
    return tuple(sorted({float(f"{end:.2g}") for end in ends.tolist()}))


def band_of(number: float, bounds: Bounds) -> str:
    """The band a number lies in: ..10, 10..25 or 25.."""
    place = int(np.searchsorted(bounds, number, side="right"))
    low = f"{bounds[place - 1]:g}" if place else ""
    high = f"{bounds[place]:g}" if place < len(bounds) else ""
    return low + TO + high


def ends_of(value: str) -> tuple[float, float] | None:
    """The ends of a band, infinite where open; None for what is no band."""
    low, between, high = value.partition(TO)
    try:
        return (float(low or "-inf"), float(high or "inf")) if between else None
    except ValueError:
        return None


def said(value: Scalar) -> str:
    """An attribute's value as a text; 3.0 and 3 are the same."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def has(trait: Trait) -> Test:
    """Whether an item has the trait. Words and texts are no trait of an item: nothing has them."""
    field, wanted = trait.key
    if field == CATEGORY:
        return lambda item: any(_folded(name) == wanted for name in item.categories)
    if field == BRAND:
        return lambda item: item.brand is not None and _folded(item.brand) == wanted
    if field == LANGUAGE:
        return lambda item: item.language is not None and _folded(item.language) == wanted
    if field == PUBLISHED:
        return lambda item: item.published_at is not None and _decade(item) == wanted
    return _has_value(field, wanted, ends_of(wanted))


def _has_value(field: str, wanted: str, ends: tuple[float, float] | None) -> Test:
    """Of a price or an attribute: within the band, or the same value."""

    def test(item: Item) -> bool:
        value = item.price if field == PRICE else item.attributes.get(field.removeprefix(ATTRIBUTE))
        if value is None or not (field == PRICE or field.startswith(ATTRIBUTE)):
            return False
        if ends is not None and isinstance(value, int | float) and not isinstance(value, bool):
            return ends[0] <= value < ends[1]
        return _folded(said(value)) == wanted

    return test


def _words_of(item: Item, bands: Bands) -> Iterable[tuple[str, Scalar]]:
    """Attributes that are told as they are."""
    return (
        (name, value)
        for name, value in item.attributes.items()
        if ATTRIBUTE + name not in bands and _short(said(value)) and len(ATTRIBUTE + name) <= MAX_LINE
    )


def _short(value: str) -> bool:
    """What can be a line."""
    return len(value.strip()) > 0 and len(value) <= LONGEST


def _decade(item: Item) -> str:
    return f"{item.published_at.year // 10 * 10}s" if item.published_at is not None else ""
