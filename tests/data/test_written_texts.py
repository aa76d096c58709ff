"""What people wrote, beside their events: nothing is known before it was written, nor after what it belongs to is
hidden."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.written import LONGEST, MOST, written_among
from zhiyin.types import Event, Item

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def click(user: str, item: str, minute: int) -> Event:
    return Event(user, item, "click", at=NOON + timedelta(minutes=minute))


def search(user: str, text: str, minute: int) -> Event:
    return Event(user, None, "search", text=text, at=NOON + timedelta(minutes=minute))


def dataset(*events: Event) -> Dataset:
    return build_dataset([Item(name) for name in "abcdef"], events)


def told(data: Dataset) -> list[tuple[str, str]]:
    """Text, and the item of the event that it belongs to."""
    return [
        (text, data.items[int(data.item_rows[entry])])
        for text, entry in zip(data.notes.texts, data.notes.entries, strict=True)
    ]


def test_a_search_belongs_to_the_event_before_it_and_a_review_to_its_own() -> None:
    review = Event("u", "c", "review", at=NOON + timedelta(minutes=7), text="lovely")
    data = dataset(
        search("u", "too early", 0), click("u", "a", 1), click("u", "b", 5), search("u", "then", 3), review,
        search("v", "nothing done", 9), search("u", "last", 9),
    )  # fmt: skip
    assert told(data) == [("then", "a"), ("lovely", "c"), ("last", "c")]
    assert data.notes.signs.tolist() == [1.0, 1.0, 1.0]


def test_what_was_only_shown_is_nothing_to_belong_to_and_edits_are_no_texts() -> None:
    shown = Event("u", "b", "impression", at=NOON + timedelta(minutes=2))
    edit = Event("u", None, "edit", text="garden", at=NOON, context={"field": "category", "stance": "more"})
    assert told(dataset(click("u", "a", 1), shown, search("u", "spade", 3), edit)) == [("spade", "a")]


def test_what_was_said_of_something_disliked_counts_against() -> None:
    hated = Event("u", "a", "dislike", at=NOON, text="smells")
    data = dataset(hated, search("u", "roses", 1))
    assert told(data) == [("smells", "a"), ("roses", "a")]
    assert data.notes.signs.tolist() == [-1.0, 1.0]


def test_without_times_a_text_goes_by_the_order_of_the_log() -> None:
    events = [Event("u", "a", "click", order=1), Event("u", None, "search", text="first", order=1)]
    events += [Event("u", "b", "click", order=2), Event("u", "c", "review", order=3, text="fine")]
    assert told(dataset(*events)) == [("first", "a"), ("fine", "c")]
    plain = [Event("u", "a", "click"), Event("u", None, "search", text="now"), Event("u", "b", "click")]
    assert told(dataset(*plain)) == [("now", "a")]


def test_what_belongs_to_a_hidden_event_is_hidden_with_it() -> None:
    data = dataset(
        click("u", "a", 1), search("u", "x", 2), click("u", "b", 3), search("u", "y", 4), click("u", "c", 5)
    )
    kept = data.keep(data.item_rows != data.items.row("b"))
    assert told(kept) == [("x", "a")]
    assert len(kept.notes.texts) == 1


def test_the_newest_texts_of_a_person_are_kept_cut_short() -> None:
    events = [click("u", "a", 0), *(search("u", f"{n}", n + 1) for n in range(MOST + 5))]
    events.append(search("u", "x" * (LONGEST + 7), 90))
    data = dataset(*events)
    assert data.notes.texts[0] == "6"
    assert len(data.notes) == MOST
    assert len(data.notes.texts[-1]) == LONGEST


def test_histories_have_their_texts_as_often_as_they_are_asked_for() -> None:
    data = dataset(
        click("u", "a", 1), search("u", "x", 2), click("u", "b", 3), search("u", "y", 4), click("v", "c", 5),
        search("v", "z", 6),
    )  # fmt: skip
    entries, indptr = np.array([0, 1, 0, 2]), np.array([0, 2, 3, 3, 4])
    written = data.notes.at(entries).of(indptr)
    assert written.texts == ("x", "y", "x", "z")
    assert written.indptr.tolist() == [0, 2, 3, 3, 4]
    assert written.after.tolist() == [1, 2, 1, 1]
    assert written.back.tolist() == [1, 0, 0, 0]
    assert written.askers.tolist() == [0, 0, 1, 3]
    few = written.some(np.array([3, 2, 0]))
    assert few.texts == ("z", "x", "y")
    assert few.indptr.tolist() == [0, 1, 1, 3]


@given(st.lists(st.tuples(st.sampled_from("uv"), st.sampled_from("abc?"), st.integers(0, 9)), max_size=25))
def test_of_any_log_only_what_was_written_before_is_known_of_a_history(told: list[tuple[str, str, int]]) -> None:
    """`?` is a search. By a second implementation: each person's log in order of time."""
    events = [
        search(user, f"{n} at {minute}", minute) if item == "?" else click(user, item, minute)
        for n, (user, item, minute) in enumerate(told)
    ]
    data = dataset(*events)
    for user, row in ((user, data.users.row(user)) for user in "uv"):
        if row < 0:
            continue
        own = [e for e in events if e.user_id == user]
        taken = sorted((e for e in own if e.item_id), key=lambda e: e.at or NOON)
        begin, end = data.indptr[row], data.indptr[row + 1]
        for n in range(1, end - begin + 1):
            known = data.notes.at(np.arange(begin, begin + n)).of(np.array([0, n])).texts
            until = taken[n].at if n < len(taken) else None
            wanted = {
                e.text
                for e in own
                if e.text and (e.at or NOON) >= (taken[0].at or NOON) and (until is None or (e.at or NOON) < until)
            }
            assert wanted <= set(known) | {e.text for e in own if e.text and e.at == taken[0].at}
            later = {e.text for e in own if e.text and until is not None and (e.at or NOON) > until}
            assert not later & set(known)


def test_a_text_stands_among_entries_by_its_age() -> None:
    written = written_among(
        np.array([5.0, 3.0, 1.0], np.float32), ["old", " ", "middle", "with it", "new"], [9.0, 4.0, 4.0, 3.0, 0.5],
        [1.0] * 5,
    )  # fmt: skip
    assert written.texts == ("old", "middle", "with it", "new")
    assert written.after.tolist() == [0, 1, 2, 3]
    assert not len(written_among(np.zeros(2, np.float32), ["", " "], [0.0, 0.0], [1.0, 1.0]))
