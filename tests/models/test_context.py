"""Context by hand: what is counted, how far it is believed, what is known of a moment and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Batch, Run, history_batch
from zhiyin.models.context import Context, ContextRecipe
from zhiyin.models.neighbours import Alike
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.model_contract import all_rows, arrivals
from zhiyin.testing.small import small_catalogue, small_dataset
from zhiyin.types import Event, Item, Scalar

RUN = Run(HashEncoder())
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
ITEMS = [Item(name) for name in ("bread", "beer", "milk", "never")]


def taken(item_id: str, hours: Sequence[int], *, days: int = 60, **context: Scalar) -> list[Event]:
    """Somebody else every time, on each of the days at each of the hours."""
    return [
        Event(f"{item_id} {day} {hour}", item_id, "like", MONDAY + timedelta(days=day, hours=hour, minutes=5),
              context=context)
        for day in range(days)
        for hour in hours
    ]  # fmt: skip


def breakfast_and_beer() -> Dataset:
    return build_dataset(
        ITEMS, [*taken("bread", [8, 9, 10]), *taken("beer", [19, 20, 21]), *taken("milk", [8, 20])]
    )


def at(hour: int, day: int = 0, context: Mapping[str, Scalar] | None = None) -> Batch:
    moment = MONDAY + timedelta(days=day, hours=hour, minutes=30)
    return history_batch([], [], [], now=moment.timestamp(), context=context or {})


def scores(model: Context, data: Dataset, asker: Batch) -> dict[str, float]:
    return dict(zip(data.items, model.score(asker)[0].tolist(), strict=True))


def test_what_is_taken_in_the_morning_scores_in_the_morning() -> None:
    data = breakfast_and_beer()
    model = ContextRecipe().fit(data, RUN)
    morning, evening = scores(model, data, at(8)), scores(model, data, at(20))
    assert morning["bread"] > 0.3
    assert abs(morning["milk"]) < 0.1
    assert morning["beer"] < -0.3
    assert evening["beer"] > 0.3
    assert evening["bread"] < -0.3
    assert morning["never"] == evening["never"] == 0.0


def test_nothing_is_known_at_an_hour_that_was_never_seen_and_without_a_time() -> None:
    data = breakfast_and_beer()
    model = ContextRecipe().fit(data, RUN)
    weekdays = {value for field, value in model.values if field == "@weekday"}
    assert weekdays == {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    assert not model.score(at(13)).any(), "days are all alike, and noon is unknown"
    assert not model.score(history_batch([0], [1.0], [0.0])).any()
    assert not model.score(history_batch([0], [1.0], [0.0], now=np.nan)).any()


def test_the_clock_is_that_of_the_zone() -> None:
    data = breakfast_and_beer()
    model = ContextRecipe(time_zone="Asia/Shanghai").fit(data, RUN)  # 8 to 10 in UTC is the afternoon there
    assert model.values[:2] == (("@part", "night"), ("@part", "afternoon"))
    assert scores(model, data, at(9))["bread"] > 0.3
    assert model.scorer(at(9)).often(data.items.row("bread")) == ("afternoon",)


def test_an_unknown_zone_is_refused_with_a_cure() -> None:
    with pytest.raises(ValidationError, match="write one like UTC or Asia/Shanghai"):
        ContextRecipe(time_zone="Mars/Olympus")


def test_who_always_comes_in_the_evening_says_nothing_about_evenings() -> None:
    """Half of the people come in the morning and half in the evening, and each takes one thing all the time."""
    events = [
        Event(f"{item} {user}", item, "like", MONDAY + timedelta(days=day, hours=hour, minutes=1))
        for item, hour in (("bread", 8), ("beer", 20))
        for user in range(6)
        for day in range(60)
    ]
    data = build_dataset(ITEMS, events)
    habit = ContextRecipe().fit(data, RUN)
    strangers = ContextRecipe().fit(breakfast_and_beer(), RUN)
    assert abs(scores(habit, data, at(8))["bread"]) < 0.15
    assert scores(strangers, breakfast_and_beer(), at(8))["bread"] > 0.3


def test_named_fields_count_like_hours_and_add_to_them() -> None:
    events = [*taken("bread", [8], device="phone"), *taken("bread", [9], days=20, device="desk")]
    events += [*taken("beer", [20], device="desk"), *taken("beer", [21], days=20, device="phone")]
    data = build_dataset(ITEMS, events)
    model = ContextRecipe().fit(data, RUN)
    alone = history_batch([], [], [], context={"device": "phone", "mood": "odd"})
    hour, device, both = (scores(model, data, a)["bread"] for a in (at(8), alone, at(8, 0, {"device": "phone"})))
    assert both == pytest.approx(hour + device, abs=1e-6)
    assert device > 0.1
    assert scores(model, data, alone)["beer"] < -0.1
    assert not model.score(history_batch([], [], [], context={"device": "watch"})).any()


def test_what_items_decide_is_not_known_before_they_are_chosen() -> None:
    events = [*taken("bread", [8, 20], shelf="food"), *taken("beer", [8, 20], shelf="drink")]
    data = build_dataset(ITEMS, events)
    assert [field.name for field in data.context] == ["shelf"]
    assert not ContextRecipe().fit(data, RUN).speaks
    assert ContextRecipe(fields=("shelf",)).fit(data, RUN).speaks, "who names it knows it"
    assert not ContextRecipe(fields=()).fit(data, RUN).speaks


def test_dislikes_and_rare_values_say_nothing() -> None:
    events = [*taken("bread", [8]), *taken("beer", [20])]
    disliked = [Event(f"d{n}", "milk", "dislike", MONDAY + timedelta(days=n, hours=8)) for n in range(60)]
    rare = taken("milk", [13], days=10)
    data = build_dataset(ITEMS, [*events, *disliked, *rare])
    model = ContextRecipe().fit(data, RUN)
    assert scores(model, data, at(8))["milk"] == 0.0
    assert ("@part", "noon") not in model.values


def test_without_times_and_context_it_does_not_speak() -> None:
    model = ContextRecipe().fit(small_dataset(timed=False), RUN)
    assert not model.speaks
    assert model.values == ()
    assert not len(model.scorer(at(8)).retrieve(5))


def test_an_item_that_nobody_took_borrows_from_what_reads_alike_and_never_says_so() -> None:
    data = breakfast_and_beer()
    near = np.zeros((4, 4), np.float32)
    near[data.items.row("never"), data.items.rows(["bread", "milk"])] = 0.75, 0.25
    model = ContextRecipe().fit(data, RUN, Alike(sparse(near), data.support))
    found = scores(model, data, at(8))
    assert found["never"] == pytest.approx(0.75 * found["bread"] + 0.25 * found["milk"], abs=1e-6)
    assert model.scorer(at(8)).often(data.items.row("never")) == ()
    assert model.scorer(at(8)).often(data.items.row("bread")) == ("morning",)


def test_a_later_item_is_the_mixture_of_those_that_read_like_it_and_never_says_so() -> None:
    hours = {item.item_id: 8 if number % 2 else 20 for number, item in enumerate(small_catalogue())}
    data = build_dataset(small_catalogue(), [event for id_, hour in hours.items() for event in taken(id_, [hour])])
    model = ContextRecipe().fit(data, RUN)
    own = model.score(at(8))[0]
    longer = model.extended(arrivals(data))
    n = len(data.items)
    assert longer.score(at(8))[0][n:] == pytest.approx([0.75 * own[2] + 0.25 * own[6], 0.0], abs=1e-6)
    assert longer.scorer(at(8)).score(all_rows(longer)) == pytest.approx(longer.score(at(8))[0], abs=1e-5)
    assert longer.scorer(at(8)).often(n) == ()


def test_what_was_taken_as_often_as_usual_is_not_said_to_be() -> None:
    data = breakfast_and_beer()
    model = ContextRecipe().fit(data, RUN)
    assert model.scorer(at(8)).often(data.items.row("milk")) == ()
    assert model.scorer(at(20)).often(data.items.row("bread")) == ()


def sparse(dense: np.ndarray) -> object:
    import scipy.sparse as sp

    return sp.csr_array(dense)
