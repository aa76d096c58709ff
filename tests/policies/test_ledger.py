"""What came of what was shown: a function of the facts and the clock, whatever their order, however often told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.policies.ledger import Change, Exposure, Key, Ledger

WINDOW = 100.0
Fact = tuple[str, Key, float, float]  # "shown" or "came", key, at, reward


def told(ledger: Ledger, fact: Fact) -> list[Change]:
    what, key, at, reward = fact
    return ledger.shown(Exposure(key, at, 0.1)) if what == "shown" else ledger.came(key, at, reward)


def standing(changes: list[Change]) -> dict[Key, float]:
    """What counts after these changes, each of which follows from the one before."""
    counts: dict[Key, float] = {}
    for change in changes:
        assert counts.get(change.exposure.key) == change.before
        counts.pop(change.exposure.key, None)
        if change.after is not None:
            counts[change.exposure.key] = change.after
    return counts


def test_a_click_counts_at_once_and_silence_when_the_window_has_passed() -> None:
    ledger = Ledger(WINDOW)
    clicked, ignored = (Exposure(("list", item), 0.0, 0.2) for item in "ab")
    assert ledger.shown(clicked) == ledger.shown(ignored) == []
    assert ledger.came(("list", "a"), 5.0, 1.0) == [Change(clicked, None, 1.0)]
    assert ledger.passed(WINDOW) == []
    assert ledger.passed(WINDOW + 1) == [Change(ignored, None, 0.0)]


def test_an_outcome_in_time_that_arrives_late_takes_the_silence_back() -> None:
    ledger = Ledger(WINDOW)
    shown = Exposure(("list", "a"), 0.0, 0.2)
    ledger.shown(shown)
    ledger.passed(150.0)
    assert ledger.came(("list", "a"), 99.0, 1.0) == [Change(shown, 0.0, 1.0)]
    assert ledger.came(("list", "a"), 101.0, 2.0) == [], "it happened after the window"


def test_what_was_turned_down_counts_whatever_else_was_done() -> None:
    ledger = Ledger(WINDOW)
    shown = Exposure(("list", "a"), 0.0, 0.2)
    ledger.shown(shown)
    assert ledger.came(("list", "a"), 5.0, 1.0) == [Change(shown, None, 1.0)]
    assert ledger.came(("list", "a"), 6.0, -1.0) == [Change(shown, 1.0, -1.0)]
    assert ledger.came(("list", "a"), 7.0, 1.0) == []


def test_an_outcome_that_comes_before_its_exposure_waits_for_it() -> None:
    ledger = Ledger(WINDOW)
    assert ledger.came(("list", "a"), 7.0, 1.0) == []
    shown = Exposure(("list", "a"), 6.0, 0.2)
    assert ledger.shown(shown) == [Change(shown, None, 1.0)]


def test_closed_lines_are_let_go_and_what_comes_later_changes_nothing() -> None:
    ledger = Ledger(WINDOW)
    shown = Exposure(("1", "a"), 0.0, 0.2)
    ledger.shown(shown)
    ledger.came(("2", "b"), 3.0, 1.0)
    assert ledger.passed(1_000.0) == [Change(shown, None, 0.0)]
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


@given(facts, st.data())
def test_order_repetition_and_the_steps_of_the_clock_do_not_matter(some: list[Fact], data: st.DataObject) -> None:
    plain, mixed = Ledger(WINDOW), Ledger(WINDOW)
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
        assert standing(first)[rec, item] == max(rewards, default=0.0)


def test_many_lists_settle_in_time_to_serve() -> None:
    ledger, rng = Ledger(WINDOW), np.random.default_rng(0)
    changes = []
    for second in range(2_000):
        changes += ledger.passed(float(second))
        ledger.shown(Exposure((str(second), "a"), float(second), 0.0))
        if rng.random() < 0.3:
            changes += ledger.came((str(second), "a"), second + 1.0, 1.0)
    assert len(standing(changes)) > 1_800
    assert len(ledger._lines) <= 2 * WINDOW + 2
