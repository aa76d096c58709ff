"""The door of the nouns: what is let in, what is refused, and in which words."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.errors import InvalidData, InvalidQuery
from zhiyin.testing.strategies import events, ids, items
from zhiyin.texts import MAX_ID, check_id, clean_text
from zhiyin.types import (
    MAX_ATTRIBUTES,
    MAX_HISTORY,
    MAX_N,
    MAX_QUERY_TEXT,
    MAX_TEXT,
    MAX_TITLE,
    Event,
    EventType,
    Item,
    Query,
    Relation,
    User,
    utc,
)

NAIVE = datetime(2026, 1, 31, 12)  # a time without a zone is what is tested
BAD_IDS = ["", " ", "\t", "a\nb", "a\x00", "\x7f", "\ud800", "x" * (MAX_ID + 1), None, 7, b"a"]
GOOD_IDS = [
    "a",
    "a/b",
    "../../etc",
    "a b",
    "😀",
    "知音",
    "'; DROP TABLE items; --",
    "%00",
    "x" * MAX_ID,
    "-1",
    "é",
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=range(len(BAD_IDS)))
def test_a_bad_id_is_refused_everywhere(bad: str) -> None:
    for make in (
        lambda: Item(bad),
        lambda: User(bad),
        lambda: Relation("a", bad, "b"),
        lambda: Event(bad, "a", "click"),
        lambda: Query(bad) if bad is not None else Query(like=(bad,)),
        lambda: Query(session=("a", bad)),
        lambda: Query(like=(bad,)),
        lambda: Query(unlike=(bad,)),
        lambda: Query(exclude=(bad,)),
    ):
        with pytest.raises(InvalidData):
            make()
    if bad is not None:
        with pytest.raises(InvalidData):
            Event("u", "a", "click", event_id=bad)


@pytest.mark.parametrize("good", GOOD_IDS)
def test_any_other_text_is_an_id(good: str) -> None:
    check_id("item_id", good)
    assert Query(good, like=(good,)).user_id == good


@pytest.mark.slow
@given(events(), items(), ids)
def test_what_the_strategies_make_is_let_in(event: Event, item: Item, id_: str) -> None:
    check_id("id", id_)
    assert event.type
    assert item.item_id


@pytest.mark.parametrize("n", [0, -1, MAX_N + 1, 10**9, math.nan, math.inf, 2.5, True, "3"])
def test_a_number_of_places_out_of_bounds_is_refused(n: int) -> None:
    with pytest.raises(InvalidQuery, match="n is"):
        Query(n=n)


def test_a_query_is_bounded() -> None:
    assert Query(n=1).n == 1
    assert Query(n=MAX_N).n == MAX_N
    with pytest.raises(InvalidQuery, match="session"):
        Query(session=("a",) * (MAX_HISTORY + 1))
    with pytest.raises(InvalidQuery, match="text"):
        Query(text="x" * (MAX_QUERY_TEXT + 1))


@pytest.mark.parametrize("name", ["text", "scenario", "filter"])
def test_half_a_character_in_a_query_is_refused(name: str) -> None:
    with pytest.raises(InvalidQuery, match=name):
        Query(**{name: "a \ud800"})


@pytest.mark.parametrize("price", [-0.01, math.nan, math.inf, -math.inf])
def test_a_price_is_a_number_from_zero_up(price: float) -> None:
    with pytest.raises(InvalidData, match="price"):
        Item("a", price=price)
    assert Item("a", price=0.0).price == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_is_a_finite_number(value: float) -> None:
    with pytest.raises(InvalidData, match="value"):
        Event("u", "a", "rating", value=value)


def test_a_place_of_a_list_is_counted_from_0() -> None:
    assert Event("u", "a", "click", position=0).position == 0
    with pytest.raises(InvalidData, match="position is a place of a list, counted from 0, got -1: leave it out"):
        Event("u", "a", "impression", position=-1)


@pytest.mark.parametrize(
    ("title", "text"),
    [("x" * (MAX_TITLE + 1), ""), ("", "x" * (MAX_TEXT + 1)), ("a\x00b", ""), ("", "\x1b[31m"), ("\udfff", "")],
    ids=range(5),
)
def test_texts_too_long_or_with_control_characters_are_refused(title: str, text: str) -> None:
    with pytest.raises(InvalidData):
        Item("a", title, text)


def test_texts_may_have_lines_and_tabs() -> None:
    assert Item("a", "two\nlines", "a\ttab\r\n").text == "a\ttab\r\n"


def test_an_item_has_a_bounded_number_of_attributes() -> None:
    with pytest.raises(InvalidData, match="attributes"):
        Item("a", attributes={f"{n}": n for n in range(MAX_ATTRIBUTES + 1)})


def test_an_event_is_of_a_known_type_and_has_an_item_unless_it_is_a_search() -> None:
    assert Event("u", None, "search", text="lamp").item_id is None
    with pytest.raises(InvalidData, match="needs an item_id"):
        Event("u", None, "click")
    unknown: EventType = "glance"  # type: ignore[assignment]
    with pytest.raises(InvalidData, match="unknown event type 'glance': one of impression"):
        Event("u", "a", unknown)


def test_a_time_without_a_zone_is_refused() -> None:
    for make in (
        lambda: Event("u", "a", "click", at=NAIVE),
        lambda: Item("a", published_at=NAIVE),
        lambda: utc(NAIVE),
    ):
        with pytest.raises(InvalidData, match="no zone"):
            make()
    beijing = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=8)))
    assert utc(beijing) == datetime(2026, 1, 31, 4, tzinfo=UTC)
    assert utc(beijing).tzinfo is UTC


@given(st.text(st.characters(), max_size=50))
def test_clean_text_is_let_in(text: str) -> None:
    assert Item("a", clean_text(text)).title == clean_text(text)
    assert clean_text(clean_text(text)) == clean_text(text)


def test_clean_text_leaves_a_clean_text_alone() -> None:
    assert clean_text("知音 😀\n\tlamp") == "知音 😀\n\tlamp"
    assert clean_text("a\x00b") == "a b"


@pytest.mark.parametrize(
    ("name", "vector", "told"),
    [
        ("image", (), "1 to 8,192 numbers, got 0"),
        ("image", (0.0,) * 8_193, "1 to 8,192 numbers, got 8,193"),
        ("image", (1.0, math.nan), "not finite"),
        ("image", (1.0, math.inf), "not finite"),
        ("image", (0.0, 0.0), "all zeros"),
        ("../x", (1.0,), "letters, digits"),
        ("", (1.0,), "letters, digits"),
        ("x" * 41, (1.0,), "letters, digits"),
    ],
)
def test_a_vector_points_somewhere_and_its_name_can_name_a_file(
    name: str, vector: tuple[float, ...], told: str
) -> None:
    with pytest.raises(InvalidData, match=told):
        Item("a", vectors={name: vector})


def test_an_item_has_few_vectors() -> None:
    with pytest.raises(InvalidData, match="at most 8 vectors, got 9"):
        Item("a", vectors={f"v{n}": (1.0,) for n in range(9)})
    assert Item("a", vectors={"图片-1": (1e300, -1e300)}).vectors["图片-1"] == (1e300, -1e300)
