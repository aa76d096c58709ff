"""What a language model may say of a line: the facts in other words, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.profile.checking import Facts, keeps_to

LIKES = Facts("You keep coming back to “Garden”.", "Garden", False)
USED = Facts("You used to take to the brand “Acorn & Sons”.", "Acorn & Sons", False)
PRICE = Facts("You like prices from 10 to 25.", "", False)
DOWN = Facts("You turn down “Garden”.", "Garden", True)
SEARCHED = Facts("You looked for “Blue Note”.", "Blue Note", False)
HUAYUAN = Facts("你一直喜欢“花园”。", "花园", False)
HUAYUAN_DOWN = Facts("你不喜欢“花园”。", "花园", True)


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("You keep coming back to “Garden”.", LIKES),
        ("Garden is what you keep coming back to!", LIKES),
        ("You love the garden, and keep coming back to it.", LIKES),
        ("The brand ‘Acorn & Sons’ is what you used to like.", USED),
        ("You prefer prices from 10 to 25.", PRICE),
        ("You don't like “Garden”.", DOWN),
        ("You avoid Garden.", DOWN),
        ("“Garden” is what you turn down.", DOWN),
        ("Blue Note: you looked for it.", SEARCHED),
        ("“花园”是你一直很喜欢的。", HUAYUAN),
        ("“花园”你不爱。", HUAYUAN_DOWN),
    ],
)
def test_other_words_for_the_same_are_let_through(sentence: str, facts: Facts) -> None:
    assert keeps_to(sentence, facts)


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("", LIKES),
        ("“Garden”.", LIKES),
        ("You keep coming back.", LIKES),
        ("You like “Garden” and “Kitchen”.", LIKES),
        ("You are a rich gardener who likes Garden.", LIKES),
        ("You do not like Garden.", LIKES),
        ("You never keep coming back to Garden.", LIKES),
        ("You like Garden 4 times.", LIKES),
        ("You like 80 % of Garden.", LIKES),
        ("You like Garden five times.", LIKES),
        ("You like Gardening.", Facts("You like “Gardens”.", "Gardens", False)),
        ("Buy Garden at http://evil.example", LIKES),
        ("You like <b>Garden</b>.", LIKES),
        ("You like Garden\u202e.", LIKES),
        ("You like Garden" + " and" * 200, LIKES),
        ("Your wife likes Garden.", LIKES),
        ("You like the brand “Acorn & Sons”.", USED),  # no longer
        ("You like prices from 25 to 10.", PRICE),
        ("You like prices from 10.", PRICE),
        ("You like prices from 10 to 250.", PRICE),
        ("You like “Garden”.", DOWN),
        ("You do not avoid “Garden”.", DOWN),
        ("You never turn down “Garden”.", DOWN),
        ("You like “Blue Note”.", SEARCHED),  # to look for something is not to like it
        ("你不喜欢“花园”。", HUAYUAN),
        ("你喜欢“花园”和厨房。", HUAYUAN),
        ("你喜欢“花园”三次。", HUAYUAN),
        ("你喜欢“花园”，占80。", HUAYUAN),
        ("你最近喜欢“花园”。", HUAYUAN),
        ("“花园”。", HUAYUAN),
        ("你喜欢“花园”。", HUAYUAN_DOWN),
        ("你不是不喜欢“花园”。", HUAYUAN_DOWN),
        ("You like “花园” a lot 😀", HUAYUAN),
    ],
)
def test_what_adds_or_loses_or_turns_anything_is_refused(sentence: str, facts: Facts) -> None:
    assert not keeps_to(sentence, facts)


@given(st.sampled_from((LIKES, USED, PRICE, DOWN, HUAYUAN)), st.text(max_size=80))
def test_no_word_of_anybody_else_comes_through(facts: Facts, more: str) -> None:
    added = f"{facts.text} {more}"
    if keeps_to(added, facts):
        assert not any(sign.isdigit() for sign in more)
        assert not any(sign in "<>{}@#$\\" for sign in more)
        assert keeps_to(facts.text, facts)
