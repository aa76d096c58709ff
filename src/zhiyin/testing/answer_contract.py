"""What every store must know of answers to lists."""

from __future__ import annotations

from dataclasses import replace

from zhiyin.data.answers import BELIEF, EXPLORE, Answer, outline_of
from zhiyin.data.store.codec import micros
from zhiyin.data.store.protocols import Store
from zhiyin.testing.event_log_contract import NOON, click
from zhiyin.testing.whole_contract import shown
from zhiyin.types import Event, Place

SHOWN = Event("ann", "a", "impression", NOON, recommendation_id="r1")
TAKEN = Event("ann", "a", "view", NOON, value=9.0, recommendation_id="r1")


class AnswerContract:
    """Answers are events that name a list; outlines are what is learned from of lists."""

    def test_answers_are_the_events_that_name_a_list_by_the_merged_ids(self, store: Store) -> None:
        store.append([click("ann", "b", 1), SHOWN, replace(SHOWN, item_id=None, type="search", text="tea"), TAKEN])
        store.append([replace(TAKEN, user_id="bob")])
        store.merge("ann", "account")
        at = micros(NOON)
        first = Answer(2, "account", "a", "impression", None, at, "r1")
        other = Answer(4, "account", "a", "view", 9.0, at, "r1")
        assert list(store.answers.stream()) == [first, other, Answer(5, "bob", "a", "view", 9.0, at, "r1")]
        assert list(store.answers.stream(after=2, until=4)) == [other]
        for name in ("ann", "account"):
            assert store.answers.of(name, limit=9) == [first, other]
            assert store.answers.of(name, limit=1) == [other]
            assert store.answers.of(name, limit=9, until=3) == [first]
        assert store.answers.of("nobody", limit=9) == []

    def test_more_answers_than_fit_on_a_page_come_in_order(self, store: Store) -> None:
        store.append([replace(TAKEN, item_id=f"i{n}", user_id=f"u{n % 7}") for n in range(4_100)])
        assert [answer.item_id for answer in store.answers.stream()] == [f"i{n}" for n in range(4_100)]

    def test_an_outline_has_the_scores_of_the_places_before_anything_was_believed(self, store: Store) -> None:
        parts = {"taste": 1.0, BELIEF: 0.25, EXPLORE: 0.5}
        one = replace(
            shown("r1", "ann"), items=(Place("b", 1.75, parts, -1.0), Place("a", 1.0, {"taste": 1.0}, 0.0))
        )
        store.log([one, shown("r2")])
        store.log([one])
        assert store.answers.outlines(["r1", "nowhere"]) == {"r1": outline_of(one)}
        assert store.answers.outlines(["r1"])["r1"].scores == {"b": 1.0, "a": 1.0}
        assert set(store.answers.outlines(["r2", "r1"])) == {"r1", "r2"}

    def test_answers_and_outlines_go_with_the_person(self, store: Store) -> None:
        store.append([SHOWN, replace(SHOWN, user_id="bob", recommendation_id="r2")])
        store.log([shown("r1", "ann"), shown("r2", "bob")])
        store.erase("ann")
        assert [answer.user_id for answer in store.answers.stream()] == ["bob"]
        assert set(store.answers.outlines(["r1", "r2"])) == {"r2"}
