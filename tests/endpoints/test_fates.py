"""What a translation brought back: used where it says the same in other words, never where it adds or loses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.endpoints.fates import Fate, fate_of, numbers_of
from zhiyin.endpoints.languages import language_of
from zhiyin.endpoints.portions import portions

CUP = "A blue cup of 250 ml for tea"
TASSE = "Une tasse bleue de 250 ml pour le thé"


@pytest.mark.parametrize(
    ("text", "there", "back", "fate"),
    [
        (CUP, TASSE, "A blue mug of 250 ml for drinking tea", "usable"),
        (CUP, TASSE, "For tea: a blue mug, 250 ml", "usable"),
        (CUP, TASSE, "a BLUE cup of 250 ml, for tea!", "unchanged"),
        (CUP, "", "", "empty"),
        (CUP, TASSE, " ", "empty"),
        (CUP, TASSE, TASSE, "not translated back"),
        (CUP, "一个250毫升的蓝色茶杯", "蓝色的茶杯，250毫升", "not translated back"),
        (CUP, TASSE, "A mug", "too long or short"),
        (CUP, TASSE, "Sure! Here is the translation that you asked for, as literal as I can make it: " + CUP,
         "too long or short"),
        (CUP, TASSE, "A blue mug of 25 ml for tea", "other numbers"),
        (CUP, TASSE, "A blue mug for tea", "other numbers"),
        ("12 cups", "12 tasses", "A dozen mugs", "other numbers"),
        ("茶杯，白色，2个", "two white tea cups", "白色茶碗，2只", "usable"),
        ("茶杯，白色，2个", "2 white tea cups", "2 white cups for tea", "not translated back"),
        ("cup", "tasse", "a mug", "usable"),
        ("1,5 l in 10 000", "1.5 l", "1.5 l: 10 000", "usable"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_text_that_came_back(text: str, there: str, back: str, fate: Fate) -> None:
    assert fate_of(text, there, back) == fate


SOME = st.text("abC 0123.,茶杯白", max_size=60)


@given(SOME, SOME, SOME)
def test_what_is_used_has_all_numbers_and_about_the_length_and_is_none_of_the_two(
    text: str, there: str, back: str
) -> None:
    assert fate_of(text, there, text) != "usable"
    assert fate_of(text, there, there) != "usable"
    if fate_of(text, there, back) == "usable":
        assert numbers_of(text) == numbers_of(back)
        assert back.strip()
        assert len(text) / 2 <= len(back) <= 2 * len(text) + 20


def test_numbers_are_the_same_however_they_are_grouped_and_ordered() -> None:
    assert numbers_of("1,000 of 2.5") == numbers_of("2,5 in 1.000") == numbers_of("２.５ x 1’000")
    assert numbers_of("3, 4") == numbers_of("4 and 3") != numbers_of("34")


@given(st.lists(st.integers(1, 50)), st.integers(1, 5), st.integers(1, 60))
def test_portions_hold_all_in_order_and_no_more_than_they_may(
    sizes: list[int], most: int, characters: int
) -> None:
    found = list(portions(sizes, most, characters))
    assert [place for group in found for place in group] == list(range(len(sizes)))
    for group in found:
        assert 1 <= len(group) <= most
        assert len(group) == 1 or sum(sizes[place] for place in group) <= characters


def test_languages_go_by_code_or_name() -> None:
    told = [language_of(one) for one in ("fr", "pt-BR", "zh_CN", "zh-TW", "French", "Swiss German")]
    assert told == ["French", "Portuguese", "Simplified Chinese", "Traditional Chinese", "French", "Swiss German"]
