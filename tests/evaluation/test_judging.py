"""Lists that come from elsewhere are judged like scores that were made here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from zhiyin.data.dataset import build_dataset
from zhiyin.data.splits import Split, leave_one_out
from zhiyin.errors import InvalidData
from zhiyin.evaluation.judging import Listed, batch_of, judge_listed, nobody
from zhiyin.metrics.judge import Judged, judge
from zhiyin.metrics.ranks import top_rows
from zhiyin.types import Event, Item

RNG = np.random.default_rng(4)
N_PEOPLE, N_ITEMS, LENGTH = 600, 30, 12  # more people than one batch


def small_split() -> Split:
    """Histories of six, the last one asked for."""
    items = [Item(f"i{number}") for number in range(N_ITEMS)]
    events = [
        Event(f"u{person}", f"i{item}", "click", order=place)
        for person in range(N_PEOPLE)
        for place, item in enumerate(RNG.permutation(N_ITEMS)[:6])
    ]
    return leave_one_out(build_dataset(items, events))


SPLIT = small_split()
SCORES = RNG.integers(-6, 6, (len(SPLIT), N_ITEMS)).astype(np.float32)  # with many ties


def listed(n: int) -> Listed:
    """The best n of SCORES, whatever may not be shown among them."""
    rows = top_rows(SCORES, n)
    return Listed(rows, np.take_along_axis(SCORES, rows, axis=1))


def test_lists_of_everything_are_judged_as_the_scores_they_are_made_of() -> None:
    scored = judge([Judged(SCORES, SPLIT.targets, SPLIT.masked, SPLIT.candidates)], (5, 10), N_ITEMS)
    found = judge_listed(SPLIT, listed(N_ITEMS), (5, 10))
    assert (found.top == scored.top).all()
    for name, values in scored.values().items():
        assert np.array_equal(found.values()[name], values, equal_nan=True), name


def test_what_may_not_be_shown_takes_no_place_of_a_list() -> None:
    wanted = SPLIT.targets.rows[0]
    rows = np.full((len(SPLIT), LENGTH), -1, np.int32)
    mine = SPLIT.masked[0]
    rows[0, : len(mine) + 1] = [*mine, wanted]
    scores = np.tile(np.arange(LENGTH, 0, -1, dtype=np.float32), (len(SPLIT), 1))
    assert judge_listed(SPLIT, Listed(rows, scores), (1,)).values()["hr@1"][0] == 1.0


def test_what_is_not_listed_is_found_by_chance_below_the_list() -> None:
    nothing = Listed(np.full((len(SPLIT), LENGTH), -1, np.int32), np.zeros((len(SPLIT), LENGTH), np.float32))
    hits = judge_listed(SPLIT, nothing, (10,)).values()["hr@10"]
    open_to = N_ITEMS - SPLIT.masked.sizes
    assert hits == pytest.approx(10 / open_to)


def test_what_is_not_listed_stands_below_what_is_however_low_its_score() -> None:
    rows = np.full((len(SPLIT), LENGTH), -1, np.int32)
    rows[:, 0] = SPLIT.targets.rows
    listed_low = Listed(rows, np.full((len(SPLIT), LENGTH), -50.0, np.float32))
    assert (judge_listed(SPLIT, listed_low, (1,)).values()["hr@1"] == 1.0).all()


def test_lists_of_others_than_are_judged_and_lists_that_are_too_short_are_refused() -> None:
    whole = listed(LENGTH)
    with pytest.raises(InvalidData, match="list as many as are judged"):
        judge_listed(SPLIT, Listed(whole.rows[1:], whole.scores[1:]), (10,))
    with pytest.raises(InvalidData, match="with 20 places or more"):
        judge_listed(SPLIT, whole, (20,))


def test_nobody_is_asked_unless_somebody_comes() -> None:
    assert nobody(SPLIT) == {}


def test_who_is_judged_asks_when_they_came_and_as_it_was_then() -> None:
    start = datetime(2026, 6, 1, 9, tzinfo=UTC)
    events = [
        Event("u", item, "click", at=start + timedelta(days=day), context={"device": device})
        for day, (item, device) in enumerate([("a", "desk"), ("b", "desk"), ("c", "phone")])
    ]
    split = leave_one_out(build_dataset([Item(name) for name in "abcd"], events))
    batch = batch_of(split.past)
    assert batch.now.tolist() == [(start + timedelta(days=2)).timestamp()]
    assert batch.contexts == ({"device": "phone"},)
    assert batch.ages.tolist() == [1.0, 0.0], "how long ago that was is not told"
