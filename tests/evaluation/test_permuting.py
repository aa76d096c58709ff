"""With the texts of other items nothing is told of new ones; where something still is, the test fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.errors import InvalidData
from zhiyin.evaluation import permuting
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.permuting import permuted, shuffled
from zhiyin.evaluation.verdict import doubts, permutation
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

pytestmark = pytest.mark.slow  # many fits: not in the fast loop

NOUNS = ["red", "blue", "cold", "warm", "soft", "hard", "old", "new"]


def readable(n_users: int = 150, n_items: int = 240) -> Dataset:
    """People who love one word and take only items with it."""
    rng = np.random.default_rng(2)
    items = [Item(f"i{n}", f"{NOUNS[n % 8]} thing of {NOUNS[n % 8]}") for n in range(n_items)]
    events = [
        Event(f"u{user}", f"i{8 * item + user % 8}", "like", order=place)
        for user in range(n_users)
        for place, item in enumerate(rng.choice(n_items // 8, 7, replace=False))
    ]
    return build_dataset(items, events)


def test_everything_an_item_says_moves_together_and_its_id_stays() -> None:
    catalogue = small_dataset().catalogue
    moved = shuffled(catalogue, np.random.default_rng(1))
    assert [item.item_id for item in moved] == [item.item_id for item in catalogue]
    assert sorted(item.title for item in moved) == sorted(item.title for item in catalogue)
    by_title = {item.title: item for item in catalogue}
    assert all(replace(by_title[item.title], item_id=item.item_id) == item for item in moved)


def test_the_gain_of_reading_vanishes_with_the_texts_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permuting, "N", 5)
    found = permuted(readable(), DefaultRecipe(), Run(HashEncoder()), "ndcg@5", Bootstrap(200, 0))
    assert found.vanishes
    assert doubts(found) == doubts(None) == ()
    assert "is passed" in permutation(found)
    assert set(found.own) == set(found.others) == {"ours", "words", "meaning", "reader"}
    assert found.own["words"].low > 0.3, "with their own texts new items are found"
    for gain in found.others.values():
        assert abs(gain.value) < 0.1
        assert gain.low <= gain.value <= gain.high


class Peeking(DefaultRecipe):
    """Fits on the events that should be hidden from it."""

    def fit(self, data: Dataset, run: Run) -> Fitted:
        return super().fit(replace(readable(), catalogue=data.catalogue), run)


def test_a_recipe_that_sees_hidden_events_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permuting, "N", 5)
    found = permuted(readable(), Peeking(), Run(HashEncoder()), "ndcg@5", Bootstrap(200, 0))
    assert not found.vanishes
    (warning,) = doubts(found)
    assert (warning.name, "fails, something but the text" in warning.words) == ("permutation_test", True)
    assert found.others["ours"].low > 0.1


def test_too_little_for_the_test_is_said() -> None:
    with pytest.raises(InvalidData, match="too few; it takes 20 of both"):
        permuted(small_dataset(), DefaultRecipe(), Run(HashEncoder()), "ndcg@5", Bootstrap(50, 0))
