"""The same person at another hour: another list, which says why, and which comes out the same when made again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import small_worlds
from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.context import Context
from zhiyin.recipe import DefaultRecipe
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.model_contract import askers
from zhiyin.testing.small import small_catalogue, small_dataset
from zhiyin.types import Event, Item, Query, Recommendation
from zhiyin.workflows.replay import replay
from zhiyin.workflows.trace import trace
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

FRIDAY = datetime(2026, 6, 5, tzinfo=UTC)
MORNING, EVENING = FRIDAY + timedelta(hours=8, minutes=20), FRIDAY + timedelta(hours=20, minutes=20)
IDS = [item.item_id for item in small_catalogue()]
EARLY = set(IDS[::2])  # taken in the morning, mostly; the others in the evening


def planted(n_users: int = 120) -> Iterator[Event]:
    """Each takes seven things on seven days, four of five times at the hour of the thing, half of it by phone."""
    rng = np.random.default_rng(11)
    for user in range(n_users):
        for day, row in enumerate(rng.permutation(len(IDS))[:7].tolist()):
            early = (IDS[row] in EARLY) == (rng.random() < 0.8)
            at = (
                FRIDAY
                - timedelta(days=60 - 7 * day - user % 7)
                + timedelta(hours=8 if early else 20, minutes=user % 60)
            )
            device = ("phone", "desk")[int(rng.integers(2))]
            yield Event(
                f"user {user}", IDS[row], "like", at=at, context={"device": device, "visit": f"{user} {day}"}
            )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zhiyin]:
    with small_worlds.untrained(tmp_path_factory.mktemp("hours")) as shop:
        shop.add_events(list(planted()))
        shop.publish(train(shop).bundle)
        yield shop


def ask(shop: Zhiyin, query: Query, at: datetime, id_: str = "r") -> Recommendation:
    return shop.recommender().recommend(query, id_, at)


def early(shown: Recommendation, n: int = 5) -> int:
    return sum(place.item_id in EARLY for place in shown.items[:n])


def test_the_same_person_gets_another_list_in_the_evening(shop: Zhiyin) -> None:
    for user in range(5):
        morning, evening = (ask(shop, Query(f"user {user}", n=10), at) for at in (MORNING, EVENING))
        assert early(morning) > 3
        assert early(evening) < 2
        for shown in (morning, evening):
            for place in shown.items:
                assert place.score == pytest.approx(sum(place.parts.values()))


def test_a_list_says_that_it_is_for_the_hour_and_only_of_what_people_take_then(shop: Zhiyin) -> None:
    for at, hour, then in ((MORNING, "morning", EARLY), (EVENING, "evening", set(IDS) - EARLY)):
        shown = ask(shop, Query("somebody new", n=10), at)
        told = {place.item_id: reason.words for place in shown.items for reason in place.reasons
                if reason.channel == "context"}  # fmt: skip
        assert len(told) > 2
        assert all(hour in words for words in told.values())
        assert set(told) <= then


def test_a_list_comes_out_the_same_hours_later(shop: Zhiyin) -> None:
    query = Query("user 2", n=8, context={"device": "phone"})
    for number, at in enumerate((MORNING, EVENING)):
        shop.store.log([ask(shop, query, at, f"hour {number}")])
        assert replay(shop, f"hour {number}").differences == ()


def test_a_device_that_makes_no_difference_makes_hardly_any(shop: Zhiyin) -> None:
    plain, phone = (ask(shop, Query("user 3", n=10, context=said), EVENING) for said in ({}, {"device": "phone"}))
    before = {place.item_id: place.score for place in plain.items}
    for place in phone.items:
        assert place.score == pytest.approx(before.get(place.item_id, place.score), abs=0.1)


def test_what_is_like_an_item_and_what_is_trending_are_so_at_any_hour(shop: Zhiyin) -> None:
    for query in (Query(like=(IDS[3],), n=5, scenario="similar"), Query(n=5, scenario="trending")):
        assert ask(shop, query, MORNING).items == ask(shop, query, EVENING).items


def test_a_trace_tells_the_channel_and_its_part(shop: Zhiyin) -> None:
    item_id = ask(shop, Query("user 1", n=1), EVENING).items[0].item_id
    by_name = {one.channel: one.score for one in trace(shop, Query("user 1", n=1), item_id, at=EVENING).channels}
    assert by_name["context"] > 0
    by_name = {one.channel: one.score for one in trace(shop, Query("user 1", n=1), item_id, at=MORNING).channels}
    assert by_name["context"] < 0


def test_it_is_in_the_bundle_and_comes_back(shop: Zhiyin) -> None:
    live = shop.live().snapshot().models["context"]
    publication = shop.publication()
    assert publication is not None
    loaded = shop.bundle(publication.bundle).fitted.models["context"]
    assert isinstance(live, Context)
    assert isinstance(loaded, Context)
    assert loaded.values == live.values
    assert not any(value.startswith("1") for _, value in loaded.values), "a visit is no circumstance"


def test_an_item_that_comes_later_borrows_the_hour_and_does_not_say_so(shop: Zhiyin) -> None:
    like = small_catalogue()[2]
    shop.put_items([Item("late", like.title, like.text, categories=like.categories)])
    shown = ask(shop, Query("user 4", n=30), MORNING)
    (place,) = (place for place in shown.items if place.item_id == "late")
    assert place.parts["context"] != 0
    assert "context" not in {reason.channel for reason in place.reasons}


def test_the_clock_is_that_of_the_shop(tmp_path: Path) -> None:
    with small_worlds.untrained(tmp_path) as shop:
        data = shop.settings.data.model_copy(update={"time_zone": "Asia/Shanghai"})
        shop.settings = shop.settings.model_copy(update={"data": data})
        shop.add_events(list(planted()))
        shop.publish(train(shop).bundle)
        model = shop.live().snapshot().models["context"]
        assert isinstance(model, Context)
        assert model.zone == "Asia/Shanghai"
        assert ("@part", "afternoon") in model.values


@pytest.mark.parametrize("data", [small_dataset(timed=False), small_dataset()], ids=["no times", "few"])
def test_where_nothing_is_known_of_moments_nothing_changes(data: Dataset) -> None:
    run = Run(HashEncoder())
    on, off = DefaultRecipe().fit(data, run), DefaultRecipe(off=("context",)).fit(data, run)
    assert set(on.models) == set(off.models)
    assert np.array_equal(on.score(askers(data)), off.score(askers(data)))


def test_it_can_be_left_out() -> None:
    data = build_dataset(small_catalogue(), planted())
    assert "context" in DefaultRecipe().fit(data, Run(HashEncoder())).models
    assert "context" not in DefaultRecipe(off=("context",)).fit(data, Run(HashEncoder())).models
