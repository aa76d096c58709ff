"""Beliefs on their whole way: lists, answers, a prior that is learned and judged, lists that follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from small_shop import shop_in, small_shop

from visitors import FIRST_DAY, visited
from zhiyin.data.answers import BELIEF, EXPLORE
from zhiyin.live import Live
from zhiyin.settings_lists import BeliefSettings
from zhiyin.shop import Zhiyin
from zhiyin.types import AsOf, Event, Item, Query
from zhiyin.workflows.believing import LEAST
from zhiyin.workflows.erase import erase
from zhiyin.workflows.replay import replay
from zhiyin.workflows.settling import settled_exposures
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

LOVED = ("garden/lamp", "kitchen/plate", "music/song")


def likes(_: str, item_id: str) -> float:
    return 0.5 if item_id in LOVED else 0.05


def by_chance(_: str, __: str) -> float:
    return 0.15


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Zhiyin:
    """A shop whose people love three things; what they answered was learned from, and is live."""
    return learned_shop(tmp_path_factory.mktemp("answered"), likes)


def learned_shop(folder: Path, taste: Callable[[str, str], float]) -> Zhiyin:
    shop = small_shop(folder, repeats=True)
    shop.publish(train(shop).bundle)
    visited(shop, taste, 400)
    shop.publish(train(shop).bundle)
    return shop


def test_what_is_loved_when_shown_rises_and_every_part_sums_to_the_score(answered: Zhiyin) -> None:
    assert answered.live().folded.bundle.fitted.belief is not None
    lists = visited(answered, likes, 60, day=30, seed=5)
    places = [place for one in lists for place in one.items]
    assert all(sum(place.parts.values()) == pytest.approx(place.score, abs=1e-9) for place in places)
    assert all(place.parts[EXPLORE] > 0 for place in places)
    told = {
        name: np.mean([p.parts[BELIEF] for p in places if (p.item_id in LOVED) == name]) for name in (True, False)
    }
    assert told[True] > told[False] + 1.0
    assert np.mean([place.item_id in LOVED for place in places]) > 0.35, "3 of 25 items"
    assert any(reason.channel == BELIEF for place in places for reason in place.reasons)


def test_lists_with_beliefs_come_out_the_same_whatever_happened_since(answered: Zhiyin) -> None:
    lists = visited(answered, likes, 20, day=40, seed=6)
    answered.put_items([Item("late lamp", "A lamp for the garden", categories=("garden",))])
    lists += visited(answered, likes, 20, day=41, seed=7)
    answered.put_items([replace(answered.item("garden/lamp"), title="A drum for the music")])
    lists += visited(answered, likes, 20, day=42, seed=8)
    for one in lists[::4]:
        assert replay(answered, one.recommendation_id).differences == ()


def test_a_snapshot_with_beliefs_is_a_function_of_its_position(answered: Zhiyin) -> None:
    position, bundle = answered.store.position(), answered.live().folded.bundle
    live = Live(bundle, answered.store, answered.settings.data.signals)
    steps = np.linspace(0, position.event, 7).astype(int).tolist()
    stepwise = live.snapshot()
    for event in steps[1:]:
        whole = live.at(AsOf(event, position.item))
        again = Live(bundle, answered.store, answered.settings.data.signals).at(AsOf(event, position.item))
        assert whole.beliefs is not None
        assert again.beliefs is not None
        np.testing.assert_array_equal(whole.beliefs.items.totals, again.beliefs.items.totals)
        assert whole.beliefs.surprise == again.beliefs.surprise
    assert stepwise.beliefs is not None
    np.testing.assert_array_equal(stepwise.beliefs.items.totals, whole.beliefs.items.totals)
    np.testing.assert_array_equal(stepwise.beliefs.items.text.mean, whole.beliefs.items.text.mean)
    np.testing.assert_array_equal(stepwise.beliefs.proposed, whole.beliefs.proposed)
    assert stepwise.beliefs.surprise == whole.beliefs.surprise != 1.0


def test_a_new_item_is_proposed_at_once_and_says_that_little_is_known_of_it(answered: Zhiyin) -> None:
    answered.put_items([Item("newest", "A plate for the kitchen", categories=("kitchen",))])
    one = answered.recommender().recommend(Query("user 3", n=26), "r", FIRST_DAY + timedelta(days=50))
    parts = {place.item_id: place.parts for place in one.items}
    known = [parts[name][EXPLORE] for name in LOVED if name in parts]
    assert parts["newest"][EXPLORE] > max(known)


def test_without_beliefs_or_optimism_lists_have_no_such_parts(answered: Zhiyin) -> None:
    settings = answered.settings
    for said, absent in (({"on": False}, {BELIEF, EXPLORE}), ({"optimism": 0.0}, {EXPLORE})):
        other = settings.model_copy(update={"belief": BeliefSettings(**said)})
        assert other.digest() != settings.digest()
        shop = Zhiyin(other, answered.store, answered.encoder())
        one = shop.compute(Query("user 3", n=5))
        assert not any(absent & set(place.parts) for place in one.items)
    for scenario in ("similar", "trending", "latest"):
        like = ("garden/lamp",) if scenario == "similar" else ()
        one = answered.compute(Query("user 3", n=5, scenario=scenario, like=like))
        assert not any({BELIEF, EXPLORE} & set(place.parts) for place in one.items)


def test_where_answers_come_by_chance_or_are_few_nothing_is_believed(tmp_path: Path) -> None:
    shop = small_shop(tmp_path, repeats=True)
    shop.publish(train(shop).bundle)
    visited(shop, by_chance, 20)
    few = train(shop)
    assert f"of the {LEAST:,} exposures" in few.beliefs
    visited(shop, by_chance, 250, day=20)
    shop.publish(train(shop).bundle)
    assert "left out" in train(shop).beliefs
    assert shop.live().folded.bundle.fitted.belief is None


def test_who_only_looked_is_named_by_the_receipt_and_leaves_the_folds(tmp_path: Path) -> None:
    shop = learned_shop(tmp_path, likes)
    name = "only looks"
    one = shop.recommender().recommend(Query(name, n=5), "looked", FIRST_DAY + timedelta(days=5))
    shop.store.log([one])
    shop.add_events(
        [Event(name, place.item_id, "impression", one.at, recommendation_id="looked") for place in one.items]
    )
    visited(shop, likes, 150, day=10, seed=3)
    shop.publish(train(shop).bundle)
    beliefs = shop.live().snapshot().beliefs
    assert beliefs is not None
    before = beliefs.items.counts.copy()
    receipt = erase(shop, name)
    assert shop.publication().bundle in receipt.bundles
    after = shop.live().snapshot().beliefs
    assert after is not None
    gone = [shop.live().snapshot().vocabulary.row(place.item_id) for place in one.items]
    assert (after.items.counts[gone] < before[gone]).all()


def test_what_is_settled_is_known_by_the_time_of_its_lists(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    shop.put_items([Item(name, f"thing {name}") for name in "abc"])
    shown = visited(shop, lambda _, item: float(item == "a"), 300)
    position = shop.store.last_event()
    found = settled_exposures(shop.store.answers, shop.settings.data.signals, 86_400.0, position)
    rewards = {name: {one.reward for one in found if one.item_id == name} for name in "abc"}
    assert rewards == {"a": {0.5}, "b": {0.0}, "c": {0.0}}
    assert [one.outline.at for one in found] == sorted(one.outline.at for one in found)
    newest = max(one.at for one in shown).timestamp()
    assert max(one.outline.at for one in found if one.item_id == "b") < newest - 86_400.0, "its last day is open"
    earlier = settled_exposures(shop.store.answers, shop.settings.data.signals, 86_400.0, position // 2)
    assert 0 < len(earlier) < len(found)
