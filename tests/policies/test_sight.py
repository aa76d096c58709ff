"""Who looked how far: by hand, and found again where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.policies.sight import NOT_CLICKED, Sight


def test_a_click_tells_who_looked_and_silence_is_reckoned_by_hand() -> None:
    sight = Sight(2, went=1.0, out_of=2.0)
    rates = np.full((3, 4), 0.5)
    looked = sight.looked(rates, np.array([0, 3, NOT_CLICKED]))
    assert looked[0].tolist() == [1, 0, 0, 0]
    assert looked[1].tolist() == [1, 1, 1, 1]
    assert looked[2] == pytest.approx([1, 1, 0.2, 0.2])  # .5 · .25 / (.5 + .5 · .25)


def test_where_all_places_are_in_sight_all_are_looked_at() -> None:
    looked = Sight(4).looked(np.full((1, 4), 0.1), np.array([NOT_CLICKED]))
    assert looked.tolist() == [[1, 1, 1, 1]]
    assert Sight(9).looked(np.full((1, 4), 0.1), np.array([NOT_CLICKED])).tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("goes_on", [0.1, 0.5, 0.95])
def test_how_many_go_on_and_what_is_below_are_found_again(goes_on: float) -> None:
    rng = np.random.default_rng(3)
    rates = rng.uniform(0.02, 0.3, 40)
    sight = Sight(3)
    clicks, looks, below = np.zeros(40), np.zeros(40), np.zeros(40)
    for _ in range(30):
        lists = np.argsort(rng.random((500, 40)), axis=1)[:, :8]
        clicked = _clicks(rates[lists], rng, goes_on)
        sight = sight.seen(rates[lists], clicked)
        looked = sight.looked(rates[lists], clicked)
        looked[:, :3] = 0.0  # of the places below alone
        at = np.flatnonzero(clicked >= 3)
        np.add.at(clicks, lists[at, clicked[at]], 1.0)
        np.add.at(looks, lists, looked)
        np.add.at(below, lists, looked * (clicked >= 3)[:, None])
    assert sight.goes_on == pytest.approx(goes_on, abs=0.06)
    assert clicks.sum() / looks.sum() == pytest.approx(rates.mean(), rel=0.15)
    assert clicks.sum() / below.sum() > 1.5 * rates.mean(), "counted as never looked at, all below seem better"


def _clicks(rates: np.ndarray, rng: np.random.Generator, goes_on: float) -> np.ndarray:
    likes = rng.random(rates.shape) < rates
    likes[rng.random(len(rates)) > goes_on, 3:] = False
    return np.where(likes.any(axis=1), likes.argmax(axis=1), NOT_CLICKED)
