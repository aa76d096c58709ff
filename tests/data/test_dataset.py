"""The frozen view of the past: order, signs, what is left out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.signals import Signals
from zhiyin.types import EVENT_TYPES, Event, Item

START = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = [Item(letter) for letter in "abcde"]


def history(data: Dataset, user: str) -> str:
    row = data.users.row(user)
    return "".join(data.items[item] for item in data.item_rows[data.indptr[row] : data.indptr[row + 1]])


def test_a_history_is_a_slice_oldest_first() -> None:
    events = [
        Event("u", "b", "click", at=START + timedelta(days=1)),
        Event("v", "c", "click", at=START),
        Event("u", "a", "click", at=START),
    ]
    data = build_dataset(ITEMS, events)
    assert history(data, "u") == "ab"
    assert history(data, "v") == "c"
    assert data.ordered
    assert data.timed
    assert data.until == (START + timedelta(days=1)).timestamp()
    assert data.ages()[data.user_rows == data.users.row("u")].tolist() == [1.0, 0.0]


def test_without_times_the_order_is_by_number_and_without_numbers_by_arrival() -> None:
    events = [Event("u", "b", "click", order=2), Event("u", "a", "click", order=1)]
    data = build_dataset(ITEMS, events)
    assert history(data, "u") == "ab"
    assert data.ordered
    assert not data.timed
    assert data.until == 0.0
    assert not data.ages().any()
    unordered = build_dataset(ITEMS, [Event("u", "b", "click"), Event("u", "a", "click")])
    assert history(unordered, "u") == "ba"
    assert not unordered.ordered


def test_a_few_events_without_a_time_do_not_make_all_histories_sets() -> None:
    dated = [Event("u", "b", "click", at=START + timedelta(days=n)) for n in range(9)]
    data = build_dataset(ITEMS, [*dated, Event("u", "a", "click")])
    assert data.ordered
    assert history(data, "u") == "a" + 9 * "b", "it counts as the oldest"
    assert not build_dataset(ITEMS, [*dated, Event("u", "a", "click"), Event("u", "c", "click")]).ordered


def test_events_without_a_known_item_are_left_out_and_counted() -> None:
    events = [Event("u", "zzz", "click"), Event("u", None, "search", text="a"), Event("u", "a", "click")]
    data = build_dataset(ITEMS, events)
    assert len(data) == 1
    assert data.n_unknown == 1


def test_an_interaction_is_a_sum_of_weights_above_zero() -> None:
    events = [
        Event("u", "a", "like", order=1),
        Event("u", "b", "like", order=2),
        Event("u", "b", "hide", order=3),
        Event("u", "c", "impression", order=4),
        Event("u", "d", "click", order=5),
        Event("u", "d", "click", order=6),
    ]
    data = build_dataset(ITEMS, events)
    taken = data.interactions().toarray()[0]
    assert {data.items[row] for row in np.flatnonzero(taken)} == {"a", "d"}
    assert set(taken[taken > 0]) == {1.0}
    assert data.support[data.items.rows("abcde")].tolist() == [1, 1, 0, 2, 0]


def test_a_low_rating_is_a_dislike_only_with_a_threshold() -> None:
    events = [Event("u", "a", "rating", value=2.0), Event("u", "b", "rating", value=4.0)]
    assert sorted(build_dataset(ITEMS, events).weights.tolist()) == [1.0, 1.0]
    strict = build_dataset(ITEMS, events, signals=Signals(rating_threshold=3.5))
    assert sorted(strict.weights.tolist()) == [-1.0, 1.0]


@pytest.mark.parametrize(("dwell", "weight"), [(None, 0.3), (0.0, 0.3), (-5.0, 0.3), (15.0, 0.65), (1e9, 1.0)])
def test_a_longer_view_says_more(dwell: float | None, weight: float) -> None:
    assert Signals().weight("view", dwell) == pytest.approx(weight)


def test_a_weight_can_be_changed_by_type() -> None:
    assert Signals(weights={"share": 0.1}).weight("share", None) == 0.1
    assert Signals(weights={"share": 0.1}).weight("like", None) == 1.0


def test_nothing_at_all_is_a_dataset() -> None:
    data = build_dataset([], ())
    assert len(data) == len(data.items) == len(data.users) == 0
    assert data.interactions().shape == (0, 0)
    assert not data.timed
    assert build_dataset(ITEMS, ()).support.tolist() == [0] * 5


logs = st.lists(
    st.tuples(
        st.sampled_from("uvw"), st.sampled_from("abcde"), st.integers(0, 9), st.sampled_from(EVENT_TYPES[1:11])
    ),
    max_size=30,
)


@given(logs, st.data())
def test_keeping_some_is_like_building_from_some(
    log: list[tuple[str, str, int, str]], draw: st.DataObject
) -> None:
    events = [
        Event(user, item, type_, at=START + timedelta(hours=hour), order=number)  # type: ignore[arg-type]
        for number, (user, item, hour, type_) in enumerate(log)
    ]
    whole = build_dataset(ITEMS, events)
    left_out = draw.draw(st.sets(st.sampled_from("abcde")))
    kept = whole.keep(~np.isin(whole.item_rows, whole.items.rows(left_out)))
    built = build_dataset(ITEMS, [event for event in events if event.item_id not in left_out])
    for user in built.users:
        assert history(kept, user) == history(built, user)
    assert kept.support.tolist() == built.support.tolist()
    assert kept.until == built.until
    assert len(kept) == len(built)


@given(logs, st.randoms())
def test_the_order_of_arrival_of_timed_events_does_not_matter(
    log: list[tuple[str, str, int, str]], random: object
) -> None:
    events = [
        Event(user, item, type_, at=START + timedelta(hours=hour), order=number)  # type: ignore[arg-type]
        for number, (user, item, hour, type_) in enumerate(log)
    ]
    shuffled = sorted(events, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = build_dataset(ITEMS, events), build_dataset(ITEMS, shuffled)
    assert list(one.users) == list(other.users)
    assert np.array_equal(one.item_rows, other.item_rows)
    assert np.array_equal(one.weights, other.weights)
