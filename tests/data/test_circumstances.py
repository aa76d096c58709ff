"""The clock of the shop, and which fields of a context are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.circumstances import (
    BEGINS,
    DAYS,
    MOST_FIELDS,
    MOST_LOOKED_AT,
    MOST_VALUES,
    PARTS,
    ContextColumns,
    calendar,
    contexts_at,
)
from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.types import Event, Item, Scalar

START = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def said(moment: datetime, zone: str = "UTC") -> tuple[str, str]:
    parts, days = calendar(np.array([moment.timestamp()]), zone)
    return ("", *PARTS)[parts[0] + 1], ("", *DAYS)[days[0] + 1]


@pytest.mark.parametrize(
    ("hour", "part"),
    [(0, "night"), (5, "night"), (6, "morning"), (10, "morning"), (11, "noon"), (13, "noon"), (14, "afternoon"),
     (17, "afternoon"), (18, "evening"), (21, "evening"), (22, "night"), (23, "night")],
)  # fmt: skip
def test_every_hour_has_its_part_of_the_day(hour: int, part: str) -> None:
    assert said(START + timedelta(hours=hour, minutes=59)) == (part, "monday")


def test_a_moment_is_told_by_the_clock_of_the_zone_also_in_summer_time() -> None:
    winter, summer = datetime(2026, 1, 4, 3, 30, tzinfo=UTC), datetime(2026, 7, 5, 2, 30, tzinfo=UTC)
    assert said(winter, "America/New_York") == ("night", "saturday")
    assert said(summer, "America/New_York") == ("night", "saturday")
    assert said(summer - timedelta(hours=1), "America/New_York") == ("evening", "saturday")
    assert said(winter, "Asia/Shanghai") == ("noon", "sunday")


def test_a_date_has_a_day_and_no_hour() -> None:
    assert said(START) == ("", "monday")
    assert said(START, "America/New_York") == ("", "monday"), "midnight in UTC is a date wherever the shop is"
    assert said(datetime(2026, 6, 1, tzinfo=ZoneInfo("Asia/Shanghai")), "Asia/Shanghai") == ("", "monday")


def test_without_a_time_nothing_is_known() -> None:
    parts, days = calendar(np.array([np.nan, START.timestamp() + 1]), "UTC")
    assert (parts[0], days[0]) == (-1, -1)
    assert (parts[1], days[1]) == (0, 0)


@given(
    st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=20),
    st.sampled_from(ZONES),
)
def test_the_calendar_is_that_of_the_standard_library(moments: list[datetime], zone: str) -> None:
    aware = [moment.replace(microsecond=0, second=7, tzinfo=UTC) for moment in moments]
    parts, days = calendar(np.array([moment.timestamp() for moment in aware]), zone)
    for moment, part, day in zip(aware, parts.tolist(), days.tolist(), strict=True):
        if 3 < moment.year < 9_990:
            local = moment.astimezone(ZoneInfo(zone))
            assert day == local.weekday()
            if local.time().replace(second=0) != local.time().min:
                assert PARTS[part] == PARTS[sum(local.hour >= begin for begin in BEGINS[1:]) % len(PARTS)]


def data_of(*contexts: Mapping[str, Scalar]) -> Dataset:
    """One person, one event for each context, in reverse order of time."""
    return build_dataset(
        [Item("a")],
        [Event("u", "a", "like", START - timedelta(days=n), context=said) for n, said in enumerate(contexts)],
    )


def test_contexts_stay_beside_their_events_when_these_are_sorted_and_left_out() -> None:
    data = data_of({"device": "phone"}, {}, {"device": "desk", "floor": 2})
    everything = np.arange(3)
    assert contexts_at(data.context, everything) == ({"device": "desk", "floor": "2"}, {}, {"device": "phone"})
    kept = data.keep(np.array([True, False, True]))
    assert contexts_at(kept.context, np.array([1, 0, -1])) == (
        {"device": "phone"},
        {"device": "desk", "floor": "2"},
        {},
    )


def test_without_any_context_nothing_is_kept() -> None:
    data = data_of({}, {})
    assert data.context == ()
    assert contexts_at(data.context, np.arange(2)) == ()


def test_events_of_unknown_items_do_not_shift_the_contexts() -> None:
    events = [Event("u", name, "like", START, context={"device": name}) for name in ("a", "unknown", "a", "b")]
    data = build_dataset([Item("a"), Item("b")], events)
    found = contexts_at(data.context, np.arange(3))
    assert [said["device"] for said in found] == [data.items[row] for row in data.item_rows]


def test_a_field_that_tells_every_event_apart_is_dropped() -> None:
    data = data_of(*({"session": n, "device": n % 2} for n in range(MOST_VALUES + 1)))
    assert [field.name for field in data.context] == ["device"]
    assert data.context[0].values == ("0", "1")


def test_there_are_few_fields_those_of_most_events() -> None:
    names = [f"field {n}" for n in range(MOST_FIELDS + 3)]
    data = data_of(*(dict.fromkeys(names[place:], "x") for place in range(len(names))))
    assert sorted(field.name for field in data.context) == sorted(names[3:])


def test_hostile_contexts_stay_small() -> None:
    columns = ContextColumns()
    for number in range(1_000):
        columns.add({f"name {number}": "x", "y" * 1_000: 1, "long": "z" * 1_000, "empty": " ", "on": True})
    fields = columns.fields(np.arange(1_000))
    assert len(fields) <= MOST_FIELDS
    assert len(columns._fields) <= MOST_LOOKED_AT
    assert {"on"} <= {field.name for field in fields}
    assert not {"long", "empty"} & {field.name for field in fields}
