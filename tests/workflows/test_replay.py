from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_shop import shop_in, shop_on_disk, small_shop

from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.settings_lists import PolicySettings
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.types import Event, Item, Query
from zhiyin.workflows.replay import replay
from zhiyin.workflows.train import train

QUERIES = (Query("user 3", n=5), Query(text="a knife for the kitchen"), Query(like=("music/drum",), n=3))


@pytest.mark.parametrize("query", QUERIES, ids=["person", "wish", "example"])
@pytest.mark.slow
def test_a_list_comes_out_the_same_whatever_happened_since(tmp_path: Path, query: Query) -> None:
    shop = small_shop(tmp_path)
    shop.publish(train(shop).bundle)
    shown = shop.answer(query)
    assert replay(shop, shown.recommendation_id).same
    shop.add_events([Event("user 3", "music/drum", "purchase"), *small_events(90, seed=8)])
    shop.put_items([Item("late", "A knife for the garden"), replace(shop.item("garden/rake"), title="drum")])
    shop.store.delete_items(["kitchen/knife"])
    shop.publish(train(shop).bundle)
    found = replay(shop, shown.recommendation_id)
    assert found.differences == ()
    assert found.again == shop.store.recommendation(shown.recommendation_id)


@pytest.mark.slow
def test_a_list_made_over_items_that_came_late_comes_out_the_same(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    shop.publish(train(shop).bundle)
    for number in range(3):
        shop.put_items([Item(f"late {number}", f"A knife for the kitchen, number {number}")])
        shop.add_events([Event("user 3", f"late {number}", "click")])
        shown = shop.answer(Query("user 3", text="knife", n=8))
        assert replay(shop, shown.recommendation_id).differences == ()
    shop.put_items([Item("later still", "A knife")])
    assert replay(shop, shown.recommendation_id).differences == ()


@pytest.mark.slow
def test_a_zero_shot_list_from_another_process_comes_out_the_same(tmp_path: Path) -> None:
    with shop_on_disk(tmp_path) as shop:
        shop.put_items(small_catalogue())
        id_ = shop.answer(Query(text="spade")).recommendation_id
    with shop_on_disk(tmp_path) as shop:
        assert replay(shop, id_).same


def test_what_differs_is_told_place_by_place(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    shown = shop.compute(Query("user 3", n=3))
    swapped = replace(shown, items=(shown.items[1], shown.items[0], shown.items[2]), mode="popular")
    shop.store.log([swapped])
    told = replay(shop, shown.recommendation_id).differences
    assert [sentence.split(" was ")[0] for sentence in told] == ["mode", "place 1", "place 2"]


def test_other_settings_are_refused_and_not_guessed(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    id_ = shop.answer(Query("user 3")).recommendation_id
    shop.settings = shop.settings.model_copy(update={"policy": PolicySettings(name="greedy")})
    with pytest.raises(InvalidSettings, match=r"\[policy\]"):
        replay(shop, id_)


def test_a_list_that_was_never_shown_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no list 'nothing'"):
        replay(shop_in(tmp_path), "nothing")
