"""The fold of answers: what counts of what was shown, whatever order and however often it comes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.answers import EXPLORE, outline_of
from zhiyin.data.signals import Signals
from zhiyin.data.store.memory import MemoryStore
from zhiyin.data.vocabulary import Vocabulary
from zhiyin.outcomes import Asked, Beliefs, OutcomeFold, joined
from zhiyin.policies.belief import Prior, person_of
from zhiyin.policies.belief_model import BeliefModel, features, worth_of
from zhiyin.policies.examination import Examination, Looks
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.progressive import Progressive, Stage
from zhiyin.policies.whitening import Whitening
from zhiyin.testing.whole_contract import shown
from zhiyin.types import Event, Item, Place, Query, Recommendation

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2026, 5, 1, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")
ITEMS = [Item(name, categories=("one",) if name < "c" else ()) for name in NAMES]
VECTORS = np.eye(4, 3, dtype=np.float32) + 0.25
MODEL = BeliefModel(
    prior=Prior(Gaussian.alike(3, 0.5), Gaussian.alike(3, 0.25), 0.2, 0.1, np.array([4.0, 0.0])),
    whitening=Whitening.of(VECTORS, 3),
    base=(0.1, 0.3, 0.05, 0.0, 0.0, 0.0, 0.0),
    worth=0.05,
    kinds=("one",),
    window=DAY.total_seconds(),
    half_life=30 * DAY.total_seconds(),
    since=START.timestamp(),
    looks=Examination({}, Looks(np.ones(4), np.ones(4), np.ones(4), 0)),
    people=np.zeros(0, np.uint64),
)
STAGED = replace(
    MODEL,
    progressive=Progressive(
        (
            Stage(60.0, 0.5, 0.25, 0.6, (0.9,)),
            Stage(3_600.0, 0.75, 0.5, 0.4, (0.2, 1.0)),
            Stage(DAY.total_seconds(), 1.0, 1.0, 0.0, (0.0, 0.0, 1.0)),
        )
    ),
)
both = pytest.mark.parametrize("model", [MODEL, STAGED], ids=["windows", "stages"])


def listed(
    id_: str, at: datetime, user: str = "ann", score: float = 2.0, scenario: str = "for_you"
) -> Recommendation:
    places = tuple(Place(name, score + 1.0, {"taste": score, EXPLORE: 1.0}, -1.0) for name in NAMES)
    return replace(shown(id_), at=at, query=Query(user, scenario=scenario), items=places)


def seen(id_: str, item: str, at: datetime, type_: str = "impression", user: str = "ann") -> Event:
    return Event(user, item, type_, at, recommendation_id=id_)  # type: ignore[arg-type]


def folded(
    lists: Iterable[Recommendation],
    events: Iterable[Event],
    until: int | None = None,
    model: BeliefModel | None = None,
) -> np.ndarray:
    """(2, I) counts and totals."""
    store = MemoryStore()
    store.log(list(lists))
    store.append(list(events))
    fold = OutcomeFold(model or MODEL, Signals(), store.answers)
    return np.stack(fold.evidence(store.last_event() if until is None else until, Vocabulary(NAMES)))


LISTS = [listed("r1", START), listed("r2", START + 3 * DAY), listed("r3", START + 9 * DAY)]
CLOCK = seen("r3", "d", START + 9 * DAY)  # open: what is not old enough counts nothing
BASE = 0.1 + 0.05 * 2.0  # of the score without what was believed, the same for all of a list


def test_what_was_taken_and_what_was_not_by_hand() -> None:
    events = [
        seen("r1", "a", START),
        seen("r1", "b", START),
        seen("r1", "a", START + HOUR, "click"),
        seen("r1", "c", START + HOUR, "click"),  # never came into view
        CLOCK,
    ]
    counts, totals = folded(LISTS, events)
    faded = 2.0 ** -(9 / 30)
    assert counts == pytest.approx([faded, faded, 0, 0])
    assert totals == pytest.approx([faded * (0.5 - BASE), faded * (0.0 - BASE), 0, 0])


def test_a_refusal_counts_over_a_click_and_only_within_the_window() -> None:
    click, hide = (seen("r2", "a", START + 3 * DAY + HOUR, type_) for type_ in ("click", "hide"))
    late = replace(hide, at=START + 5 * DAY)
    for event, reward in ((hide, -1.0), (late, 0.5)):
        counts, totals = folded(LISTS, [seen("r2", "a", START), click, event, CLOCK])
        assert totals[0] / counts[0] == pytest.approx(reward - BASE)


models = st.sampled_from([MODEL, STAGED])


@given(st.permutations(range(7)), st.lists(st.integers(0, 6), max_size=4), models, st.integers(0, 3))
def test_order_and_repetition_of_answers_change_nothing(
    order: list[int], again: list[int], model: BeliefModel, days: int
) -> None:
    second = START + 36 * HOUR  # within two windows
    events = [
        seen("r1", "a", START),
        seen("r1", "a", START + HOUR, "click"),
        seen("r1", "b", START),
        seen("r1", "b", START + 2 * DAY, "purchase"),  # too late
        seen("r2", "a", second),
        seen("r2", "a", second, "hide"),
        seen("r2", "c", second),
    ]
    now = second + days * 12 * HOUR  # windows are open still, or not
    lists, clock = [listed("r1", START), listed("r2", second), listed("r3", now)], seen("r3", "d", now)
    drawn = [replace(events[n], event_id=f"e{n} {at}") for at, n in enumerate([*order, *again])]
    expected = folded(lists, [*(events[n] for n in range(7) if n != 3), clock], model=model)
    np.testing.assert_allclose(folded(lists, [*drawn, clock], model=model), expected, atol=1e-12)


@given(st.integers(0, 8), models)
def test_the_fold_is_the_same_in_however_many_steps(stop: int, model: BeliefModel) -> None:
    lists = [listed(f"r{n}", START + n * 5 * HOUR) for n in (1, 2, 3)]
    events = [
        seen(id_, name, START, type_)
        for id_ in ("r1", "r2", "r3")
        for name, type_ in (("a", "impression"), ("b", "impression"), ("a", "click"))
    ]
    store = MemoryStore()
    store.log(lists)
    store.append(events)
    early, whole = Vocabulary(NAMES[:1]), Vocabulary(NAMES)
    fold = OutcomeFold(model, Signals(), store.answers)
    fold.evidence(stop, early)
    np.testing.assert_array_equal(np.stack(fold.evidence(9, whole)), folded(lists, events, model=model))
    np.testing.assert_array_equal(
        np.stack(OutcomeFold(model, Signals(), store.answers).evidence(stop, whole)),
        folded(lists, events, stop, model),
    )


def test_what_is_foretold_of_open_windows_gives_way_stage_by_stage_by_hand() -> None:
    """√δ .6 of ρ² .25, .4 of .5; what was expected is BASE, of which a half and three quarters come early."""
    open_ = [
        seen("r1", "a", START),
        seen("r1", "b", START),
        seen("r1", "a", START + timedelta(seconds=30), "click"),
    ]

    def told(after: timedelta) -> np.ndarray:
        clock = listed("late", START + after)
        at = seen("late", "d", START + after)
        return folded([LISTS[0], clock], [*open_, at], model=STAGED) * 2.0 ** (after / DAY / 30)

    alone = 1.0 / (1.0 + 0.6**2 * 0.25), 1.0 / (1.0 + 0.4**2 * 0.5)
    clicked = 0.9 * (0.5 - 0.5 * BASE), 0.2 * (0.5 - 0.5 * BASE) + (0.5 - 0.75 * BASE)
    silent = -0.9 * 0.5 * BASE, -0.2 * 0.5 * BASE - 0.75 * BASE
    at_once, minutes, hours, days = (told(after) for after in (0 * HOUR, HOUR / 2, 2 * HOUR, 2 * DAY))
    np.testing.assert_allclose(at_once, [[0.25 * alone[0], 0, 0, 0], [clicked[0] * alone[0], 0, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(minutes[1], [clicked[0] * alone[0], silent[0] * alone[0], 0, 0], atol=1e-12)
    np.testing.assert_allclose(hours[0], [0.5 * alone[1], 0.5 * alone[1], 0, 0], atol=1e-12)
    np.testing.assert_allclose(hours[1], [clicked[1] * alone[1], silent[1] * alone[1], 0, 0], atol=1e-12)
    np.testing.assert_allclose(days, [[1, 1, 0, 0], [0.5 - BASE, -BASE, 0, 0]], atol=1e-12)


def test_many_open_clicks_say_no_more_than_what_items_have_in_common_allows() -> None:
    lists = [listed(f"r{n}", START) for n in range(400)]
    events = [seen(one.recommendation_id, "a", START, type_) for one in lists for type_ in ("impression", "click")]
    counts, totals = folded(lists, events, model=STAGED)
    assert counts[0] == pytest.approx(100.0 / (1.0 + 0.6**2 * 100.0))
    assert counts[0] < 1 / 0.6**2
    assert totals[0] / counts[0] == pytest.approx(0.9 * (0.5 - 0.5 * BASE) / 0.25)


@both
def test_somebody_who_was_erased_was_never_there(model: BeliefModel) -> None:
    theirs = listed("r4", START + DAY, "bob")
    clock = seen("r6", "d", START + DAY + HOUR)  # theirs is open
    events = [
        seen("r1", "a", START),
        seen("r4", "a", START, "impression", "bob"),
        seen("r4", "a", START + DAY, "like", "bob"),
        clock,
    ]
    store = MemoryStore()
    lists = [*LISTS, listed("r6", START + DAY + HOUR)]
    store.log([*lists, theirs])
    store.append(events)
    before = OutcomeFold(model, Signals(), store.answers).evidence(4, Vocabulary(NAMES))
    store.erase("bob")
    after = OutcomeFold(model, Signals(), store.answers).evidence(4, Vocabulary(NAMES))
    never = folded(lists, [events[0], clock], model=model)
    assert not np.allclose(before, never)
    np.testing.assert_allclose(np.stack(after), never, atol=1e-9)


def test_lists_of_another_kind_and_unknown_ones_teach_nothing() -> None:
    other = listed("r5", START, scenario="trending")
    events = [
        seen("r5", "a", START),
        seen("gone", "a", START),
        replace(seen("r1", "a", START), item_id="elsewhere"),
    ]
    assert not folded([*LISTS, other], [*events, CLOCK]).any()


def test_a_silence_counts_as_far_as_people_look(monkeypatch: pytest.MonkeyPatch) -> None:
    half = Looks(np.array([1.0, 0.5]), np.ones(2), np.ones(2), 9)
    monkeypatch.setattr(
        sys.modules[__name__], "MODEL", replace(MODEL, looks=Examination({"for_you": half}, MODEL.looks.anywhere))
    )
    events = [seen("r1", name, START) for name in "abc"] + [seen("r1", "c", START + HOUR, "click"), CLOCK]
    counts, totals = folded(LISTS, events)
    faded, silence = 2.0 ** -(9 / 30), 0.5 * (1 - BASE) / (1 - 0.5 * BASE)
    assert counts == pytest.approx([faded, faded * silence, faded, 0])
    assert totals == pytest.approx([-faded * BASE, -faded * silence * BASE, faded * (0.5 - BASE), 0])


def test_no_answer_however_it_is_dated_moves_the_clock() -> None:
    events = [seen("r1", "a", START), seen("r1", "b", datetime(2999, 1, 1, tzinfo=UTC), "click")]
    assert not folded(LISTS, events).any(), "the list of a day is open until a newer one is answered"


def test_what_is_believed_follows_the_answers_and_new_items_start_where_their_text_predicts() -> None:
    lists = [listed(f"q{n}", START + n * HOUR) for n in range(60)]
    events = []
    for n in range(60):
        events += [seen(f"q{n}", name, START) for name in NAMES[:3]]
        events += [seen(f"q{n}", "a", START + n * HOUR, "purchase")] if n % 2 else []
    store = MemoryStore()
    store.log([*lists, LISTS[2]])
    store.append([*events, replace(CLOCK, item_id="c")])
    beliefs = Beliefs.first(MODEL, VECTORS, ITEMS)
    fold, until = OutcomeFold(MODEL, Signals(), store.answers), store.last_event()
    after = beliefs.after(fold, until, Vocabulary(NAMES), 64)
    rows = np.arange(4, dtype=np.int32)
    mean, variance = after.items.believed(rows)
    assert mean[0] > 0.1
    assert mean[1] < 0
    assert (variance[:3] < beliefs.items.believed(rows)[1][:3]).all()
    twin = after.extended(VECTORS[:1], [Item("twin", categories=("one",))])
    twin = twin.after(fold, until, Vocabulary((*NAMES, "twin")), 64)
    assert twin.items.believed(np.array([4], np.int32))[0][0] > 0.1, "as what reads like it"
    assert 4 in twin.proposed
    again = Beliefs.first(MODEL, VECTORS, ITEMS).extended(VECTORS[:1], [Item("twin", categories=("one",))])
    again = again.after(OutcomeFold(MODEL, Signals(), store.answers), until, Vocabulary((*NAMES, "twin")), 64)
    np.testing.assert_array_equal(again.items.believed(rows), twin.items.believed(rows))
    np.testing.assert_array_equal(again.proposed, twin.proposed)


def test_a_person_is_made_of_their_settled_answers() -> None:
    store = MemoryStore()
    store.log(LISTS)
    store.append([seen("r1", "a", START), seen("r1", "b", START), seen("r1", "a", START + HOUR, "click"), CLOCK])
    beliefs = Beliefs.first(MODEL, VECTORS, ITEMS)
    mine = list(joined(iter(store.answers.of("ann", limit=9)), store.answers))
    now = (START + 9 * DAY + HOUR).timestamp()
    found = beliefs.person(mine, Asked(Vocabulary(NAMES), Signals(), now))
    share = 2.0 ** -((9 + 1 / 24) / 30)
    rests = np.array([0.5 - BASE, -BASE])
    expected = person_of(beliefs.items, np.array([0, 1], np.int32), rests, np.full(2, share))
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-12)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-12)


def test_a_person_of_open_windows_is_made_of_what_they_foretell() -> None:
    store = MemoryStore()
    store.log(LISTS)
    store.append([seen("r1", "a", START), seen("r1", "b", START), seen("r1", "a", START + HOUR / 2, "click")])
    beliefs = Beliefs.first(STAGED, VECTORS, ITEMS)
    mine = list(joined(iter(store.answers.of("ann", limit=9)), store.answers))

    def theta(after: timedelta) -> Gaussian:
        return beliefs.person(mine, Asked(Vocabulary(NAMES), Signals(), (START + after).timestamp()))

    for after, stage, whose in ((timedelta(), 1, [0]), (2 * HOUR, 1, [0, 1]), (2 * DAY, 2, [0, 1])):
        traces = [(0.0, 0.5, 0.5)[: stage + 1], (0.0, 0.0, 0.0)[: stage + 1]]
        told = [STAGED.told(traces[n], BASE) for n in whose]
        shares = np.array([one.known for one in told]) * 2.0 ** -(after / DAY / 30)
        rests = np.array([one.rest for one in told])
        expected = person_of(beliefs.items, np.array(whose, np.int32), rests, shares)
        np.testing.assert_allclose(theta(after).mean, expected.mean, atol=1e-12)


def test_a_model_comes_out_of_its_arrays_as_it_went_in() -> None:
    assert BeliefModel.of_arrays(MODEL.arrays()).progressive is None
    back = BeliefModel.of_arrays(STAGED.arrays())
    assert back.progressive == STAGED.progressive
    assert back.base == MODEL.base
    assert (back.kinds, back.worth, back.window, back.half_life, back.since) == (
        MODEL.kinds,
        MODEL.worth,
        MODEL.window,
        MODEL.half_life,
        MODEL.since,
    )
    for name, array in STAGED.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)


def test_a_score_that_foretells_nothing_does_not_make_beliefs_deafening() -> None:
    scores, rewards = np.array([0.0, 2.0, 4.0]), np.array([0.0, 1.0, 0.0])
    assert worth_of((0.0, 0.3), scores, rewards) == 0.3
    assert worth_of((0.0, -0.3), scores, rewards) == pytest.approx(0.05 * rewards.std() / scores.std())
    assert worth_of((0.0, 0.3), np.ones(3), rewards) == 1.0
    assert len(features(outline_of(LISTS[0]), "a")) == len(MODEL.base)
