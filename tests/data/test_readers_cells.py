from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zhiyin.data.readers.cells import (
    cleaned,
    count_unclean,
    list_of,
    number_of,
    scalar_of,
    text_of,
    truth_of,
    whole_of,
)
from zhiyin.data.readers.times import Times, guess_times, zone_of
from zhiyin.errors import InvalidData


@pytest.mark.parametrize(
    ("cell", "comma", "number"),
    [
        ("3.5", False, 3.5),
        (" 7 ", False, 7.0),
        ("$1,234.50", False, 1234.5),
        ("¥ 99", False, 99.0),
        ("12 €", False, 12.0),
        ("-3.25", False, -3.25),
        ("USD 12.00", False, 12.0),
        ("25元", False, 25.0),
        ("1.234,56", True, 1234.56),
        ("3,50 €", True, 3.5),
        ("1.234", True, 1234.0),
        ("1 234,5", True, 1234.5),
        ("", False, None),
        ("NULL", False, None),
        (None, False, None),
        (float("nan"), False, None),
        (4, True, 4.0),
    ],
)
def test_numbers_are_read_as_people_write_them(cell: object, comma: bool, number: float | None) -> None:
    assert number_of(cell, comma=comma) == number


@pytest.mark.parametrize("cell", ["abc", "12,5", "1,2,3", "inf", "1e999", "3.5.7", "--3", [1]])
def test_what_is_no_number_is_refused_and_not_guessed(cell: object) -> None:
    with pytest.raises(InvalidData, match="number"):
        number_of(cell)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_out_is_the_number(value: float) -> None:
    assert number_of(repr(value)) == value


def test_whole_numbers_are_whole() -> None:
    assert whole_of("3.0") == 3
    with pytest.raises(InvalidData, match="whole"):
        whole_of("3.5")


@pytest.mark.parametrize(
    ("cell", "truth"),
    [
        *[("yes", True), ("否", False), ("In Stock", True), ("sold-out", False), ("12", True), ("0", False)],
        *[(True, True), (0, False), ("", None), ("有货", True)],
    ],
)
def test_truths_are_read_from_words(cell: object, truth: bool | None) -> None:
    assert truth_of(cell) is truth


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(InvalidData, match="neither yes nor no"):
        truth_of("perhaps")


@pytest.mark.parametrize(
    ("cell", "separator", "names"),
    [
        ("Drama|War|Drama", "|", ("Drama", "War")),
        ('["a", "b, c"]', ",", ("a", "b, c")),
        ("['a', 'b']", "|", ("a", "b")),
        (["a", None, 3], "|", ("a", "3")),
        ([{"id": 28, "name": "Action"}], "|", ("Action",)),
        ("[not a list]", "|", ("[not a list]",)),
        ("", "|", ()),
        (None, "|", ()),
        ("one; two", ";", ("one", "two")),
    ],
)
def test_lists_are_split_where_they_say(cell: object, separator: str, names: tuple[str, ...]) -> None:
    assert list_of(cell, separator) == names


def test_ids_of_numbers_have_no_point() -> None:
    assert [text_of(cell) for cell in (7, 7.0, "007", None, float("nan"))] == ["7", "7", "007", "", ""]


def test_attributes_become_numbers_only_where_nothing_is_lost() -> None:
    assert [scalar_of(cell) for cell in ("3", "2.5", "007", "x\x00y", "", True)] == [
        3,
        2.5,
        "007",
        "x y",
        None,
        True,
    ]


@given(st.lists(st.text(st.characters()), max_size=20))
@example(["fine", "half \ud800 of one"])
@example(["한국어"])
def test_the_fast_search_for_unclean_texts_misses_none(cells: list[str]) -> None:
    assert count_unclean([cells]) == sum(cleaned(cell)[1] for cell in cells)


@pytest.mark.parametrize(
    ("cell", "format_"),
    [
        ("2026-01-31T12:00:00Z", "iso"),
        ("2026-01-31 20:00:00+08:00", "iso"),
        ("2026-01-31 12:00", "iso"),
        ("2026-01-31 12:00:00 UTC", "iso"),
        ("1769860800", "epoch_s"),
        (1769860800000, "epoch_ms"),
        ("1769860800000000", "epoch_us"),
        ("46053.5", "excel"),
        ("31/1/2026 12:00", "day_first"),
        ("1/31/26 12:00 PM", "month_first"),
        ("2026/1/31 12:00:00", "year_first"),
        ("2026年1月31日 12:00", "year_first"),
        ("31 Jan 2026 12h", "%d %b %Y %Hh"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "iso"),
    ],
)
def test_one_instant_in_many_forms(cell: object, format_: str) -> None:
    assert Times(format_, UTC).read(cell) == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_times_without_a_zone_take_the_one_given_and_are_counted() -> None:
    times = Times("iso", zone_of("Asia/Shanghai"))
    read = [times.read(cell) for cell in ("2026-01-01 08:00", "2026-01-01T00:00Z", date(2026, 1, 1), "")]
    assert read == [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2025, 12, 31, 16, tzinfo=UTC),
        None,
    ]
    assert times.naive == 2


@pytest.mark.parametrize("cell", ["soon", "2026-13-01", "9" * 40, [1], "0000-00-00"])
@pytest.mark.parametrize("format_", ["iso", "epoch_s", "excel", "day_first"])
def test_what_is_no_time_is_refused(cell: object, format_: str) -> None:
    with pytest.raises(InvalidData, match="is not a time of the form"):
        Times(format_, UTC).read(cell)


@pytest.mark.parametrize(
    ("values", "format_"),
    [
        (["1769860800", "1", "1769860900"], "epoch_s"),
        ([1769860800000, 1769860900000], "epoch_ms"),
        (["1769860800000000"], "epoch_us"),
        (["46053.5", "45000"], "excel"),
        (["20260131", "20251201"], "iso"),
        (["2/1/2026", "13/1/2026"], "day_first"),
        (["2/1/2026", "1/13/2026"], "month_first"),
        (["1.2.2026", "3.4.2026"], "day_first"),
        (["2026/1/3", "2026/11/3 4:05"], "year_first"),
    ],
)
def test_the_format_of_times_is_decided_over_the_column(values: list[object], format_: str) -> None:
    guess = guess_times(values)
    assert guess is not None
    assert guess.format == format_


@pytest.mark.parametrize(
    "values", [["1", "2", "3"], ["150000", "200000"], ["a", "b"], ["1995", "1996"], [], ["4.5", "3.0"]]
)
def test_counters_years_and_ratings_are_no_times(values: list[object]) -> None:
    assert guess_times(values) is None


def test_mixed_zones_and_unknowable_days_are_said() -> None:
    mixed = guess_times(["2026-01-01T00:00Z", "2026-01-01T00:00+08:00", "2026-01-01T00:00"])
    assert mixed is not None
    assert "mixed (+00:00, +08:00, none)" in mixed.said[0]
    vague = guess_times(["1/2/2026", "3/4/2026"])
    assert vague is not None
    assert "cannot know" in vague.said[0]


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
def test_a_time_in_microseconds_comes_back_exactly(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    count = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert Times("epoch_us", UTC).read(str(count)) == moment


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidData, match="Asia/Shanghai"):
        zone_of("Mars/Olympus")
