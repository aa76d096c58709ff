"""Intervals hold as often as they say, also when somebody looks all the time."""

import numpy as np
import pytest

from zhiyin.errors import InvalidData
from zhiyin.metrics.bounds import (
    bernstein,
    bootstrap,
    expected_of_lists,
    expected_variance,
    looked_at_often,
    normal,
    variance_of_gap,
    weighted,
    weighted_lists,
)
from zhiyin.metrics.off_policy import Logged, Predicted, ips, snips
from zhiyin.metrics.overlap import Moments

BEFORE, TARGET, EARNS = np.array([0.8, 0.15, 0.05]), np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.4, 0.7])
TRUTH = float(TARGET @ EARNS)


def drawn(n: int, rng: np.random.Generator) -> Logged:
    done = rng.choice(3, n, p=BEFORE)
    rewards = (rng.random(n) < EARNS[done]).astype(float)
    return Logged(rewards, np.log(BEFORE[done]), np.log(TARGET[done]))


@pytest.mark.slow
def test_bounds_hold_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(1), {"normal": 0, "bernstein": 0, "weighted": 0, "bootstrap": 0}
    for _ in range(100):
        log = drawn(1_500, rng)
        plain = normal(ips(log))
        held["normal"] += plain.low <= TRUTH <= plain.high
        wide = bernstein(ips(log).addends, 0.0, 10.0)
        held["bernstein"] += wide.low <= TRUTH <= wide.high
        low, high = weighted(log.weights, log.rewards)
        held["weighted"] += bool(((low <= TRUTH) & (high >= TRUTH)).all())
        drawn_again = bootstrap(snips(log), rng, 400)
        held["bootstrap"] += drawn_again.low <= TRUTH <= drawn_again.high
    assert held["weighted"] == held["bernstein"] == 100
    assert held["normal"] >= 86  # 95 expected, less four standard deviations
    assert held["bootstrap"] >= 86


def test_bounds_of_weights_close_in_on_the_truth() -> None:
    log = drawn(60_000, np.random.default_rng(2))
    low, high = weighted(log.weights, log.rewards)
    assert (np.diff(low) >= 0).all()
    assert low[-1] < TRUTH < high[-1]
    assert high[-1] - low[-1] < 0.08


def test_people_who_act_often_are_drawn_with_all_they_did() -> None:
    """Everybody does the same five times: as sure as if each had done it once."""
    rng = np.random.default_rng(7)
    log = drawn(300, rng)
    five = [np.repeat(one, 5) for one in (log.rewards, log.before, log.target)]
    people = np.repeat(np.arange(300, dtype=np.int32), 5)
    once, often = snips(log), snips(Logged(*five))
    alone, clustered = normal(once), normal(often, people=people)
    assert (clustered.low, clustered.high) == pytest.approx((alone.low, alone.high))
    assert normal(often).low > clustered.low + 0.3 * (clustered.value - clustered.low)
    same = [bootstrap(one, np.random.default_rng(1), 500, who) for one, who in ((once, None), (often, people))]
    assert (same[1].low, same[1].high) == pytest.approx((same[0].low, same[0].high))


def test_the_variance_of_lists_is_that_of_their_places_where_these_err_alone() -> None:
    rng, n = np.random.default_rng(8), 200_000
    weights, errors = rng.choice([0.5, 3.0], (n, 2), p=[0.8, 0.2]), rng.normal(size=(n, 2)) * [1.0, 0.5]
    sure = rng.normal(size=n)
    second = np.full((n, 2), 0.8 * 0.25 + 0.2 * 9.0)
    drawn_again = (sure + (weights * errors).sum(axis=1)).var()
    assert expected_of_lists(errors, second, sure) == pytest.approx(drawn_again, rel=0.03)


@pytest.mark.parametrize("endless", [False, True])
def test_lists_are_bounded_as_single_acts_are_and_their_gain_too(endless: bool) -> None:
    rng, held, earned = np.random.default_rng(9), [0, 0], float(BEFORE @ EARNS)
    for _ in range(60):
        log = [drawn(800, rng) for _ in range(2)]
        weights, rewards = (
            np.stack(both, axis=1) for both in zip(*((o.weights, o.rewards) for o in log), strict=True)
        )
        value, gain = weighted_lists(weights, rewards, endless=endless)
        held[0] += value.low <= 2 * TRUTH <= value.high
        held[1] += gain.low <= 2 * (TRUTH - earned) <= gain.high
        if not endless:
            low, high = weighted(weights[:, 0], rewards[:, 0])
            alone, _ = weighted_lists(weights[:, :1], rewards[:, :1])
            assert (alone.low, alone.high) == pytest.approx((low[-1], high[-1]))
    assert min(held) >= 58
    assert gain.high - gain.low < (3.2 if endless else 1.6)


def test_a_bernstein_interval_is_what_its_formula_says() -> None:
    found = bernstein(np.array([0.0, 1.0, 1.0, 0.0]), 0.0, 1.0)
    half = np.sqrt(2 * (1 / 3) * np.log(80) / 4) + 7 * np.log(80) / 9
    assert (found.value, found.low, found.high) == pytest.approx((0.5, max(0.5 - half, 0), min(0.5 + half, 1)))


def test_what_is_known_of_both_policies_widens_an_interval_that_saw_nothing_rare() -> None:
    rewards = np.array([0.0, 1.0] * 200)
    log = Logged(rewards, np.log(np.full(400, 0.8)), np.log(np.full(400, 0.2)))  # the common act alone was done
    moments = Moments.of(np.tile(np.log(BEFORE), (400, 1)), np.tile(np.log(TARGET), (400, 1)))
    expected = expected_variance(log, Predicted(np.zeros(400), np.zeros(400)), moments)
    assert expected == pytest.approx(float((TARGET**2 / BEFORE).sum()) * 0.5)
    seen, known = normal(ips(log)), normal(ips(log), expected)
    assert known.high - known.low > 5 * (seen.high - seen.low)


def test_looking_every_day_does_not_find_what_is_not_there() -> None:
    rng, days, people = np.random.default_rng(3), 30, 100
    found = once = 0
    n = np.arange(1, days + 1) * people
    for _ in range(300):
        values = rng.normal(size=(days, people))
        means = np.cumsum(values.sum(axis=1)) / n
        found += bool((np.abs(means) > looked_at_often(np.ones(days), n.astype(float), planned=3_000.0)).any())
        once += bool((np.abs(means) > 1.96 / np.sqrt(n)).any())
    assert found <= 15  # of 300: 5 %
    assert once >= 50  # an interval for a single look


def test_the_variance_of_a_gap_is_made_of_both_by_hand() -> None:
    n, mean, variance = np.array([300.0, 100.0]), np.array([1.0, 3.0]), np.array([4.0, 0.0])
    together = (300 * (4 + 0.5**2) + 100 * (0 + 1.5**2)) / 400  # around the mean of all, 1.5
    by_hand = (300 * 4 + 100 * together) / 400 / 300 + (100 * 0 + 100 * together) / 200 / 100
    assert variance_of_gap(n, mean, variance) == pytest.approx(by_hand)
    many = variance_of_gap(n * 1e6, mean, variance)
    assert many == pytest.approx(4 / 300e6, rel=1e-3), "of many it is what was seen"


def test_a_tenth_of_whom_none_clicked_yet_does_not_prove_that_nobody_will() -> None:
    rng, looks, people = np.random.default_rng(5), 120, 16
    found = blind = 0
    for _ in range(300):
        values = rng.random(looks * people) < 0.05
        new = rng.random(looks * people) < 0.1
        seen = np.stack([~new, new]).astype(float)
        n, sums = (np.cumsum(part, axis=1)[:, people - 1 :: people] for part in (seen, seen * values))
        n = np.maximum(n, 1.0)
        mean = sums / n
        variance, whole = mean * (1 - mean), n.sum(axis=0)
        gap = np.abs(mean[1] - mean[0])
        found += bool((gap > looked_at_often(variance_of_gap(n, mean, variance) * whole, whole, 11_520.0)).any())
        blind += bool((gap > looked_at_often((variance / n).sum(axis=0) * whole, whole, 11_520.0)).any())
    assert found <= 15  # of 300: 5 %
    assert blind >= 20


def test_what_no_bound_can_be_made_of_is_refused() -> None:
    with pytest.raises(InvalidData, match="two acts"):
        bernstein(np.ones(1), 0.0, 1.0)
    with pytest.raises(InvalidData, match="widen it"):
        bernstein(np.array([0.0, 2.0]), 0.0, 1.0)
    with pytest.raises(InvalidData, match="scale them"):
        weighted(np.ones(2), np.array([0.0, 2.0]))
