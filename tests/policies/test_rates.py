"""Rates of clicks against a second implementation, by law, and in worlds made of what is to be found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.policies.rates import FIRST, SIZES, BelievedRates, RatePrior, Rates

PRIOR = RatePrior.around(0.02)
COUNTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1, max_size=30)


def rates_of(clicks: list[list[float]], looks: list[list[float]], prior: RatePrior = PRIOR) -> Rates:
    return Rates(prior, np.array(clicks, float), np.array(looks, float))


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_two_segments_are_the_posterior_that_brute_force_gives() -> None:
    rates = rates_of([[3.0], [0.0]], [[40.0], [15.0]])
    b = np.linspace(-12, 4, 321)
    e = np.linspace(-6, 6, 601)
    of_b = np.exp(-0.5 * ((b - PRIOR.middle) / PRIOR.spread) ** 2)
    of_e = (FIRST[:, None] / SIZES[:, None] * np.exp(-0.5 * (e / SIZES[:, None]) ** 2)).sum(axis=0)
    p = logistic(b[:, None] + e)
    first, second = (of_e * p**s * (1 - p) ** (n - s) for s, n in ((3, 40), (0, 15)))
    weight = of_b[:, None] * first * second.sum(axis=1, keepdims=True)
    assert BelievedRates(rates).mean[0, 0] == pytest.approx((weight * p).sum() / weight.sum(), rel=0.01)
    weight = of_b[:, None] * second * first.sum(axis=1, keepdims=True)
    mean = (weight * p).sum() / weight.sum()
    found = BelievedRates(rates)
    assert found.mean[1, 0] == pytest.approx(mean, rel=0.01)
    assert found.sd[1, 0] == pytest.approx(np.sqrt((weight * p**2).sum() / weight.sum() - mean**2), rel=0.02)


def test_after_many_looks_a_rate_is_what_was_seen_wherever_the_prior_was() -> None:
    found = BelievedRates(rates_of([[4_000.0, 250.0]], [[10_000.0, 1_000_000.0]]))
    assert found.mean[0] == pytest.approx([0.4, 0.00025], rel=0.06)  # a step of the grid is 13 %


def test_what_one_segment_shows_is_believed_of_others_less_and_of_itself_more() -> None:
    nothing = BelievedRates(rates_of([[0.0], [0.0], [0.0]], [[0.0], [0.0], [0.0]]))
    found = BelievedRates(rates_of([[8.0], [0.0], [0.0]], [[50.0], [0.0], [0.0]]))
    assert found.mean[0, 0] > found.mean[1, 0] > 2 * nothing.mean[1, 0]
    assert found.mean[1, 0] == found.mean[2, 0]
    assert np.ptp(nothing.mean) < 1e-12


def test_what_one_segment_alone_loves_is_not_shown_to_all_for_it() -> None:
    clicks = [[60.0], *[[2.0]] * 5]
    found = BelievedRates(rates_of(clicks, [[100.0], *[[200.0]] * 5]))
    assert found.mean[0, 0] == pytest.approx(0.6, abs=0.08)
    assert (found.mean[1:, 0] < 0.02).all()


@given(COUNTS, COUNTS)
def test_who_is_taken_back_was_never_there(
    some: list[tuple[int, int, bool]], theirs: list[tuple[int, int, bool]]
) -> None:
    def arrays(looks: list[tuple[int, int, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        segments, items, clicked = zip(*looks, strict=True)
        return np.array(segments, np.int32), np.array(items, np.int32), np.array(clicked, float)

    segments, items, clicked = arrays(some)
    before = Rates.unseen(PRIOR, 3, 4).seen(segments, items, clicked, np.ones(len(items)))
    assert before.looks.sum() == len(some)
    segments, items, clicked = arrays(theirs)
    after = before.seen(segments, items, clicked, np.ones(len(items)))
    again = after.seen(segments, items, -clicked, -np.ones(len(items)))
    assert np.array_equal(again.clicks, before.clicks)
    assert np.array_equal(again.looks, before.looks)


@pytest.mark.slow
def test_a_world_is_found_again_by_its_own_clicks() -> None:
    rng = np.random.default_rng(4)
    shares = np.array([0.6, 0.1, 0.1, 0.2])
    b = rng.normal(-3.0, 0.7, 800)
    e = rng.standard_normal((4, 800)) * rng.choice(SIZES, (4, 800), p=shares)
    looks = np.full((4, 800), 400.0)
    rates = rates_of(rng.binomial(400, logistic(b + e)), looks)
    for _ in range(12):
        rates = rates.learned(BelievedRates(rates))
    assert rates.prior.middle == pytest.approx(-3.0, abs=0.08)
    assert rates.prior.spread == pytest.approx(0.7, abs=0.08)
    assert rates.prior.shares @ SIZES**2 == pytest.approx(shares @ SIZES**2, rel=0.15), "variance of departures"
    errors = [np.abs(mean - logistic(b + e)).mean() for mean in (BelievedRates(rates).mean, rates.clicks / looks)]
    assert errors[0] < 0.92 * errors[1], "nearer than what was counted"


def test_what_is_old_counts_less() -> None:
    rates = rates_of([[10.0]], [[100.0]])
    fresh, old = BelievedRates(rates), BelievedRates(rates.aged(0.1))
    assert old.sd[0, 0] > fresh.sd[0, 0]
    assert old.mean[0, 0] < fresh.mean[0, 0]
