from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from zhiyin.data import demo
from zhiyin.data.demo import LICENCE_FILE, NAMES, DemoName, write_demo
from zhiyin.data.shop.catalogue import read_goods, read_wishes
from zhiyin.data.shop.simulation import DAYS, PEOPLE, START, simulate
from zhiyin.errors import InvalidData
from zhiyin.settings_file import load_settings
from zhiyin.types import Event
from zhiyin.workflows.init import Files, init_project

pytestmark = pytest.mark.slow  # real sockets and models: not in the fast loop

GOODS, WISHES = read_goods(), read_wishes()


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return simulate(GOODS, WISHES)


def test_the_made_shop_has_300_items_in_two_languages_with_three_sentences() -> None:
    assert len({good.item_id for good in GOODS}) == 300
    for good in GOODS:
        for name in ("title", "text", "title_zh", "text_zh"):
            assert str(good.row[name]).strip(), (good.item_id, name)
        assert len([part for part in str(good.row["text_zh"]).split("。") if part]) >= 2


def test_every_wish_is_in_two_languages_and_its_answers_are_items() -> None:
    assert len(WISHES) == 10
    ids = {good.item_id for good in GOODS}
    for wish in WISHES:
        assert wish.answers <= ids
        assert 9 <= len(wish.answers) <= 15
        assert any("\u4e00" <= character <= "\u9fff" for character in wish.zh)


@pytest.mark.slow
def test_the_same_seed_makes_the_same_people(events: list[Event]) -> None:
    assert simulate(GOODS, WISHES) == events
    assert simulate(GOODS, WISHES, seed=1) != events


def test_nobody_sees_what_is_not_published_yet(events: list[Event]) -> None:
    published = {good.item_id: good.published for good in GOODS}
    for event in events:
        assert event.at is not None
        assert START <= event.at < START + timedelta(days=DAYS, hours=1)
        if event.item_id is not None:
            assert event.at.isoformat() >= published[event.item_id].replace("Z", "+00:00")


def test_people_click_look_like_put_into_the_cart_and_buy(events: list[Event]) -> None:
    types = Counter(event.type for event in events)
    assert {"click", "view", "like", "cart", "purchase", "search", "dislike", "hide"} == set(types)
    assert types["view"] > types["cart"] > types["purchase"] > 300
    assert len({event.user_id for event in events}) == PEOPLE
    bought = Counter((event.user_id, event.item_id) for event in events if event.type == "purchase")
    assert max(bought.values()) == 1
    dwell = [event.value for event in events if event.type == "view" and event.value is not None]
    assert 5 < float(np.median(dwell)) < 60


def test_what_people_look_at_together_belongs_together(events: list[Event]) -> None:
    """Else there is nothing to learn: two looks of one person share a department far above chance."""
    department = {good.item_id: good.department for good in GOODS}
    by_user: dict[str, list[str]] = {}
    for event in events:
        if event.type == "click" and event.item_id is not None:
            by_user.setdefault(event.user_id, []).append(department[event.item_id])
    same = [a == b for seen in by_user.values() for a, b in pairwise(seen)]
    assert float(np.mean(same)) > 5 * (1 / len(set(department.values())))


@pytest.mark.slow
@pytest.mark.parametrize("data", NAMES)
def test_init_understands_the_files_as_they_are(tmp_path: Path, data: DemoName) -> None:
    written = write_demo(data, tmp_path)
    assert written.licence in (tmp_path / LICENCE_FILE).read_text()
    init_project(tmp_path, Files(written.items, written.events), name=written.name)
    found = load_settings(tmp_path).data
    assert found.items is not None
    assert found.events is not None
    assert (found.items.title, found.items.item_id) == ("title", EXPECTED[data][0])
    events = found.events
    assert (events.user_id, events.item_id, events.at, events.type or events.only_type) == EXPECTED[data][1:]
    if data == "movielens":
        assert (found.signals.rating_threshold, found.items.published_at) == (3.5, "release_date")
    if data == "shop":
        assert set(found.items.translations) == {"zh"}
        assert (events.value, events.text, events.session_id) == ("dwell_time", "query", "session_id")


EXPECTED: dict[DemoName, tuple[str, ...]] = {
    "movielens": ("movieId", "userId", "movieId", "timestamp", "rating"),
    "groceries": ("product_id", "household_id", "product_id", "transaction_timestamp", "purchase"),
    "shop": ("item_id", "user_id", "item_id", "at", "event_type"),
}


@pytest.mark.slow
def test_movielens_is_whole_and_remakes_can_be_told_apart(tmp_path: Path) -> None:
    written = write_demo("movielens", tmp_path)
    with written.items.open(encoding="utf-8", newline="") as file:
        films = list(csv.DictReader(file))
    assert len(films) == 9_066
    assert {film["title"] for film in films if film["title"].startswith("Hamlet")} >= {
        "Hamlet (1990)",
        "Hamlet (1996)",
    }
    assert len(written.events.read_text().splitlines()) == 100_004 + 1


@pytest.mark.slow
def test_groceries_are_a_sample_that_can_be_bought_again(tmp_path: Path) -> None:
    written = write_demo("groceries", tmp_path)
    assert written.repeats
    assert written.time_zone == "America/New_York"
    with written.events.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["household_id"] for row in rows}) == demo.HOUSEHOLDS
    assert demo.PRODUCTS * 0.95 < len({row["product_id"] for row in rows}) <= demo.PRODUCTS
    again = Counter((row["household_id"], row["product_id"]) for row in rows)
    assert float(np.mean([count > 1 for count in again.values()])) > 0.3


def test_the_shop_says_that_it_is_synthetic(tmp_path: Path) -> None:
    written = write_demo("shop", tmp_path)
    assert "synthetic" in written.name
    assert "synthetic" in written.licence
    (first, *_) = written.items.read_text(encoding="utf-8").splitlines()
    assert "attributes" not in json.loads(first)


def test_data_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="movielens, groceries, shop"):
        write_demo("netflix", tmp_path)  # type: ignore[arg-type]
