"""Questions to somebody new: what is asked, and where the answers go."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from zhiyin.questions import TELLING
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import SILENT, START
from zhiyin.types import Event, Query, Recommendation
from zhiyin.workflows.replay import replay


def asked(shop: Zhiyin, user: str, n: int = 5, exclude: tuple[str, ...] = ()) -> Recommendation:
    return shop.answer(Query(user, n=n, scenario="questions", exclude=exclude))


def theme(item_id: str) -> str:
    return item_id.partition("/")[0]


def test_the_questions_are_of_different_kinds_and_say_what_they_are_worth(shop: Zhiyin) -> None:
    one = asked(shop, "new")
    assert len({theme(place.item_id) for place in one.items}) == 3
    worth = [place.parts[TELLING] for place in one.items]
    assert worth == sorted(worth, reverse=True)
    assert all(0 < part <= 1 for part in worth)
    assert {place.log_propensity for place in one.items} == {0.0}
    assert not any(place.explored for place in one.items)
    assert SILENT not in {place.item_id for place in asked(shop, "new", n=25).items}
    assert replay(shop, one.recommendation_id).differences == ()


def test_the_second_five_are_other_ones_and_follow_the_answers(shop: Zhiyin) -> None:
    first = asked(shop, "ann")
    liked = first.items[0].item_id
    shop.add_events(
        [Event("ann", liked, "like", START + timedelta(days=40), recommendation_id=first.recommendation_id)]
    )
    second = asked(shop, "ann", exclude=tuple(place.item_id for place in first.items))
    assert not {place.item_id for place in first.items} & {place.item_id for place in second.items}
    nobody = asked(shop, "nobody", exclude=tuple(place.item_id for place in first.items))
    of_ann, of_nobody = ([place.parts[TELLING] for place in one.items] for one in (second, nobody))
    assert of_ann != of_nobody
    assert np.mean([theme(place.item_id) == theme(liked) for place in second.items]) <= 0.4, "that much is known"


def test_what_is_liked_changes_the_next_list(shop: Zhiyin) -> None:
    def share() -> float:
        one = shop.recommender().recommend(Query("bob", n=6), "the same draw", START + timedelta(days=50))
        return float(np.mean([theme(place.item_id) == "music" for place in one.items]))

    one = asked(shop, "bob", n=10)
    events = [
        Event(
            "bob",
            place.item_id,
            "like" if theme(place.item_id) == "music" else "hide",
            recommendation_id=one.recommendation_id,
        )
        for place in one.items
    ]
    before = share()
    shop.add_events(events)
    assert share() > before


@pytest.mark.parametrize("n", [1, 25])
def test_a_bundle_that_was_never_trained_asks_too(untrained_shop: Zhiyin, n: int) -> None:
    assert len(asked(untrained_shop, "new", n=n).items) == min(n, 24)
