"""Lines in words, in both languages; what a value holds means nothing to a template."""

from __future__ import annotations

from typing import get_args

import pytest

from zhiyin.profile.edits import Said
from zhiyin.profile.traits import FIELDS, Language, Trait
from zhiyin.profile.wording import said_in_words, what_of
from zhiyin.types import STANCES


@pytest.mark.parametrize(
    ("field", "value", "en", "zh"),
    [
        ("category", "Garden", "“Garden”", "“Garden”"),
        ("brand", "Acorn", "the brand “Acorn”", "“Acorn”牌"),
        ("price", "10..25", "prices from 10 to 25", "价格10到25的"),
        ("price", "..10", "prices below 10", "价格低于10的"),
        ("price", "25..", "prices from 25 up", "价格25以上的"),
        ("published", "1990s", "things from the 1990s", "1990年代的东西"),
        ("attributes.size", "6..9", "“size: from 6 to 9”", "“size：6到9”"),
        ("attributes.{value}", "{name}", "“{value}: {name}”", "“{value}：{name}”"),
        ("text", "{what} 100%", "“{what} 100%”", "“{what} 100%”"),
    ],
)
def test_a_trait_is_called_by_its_value(field: str, value: str, en: str, zh: str) -> None:
    assert what_of(field, value, "en") == en.replace("“{value}:", "“{value}:")
    assert what_of(field, value, "zh") == zh


def test_every_field_and_stance_has_words_in_every_language() -> None:
    for language in get_args(Language):
        for field in FIELDS:
            for stance in STANCES:
                if stance != "unsaid":
                    words = said_in_words(Said(Trait(field, "VALUE"), stance, None), language)
                    assert "VALUE" in words.sentence
                    assert "{" not in words.sentence + words.because


def test_what_was_said_is_told_as_it_was_said() -> None:
    said = Said(Trait("text", "horror"), "never", None)
    assert said_in_words(said, "en").sentence == "You said: never “horror”."
    assert said_in_words(said, "zh").sentence == "你说过：不要“horror”。"
