"""Traits: what an item is, and which items a line speaks of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.profile.traits import PRICE, Trait, band_of, bounds_of, ends_of, has, said, traits_of
from zhiyin.testing import strategies as some
from zhiyin.types import Item

BOWL = Item(
    "bowl",
    categories=("Kitchen", "Bowls"),
    brand="Acorn",
    language="en",
    attributes={"material": "clay", "pieces": 3, "dishwasher": True, "weight": 0.5},
    price=12.0,
    published_at=datetime(1994, 3, 1, tzinfo=UTC),
)


def test_an_item_is_what_its_fields_say() -> None:
    assert traits_of(BOWL, {"price": (10.0, 25.0), "attributes.weight": (1.0,)}) == {
        Trait("category", "Kitchen"),
        Trait("category", "Bowls"),
        Trait("brand", "Acorn"),
        Trait("language", "en"),
        Trait("price", "10..25"),
        Trait("published", "1990s"),
        Trait("attributes.material", "clay"),
        Trait("attributes.pieces", "3"),
        Trait("attributes.dishwasher", "true"),
        Trait("attributes.weight", "..1"),
    }


def test_bands_end_at_fifths_of_the_numbers() -> None:
    bounds = bounds_of(float(n) for n in range(101))
    assert bounds == (20.0, 40.0, 60.0, 80.0)
    assert [band_of(n, bounds) for n in (0, 20, 79.9, 80)] == ["..20", "20..40", "60..80", "80.."]
    assert bounds_of([1234.0]) == (1200.0,)


@pytest.mark.parametrize(
    ("trait", "true"),
    [
        (Trait("category", "kitchen"), True),
        (Trait("category", " ＫＩＴＣＨＥＮ "), True),
        (Trait("category", "Kit"), False),
        (Trait("brand", "acorn"), True),
        (Trait("language", "zh"), False),
        (Trait("price", "10..25"), True),
        (Trait("price", "12..12"), False),
        (Trait("price", "12"), True),
        (Trait("price", "x..y"), False),
        (Trait("published", "1990s"), True),
        (Trait("attributes.pieces", "3"), True),
        (Trait("attributes.weight", ".."), True),
        (Trait("attributes.material", "1..2"), False),
        (Trait("attributes.nothing", "clay"), False),
        (Trait("word", "Kitchen"), False),
        (Trait("text", "clay"), False),
    ],
)
def test_a_line_speaks_of_what_has_its_trait(trait: Trait, true: bool) -> None:
    assert has(trait)(BOWL) is true
    assert has(trait)(Item("bare")) is False


@pytest.mark.slow
@given(some.items(), st.floats(0, 1e6), st.floats(0, 1e6))
def test_an_item_has_each_of_its_traits(item: Item, low: float, high: float) -> None:
    bands = {PRICE: tuple(sorted({float(f"{low:.2g}"), float(f"{high:.2g}")}))}
    for trait in traits_of(item, bands):
        assert has(trait)(item), trait


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_said_so_that_they_can_be_found_again(number: float) -> None:
    assert has(Trait("attributes.x", said(number)))(Item("i", attributes={"x": number}))


def test_what_is_no_band_has_no_ends() -> None:
    assert ends_of("clay") is None
    assert ends_of("a..b") is None
    assert ends_of("..5") == (float("-inf"), 5.0)
