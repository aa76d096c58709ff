"""Words in both numbers, with an 's, and in Chinese by their characters; never by parts of words or by meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.profile.spelling import same_words, spellings, stands_in
from zhiyin.texts import clean_text
from zhiyin.types import Item, Translation


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("toys", "Toy"),
        ("baby things", "Babies"),
        ("women's shoes", "Woman Shoe"),
        ("knives", "knife"),
        ("shelves", "shelf"),
        ("boxes", "box"),
        ("cookies", "cookie"),
        ("vases", "vase"),
        ("glasses", "glass"),
        ("heroes", "hero"),
        ("children", "child’s"),
        ("gloves", "glove"),
        ("茶的东西", "茶"),
        ("garden tools", "Garden Tool"),
    ],
)
def test_the_same_words_in_another_number(one: str, other: str) -> None:
    assert same_words(one, other)
    assert same_words(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("decaf", "coffee"),
        ("nuts", "Donuts"),
        ("news", "new"),
        ("sweets", "sweet"),
        ("glass", "glas"),
        ("toy", "toy car"),
        ("baby", "Baby & Toddler"),
        ("things", "stuff"),
        ("婴儿", "婴儿车"),
        ("tool garden", "garden tool"),
    ],
)
def test_other_words_are_other_words(one: str, other: str) -> None:
    assert not same_words(one, other)


def test_words_that_tell_nothing_are_left_out() -> None:
    assert [forms[0] for forms in spellings("any of those things for babies")] == ["babies"]
    assert spellings("婴儿的东西") == [("婴儿",)]
    assert spellings("婴儿 用品") == [("婴儿",), ("用品",)]
    assert spellings("猫砂盆") == [("猫砂",), ("砂盆",)]
    assert spellings("茶") == [("茶",)]
    assert spellings("the things, …!") == spellings("") == []


def test_an_item_says_a_word_wherever_it_stands() -> None:
    said = spellings("toys")
    assert stands_in(Item("a", "A toy"), said)
    assert stands_in(Item("a", categories=("ＴＯＹＳ",)), said)
    assert stands_in(Item("a", attributes={"kind": "toy"}), said)
    assert stands_in(Item("a", translations={"en": Translation("Some toys")}), said)
    assert not stands_in(Item("a", "A game"), said)


@given(st.text(max_size=40))
def test_every_text_says_its_own_words(text: str) -> None:
    text = clean_text(text)
    said = spellings(text)
    assert stands_in(Item("a", text), said)
    assert same_words(text, text) == bool(said)
    assert all(form for forms in said for form in forms)
