"""Popular by hand: half-life, signs, the live trend."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import DAY, build_dataset
from zhiyin.models.base import Run, history_batch
from zhiyin.models.popular import Popular, PopularRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event, Item

RUN = Run(HashEncoder())
NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOBODY = history_batch([], [], [])


def test_an_event_one_half_life_old_counts_half() -> None:
    events = [
        Event("u", "new", "like", at=NOW),
        Event("u", "old", "like", at=NOW - timedelta(days=30)),
        Event("u", "older", "like", at=NOW - timedelta(days=60)),
    ]
    data = build_dataset([Item(name) for name in ("new", "old", "older", "never")], events)
    model = PopularRecipe(half_life=30.0).fit(data, RUN)
    counts = model.counts[data.items.rows(["new", "old", "older", "never"])]
    assert counts == pytest.approx([1.0, 0.5, 0.25, 0.0])
    assert model.score(NOBODY)[0] == pytest.approx(model.counts)
    assert data.items.row("never") not in model.scorer(NOBODY).retrieve(10)


def test_dislikes_make_nothing_popular() -> None:
    data = build_dataset([Item("a")], [Event("u", "a", "dislike", at=NOW), Event("v", "a", "impression", at=NOW)])
    assert PopularRecipe().fit(data, RUN).counts.tolist() == [0.0]


def test_without_times_every_event_counts_whole() -> None:
    data = build_dataset([Item("a")], [Event("u", "a", "like", order=1), Event("v", "a", "like", order=2)])
    model = PopularRecipe().fit(data, RUN)
    assert model.counts.tolist() == [2.0]
    assert model.until == 0.0


def test_later_events_push_older_ones_down() -> None:
    model = Popular(np.array([4.0, 0.0]), NOW.timestamp(), 10.0)
    later = NOW.timestamp() + 10 * DAY
    trend = model.with_events(
        np.array([1, 1], np.int32), np.ones(2, np.float32), np.array([later, later - 10 * DAY])
    )
    assert trend.counts == pytest.approx([2.0, 1.5])
    assert trend.until == later


def test_a_late_arrival_counts_as_old_as_it_is() -> None:
    model = Popular(np.zeros(1), NOW.timestamp(), 10.0)
    trend = model.with_events(
        np.zeros(1, np.int32), np.ones(1, np.float32), np.array([NOW.timestamp() - 10 * DAY])
    )
    assert trend.counts == pytest.approx([0.5])
    assert trend.until == NOW.timestamp()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10_000)), min_size=1, max_size=20), st.integers(0, 20))
def test_events_in_two_steps_count_as_in_one(events: list[tuple[int, int]], cut: int) -> None:
    model = Popular(np.zeros(4), 0.0, 3.0)

    def after(model: Popular, part: list[tuple[int, int]]) -> Popular:
        rows, hours = np.array([e[0] for e in part], np.int32), np.array([e[1] for e in part], float)
        return model.with_events(rows, np.ones(len(part), np.float32), NOW.timestamp() + 3600.0 * hours)

    steps = after(after(model, events[:cut]), events[cut:])
    assert steps.counts == pytest.approx(after(model, events).counts)
