"""The background that a person is held against."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.data.vocabulary import Vocabulary
from zhiyin.profile.background import SAMPLE, SHRINK, Background, background
from zhiyin.profile.traits import Trait
from zhiyin.types import Item


def of(items: list[Item | None]) -> Background:
    names = [f"gone {n}" if item is None else item.item_id for n, item in enumerate(items)]
    return background(items, Vocabulary(names).keys)


def share(known: Background, trait: Trait, popularity: np.ndarray | None = None) -> float:
    return float(known.shares(popularity)[known.place[trait]])


def test_shares_are_of_the_catalogue_until_something_was_counted() -> None:
    known = of([Item("a", categories=("x",)), Item("b", categories=("x", "y")), None, Item("c", brand="x")])
    assert len(known.rows) == 3
    assert share(known, Trait("category", "x")) == pytest.approx(2.5 / 4)
    assert share(known, Trait("category", "y")) == pytest.approx(1.5 / 4)
    taken = np.array([30.0, 10.0, 99.0, 0.0])  # who is gone counts no more
    assert share(known, Trait("category", "x"), taken) == pytest.approx((40 + SHRINK * 2.5 / 4) / (40 + SHRINK))
    assert share(known, Trait("category", "y"), taken) == pytest.approx((10 + SHRINK * 1.5 / 4) / (40 + SHRINK))


def test_numbers_come_in_bands_where_there_are_many() -> None:
    known = of([Item(str(n), price=float(n), attributes={"pages": n, "parts": n % 3}) for n in range(100)])
    assert set(known.bands) == {"price", "attributes.pages"}
    assert Trait("attributes.parts", "2") in known.place
    assert Trait("price", "20..40") in known.place


@pytest.mark.slow
def test_of_a_large_catalogue_it_is_a_sample_wherever_it_is_made() -> None:
    items: list[Item | None] = [Item(str(n), brand=str(n % 7)) for n in range(SAMPLE + 500)]
    known, again = of(items), of(items[::-1])
    assert len(known.rows) == SAMPLE
    sampled = {known_item.item_id for row in known.rows if (known_item := items[row]) is not None}
    mirrored = {item.item_id for row in again.rows if (item := items[::-1][row]) is not None}
    assert sampled == mirrored
    assert share(known, Trait("brand", "3")) == pytest.approx(1 / 7, abs=0.02)


def test_a_word_is_found_as_the_most_common_trait_that_says_it() -> None:
    known = of([Item("a", brand="Garden"), Item("b", categories=("garden",)), Item("c", categories=("garden",))])
    assert known.find("GARDEN") == Trait("category", "garden")
    assert known.find("gardens") is None
    assert known.find("gardens", in_either_number=True) == Trait("category", "garden")
    assert known.find("gardening", in_either_number=True) is None
    assert of([]).find("anything") is None
    assert of([None]).shares(None).shape == (0,)
