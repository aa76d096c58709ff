"""What must hold for every log and every cut: nothing of the future is in what is fitted or known."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zhiyin.data.carving import simulated_cold, warm_carve
from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.splits import Part, Split, Terms, TimeCut, global_time, leave_one_out
from zhiyin.errors import InvalidData
from zhiyin.types import Event, EventType, Item

ITEMS = "abcdefghij"
Seen = tuple[str, str, int, EventType]

events = st.lists(
    st.tuples(
        st.sampled_from("uvw"),
        st.sampled_from(ITEMS),
        st.integers(0, 12),  # seconds: many ties
        st.sampled_from(["like", "purchase", "view", "hide", "impression"]),
    ),
    min_size=2,
    max_size=40,
)
parts = st.sampled_from(["test", "validation"])
MANY = settings(max_examples=2 * settings().max_examples)


def dataset(log: list[Seen]) -> Dataset:
    """`value` carries each event's number in the log, so that events can be told apart in arrays."""
    return build_dataset(
        [Item(name) for name in ITEMS],
        [
            Event(user, item, type_, at=datetime.fromtimestamp(at, UTC), value=number)
            for number, (user, item, at, type_) in enumerate(log)
        ],
    )


def assert_sound(split: Split) -> None:
    assert not np.isin(
        split.targets.owners * 100 + split.targets.rows, split.masked.owners * 100 + split.masked.rows
    ).any()
    assert (split.targets.sizes > 0).all()
    assert (split.past.lengths > 0).all()
    assert (split.past.ages >= 0).all()


@pytest.mark.slow
@MANY
@given(events, st.integers(0, 12), st.integers(1, 12), parts, st.booleans(), st.booleans())
def test_the_future_is_not_seen(
    log: list[Seen], start: int, length: int, part: Part, refit: bool, filtered: bool
) -> None:
    cut = TimeCut(start, start + length)
    asked_at = cut.test_from if part == "test" else cut.validation_from
    try:
        split = global_time(dataset(log), cut, Terms(part, refit, filtered))
    except InvalidData:
        assume(False)
    assert_sound(split)
    assert (split.fit.at < (asked_at if refit else cut.validation_from)).all()
    assert split.fit.until < asked_at
    assert (split.past.at < asked_at).all()
    for user, wanted in zip(split.users, split.targets, strict=True):
        later = {
            item
            for who, item, at, type_ in log
            if who == split.fit.users[user] and at >= asked_at and type_ not in ("hide", "impression")
        }
        assert {split.fit.items[row] for row in wanted} <= later


@pytest.mark.slow
@MANY
@given(events, parts, st.booleans(), st.booleans())
def test_leave_one_out_knows_only_what_came_before(
    log: list[Seen], part: Part, refit: bool, filtered: bool
) -> None:
    data = dataset(log)
    try:
        split = leave_one_out(data, Terms(part, refit, filtered))
    except InvalidData:
        assume(False)
    assert_sound(split)
    assert (split.targets.sizes == 1).all()
    for number, user in enumerate(split.users):
        name = data.users[user]
        mine = sorted(
            ((at, place, item, type_) for place, (who, item, at, type_) in enumerate(log) if who == name)
        )
        positive = [place for place, (*_, type_) in enumerate(mine) if type_ not in ("hide", "impression")]
        target = positive[-1 if part == "test" else -2]
        history = split.past.rows[split.past.indptr[number] : split.past.indptr[number + 1]]
        assert [data.items[row] for row in history] == [item for _, _, item, _ in mine[:target]]
        assert data.items[split.targets[number][0]] == mine[target][2]
        end = positive[-1] if refit and part == "test" else positive[-2] if len(positive) > 1 else 0
        fitted = split.fit.values[split.fit.indptr[user] : split.fit.indptr[user + 1]]
        assert fitted.tolist() == [place for _, place, _, _ in mine[:end]]


@given(events)
def test_events_at_the_same_moment_keep_the_order_of_the_log(log: list[Seen]) -> None:
    data = dataset([(user, item, 5, type_) for user, item, _, type_ in log])
    for user in range(len(data.users)):
        numbers = data.values[data.indptr[user] : data.indptr[user + 1]]
        assert (np.diff(numbers) > 0).all()


@given(events, st.floats(0.05, 0.95), st.integers(0, 1000), st.sampled_from([simulated_cold, warm_carve]))
def test_what_is_carved_out_is_not_fitted(log: list[Seen], share: float, seed: int, carve) -> None:  # type: ignore[no-untyped-def]
    data = dataset(log)
    assume(data.support.any())
    split = carve(data, share, np.random.default_rng(seed))
    assert_sound(split)
    assert set(split.fit.values) <= set(data.values)
    for number, user in enumerate(split.users):
        fitted = split.fit.item_rows[split.fit.indptr[user] : split.fit.indptr[user + 1]]
        wanted = split.targets[number]
        weights = split.fit.weights[split.fit.indptr[user] : split.fit.indptr[user + 1]]
        assert not np.isin(wanted, fitted[weights != 0]).any()
