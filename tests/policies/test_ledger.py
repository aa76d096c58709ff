"""What came of what was shown: a function of the facts and the clock, whatever their order, however often told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.policies.ledger import Change, Exposure, Key, Ledger, trace_of
from zhiyin.policies.progressive import Trace

WINDOW = 100.0
ALONE, STAGED = (WINDOW,), (10.0, 30.0, WINDOW)
Fact = tuple[str, Key, float, float]  # "shown" or "came", key, at, reward


def told(ledger: Ledger, fact: Fact) -> list[Change]:
    what, key, at, reward = fact
    return ledger.shown(Exposure(key, at, 0.1)) if what == "shown" else ledger.came(key, at, reward)


def standing(changes: list[Change]) -> dict[Key, Trace]:
    """What stands after these changes, each of which follows from the one before."""
    stands: dict[Key, Trace] = {}
    for change in changes:
        assert stands.get(change.exposure.key, ()) == change.before
        stands[change.exposure.key] = change.after
    return {key: trace for key, trace in stands.items() if trace}


def test_a_click_counts_at_once_and_silence_when_the_window_has_passed() -> None:
    ledger = Ledger(ALONE)
    clicked, ignored = (Exposure(("list", item), 0.0, 0.2) for item in "ab")
    assert ledger.shown(clicked) == ledger.shown(ignored) == []
    assert ledger.came(("list", "a"), 5.0, 1.0) == [Change(clicked, (), (1.0,))]
    assert ledger.passed(WINDOW) == []
    assert ledger.passed(WINDOW + 1) == [Change(ignored, (), (0.0,))]


def test_an_outcome_in_time_that_arrives_late_takes_the_silence_back() -> None:
    ledger = Ledger(ALONE)
    shown = Exposure(("list", "a"), 0.0, 0.2)
    ledger.shown(shown)
    ledger.passed(150.0)
    assert ledger.came(("list", "a"), 99.0, 1.0) == [Change(shown, (0.0,), (1.0,))]
    assert ledger.came(("list", "a"), 101.0, 2.0) == [], "it happened after the window"


def test_what_was_turned_down_counts_whatever_else_was_done() -> None:
    ledger = Ledger(ALONE)
    shown = Exposure(("list", "a"), 0.0, 0.2)
    ledger.shown(shown)
    assert ledger.came(("list", "a"), 5.0, 1.0) == [Change(shown, (), (1.0,))]
    assert ledger.came(("list", "a"), 6.0, -1.0) == [Change(shown, (1.0,), (-1.0,))]
    assert ledger.came(("list", "a"), 7.0, 1.0) == []


def test_an_outcome_that_comes_before_its_exposure_waits_for_it() -> None:
    ledger = Ledger(ALONE)
    assert ledger.came(("list", "a"), 7.0, 1.0) == []
    shown = Exposure(("list", "a"), 6.0, 0.2)
    assert ledger.shown(shown) == [Change(shown, (), (1.0,))]


def test_closed_lines_are_let_go_and_what_comes_later_changes_nothing() -> None:
    ledger = Ledger(ALONE)
    shown = Exposure(("1", "a"), 0.0, 0.2)
    ledger.shown(shown)
    ledger.came(("2", "b"), 3.0, 1.0)
    assert ledger.passed(1_000.0) == [Change(shown, (), (0.0,))]
    assert not ledger._lines
    assert ledger.shown(shown) == ledger.came(("1", "a"), 1.0, 1.0) == []


facts = st.lists(
    st.tuples(
        st.sampled_from(["shown", "came"]),
        st.tuples(st.sampled_from("12"), st.sampled_from("ab")),
        st.integers(0, 3).map(lambda step: step * 40.0),
        st.sampled_from([0.5, 1.0]),
    ),
    max_size=12,
    unique_by=lambda fact: fact if fact[0] == "came" else fact[:2],
)


def test_what_stands_after_each_stage_by_hand() -> None:
    answers, stages = (
        [(104.0, 0.5), (150.0, 0.3), (180.0, 1.0), (97.0, 1.0), (600.0, -1.0)],
        (1.0, 10.0, 60.0, 100.0),
    )
    assert trace_of(100.0, answers, stages, 1_000.0) == (0.0, 0.5, 0.5, 1.0)
    assert trace_of(100.0, answers, stages, 100.0) == (0.0, 0.5, 0.5, 1.0), "the last answer says how late it is"
    assert trace_of(100.0, answers[:1], stages, 100.0) == (0.0, 0.5), "at once, as what stands at the next stage"
    assert trace_of(100.0, answers[:1], stages, 170.0) == (0.0, 0.5, 0.5)
    assert trace_of(100.0, [], stages, 100.0) == ()
    assert trace_of(100.0, [], stages, 161.0) == (0.0, 0.0, 0.0)
    assert trace_of(100.0, [(105.0, 1.0), (106.0, -1.0)], stages, 100.0) == (0.0, -1.0)


def test_every_stage_takes_the_place_of_the_one_before() -> None:
    ledger, shown = Ledger(STAGED), Exposure(("list", "a"), 0.0, 0.2)
    assert ledger.shown(shown) == []
    assert ledger.passed(11.0) == [Change(shown, (), (0.0,))]
    assert ledger.came(("list", "a"), 20.0, 0.5) == [Change(shown, (0.0,), (0.0, 0.5))]
    assert ledger.passed(31.0) == []
    assert ledger.came(("list", "a"), 9.0, 0.3) == [Change(shown, (0.0, 0.5), (0.3, 0.5))], "told late"
    assert ledger.passed(101.0) == [Change(shown, (0.3, 0.5), (0.3, 0.5, 0.5))]
    assert ledger.passed(1_000.0) == []
    assert not ledger._lines


@given(facts, st.sampled_from([ALONE, STAGED, (50.0, WINDOW)]), st.data())
def test_order_repetition_and_the_steps_of_the_clock_do_not_matter(
    some: list[Fact], stages: tuple[float, ...], data: st.DataObject
) -> None:
    plain, mixed = Ledger(stages), Ledger(stages)
    first = [change for fact in some for change in told(plain, fact)] + plain.passed(150.0)
    steps: list[Callable[[], list[Change]]] = [lambda at=at: mixed.passed(at) for at in (50.0, 120.0, 150.0)]
    doubled = data.draw(st.permutations(some + some))
    steps[data.draw(st.integers(0, 3)) : 0] = [lambda fact=fact: told(mixed, fact) for fact in doubled]
    second = [change for step in steps for change in step()]
    assert standing(first) == standing(second)
    for rec, item in standing(first):
        exposed = [at for what, key, at, _ in some if what == "shown" and key == (rec, item)]
        rewards = [
            reward
            for what, key, at, reward in some
            if what == "came" and key == (rec, item) and exposed[0] <= at <= exposed[0] + WINDOW
        ]
        if len(standing(first)[rec, item]) == len(stages):
            assert standing(first)[rec, item][-1] == max(rewards, default=0.0)


def test_many_lists_settle_in_time_to_serve() -> None:
    ledger, rng = Ledger(ALONE), np.random.default_rng(0)
    changes = []
    for second in range(2_000):
        changes += ledger.passed(float(second))
        ledger.shown(Exposure((str(second), "a"), float(second), 0.0))
        if rng.random() < 0.3:
            changes += ledger.came((str(second), "a"), second + 1.0, 1.0)
    assert len(standing(changes)) > 1_800
    assert len(ledger._lines) <= 2 * WINDOW + 2
