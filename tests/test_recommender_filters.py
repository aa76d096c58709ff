"""Filters that name what is not there: a typing error is told, what may be missing for a while is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from test_recommender import NOW, SHAPE, ask, shown
from zhiyin.errors import InvalidQuery
from zhiyin.policies.greedy import Greedy
from zhiyin.recommender import Recommender
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import small_catalogue
from zhiyin.types import Query


@pytest.mark.parametrize("query", [Query(), Query(text="garden"), Query(scenario="latest"), Query("user 0", n=1)])
def test_a_filter_on_a_field_that_no_item_has_is_refused(shop: Zhiyin, query: Query) -> None:
    with pytest.raises(InvalidQuery, match=r"'nown', which no item has \(did you mean 'noun'\?\)"):
        ask(shop, replace(query, filter='nown = "drum"'))
    assert shown(ask(shop, replace(query, filter='noun = "dream"'))) == []
    declared = replace(SHAPE, fields=frozenset({"nown"}))
    assert shown(ask(shop, replace(query, filter='nown = "drum"'), shape=declared)) == []


def test_a_field_whose_last_item_went_may_still_be_compared_and_one_that_came_at_once(shop: Zhiyin) -> None:
    drum = shop.item("music/drum")
    shop.put_items([replace(drum, attributes={"loud": True})])
    assert shown(ask(shop, Query(filter="loud = True"))) == ["music/drum"]
    shop.put_items([replace(item, attributes={}) for item in small_catalogue()])
    assert shown(ask(shop, Query(filter='noun = "drum"'))) == []


def test_a_list_that_was_answered_once_is_made_again_whatever_its_filter_names(shop: Zhiyin) -> None:
    query, recommender = Query(filter='nown = "drum"'), Recommender(shop.live(), Greedy(), SHAPE)
    as_of = shop.store.position()
    assert recommender.recommend(query, "r", NOW, as_of).items == ()
