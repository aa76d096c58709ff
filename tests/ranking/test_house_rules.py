"""Rules of the house: by hand, as laws, and in whole lists."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.models.base import history_batch
from zhiyin.policies.greedy import Greedy
from zhiyin.ranking.fusion import Parts
from zhiyin.ranking.house_rules import HouseRule, allowed, lowered, set_off, taken_lately
from zhiyin.ranking.rules import compile_filter
from zhiyin.recommender import Recommender, Shape
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import START
from zhiyin.types import Event, Item, Query, Recommendation

NOW = START + timedelta(days=20)
GONE = 5
ITEMS: Sequence[Item | None] = (
    Item("bottle", categories=("baby",)),
    Item("wine", categories=("alcohol",), price=9.0),
    Item("beer", categories=("alcohol",), price=2.0),
    Item("bread"),
    Item("pram", categories=("baby",)),
    None,
)
ROWS = np.arange(len(ITEMS), dtype=np.int32)
BABY = HouseRule("baby", 'category = "baby"', 'category = "alcohol"', last=3)
filters = st.sampled_from(
    ['category = "baby"', 'category = "alcohol"', "price > 5", 'not category = "baby"', 'item_id = "bread"']
)
rules = st.lists(
    st.builds(HouseRule, st.text("abc", min_size=1), filters, filters, st.integers(1, 6), st.none()), max_size=3
)
pasts = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([-1.0, 0.3, 1.0])), max_size=12)


def kept(rule: HouseRule, *taken: int, weights: Sequence[float] = ()) -> list[int]:
    history = history_batch(taken, weights or [1.0] * len(taken), [0.0] * len(taken))
    return allowed([rule], history, ROWS, ITEMS).tolist()


def test_who_took_this_gets_none_of_that() -> None:
    assert kept(BABY, 3) == ROWS.tolist()
    assert kept(BABY) == ROWS.tolist()
    assert kept(BABY, 3, 0) == [0, 3, 4, 5]
    assert kept(BABY, GONE) == ROWS.tolist(), "what was deleted is nothing"


def test_recent_are_the_last_different_items_that_were_liked() -> None:
    assert kept(BABY, 0, 1, 2, 3) == ROWS.tolist()
    assert kept(BABY, 0, 2, 3) == [0, 3, 4, 5]
    assert kept(BABY, 0, 2, 3, 3, 2, 3, 3) == [0, 3, 4, 5], "the same item again is not another one"
    assert kept(BABY, 0, weights=[-1.0]) == ROWS.tolist()
    assert kept(BABY, 0, 1, 2, 3, weights=[1.0, -1.0, -1.0, 1.0]) == [0, 3, 4, 5]
    assert taken_lately(history_batch([4, 1, 4, 3], [1.0, 1.0, 1.0, -1.0], [0.0] * 4)).tolist() == [4, 1]


def test_the_newest_item_that_meets_the_rule_is_its_cause() -> None:
    history = history_batch([0, 4, 3], [1.0] * 3, [0.0] * 3)
    assert set_off([BABY], history, ITEMS) == [(BABY, 4)]
    assert set_off([replace(BABY, last=1)], history, ITEMS) == []


def test_what_a_rule_lowers_costs_what_it_says_under_its_name() -> None:
    parts = Parts(("words",), np.arange(6.0)[None, :], {"words": 1.0})
    history = history_batch([0], [1.0], [0.0])
    dear = HouseRule("dear", 'category = "baby"', "price > 5", last=3, cost=0.5)
    cheaper = lowered(parts, [BABY, replace(BABY, name="mild", cost=2.0), dear], history, ROWS, ITEMS)
    assert cheaper.names == ("words", "rule:mild", "rule:dear")
    assert (cheaper.scores - parts.scores).tolist() == [0.0, -2.5, -2.0, 0.0, 0.0, 0.0]
    assert cheaper.of(1) == {"words": 1.0, "rule:mild": -2.0, "rule:dear": -0.5}
    assert cheaper.of(3) == {"words": 3.0}
    assert lowered(parts, [dear], history_batch([], [], []), ROWS, ITEMS) is parts
    assert allowed([dear], history, ROWS, ITEMS).tolist() == ROWS.tolist(), "what is lowered stays"


@given(rules, pasts)
def test_a_row_stays_if_and_only_if_no_rule_that_was_set_off_avoids_it(
    every: list[HouseRule], past: list[tuple[int, float]]
) -> None:
    """Said again without any of our code but the filters."""
    recent: list[int] = []
    for row, weight in reversed(past):
        if weight > 0 and row not in recent:
            recent.append(row)
    forbidden = {
        row
        for rule in every
        if any((item := ITEMS[row]) and compile_filter(rule.when)(item) for row in recent[: rule.last])
        for row, item in enumerate(ITEMS)
        if item and compile_filter(rule.avoid)(item)
    }
    history = history_batch([row for row, _ in past], [weight for _, weight in past], [0.0] * len(past))
    assert set(allowed(every, history, ROWS, ITEMS).tolist()) == set(ROWS.tolist()) - forbidden


def ask(shop: Zhiyin, query: Query, *rules: HouseRule) -> Recommendation:
    shape = Shape(candidates=200, retrieve=500, diversity=0.2, repeats=False, digest="d", rules=rules)
    return Recommender(shop.live(), Greedy(), shape).recommend(query, "r", NOW)


MUSIC = HouseRule("quiet", 'category = "garden"', 'category = "music"', last=3)


@pytest.mark.parametrize("scenario", ["for_you", "trending", "latest"])
def test_a_rule_that_is_set_off_gives_the_list_of_a_filter(shop: Zhiyin, scenario: str) -> None:
    shop.add_events([Event("ann", "music/piano", "like", at=NOW), Event("ann", "garden/spade", "like", at=NOW)])
    query = Query("ann", n=6, scenario=scenario)
    filtered = ask(shop, replace(query, filter='not category = "music"'))
    assert ask(shop, query, MUSIC).items == filtered.items
    assert ask(shop, query).items != filtered.items
    others = [Event("ann", f"kitchen/{noun}", "like", at=NOW) for noun in ("knife", "pan", "whisk")]
    shop.add_events(others)
    assert ask(shop, query, MUSIC).items == ask(shop, query).items, "it ends when they went on to other things"


def test_what_is_said_in_the_query_is_recent_too(shop: Zhiyin) -> None:
    for query in (Query(session=("garden/spade",)), Query(like=("garden/spade",), scenario="similar")):
        shown = {place.item_id.split("/", maxsplit=1)[0] for place in ask(shop, replace(query, n=20), MUSIC).items}
        assert shown & {"garden", "kitchen", "music"} == {"garden", "kitchen"}
    assert "music" in {
        place.item_id.split("/", maxsplit=1)[0]
        for place in ask(shop, Query(unlike=("garden/spade",), n=20), MUSIC).items
    }


def test_a_lowered_item_says_so_in_its_parts_and_given_items_obey_no_rule(shop: Zhiyin) -> None:
    query = Query(session=("garden/spade",), n=25)
    mild = replace(MUSIC, cost=0.25)
    plain = {place.item_id: place for place in ask(shop, query).items}
    for place in ask(shop, query, mild).items:
        assert place.score == pytest.approx(sum(place.parts.values()))
        assert place.parts.get("rule:quiet", 0.0) == (-0.25 if place.item_id.startswith("music/") else 0.0)
        assert {name for name, _ in place.parts.items()} - {"diversity", "rule:quiet"} == {
            name for name in plain[place.item_id].parts if name != "diversity"
        }
        assert all("rule" not in reason.channel for reason in place.reasons)
    shape = Shape(200, 500, 0.2, repeats=False, digest="d", rules=(MUSIC, mild))
    given = Recommender(shop.live(), Greedy(), shape).order(query, ["music/piano", "garden/rake"], "r", NOW)
    assert {place.item_id for place in given.items} == {"music/piano", "garden/rake"}
    assert not any("rule:quiet" in place.parts for place in given.items)
