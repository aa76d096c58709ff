"""What people do with a list, and that what a list is worth is what it earns on average."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.simulation.browsing import CLICKS, FOLLOWS, Browsing, Reaction, Visit
from zhiyin.simulation.world import sigmoid
from zhiyin.types import EventType

ROWS = [4, 0, 7, 2, 9, 1]
UTILITY = np.array([1.0, -1.0, 0.0, 2.0, -3.0, 0.5])
WORTH: Mapping[EventType, float] = {"click": 0.5, "like": 0.8, "purchase": 1.0}


def visits(n: int, browsing: Browsing) -> list[list[Reaction]]:
    rng = np.random.default_rng(1)
    return [Visit.of(10, rng).reactions(browsing, ROWS, UTILITY) for _ in range(n)]


def test_what_a_list_is_worth_is_counted_by_hand() -> None:
    browsing = Browsing(stay=0.5, look=0.8)
    assert browsing.examined(3) == pytest.approx([0.8, 0.4, 0.2])
    assert browsing.value(np.array([0.5, 0.25, 0.0])) == pytest.approx(0.8 * 0.5 + 0.4 * 0.25)
    want, like = 0.5, 0.5  # a utility of 0
    purchase = 1.0 / (1.0 + np.e)
    neither, liked = (1 - like) * (1 - purchase) * 0.5, like * (1 - purchase) * 0.8
    assert browsing.earned(np.array([want]), WORTH) == pytest.approx(want * (neither + liked + purchase * 1.0))


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5), st.integers(1, 4))
def test_the_best_list_and_that_of_chance_are_those_of_all_lists(wants: list[float], n: int) -> None:
    browsing = Browsing()
    every = [browsing.value(np.array(one)) for one in permutations(wants, min(n, len(wants)))]
    assert browsing.best(np.array(wants), n) == pytest.approx(max(every))
    assert browsing.by_chance(np.array(wants), n) == pytest.approx(float(np.mean(every)))


def test_of_nothing_nothing_is_earned() -> None:
    assert Browsing().best(np.zeros(0), 3) == Browsing().by_chance(np.zeros(0), 3) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("rewards", [CLICKS, WORTH, {"purchase": 1.0}])
def test_what_a_list_is_worth_is_what_it_earns_on_average(rewards: Mapping[EventType, float]) -> None:
    browsing, n = Browsing(), 3_000
    earned = []
    for reactions in visits(n, browsing):
        places: dict[int, float] = {}
        for one in reactions:
            places[one.place] = max(places.get(one.place, 0.0), rewards.get(one.type, 0.0))
        earned.append(sum(places.values()))
    error = float(np.std(earned)) / np.sqrt(n)
    assert np.mean(earned) == pytest.approx(browsing.value(sigmoid(UTILITY), rewards), abs=4 * error)


def test_looking_falls_with_the_place_and_the_log_sees_only_what_was_in_view() -> None:
    n, browsing = 3_000, Browsing(stay=0.7)
    seen = Counter(one.place for reactions in visits(n, browsing) for one in reactions if one.type == "impression")
    shares = np.array([seen[place] / n for place in range(len(ROWS))])
    assert shares[0] == 1.0
    assert shares == pytest.approx(0.7 ** np.arange(len(ROWS)), abs=0.04)
    assert (browsing.examined(len(ROWS)) < shares).all(), "what is in view is not always looked at"


@pytest.mark.slow
def test_most_clicks_come_soon_and_some_after_hours() -> None:
    browsing = Browsing(late=0.2, soon=20.0, later=6.0, pace=0.0)
    clicks = np.array([one.seconds for each in visits(2_000, browsing) for one in each if one.type == "click"])
    assert np.mean(clicks > 600) == pytest.approx(0.2 * np.exp(-600 / 21_600), abs=0.03)
    assert np.median(clicks[clicks < 600]) == pytest.approx(20 * np.log(2), rel=0.15)
    assert clicks.max() > 3_600


def test_who_takes_days_to_decide_buys_days_after_the_click() -> None:
    delays = {}
    for decides in (600.0, 2 * 86_400.0):
        browsing, after = Browsing(purchase=2.0, decides=decides), list[float]()
        for reactions in visits(2_000, browsing):
            clicked = {one.place: one.seconds for one in reactions if one.type == "click"}
            after += [one.seconds - clicked[one.place] for one in reactions if one.type == "purchase"]
        delays[decides] = np.mean(after)
    assert delays == pytest.approx({decides: decides for decides in delays}, rel=0.1)


@pytest.mark.slow
def test_what_follows_a_click_comes_after_it_and_the_more_the_more_it_was_wanted() -> None:
    n, browsing = 3_000, Browsing()
    done: dict[EventType, Counter[int]] = {"click": Counter(), "like": Counter(), "hide": Counter()}
    for reactions in visits(n, browsing):
        clicked = {one.place: one.seconds for one in reactions if one.type == "click"}
        for one in reactions:
            if one.type in FOLLOWS:
                assert one.seconds > clicked[one.place]
            if one.type == "hide":
                assert one.place not in clicked
            if one.type in done:
                done[one.type][one.place] += 1
    wanted, unwanted = 3, 4  # places of the highest and the lowest utility
    assert done["like"][wanted] / done["click"][wanted] == pytest.approx(sigmoid(np.array(2.0)), abs=0.05)
    assert done["hide"][unwanted] > done["hide"][wanted] == 0


@given(st.permutations(range(6)), st.integers(0, 2**32))
def test_the_chances_belong_to_the_items_and_not_to_their_places(order: list[int], seed: int) -> None:
    everything = Browsing(stay=1.0, pace=0.0)  # all places are in view
    visit = Visit.of(10, np.random.default_rng(seed))
    usual = visit.reactions(everything, ROWS, UTILITY)
    moved = visit.reactions(everything, [ROWS[place] for place in order], UTILITY[order])
    told = {(ROWS[one.place], one.type, one.seconds) for one in usual}
    assert told == {(ROWS[order[one.place]], one.type, one.seconds) for one in moved}


def test_what_is_not_wanted_any_more_is_passed_over() -> None:
    browsing = Browsing(stay=1.0, look=1.0)
    gone = np.full(len(ROWS), -np.inf)
    for seed in range(50):
        reactions = Visit.of(10, np.random.default_rng(seed)).reactions(browsing, ROWS, gone)
        assert {one.type for one in reactions} == {"impression"}
    assert browsing.value(sigmoid(gone)) == 0.0
