"""Edits: sentences to stances, and the fold over what was said."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.errors import InvalidData
from zhiyin.profile.edits import LINES, TEXTS, Edit, Said, clauses, edit_event, standing
from zhiyin.profile.traits import Trait
from zhiyin.types import MAX_LINE, STANCES, Event, Stance

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
A, B = Trait("category", "Garden"), Trait("text", "slow films")


def says(trait: Trait, stance: Stance) -> Event:
    return edit_event("ann", Said(trait, stance, NOON))


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        ("I like slow Japanese films, no horror", [("more", "slow Japanese films"), ("never", "horror")]),
        ("no horror", [("never", "horror")]),
        ("I don't like horror but I love tea", [("less", "horror"), ("more", "tea")]),
        ("I don’t really like golf. Never show me cricket!", [("less", "golf"), ("never", "cricket")]),
        ("a quiet evening with tea", [("more", "a quiet evening with tea")]),
        ("I hate noise, crowds", [("less", "noise"), ("less", "crowds")]),
        ("not into sports; more gardening", [("less", "sports"), ("more", "gardening")]),
        ("我喜欢安静的日本电影，不喜欢恐怖", [("more", "安静的日本电影"), ("less", "恐怖")]),
        ("不要恐怖片，喜欢安静的夜晚", [("never", "恐怖片"), ("more", "安静的夜晚")]),
        ("别给我看恐怖片", [("never", "恐怖片")]),
        ("少女漫画", [("more", "少女漫画")]),
        ("无线耳机，爱尔兰音乐，别致的花瓶", [("more", "无线耳机，爱尔兰音乐，别致的花瓶")]),
        ("讨厌吵闹、拥挤，喜欢安静", [("less", "吵闹"), ("less", "拥挤"), ("more", "安静")]),
        (
            "no horror, gore, something slow for the evening",
            [("never", "horror"), ("never", "gore"), ("more", "something slow for the evening")],
        ),
        ("I like slow, quiet films. With tea, please", [("more", "slow, quiet films. With tea, please")]),
        ("we go camping and don't own any gear", [("more", "we go camping and don't own any gear")]),
        ("notebooks for november", [("more", "notebooks for november")]),
        ("likeable northern lights", [("more", "likeable northern lights")]),
        (" , ; 。", []),
        ("I like", [("more", "I like")]),
    ],
)
def test_a_sentence_says_one_thing_a_clause(sentence: str, meant: list[tuple[str, str]]) -> None:
    assert clauses(sentence) == meant


@given(st.text(max_size=MAX_LINE))
def test_any_sentence_is_read_and_what_it_is_about_stands_in_it(sentence: str) -> None:
    for stance, about in clauses(sentence):
        assert stance in STANCES
        assert about
        assert about in sentence


def test_the_newest_word_about_a_trait_counts() -> None:
    assert standing([says(A, "more"), says(B, "less"), says(A, "never")]) == (
        Said(A, "never", NOON),
        Said(B, "less", NOON),
    )
    assert standing([says(A, "more"), says(A, "unsaid")]) == ()
    assert standing([says(Trait("category", " GARDEN"), "more"), says(A, "less")]) == (Said(A, "less", NOON),)


_edits = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(STANCES)), max_size=30)


@given(_edits, st.randoms(use_true_random=False))
def test_the_order_of_edits_of_different_lines_does_not_matter(
    edits: list[tuple[str, Stance]], chance: random.Random
) -> None:
    by_line: dict[str, list[Event]] = {}
    for name, stance in edits:
        by_line.setdefault(name, []).append(says(Trait("brand", name), stance))
    shuffled: list[Event] = []
    left = [list(some) for some in by_line.values()]
    while left := [some for some in left if some]:
        shuffled.append(chance.choice(left).pop(0))
    assert standing(shuffled) == standing([says(Trait("brand", name), stance) for name, stance in edits])


@given(_edits)
def test_saying_all_again_changes_nothing(edits: list[tuple[str, Stance]]) -> None:
    events = [says(Trait("brand", name), stance) for name, stance in edits]
    stands = standing(events)
    assert standing([*events, *(edit_event("ann", said) for said in stands)]) == stands


def test_what_stands_is_bounded_and_the_newest_stay() -> None:
    many = [says(Trait("brand", f"{n:05}"), "more") for n in range(10_000)]
    assert [said.trait.value for said in standing(many)] == [f"{n:05}" for n in range(10_000 - LINES, 10_000)]
    again = [*many[-LINES:], many[-LINES], many[0]]  # who says a line again says it last
    assert {said.trait.value for said in standing(again)} == {said.trait.value for said in standing(many)} - {
        f"{10_000 - LINES + 1:05}"
    } | {"00000"}
    read = [says(Trait("text", f"{n:05}"), "more") for n in range(1_000)]
    assert [said.trait.value for said in standing(read)] == [f"{n:05}" for n in range(1_000 - TEXTS, 1_000)]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"value": " "}, "1 to 300"),
        ({"value": "x" * 301}, "301"),
        ({"value": "x", "field": "colour"}, "unknown field"),
        ({"value": "x", "field": "attributes."}, "unknown field"),
        ({"value": "x", "field": "brand"}, "needs a stance"),
    ],
)
def test_what_no_line_can_be_is_refused(edit: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidData, match=why):
        Edit(**edit)  # type: ignore[arg-type]
    assert Edit("x", "attributes.colour", "less").field == "attributes.colour"


@pytest.mark.parametrize(
    ("item_id", "text", "context", "why"),
    [
        ("a", "x", {"field": "brand", "stance": "more"}, "no item_id"),
        (None, None, {"field": "brand", "stance": "more"}, "nothing"),
        (None, "x" * 301, {"field": "brand", "stance": "more"}, "301"),
        (None, "x", {"field": "brand", "stance": "most"}, "most"),
        (None, "x", {"stance": "more"}, "field"),
    ],
)
def test_an_event_that_is_no_edit_is_refused(
    item_id: str | None, text: str | None, context: dict[str, str], why: str
) -> None:
    with pytest.raises(InvalidData, match=why):
        Event("ann", item_id, "edit", text=text, context=context)
