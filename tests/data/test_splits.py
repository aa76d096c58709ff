"""Splits on histories that fit on one line: what is fitted, known, wanted and masked."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pytest

from zhiyin.data.carving import simulated_cold, warm_carve
from zhiyin.data.dataset import DAY, Dataset, build_dataset
from zhiyin.data.ragged import Ragged
from zhiyin.data.splits import (
    Row,
    Split,
    Terms,
    TimeCut,
    first_sessions,
    given_pairs,
    given_rows,
    global_time,
    leave_one_out,
)
from zhiyin.errors import InvalidData
from zhiyin.types import Event, EventType, Item

VALIDATION = Terms(part="validation")
KEPT = Terms(filter_history=False)


def timed(user: str, item: str, day: float, type_: EventType = "like", session: str | None = None) -> Event:
    return Event(user, item, type_, at=datetime.fromtimestamp(day * DAY, UTC), session_id=session)


def dataset(events: Iterable[Event], items: str = "abcdefgh") -> Dataset:
    return build_dataset([Item(name) for name in items], events)


def sequences(**histories: str) -> Dataset:
    """Each letter an item, each user their word, in order and without time."""
    return dataset(
        Event(user, item, "like", order=place)
        for user, word in histories.items()
        for place, item in enumerate(word)
    )


def said(split: Split, rows: np.ndarray) -> str:
    return "".join(split.fit.items[row] for row in rows)


def fitted(split: Split) -> dict[str, str]:
    borders = split.fit.indptr
    return {
        user: said(split, split.fit.item_rows[borders[row] : borders[row + 1]])
        for row, user in enumerate(split.fit.users)
    }


def asked(split: Split) -> dict[str, tuple[str, str]]:
    """User → history, targets (sorted)."""
    found = {}
    for number, row in enumerate(split.users):
        history = split.past.rows[split.past.indptr[number] : split.past.indptr[number + 1]]
        found[split.fit.users[row]] = (
            said(split, history),
            "".join(sorted(said(split, split.targets[number]))),
        )
    return found


def test_leave_one_out_strict_fits_without_the_last_two() -> None:
    split = leave_one_out(sequences(u="abcd", v="ef"))
    assert fitted(split) == {"u": "ab", "v": ""}
    assert asked(split) == {"u": ("abc", "d"), "v": ("e", "f")}


def test_leave_one_out_refit_fits_without_the_last() -> None:
    split = leave_one_out(sequences(u="abcd", v="ef"), Terms(refit=True))
    assert fitted(split) == {"u": "abc", "v": "e"}
    assert asked(split)["u"] == ("abc", "d")


def test_leave_one_out_validation_wants_the_second_last() -> None:
    split = leave_one_out(sequences(u="abcd", v="ef"), VALIDATION)
    assert fitted(split) == {"u": "ab", "v": ""}
    assert asked(split) == {"u": ("ab", "c")}


def test_a_user_with_one_event_is_not_judged() -> None:
    assert asked(leave_one_out(sequences(u="abcd", v="e"))) == {"u": ("abc", "d")}


def test_only_positive_events_are_wanted_and_others_stay_in_the_history() -> None:
    types: list[EventType] = ["like", "like", "hide", "like", "impression"]
    events = [
        Event("u", item, type_, order=place)
        for place, (item, type_) in enumerate(zip("abcde", types, strict=True))
    ]
    split = leave_one_out(dataset(events))
    assert asked(split) == {"u": ("abc", "d")}
    assert fitted(split) == {"u": "a"}
    assert said(split, np.sort(split.masked[0])) == said(split, np.sort(split.fit.items.rows("abc")))


def test_the_history_is_masked_and_only_what_is_new_is_wanted() -> None:
    data = sequences(u="abca", v="abcd")
    filtered, kept = leave_one_out(data), leave_one_out(data, KEPT)
    assert list(asked(filtered)) == ["v"]
    assert sorted(said(filtered, filtered.masked[0])) == ["a", "b", "c"]
    assert asked(kept)["u"] == ("abc", "a")
    assert kept.masked.sizes.tolist() == [0, 0]


def test_items_that_a_protocol_is_not_about_are_neither_candidates_nor_wanted() -> None:
    data = sequences(u="abcd", v="efgh")
    split = leave_one_out(data, Terms(items=np.array([name != "d" for name in data.items])))
    assert asked(split) == {"v": ("efg", "h")}
    assert said(split, np.flatnonzero(~split.candidates)) == "d"


def test_leave_one_out_asks_at_the_time_of_the_newest_known_event() -> None:
    split = leave_one_out(dataset([timed("u", "a", 1), timed("u", "b", 3), timed("u", "c", 9)]))
    assert split.past.ages.tolist() == [2.0, 0.0]


def test_histories_without_time_have_no_age() -> None:
    assert leave_one_out(sequences(u="abcd")).past.ages.tolist() == [0.0, 0.0, 0.0]


EVENTS = [
    timed("u", "a", 1), timed("u", "b", 4), timed("u", "c", 6), timed("u", "d", 8), timed("u", "e", 8),
    timed("v", "a", 2), timed("v", "f", 4),
    timed("w", "g", 8),
]  # fmt: skip
CUT = TimeCut(validation_from=4 * DAY, test_from=6 * DAY)


def test_global_time_strict_fits_before_validation_and_asks_at_the_test() -> None:
    split = global_time(dataset(EVENTS), CUT)
    assert fitted(split) == {"u": "a", "v": "a", "w": ""}
    assert asked(split) == {"u": ("ab", "cde")}
    assert split.past.ages.tolist() == [5.0, 2.0]


def test_global_time_refit_fits_before_the_test() -> None:
    assert fitted(global_time(dataset(EVENTS), CUT, Terms(refit=True))) == {"u": "ab", "v": "af", "w": ""}


def test_global_time_validation_never_sees_the_test() -> None:
    for refit in (False, True):
        split = global_time(dataset(EVENTS), CUT, Terms(part="validation", refit=refit))
        assert fitted(split) == {"u": "a", "v": "a", "w": ""}
        assert asked(split) == {"u": ("a", "b"), "v": ("a", "f")}


def test_global_time_can_want_the_last_event_only() -> None:
    events = [*EVENTS, timed("v", "h", 9), timed("v", "b", 9), timed("v", "c", 9, "hide")]
    split = global_time(dataset(events), TimeCut(4 * DAY, 6 * DAY, last_only=True))
    assert asked(split) == {"u": ("ab", "e"), "v": ("af", "b")}


def test_an_item_first_seen_after_the_cut_is_a_miss_where_candidates_were_seen_before() -> None:
    split = global_time(dataset(EVENTS), TimeCut(4 * DAY, 6 * DAY, seen_only=True))
    assert sorted(said(split, np.flatnonzero(split.candidates))) == ["a", "b", "f"]
    assert asked(split)["u"][1] == "cde"


def test_global_time_needs_times() -> None:
    with pytest.raises(InvalidData, match="4 have none"):
        global_time(sequences(u="abcd"), CUT)


def test_a_cut_after_everything_leaves_nobody_to_judge() -> None:
    with pytest.raises(InvalidData, match="can be judged"):
        global_time(dataset(EVENTS), TimeCut(90 * DAY, 99 * DAY))


def test_the_first_session_after_the_cut_is_wanted() -> None:
    events = [
        timed("u", "a", 1, session="s1"), timed("u", "b", 7, session="s3"), timed("u", "c", 6, session="s2"),
        timed("u", "d", 7, session="s2"), timed("v", "e", 2, session="s1"), timed("v", "f", 8, session="s2"),
    ]  # fmt: skip
    pairs = first_sessions(events, 6 * DAY, np.inf)
    assert sorted(pairs) == [("u", "c"), ("u", "d"), ("v", "f")]
    assert asked(global_time(dataset(events), CUT, wanted=pairs)) == {"u": ("a", "cd"), "v": ("e", "f")}


def test_a_session_that_begins_with_another_goes_by_order() -> None:
    def event(item: str, session: str, order: int) -> Event:
        return Event("u", item, "like", at=datetime.fromtimestamp(9.0, UTC), order=order, session_id=session)

    assert first_sessions([event("a", "s1", 2), event("b", "s9", 1)], 0, 10) == [("u", "b")]


def test_sessions_are_asked_for_where_they_are_needed() -> None:
    with pytest.raises(InvalidData, match="has no session_id"):
        first_sessions([timed("u", "a", 1)], 0, np.inf)


def test_given_pairs_judge_every_user_of_the_test() -> None:
    fit = sequences(u="ab", v="cd")
    wanted = [("u", "c"), ("u", "c"), ("u", "a"), ("new", "h")]
    split = given_pairs(fit, wanted, [("u", "a"), ("u", "b"), ("v", "c")])
    users = [fit.users[row] if row >= 0 else "new" for row in split.users]
    answers = dict(zip(users, range(2), strict=True))
    assert said(split, split.targets[answers["u"]]) == "c"  # "a" is masked: no target
    assert said(split, split.targets[answers["new"]]) == "h"
    assert split.past.lengths[answers["u"]] == 2
    assert split.past.lengths[answers["new"]] == 0
    assert split.masked.sizes[answers["u"]] == 2


def test_given_pairs_keep_to_their_candidates() -> None:
    fit = sequences(u="ab")
    items = np.array([name in "gh" for name in fit.items])
    split = given_pairs(fit, [("u", "c"), ("u", "h")], [], items)
    assert asked(split) == {"u": ("ab", "h")}
    assert split.candidates.sum() == 2


def test_given_pairs_of_another_catalogue_are_refused() -> None:
    with pytest.raises(InvalidData, match="'zz' is not in the catalogue"):
        given_pairs(sequences(u="ab"), [("u", "zz")], [])


def test_given_rows_are_asked_as_they_stand() -> None:
    fit = sequences(u="abcd")
    split = given_rows(fit, [Row("u", ("b", "a"), ("c",)), Row("new", ("e",), ("f", "g")), Row("u", (), ("a",))])
    assert split.users.tolist() == [0, -1, 0]
    assert said(split, split.past.rows) == "bae"
    assert split.past.lengths.tolist() == [2, 1, 0]
    assert split.targets.sizes.tolist() == [1, 2, 1]
    assert split.masked.sizes.tolist() == [2, 1, 0]


def test_batches_are_the_split_in_pieces() -> None:
    split = leave_one_out(sequences(**{f"u{n}": "abcdefgh"[n % 3 :] for n in range(10)}))
    pieces = list(split.batches(4))
    assert [len(piece) for piece in pieces] == [4, 4, 2]
    for name in ("past", "targets", "masked"):
        rows = np.concatenate([getattr(piece, name).rows for piece in pieces])
        assert rows.tolist() == getattr(split, name).rows.tolist()
    assert np.concatenate([piece.users for piece in pieces]).tolist() == split.users.tolist()


def test_a_cold_item_has_no_support_and_is_what_its_users_want() -> None:
    data = sequences(**{f"u{n}": "abcdefgh"[n % 4 : n % 4 + 5] for n in range(20)})
    split = simulated_cold(data, 0.25, np.random.default_rng(3))
    hidden = split.fit.support == 0
    assert hidden.sum() == 2
    assert len(split.fit) + data.support[hidden].sum() == len(data)
    assert hidden[split.targets.rows].all()
    assert not hidden[split.past.rows].any()
    assert split.candidates.all()


def test_the_warm_carve_hides_the_last_event_of_some_users() -> None:
    data = sequences(**{f"u{n:03}": "abcdefgh"[n % 4 : n % 4 + 5] for n in range(200)})
    split = warm_carve(data, 0.3, np.random.default_rng(3))
    assert abs(len(split) - 60) < 4 * np.sqrt(200 * 0.3 * 0.7)
    assert len(split.fit) == len(data) - len(split)
    assert all(
        "abcdefgh".index(wanted) == "abcdefgh".index(known[-1]) + 1 for known, wanted in asked(split).values()
    )


def test_the_warm_carve_hides_any_event_where_there_is_no_order() -> None:
    data = dataset(Event(f"u{n:03}", item, "like") for n in range(300) for item in "abcd")
    assert not data.ordered
    split = warm_carve(data, 0.99, np.random.default_rng(3))
    counts = np.array([sum(wanted == item for _, wanted in asked(split).values()) for item in "abcd"])
    assert (split.past.lengths == 3).all()
    assert (np.abs(counts - len(split) / 4) < 4 * np.sqrt(len(split) * 3 / 16)).all()


@pytest.mark.parametrize("share", [0.0, 1.0, -1, 2])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    for carve in (simulated_cold, warm_carve):
        with pytest.raises(InvalidData, match="share"):
            carve(sequences(u="abcd"), share, np.random.default_rng(0))


def test_lists_of_rows_can_be_taken_and_subtracted() -> None:
    lists = Ragged.of([[3, 1], [], [2, 5, 4]])
    assert [rows.tolist() for rows in lists.take(np.array([2, 0, 0]))] == [[2, 5, 4], [3, 1], [3, 1]]
    assert [rows.tolist() for rows in lists.without(Ragged.of([[1], [2], [5, 9]]))] == [[3], [], [2, 4]]
    assert Ragged.of_pairs(np.array([1, 0, 1, 1]), np.array([7, 2, 7, 3]), 3).rows.tolist() == [2, 3, 7]
    assert len(Ragged.of_pairs(np.zeros(0, np.int64), np.zeros(0, np.int32), 2)) == 2


def test_of_the_moment_when_the_first_wanted_thing_was_taken_the_context_is_known_and_ages_go_by_the_cut() -> None:
    events = [
        Event("u", item, "like", at=datetime.fromtimestamp(day * DAY, UTC), context={"device": item})
        for item, day in (("a", 1.0), ("b", 2.0), ("c", 5.5), ("d", 6.25))
    ]
    events += [timed("v", "a", 1.0), timed("v", "e", 5.0)]
    split = global_time(dataset(events), TimeCut(4.0 * DAY, 5.25 * DAY))
    assert [split.fit.users[row] for row in split.users] == ["u"]
    assert split.past.comes.tolist() == [5.5 * DAY]
    assert split.past.contexts == ({"device": "c"},)
    assert split.past.ages.tolist() == [4.25, 3.25], "before the cut, whenever they came"
    last = leave_one_out(dataset(events)).take(np.array([1, 0, -1]))
    by_name = dict(zip([split.fit.users[row] for row in last.users[:2]], last.past.comes.tolist(), strict=False))
    assert by_name == {"u": 6.25 * DAY, "v": 5.0 * DAY}
    assert np.isnan(last.past.comes[2])
    assert last.past.contexts[2] == {}
    assert {said.get("device") for said in last.past.contexts[:2]} == {"d", None}


def test_without_times_no_moment_is_known() -> None:
    split = leave_one_out(sequences(u="abc", v="bcd"))
    assert np.isnan(split.past.comes).all()
    assert split.past.contexts == ()
