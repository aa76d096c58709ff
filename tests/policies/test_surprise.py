"""Surprise: what items do together, beyond what doubt allows."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from zhiyin.policies.belief import Prior
from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.examination import Examination
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.ledger import Change, Exposure
from zhiyin.policies.surprise import WINDOWS, Surprise
from zhiyin.policies.whitening import Whitening

WINDOW, NOISE, HALF_LIFE = 100.0, 0.1, 2_000.0
BASE = 0.1


def believed(spread: float) -> Surprise:
    """Of items that differ by so much, whose outcomes count half after HALF_LIFE."""
    prior = Prior(Gaussian.alike(1, 1.0), Gaussian.alike(1, 1.0), NOISE, spread, np.zeros(1))
    whitening = Whitening(np.zeros(1), np.eye(1))
    looks = Examination.fit({}, 5)
    people = np.zeros(0, np.uint64)
    return Surprise(BeliefModel(prior, whitening, (0.0,) * 7, 1.0, (), WINDOW, HALF_LIFE, 0.0, looks, people))


def shown(n: int, item: str, at: float, looked: float = 1.0) -> Exposure:
    return Exposure((f"list {n}", item), at, BASE, looked)


def told(outcomes: list[tuple[str, float]], spread: float = 1e-9) -> Surprise:
    """After outcomes of items, one a second."""
    surprise = believed(spread)
    for n, (item, value) in enumerate(outcomes):
        exposure = shown(n, item, float(n))
        surprise.passed(float(n))
        surprise.shown(exposure, float(n))
        surprise.counted(Change(exposure, (), (value,)))
    surprise.passed(len(outcomes) + WINDOW + 1.0)
    return surprise


def clicks(rates: np.ndarray, n: int, seed: int) -> list[tuple[str, float]]:
    rng = np.random.default_rng(seed)
    return [(f"item {i}", float(rng.random() < rates[i])) for i in rng.integers(len(rates), size=n).tolist()]


MOVED = np.where(np.arange(60) % 2, 0.02, 0.18)


def test_clicks_as_they_were_expected_are_no_surprise() -> None:
    found = [told(clicks(np.full(60, BASE), 3_000, seed)).now for seed in range(4)]
    assert np.mean(found) < 1.0
    assert max(found) < 1.3


def test_items_that_are_not_as_believed_surprise_though_no_click_of_theirs_does() -> None:
    assert told(clicks(MOVED, 3_000, 0)).now > 1.3
    assert told(clicks(MOVED, 3_000, 0), spread=0.01).now < 1.0, "what was in doubt is no surprise"


def test_a_world_that_turns_surprises_until_that_is_learned() -> None:
    before, after = clicks(MOVED, 4_000, 1), clicks(MOVED[::-1], 8_000, 2)
    calm, turned, learned = (told(before + after[:n], spread=0.01).now for n in (0, 1_000, 8_000))
    assert turned > 1.1
    assert calm < 1.0
    assert learned < turned


def test_it_is_the_ratio_by_its_formula() -> None:
    outcomes = [(f"item {n % 5}", float(n % 7 == 0)) for n in range(300)]
    spread = 0.05
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for n, (item, value) in enumerate(outcomes):
        past = [(m, v) for m, (i, v) in enumerate(outcomes[: max(0, n - int(WINDOW))]) if i == item]
        shares = [0.5 ** ((n - m) / HALF_LIFE) for m, _ in past]
        precision = 1.0 / spread + sum(shares) / NOISE
        mean = sum(share * (v - BASE) for share, (_, v) in zip(shares, past, strict=True)) / NOISE / precision
        w, error = 0.5 ** ((300 - n) / (WINDOWS * WINDOW)), value - BASE - mean
        sums[item][0] += w * error
        sums[item][1] += (w * error) ** 2
        sums[item][2] += w * precision**-0.5
        sums[item][3] += w
    allowed = np.array([q + d**2 for _, q, d, _ in sums.values()])
    usual = sum(e for e, *_ in sums.values()) / sum(w for *_, w in sums.values())
    ratio = sum((e - usual * w) ** 2 for e, _, _, w in sums.values()) / allowed.sum()
    effective = allowed.sum() ** 2 / (allowed**2).sum()
    assert told(outcomes, spread).now == pytest.approx(ratio - np.sqrt(2.0 / effective))


def test_nothing_is_said_before_a_window_has_passed_and_a_click_does_not_come_too_early() -> None:
    surprise, exposure = believed(1e-9), shown(0, "a", 0.0)
    surprise.shown(exposure, 0.0)
    surprise.counted(Change(exposure, (), (1.0,)))
    surprise.passed(WINDOW)
    assert surprise.now == 1.0
    surprise.passed(WINDOW + 1.0)
    assert surprise.now == pytest.approx(-np.sqrt(2.0)), "one item is what all have in common"


def test_what_is_told_twice_or_too_late_is_not_counted_again() -> None:
    def state(*later: float) -> float:
        surprise = told([("a", 1.0), ("b", 0.0), ("a", 0.0)])
        for now in later:
            surprise.shown(shown(0, "a", 0.0), now)
            surprise.passed(now)
        return surprise.now

    assert state(150.0, 160.0) == state()


def test_a_time_in_which_everything_is_wanted_less_is_no_surprise() -> None:
    assert told(clicks(np.full(60, 0.03), 3_000, 0)).now < 1.0


def test_a_silence_that_nobody_may_have_looked_at_counts_less() -> None:
    def after(looked: float) -> float:
        surprise = believed(1e-9)
        for n in range(80):
            clicked = n % 8 in (0, 3)
            exposure = shown(n, f"item {n % 4}", 0.0, 1.0 if clicked else looked)
            surprise.shown(exposure, 0.0)
            if clicked:
                surprise.counted(Change(exposure, (), (1.0,)))
        surprise.passed(WINDOW + 1.0)
        return surprise.now

    assert after(1.0) > after(0.01), "silence is what tells two of these items from the others"
