"""Profiles as a workflow: who words them, edits as the command line has them, and what stays of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr, ValidationError

from zhiyin.errors import InvalidData
from zhiyin.profile.chat import ChatPhraser
from zhiyin.profile.edits import Edit, standing
from zhiyin.profile.phrasing import Templates
from zhiyin.settings import Settings
from zhiyin.settings_lists import ProfileSettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Event
from zhiyin.workflows.profile import Asked, edit_profile, phraser_of, read_edits, told_lines

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
NOUNS = ["spade", "rake", "seed", "pot", "hose", "lamp", "bench", "fern"]


def test_templates_word_profiles_unless_a_model_is_named_and_asked_for() -> None:
    named = Settings(
        profile=ProfileSettings(phrase_url="http://127.0.0.1:9/v1", phrase_model="m", phrase_key=SecretStr("k"))
    )
    assert isinstance(phraser_of(named, phrased=False), Templates)
    assert isinstance(phraser_of(Settings(), phrased=True), Templates)
    assert phraser_of(named, phrased=True) == ChatPhraser("http://127.0.0.1:9/v1", "m", "k", 5.0)
    assert "'k'" not in repr(named)
    with pytest.raises(ValidationError, match="http"):
        ProfileSettings(phrase_url="file:///etc/passwd")


def test_a_model_that_is_not_there_leaves_the_templates_and_says_so(shop: Zhiyin) -> None:
    shop.add_events([Event("eve", f"garden/{noun}", "like", at=NOON) for noun in NOUNS])
    live = shop.live()
    edit_profile(shop, live, "eve", [Edit("no music")], NOON)
    plain = told_lines(shop, live, Asked("eve"))
    absent = told_lines(shop, live, Asked("eve", phraser=ChatPhraser("http://127.0.0.1:9/v1", "m")))
    assert absent == plain
    assert {line.phrased_by for line in plain} == {"template"}
    assert [line.source for line in plain][:2] == ["said", "seen"]


def test_only_what_was_seen_is_given_to_a_model_never_what_was_said(shop: Zhiyin) -> None:
    shop.add_events([Event("eve", f"garden/{noun}", "like", at=NOON) for noun in NOUNS])
    live = shop.live()
    edit_profile(shop, live, "eve", [Edit("something private")], NOON)
    given: list[str] = []

    class Listening(Templates):
        def phrase(self, lines, language):  # type: ignore[no-untyped-def]
            given.extend(line.sentence for line in lines)
            return super().phrase(lines, language)

    told_lines(shop, live, Asked("eve", phraser=Listening()))
    assert given
    assert not any("private" in sentence for sentence in given)


def test_edits_of_the_command_line() -> None:
    assert read_edits(["slow films"], ["less category=Garden = Tools", " never text=a b"]) == [
        Edit("slow films"),
        Edit("Garden = Tools", "category", "less"),
        Edit("a b", "text", "never"),
    ]
    for wrong in ("less Garden", "most category=Garden", ""):
        with pytest.raises(InvalidData, match="FIELD=VALUE"):
            read_edits([], [wrong])


def test_a_refused_edit_stores_nothing_of_what_came_with_it(shop: Zhiyin) -> None:
    live = shop.live()
    many = [Edit(f"brand {n}", "brand", "more") for n in range(51)]
    with pytest.raises(InvalidData, match="take one back"):
        edit_profile(shop, live, "eve", many, NOON)
    assert shop.store.said("eve", "edit", limit=99) == []
    assert edit_profile(shop, live, "eve", many[:50], NOON) == standing(shop.store.said("eve", "edit", limit=99))


def test_a_refusal_finds_the_category_in_the_other_number_and_a_wish_does_not(shop: Zhiyin) -> None:
    said = edit_profile(shop, shop.live(), "eve", [Edit("I like gardens, no kitchens")], NOON)
    assert {(one.trait.field, one.trait.value, one.stance) for one in said} == {
        ("text", "gardens", "more"),
        ("category", "kitchen", "never"),
    }
