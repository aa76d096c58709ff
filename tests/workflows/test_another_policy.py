"""What lists of the log say of another policy: against a shop whose people are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_shop import small_shop

from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import START
from zhiyin.types import Event, Query
from zhiyin.workflows.off_policy import OffPolicy, off_policy, question_of
from zhiyin.workflows.replay import replay
from zhiyin.workflows.shown_lists import rewards_of

pytestmark = pytest.mark.slow

WANTED = "kitchen/"  # whatever is shown of this is clicked


def served(folder: Path, n_lists: int, *, name: str = "softmax", floor: float = 0.2) -> Zhiyin:
    """A shop that showed lists of three to people who want one thing alone, with all that was clicked."""
    shop = small_shop(folder)
    policy = shop.settings.policy.model_copy(update={"name": name, "floor": floor, "temperature": 1.0})
    shop.settings = shop.settings.model_copy(update={"policy": policy})
    for n in range(n_lists):
        query = Query(text="a knife for the kitchen" if n % 2 else "a drum", n=3)
        shown = shop.recommender().recommend(query, f"list {n}", START)
        shop.store.log([shown])
        shop.add_events(
            [
                Event("guest", place.item_id, "click", recommendation_id=shown.recommendation_id)
                for place in shown.items
                if place.item_id.startswith(WANTED)
            ]
        )
    return shop


def truth(shop: Zhiyin, policy: str, n_lists: int = 150) -> float:
    """What a list earns when the policy is really served."""
    said = shop.settings.policy.model_copy(update={"name": policy})
    shop.settings = shop.settings.model_copy(update={"policy": said})
    recommender = shop.recommender()
    lists = [
        recommender.recommend(Query(text=text, n=3), f"{text} {n}", START)
        for text in ("a knife for the kitchen", "a drum")
        for n in range(n_lists)
    ]
    return float(np.mean([sum(place.item_id.startswith(WANTED) for place in one.items) for one in lists]))


def asked(shop: Zhiyin, name: str = "greedy", reward: str | None = "click") -> OffPolicy:
    return off_policy(shop, question_of(shop, {"name": name}, reward))


def test_what_a_greedy_policy_would_have_earned_is_what_it_earns(tmp_path: Path) -> None:
    shop = served(tmp_path, 1_200)
    found = asked(shop)
    told = {one.way: one for one in found.told}
    earns = truth(shop, "greedy", 1)
    value = told["places"].value
    assert value is not None
    assert value.low - 0.05 <= earns <= value.high + 0.05  # the places above are those of the log
    assert found.n_lists == 1_200


def test_the_policy_that_was_served_would_have_earned_what_it_earned(tmp_path: Path) -> None:
    shop = served(tmp_path, 60)
    found = asked(shop, "softmax")
    for told in found.told:
        assert told.overlap.light == "green"
        if told.way == "model alone":
            assert told.value is told.gain is None, "what a model errs by, no interval tells"
            continue
        assert told.value is not None
        assert told.gain is not None
        assert told.gain.value == pytest.approx(0.0, abs=0.15), told.way
        if "DR" not in told.way:  # a model rounds
            assert told.value.value == pytest.approx(found.earned.value)
            assert (told.gain.low, told.gain.high) == pytest.approx((0.0, 0.0))
    assert found.left_out == {}


def test_a_log_of_the_best_alone_cannot_tell_what_chance_would_have_earned(tmp_path: Path) -> None:
    shop = served(tmp_path, 60, name="greedy")
    for told in asked(shop, "softmax").told:
        assert told.overlap.light == "red"
        assert told.point is told.value is told.gain is None


def test_a_list_whose_probabilities_cannot_be_made_again_is_left_out_and_told(tmp_path: Path) -> None:
    shop = served(tmp_path, 20)
    shown = shop.compute(Query(text="a drum", n=3))
    forged = [replace(place, log_propensity=place.log_propensity - 0.5) for place in shown.items]
    shop.store.log([replace(shown, items=tuple(forged))])
    shop.store.log([replace(shop.compute(Query(text="a drum", n=3)), bundle="0" * 64)])
    found = asked(shop)
    assert found.n_lists == 20
    assert sorted(found.left_out.values()) == [1, 1]
    assert any("come out otherwise" in line for line in found.sentences)


def test_a_place_earns_by_what_was_done_there_alone(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    events = [
        Event("a", "music/drum", "click", recommendation_id="one"),
        Event("a", "music/drum", "purchase", recommendation_id="one"),
        Event("a", "music/flute", "hide", recommendation_id="one"),
        Event("a", "music/drum", "click"),
    ]
    shop.add_events(events)
    by_weights = rewards_of(shop, question_of(shop, {}, None).worth)
    assert by_weights == {"one": {"music/drum": 1.0, "music/flute": -1.0}}, (
        "what was turned down counts against it"
    )
    assert rewards_of(shop, question_of(shop, {}, "hide").worth) == {
        "one": {"music/drum": 0.0, "music/flute": 1.0}
    }


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    with pytest.raises(NotFound, match="no list in the log says anything"):
        asked(shop)
    with pytest.raises(InvalidSettings, match=r"no such policy: name: .* got 'best'"):
        asked(shop, "best")
    with pytest.raises(InvalidSettings, match="no event is called 'tap'"):
        asked(shop, reward="tap")


def test_a_shop_with_a_budget_shows_lists_that_are_made_again_and_asked_about(tmp_path: Path) -> None:
    shop = small_shop(tmp_path)
    policy = shop.settings.policy.model_copy(update={"name": "budgeted", "budget": 0.2})
    shop.settings = shop.settings.model_copy(update={"policy": policy})
    shown = [shop.answer(Query(text="a knife for the kitchen", n=3)) for _ in range(30)]
    assert {one.policy for one in shown} == {"budgeted"}
    assert len({tuple(place.item_id for place in one.items) for one in shown}) > 1, "some of it is learned from"
    assert all(replay(shop, one.recommendation_id).same for one in shown[:3])
    same = off_policy(shop, question_of(shop, {"name": "budgeted"}, "click"))
    assert same.left_out == {}
    assert {told.overlap.light for told in same.told} == {"green"}
    with pytest.raises(InvalidSettings, match="budget"):
        question_of(shop, {"name": "budgeted", "budget": 1.5}, "click")
