"""What a person says of their profile changes their next list, is told as a reason and replayed bit for bit."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest

from zhiyin.profile.edits import Said, edit_event
from zhiyin.profile.traits import Trait
from zhiyin.settings_lists import ProfileSettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, Place, Query, Recommendation, Stance
from zhiyin.workflows.erase import erase
from zhiyin.workflows.replay import replay

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
ANN = "user 3"  # loves the garden
_number = count()


def say(shop: Zhiyin, user_id: str, field: str, value: str, stance: Stance) -> None:
    shop.add_events([edit_event(user_id, Said(Trait(field, value), stance, NOON), f"edit {next(_number)}")])


def asked(
    shop: Zhiyin, user_id: str = ANN, scenario: str = "for_you", text: str | None = None, n: int = 8
) -> Recommendation:
    return shop.answer(Query(user_id=user_id, n=n, scenario=scenario, text=text))


def themes(shown: Recommendation) -> list[str]:
    return [place.item_id.partition("/")[0] for place in shown.items]


def profile_reasons(place: Place) -> list[tuple[str, ...]]:
    return [reason.words for reason in place.reasons if reason.channel == "profile"]


def test_more_of_a_line_lifts_what_has_it_and_says_so(shop: Zhiyin) -> None:
    say(shop, ANN, "category", "garden", "less")
    before = themes(asked(shop, n=20))
    say(shop, ANN, "category", "music", "more")
    after = asked(shop, n=20)
    assert themes(after).index("music") < before.index("music")
    first = after.items[themes(after).index("music")]
    assert first.parts["profile"] == 1.5
    assert first.score == pytest.approx(sum(first.parts.values()))
    assert profile_reasons(first) == [("music",)]
    assert {place.parts["profile"] for place in after.items if place.item_id.startswith("garden/")} == {-4.0}
    assert all("profile" not in place.parts for place in after.items if place.item_id.startswith("kitchen/"))


def test_a_struck_line_lowers_and_never_filters_until_it_is_taken_back(shop: Zhiyin) -> None:
    before = asked(shop)
    say(shop, ANN, "category", "garden", "less")
    struck = asked(shop)
    scores = {place.item_id: place.score for place in before.items}
    assert all(
        place.score == pytest.approx(scores[place.item_id] - 4.0, abs=0.5)
        for place in struck.items
        if place.item_id in scores and place.item_id.startswith("garden/")
    )
    assert themes(struck)[0] != "garden"
    say(shop, ANN, "category", "garden", "never")
    assert "garden" not in themes(asked(shop))
    say(shop, ANN, "category", "garden", "unsaid")
    again = asked(shop)
    assert [place.item_id for place in again.items] == [place.item_id for place in before.items]
    assert [place.parts for place in again.items] == [place.parts for place in before.items]


def test_never_goes_for_every_shelf_of_the_person_but_not_for_what_is_like_an_item(shop: Zhiyin) -> None:
    say(shop, ANN, "category", "garden", "never")
    for scenario in ("for_you", "trending", "latest", "search"):
        assert "garden" not in themes(asked(shop, scenario=scenario)), scenario
    assert "garden" not in themes(asked(shop, text="a spade for the garden"))
    like = shop.answer(Query(user_id=ANN, like=("garden/spade",), n=5, scenario="similar"))
    assert "garden" in themes(like)
    assert "garden" in themes(asked(shop, "user 6")), "it is nobody else's line"


def test_given_items_stay_and_sink(shop: Zhiyin) -> None:
    given = ["garden/fern", "music/song", "kitchen/spoon"]

    def ranked() -> list[Place]:
        return list(shop.recommender().order(Query(user_id=ANN, n=3), given, "r", NOON).items)

    assert ranked()[0].item_id == "garden/fern"
    before = ranked()[0].score
    say(shop, ANN, "category", "garden", "never")
    (fern,) = [place for place in ranked() if place.item_id == "garden/fern"]
    assert (fern.parts["profile"], fern.score) == (-4.0, pytest.approx(before - 4.0))
    assert len(ranked()) == 3


def test_a_typed_wish_goes_before_what_was_said(shop: Zhiyin) -> None:
    say(shop, ANN, "category", "music", "more")
    shown = asked(shop, text="a kettle for the kitchen")
    assert shown.items[0].item_id == "kitchen/kettle"
    assert {round(place.parts.get("profile", 0.0), 6) for place in shown.items} <= {0.0, 0.15}


def test_a_sentence_alone_is_answered_like_a_typed_wish(shop: Zhiyin) -> None:
    say(shop, "somebody new", "text", "a flute for music", "more")
    shown, typed = asked(shop, "somebody new"), asked(shop, "nobody", text="a flute for music")
    assert [place.item_id for place in shown.items] == [place.item_id for place in typed.items]
    assert shown.mode == "trained"
    assert profile_reasons(shown.items[0]) == [("a flute for music",)]


@pytest.mark.slow
def test_lists_that_lines_changed_are_replayed_bit_for_bit(shop: Zhiyin) -> None:
    lists = [asked(shop)]
    for field, value, stance in (
        ("category", "music", "more"),
        ("text", "a sharp knife", "more"),
        ("text", "spades", "never"),
        ("category", "music", "unsaid"),
    ):
        say(shop, ANN, field, value, stance)  # type: ignore[arg-type]
        lists += [asked(shop), asked(shop, text="a pan")]
    shop.fold_again()
    for shown in lists:
        assert replay(shop, shown.recommendation_id).differences == ()


def test_an_anonymous_visitors_lines_become_the_persons(shop: Zhiyin) -> None:
    say(shop, "anon-1", "category", "garden", "never")
    shop.store.merge("anon-1", ANN)
    assert "garden" not in themes(asked(shop))


def test_who_is_erased_never_said_anything(shop: Zhiyin) -> None:
    say(shop, ANN, "text", "a flute for music", "more")
    shown = asked(shop)
    erase(shop, ANN)
    assert shop.store.said(ANN, "edit", limit=9) == []
    after, nobody = asked(shop), asked(shop, "never seen")
    assert [place.parts for place in after.items] == [place.parts for place in nobody.items]
    assert shop.store.recommendation(shown.recommendation_id) is None


@pytest.mark.slow
def test_ten_thousand_edits_of_one_person_are_answered(shop: Zhiyin) -> None:
    shop.add_events(
        [
            edit_event(ANN, Said(Trait("text" if n % 2 else "brand", f"say {n} " + "x" * 250), "more", NOON))
            for n in range(10_000)
        ]
    )
    shown = asked(shop)
    assert len(shown.items) == 8
    assert replay(shop, shown.recommendation_id).same


def test_how_loud_lines_are_is_part_of_the_settings_of_a_list(shop: Zhiyin) -> None:
    usual = shop.settings.digest()
    shop.settings = shop.settings.model_copy(update={"profile": ProfileSettings(lift=0.5)})
    assert shop.settings.digest() != usual
    say(shop, ANN, "category", "music", "more")
    assert {place.parts.get("profile", 0.5) for place in asked(shop).items} == {0.5}


def test_events_without_an_edit_leave_lists_as_they_were(shop: Zhiyin) -> None:
    before = asked(shop)
    shop.add_events([Event(ANN, None, "search", at=NOON, text="music")])
    assert [place.parts for place in asked(shop).items] == [place.parts for place in before.items]
