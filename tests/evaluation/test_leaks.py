"""Each way in which the answers can be known is found, and sound questions are let alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.splits import Terms as Cutting
from zhiyin.data.splits import TimeCut, global_time, leave_one_out
from zhiyin.evaluation.leaks import Found, leaks
from zhiyin.evaluation.posing import Posed, Terms, pose
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item, Relation

START = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = [
    Item(id_, title) for id_, title in zip("abcdef", ("Axe", "Bow", "Cup", "Drum", "Egg", "Fan"), strict=True)
]


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def dataset(
    lives: dict[str, str], items: list[Item] | None = None, relations: Iterable[Relation] = (), step: float = 1.0
) -> Dataset:
    """Everybody takes their items one a day from the first day on."""
    events = [
        Event(user, item, "like", at=day(place * step), order=place)
        for user, life in lives.items()
        for place, item in enumerate(life)
    ]
    return build_dataset(items or ITEMS, events, relations=relations)


def many(life: str = "abcd", n: int = 9) -> dict[str, str]:
    return {f"u{number}": life[number % 3 :] + life[: number % 3] for number in range(n)}


def last_of(data: Dataset) -> Posed:
    return Posed("leave_one_out", leave_one_out(data), "", data)


def in_time(data: Dataset) -> Posed:
    """Cut before the fourth day."""
    cut = TimeCut(day(3).timestamp(), day(3).timestamp())
    return Posed("global_time", global_time(data, cut, Cutting(refit=True)), "", data, cut.test_from)


def found(posed: Posed, events: Iterable[Event] = ()) -> dict[str, Found]:
    return {leak.name: leak for leak in leaks(posed, events)}


def test_sound_questions_are_let_alone() -> None:
    for split in ("time", "last", "new-items"):
        data = dataset(many("abcdef", 40))
        assert found(pose(data, Terms(split=split))) == {}, split


def test_a_target_that_was_fitted_on_is_refused() -> None:
    posed = last_of(dataset(many()))
    assert found(replace(posed, split=replace(posed.split, fit=posed.data)))["answers_fitted"].refused


def test_where_repeats_are_asked_for_an_earlier_purchase_is_no_leak() -> None:
    data = dataset({f"u{n}": "abcab" for n in range(5)})
    split = leave_one_out(data, Cutting(filter_history=False))
    assert found(Posed("leave_one_out", split, "", data)) == {}


def test_fitting_on_what_came_after_a_cut_in_time_is_refused() -> None:
    posed = in_time(dataset(many()))
    leak = found(replace(posed, split=replace(posed.split, fit=posed.data)))["future_fitted"]
    assert leak.refused
    assert "25.0% of the events" in leak.words


def test_asking_at_the_time_of_the_answer_is_refused() -> None:
    posed = last_of(dataset(many()))
    now = np.full(len(posed.split), day(3).timestamp())
    told = replace(posed.split, past=replace(posed.split.past, now=now))
    leak = found(replace(posed, split=told))["target_time_known"]
    assert leak.refused
    assert leak.words.startswith("100.0%")


def test_a_history_that_goes_on_after_the_question_is_refused() -> None:
    posed = last_of(dataset(many()))
    early = replace(posed.split, past=replace(posed.split.past, now=posed.split.past.now - 1))
    assert found(replace(posed, split=early))["history_after_question"].refused


def test_equal_times_make_the_last_event_uncertain() -> None:
    leak = found(last_of(dataset(many(), step=0.0)))["unstable_order"]
    assert not leak.refused
    assert leak.words.startswith("100.0%")


def test_a_new_item_with_the_title_of_a_known_one_is_named() -> None:
    items = [
        Item("a", "Garden hose, 20 m, green"),
        Item("b", "Spade"),
        Item("c", "garden hose 20m green"),
        ITEMS[3],
    ]
    leak = found(in_time(dataset(many("abdc", 9) | {"u9": "abdc"}, items)))
    assert "twin_items" not in leak, "c was there before"
    late = found(in_time(dataset({f"u{n}": "abdc" for n in range(4)}, items)))["twin_items"]
    assert not late.refused
    assert "'garden hose 20m green' and 'Garden hose, 20 m, green'" in late.words


def test_new_people_who_did_just_what_a_known_one_did_are_counted() -> None:
    lives = many("abcdef", 40)
    assert "twin_people" in found(pose(dataset({f"u{n}": "abcd" for n in range(40)}), Terms(split="new-users")))
    unlike = {
        user: "".join(np.random.default_rng(n).permutation(list(life)))
        for n, (user, life) in enumerate(lives.items())
    }
    assert "twin_people" not in found(pose(dataset(unlike), Terms(split="new-users")))


def test_relations_made_of_behaviour_are_doubted() -> None:
    assert "behaviour_relations" in found(last_of(dataset(many(), relations=[Relation("a", "also_bought", "b")])))
    assert found(last_of(dataset(many(), relations=[Relation("a", "same_author", "b")]))) == {}


def test_relations_to_items_that_came_after_the_cut_are_doubted() -> None:
    lives = {f"u{n}": "abcd" for n in range(4)}
    cites = [Relation("a", "cites", "b"), Relation("a", "cites", "d"), Relation("a", "by", "somebody")]
    assert found(in_time(dataset(lives, relations=cites)))["later_relations"].words.startswith("50.0%")
    assert found(in_time(dataset(lives, relations=cites[:1]))) == {}
    assert found(last_of(dataset(lives, relations=cites))) == {}


def test_dates_read_off_the_first_event_are_doubted() -> None:
    dated = [replace(item, published_at=day(place)) for place, item in enumerate(ITEMS)]
    assert "dated_by_answer" in found(last_of(dataset({"u": "abcdef", "v": "abcdef"}, dated)))
    earlier = [replace(item, published_at=day(-1)) for item in ITEMS]
    assert found(last_of(dataset({"u": "abcdef", "v": "abcdef"}, earlier))) == {}


def test_what_a_judged_person_wrote_may_not_stand_in_the_text_of_the_item() -> None:
    said = "It kept my tea warm all night, a true friend!"
    items = [*ITEMS[:3], Item("d", "Drum", text=f"A drum. Readers say: {said.upper()}")]
    posed = last_of(dataset(many("abcd", 3), items))
    log = [
        Event("u0", "d", "review", at=day(3), text=said),
        Event("u0", "d", "review", at=day(3), text="A drum."),
        Event("u1", "d", "review", at=day(2), text=said),  # d is not wanted of u1
        Event("nobody", "d", "review", at=day(2), text=said),
        Event("u0", None, "search", at=day(2), text=said),
    ]
    leak = found(posed, log)["quoted_reviews"]
    assert leak.refused
    assert leak.words.startswith("of 1 wanted items (33.3%)")
    assert found(posed, log[1:]) == {}


def test_a_small_world_shows_no_leak_that_is_refused() -> None:
    assert not [leak for leak in leaks(pose(small_dataset(), Terms())) if leak.refused]
