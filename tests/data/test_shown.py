"""Lists that were shown: what of them may be known, and what is not told of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.shown import Shown
from zhiyin.types import AsOf, Event, Item, Place, Query, Recommendation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def listed(name: str, user: str | None, minute: int, *items: str, text: str | None = None) -> Recommendation:
    at, query = NOON + timedelta(minutes=minute), Query(user_id=user, text=text)
    return Recommendation(
        name, at, query, "bundle", "settings", AsOf(), "softmax", "champion", "trained",
        tuple(Place(item, 1.0, {}, -1.0 - n) for n, item in enumerate(items)),
        candidates=tuple((item, 0.0) for item in "abcd"),
    )  # fmt: skip


def world() -> Dataset:
    taken = [("u", "a", 0), ("u", "b", 12), ("v", "c", 1), ("v", "d", 31)]
    events = [Event(user, item, "click", at=NOON + timedelta(minutes=at)) for user, item, at in taken]
    return build_dataset([Item(name) for name in "abcd"], events)


def shown(data: Dataset) -> Shown:
    lists = [
        ("u", listed("one", "u", 10, "c", "b")),
        ("v", listed("two", "alias of v", 20, "a", "b")),
        ("v", listed("three", "v", 30, "d", "a")),
        ("w", listed("stranger", "w", 30, "d", "a")),
        ("u", listed("wish", "u", 31, "a", text="tea")),
        ("u", listed("gone", "u", 32, "a", "z")),
    ]
    earned = {("one", "b"): 0.5, ("three", "d"): 3.0, ("two", "c"): 1.0}
    return Shown.of(lists, earned, data.items, data.users)


def test_lists_of_known_people_without_a_wish_are_taken_with_what_they_earned() -> None:
    data = world()
    found = shown(data)
    assert [data.users[user] for user in found.users] == ["u", "v", "v"]
    assert [data.items[row] for row in found.rows.tolist()] == ["c", "b", "a", "b", "d", "a"]
    assert found.rewards.tolist() == [0.0, 0.5, 0.0, 0.0, 1.0, 0.0]
    assert found.log_propensities.tolist() == [-1.0, -2.0] * 3
    assert found.lists.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.diff(found.pools).tolist() == [4, 4, 4]


def test_a_list_is_gone_with_the_event_that_answered_it_and_where_it_is_newer_than_what_is_known() -> None:
    data = world()
    data = replace(data, shown=shown(data))
    without = data.keep(data.item_rows != data.items.row("b"))
    assert [without.users[user] for user in without.shown.users] == ["v", "v"]
    early = data.keep(data.at < (NOON + timedelta(minutes=20)).timestamp())
    assert len(early.shown) == 1, "the list of u; that of v at twenty past is newer than anything known"
    assert len(data.keep(np.ones(len(data), bool)).shown) == 3
    assert not len(data.keep(np.zeros(len(data), bool)).shown)


def test_no_list_is_nothing() -> None:
    data = world()
    assert not len(Shown.of([], {}, data.items, data.users))
    assert not len(data.shown)
