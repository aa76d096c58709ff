"""Questions are cut from the past so that no answer is in what is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.splits import leave_one_out
from zhiyin.errors import InvalidData
from zhiyin.evaluation.posing import Terms, carve_cold, deeds, pose, sample
from zhiyin.evaluation.standings import split_digest
from zhiyin.testing.small import START, by_user, small_catalogue, small_dataset, small_events
from zhiyin.types import Event, Item

QUICK = Terms(resamples=100)


def spread_out(n_users: int = 60) -> list[Event]:
    """The small events over ten weeks, so that everybody comes back after any cut."""
    return [
        replace(event, at=START + timedelta(days=5 * place + number % 3))
        for number, events in enumerate(by_user(small_events(n_users)).values())
        for place, event in enumerate(events)
    ]


def wide(n_users: int = 600, n_items: int = 600) -> Dataset:
    """Enough people and items for something to be carved."""
    rng = np.random.default_rng(0)
    events = [
        Event(f"u{user}", f"i{item}", "click", order=place)
        for user in range(n_users)
        for place, item in enumerate(rng.choice(n_items, 8, replace=False))
    ]
    return build_dataset([Item(f"i{n}", f"thing {n % 7}") for n in range(n_items)], events)


def test_people_who_come_back_are_judged_by_a_cut_in_time() -> None:
    data = build_dataset(small_catalogue(), spread_out())
    posed = pose(data, Terms())
    split = posed.split
    assert posed.rule == "global_time"
    assert split.past.at.max() < split.past.now.min()
    assert split.fit.until < split.past.now.min()
    assert len(split.fit) == (data.at < split.past.now.min()).sum()


def test_one_event_without_a_time_does_not_change_the_question() -> None:
    """It is neither fitted nor wanted: whether it was before the cut cannot be known."""
    asked = pose(build_dataset(small_catalogue(), spread_out()), Terms())
    timeless = Event("user 3", "music/drum", "like", event_id="timeless")
    posed = pose(build_dataset(small_catalogue(), [*spread_out(), timeless]), Terms())
    assert posed.rule == "global_time"
    assert len(posed.split.fit) == len(asked.split.fit)
    assert "without 1 events that have no time" in posed.words


def test_where_few_come_back_the_last_event_of_each_is_hidden() -> None:
    posed = pose(small_dataset(), Terms())
    assert posed.rule == "leave_one_out"
    assert "known" in posed.words, "that others' later events are seen is said"


def test_a_history_never_holds_what_is_wanted() -> None:
    for data in (small_dataset(), small_dataset(timed=False), build_dataset(small_catalogue(), spread_out())):
        split = pose(data, Terms()).split
        for user in range(len(split)):
            assert not set(split.past.take(np.array([user])).rows) & set(split.targets[user])


def test_a_set_without_order_loses_a_random_event() -> None:
    data = small_dataset(timed=False)
    one, same, other = (pose(data, Terms(seed=seed)) for seed in (0, 0, 1))
    assert one.rule == "one_of_a_set"
    assert split_digest(one.split) == split_digest(same.split) != split_digest(other.split)


def test_too_little_to_measure_says_what_it_takes() -> None:
    data = build_dataset(small_catalogue(), [Event("ann", "music/harp", "click", order=1)])
    with pytest.raises(InvalidData, match="people with two or more"):
        pose(data, Terms())


def test_carved_items_and_people_are_unknown_to_what_is_fitted() -> None:
    data = wide()
    cold = carve_cold(data, 0)
    assert set(cold) == {"cold_items", "newcomers_1", "newcomers_3", "newcomers_5"}
    fit = cold["cold_items"].fit
    assert (fit.support[cold["cold_items"].targets.rows] == 0).all()
    for n in (1, 3, 5):
        split = cold[f"newcomers_{n}"]
        assert split.fit is fit
        assert (split.past.lengths == n).all()
        lengths = np.diff(fit.indptr)
        assert (lengths[split.users] == 0).all()
        assert (fit.support[split.targets.rows] > 0).all()
    assert carve_cold(small_dataset(), 0) == {}


@pytest.mark.parametrize("given", [1, 3, 5, 7])
def test_new_people_tell_their_first_events_and_want_the_others(given: int) -> None:
    data = wide()
    posed = pose(data, Terms("new-users", given))
    split = posed.split
    assert len(split) == 60, "a tenth of the people"
    assert (split.past.lengths == given).all()
    for number, user in enumerate(split.users):
        life = data.item_rows[data.indptr[user] : data.indptr[user + 1]]
        assert split.past.take(np.array([number])).rows.tolist() == life[:given].tolist()
        assert set(split.targets[number]) == set(life[given:])
        assert split.fit.indptr[user] == split.fit.indptr[user + 1], "nothing was fitted on"
    assert len(split.fit) == 8 * 480, "strict: the tenth for validation is hidden too"


def test_new_people_tell_four_fifths_where_no_number_is_asked_for() -> None:
    split = pose(wide(), Terms("new-users")).split
    assert (split.past.lengths == 6).all()
    assert (split.targets.sizes == 2).all()


def test_new_people_of_a_set_tell_random_events() -> None:
    data = build_dataset(
        [Item(f"i{n}") for n in range(10)],
        [Event(f"u{user}", f"i{item}", "like") for user in range(400) for item in range(10)],
    )
    split = pose(data, Terms("new-users", 4)).split
    told = np.bincount(split.past.rows, minlength=10)
    assert (np.abs(told - 0.4 * len(split)) < 4 * np.sqrt(0.24 * len(split))).all()


@pytest.mark.slow
def test_validation_and_test_ask_other_people_and_other_items() -> None:
    for which in ("new-users", "new-items"):
        test, validation = (pose(wide(), Terms(which, part=part)).split for part in ("test", "validation"))
        asked = [set(split.users if which == "new-users" else split.targets.rows) for split in (test, validation)]
        assert not asked[0] & asked[1]
        assert len(test.fit) == len(validation.fit)
        assert len(pose(wide(), Terms(which, refit=True)).split.fit) > len(test.fit)


def test_new_items_are_hidden_from_all_and_must_win_against_all() -> None:
    split = pose(wide(), Terms("new-items")).split
    assert (split.fit.support[split.targets.rows] == 0).all()
    assert len(np.unique(split.targets.rows)) == 60
    assert split.candidates.all()


def test_the_validation_of_a_cut_in_time_lies_before_the_test() -> None:
    data = build_dataset(small_catalogue(), spread_out())
    test, validation = (pose(data, Terms("time", part=part)) for part in ("test", "validation"))
    assert validation.cut < test.cut
    assert validation.split.fit.until < validation.cut
    at = data.at[data.weights > 0]
    assert (at < test.cut).mean() == pytest.approx(0.9, abs=0.02)
    assert (at < validation.cut).mean() == pytest.approx(0.8, abs=0.02)


def test_a_split_that_the_data_cannot_give_is_refused() -> None:
    with pytest.raises(InvalidData, match="nearly all with a time"):
        pose(small_dataset(timed=False), Terms("time"))
    with pytest.raises(InvalidData, match="add --split new-users"):
        pose(wide(), Terms("last", given=3))
    with pytest.raises(InvalidData, match="too few"):
        pose(wide(), Terms("new-users", given=8))


def test_a_deed_is_found_by_who_did_what() -> None:
    data = build_dataset(
        [Item("a"), Item("b")],
        [Event(*pair, "rating", value=n, order=n) for n, pair in enumerate([("u", "a"), ("u", "a"), ("v", "b")])],
    )
    users, rows = data.users.rows(["u", "u", "v", "nobody"]), data.items.rows(["a", "b", "b", "a"])
    last, first = (deeds(data, users, rows, last=last) for last in (True, False))
    assert data.values[last[[0, 2]]].tolist() == [1, 2]
    assert data.values[first[[0, 2]]].tolist() == [0, 2]
    assert last[[1, 3]].tolist() == first[[1, 3]].tolist() == [-1, -1]
    assert deeds(data, users, rows, data.values < 0).tolist() == [-1] * 4


def test_a_sample_of_people_is_drawn_alike_and_never_grows() -> None:
    split = leave_one_out(small_dataset())
    assert sample(split, 0, 0) is split
    assert sample(split, 10_000, 0) is split
    assert len(sample(split, 7, 0)) == 7
    np.testing.assert_array_equal(sample(split, 7, 1).users, sample(split, 7, 1).users)


def test_events_that_like_nothing_are_not_counted_among_those_that_are_too_few() -> None:
    shown = build_dataset(small_catalogue(), [replace(event, type="impression") for event in small_events()])
    with pytest.raises(InvalidData, match=r"^0 positive events of"):
        pose(shown, QUICK)
