"""How far people look: right where clicks by place are wrong, the prior where nothing is told."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import key_of
from zhiyin.policies.base import Noise, Policy, Unadjusted
from zhiyin.policies.chance import EpsilonGreedy
from zhiyin.policies.examination import (
    ETA,
    Examination,
    Normal,
    SeenLists,
    exchanged,
    exchanged_by_luce,
)
from zhiyin.policies.softmax import Softmax
from zhiyin.ranking.diversity import Diversity
from zhiyin.testing.policy_contract import SCORES, alike

TRUTH = np.array([1.0, 0.8, 0.37, 0.29, 0.23, 0.2])
PLACES = len(TRUTH)


def lists_of(n: int, truth: Doubles, seed: int = 0, temperature: float = 0.1, k: int = 30) -> tuple[Doubles, Mask]:
    """Softmax over scores that foretell what is wanted, and people who look as `truth` says: (n, L) logged
    probabilities, and clicks."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 0.3, (n, k))
    wanted = 1.0 / (1.0 + np.exp(1.2 - 2.5 * scores + rng.normal(0, 0.3, (n, k))))
    weight = np.exp(scores / temperature)
    order = np.argsort(-np.log(weight) - rng.gumbel(size=(n, k)), axis=1)[:, : len(truth)]
    taken = np.take_along_axis(weight, order, axis=1)
    left = weight.sum(axis=1, keepdims=True) - np.hstack([np.zeros((n, 1)), taken.cumsum(axis=1)[:, :-1]])
    clicks = rng.random((n, len(truth))) < truth * np.take_along_axis(wanted, order, axis=1)
    return np.log(taken / left), clicks


def seen(n: int, truth: Doubles = TRUTH, seed: int = 0, temperature: float = 0.1) -> SeenLists:
    logged, clicks = lists_of(n, truth, seed, temperature)
    return SeenLists.of_luce(logged, clicks, np.full(n, len(truth)))


def test_the_other_order_of_two_items_by_hand() -> None:
    """Chances 1/2, 1/3, 1/6: as shown 1/2 · 2/3, the other way round 1/3 · 3/4."""
    found = exchanged_by_luce(np.array([[1 / 2, 2 / 3, 1.0]]))
    assert found[0, 0, 1] == pytest.approx((1 / 4) / (1 / 3 + 1 / 4))
    assert found[0, 0, 1] == found[0, 1, 0]


def test_what_the_log_tells_is_what_a_softmax_says_of_all_pairs() -> None:
    policy, free, order = Softmax(0.2, 0.0), Unadjusted(8), np.array([5, 2, 7, 0, 1])
    chance = np.exp(policy.log_probs(SCORES, order, free))
    whole = exchanged(policy, SCORES, order, free, reach=9)
    np.testing.assert_allclose(exchanged_by_luce(chance[None, :])[0], whole, atol=1e-12)


@pytest.mark.parametrize("policy", [Softmax(0.2, 0.1), EpsilonGreedy(0.4)], ids=["softmax", "epsilon-greedy"])
def test_any_policy_is_asked_for_the_other_order_as_all_lists_have_it(policy: Policy) -> None:
    scores, adjustment = SCORES[:4], alike(4)
    found = exchanged(policy, scores, np.array([1, 3, 0]), adjustment)
    chance = {
        order: float(np.exp(policy.log_probs(scores, np.array(order), adjustment).sum()))
        for order in permutations(range(4), 3)
    }
    for a, b, other in ((0, 1, (3, 1, 0)), (1, 2, (1, 0, 3)), (0, 2, (0, 3, 1))):
        assert found[a, b] == pytest.approx(chance[other] / (chance[other] + chance[1, 3, 0]))


def test_clicks_by_place_are_wrong_and_exchanges_are_right() -> None:
    logged, clicks = lists_of(6_000, TRUTH)
    found = Examination.fit({"home": SeenLists.of_luce(logged, clicks, np.full(6_000, PLACES))}, PLACES).of("home")
    naive = clicks.mean(axis=0) / clicks[:, 0].mean()
    inside = (found.low <= TRUTH) & (found.high >= TRUTH)
    assert inside.sum() >= PLACES - 1
    assert not ((found.low <= naive) & (naive <= found.high))[2:].any()
    assert np.abs(np.log(found.chance / TRUTH)).max() < 0.12
    assert np.abs(np.log(naive / TRUTH)).max() > 0.25
    assert found.n_clicks == clicks.sum()


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = []
    for seed in range(60):
        found = Examination.fit({"home": seen(1_500, seed=seed)}, PLACES).of("home")
        inside.append((found.low <= TRUTH) & (found.high >= TRUTH))
    covered = np.mean(inside, axis=0)[1:]
    assert (covered >= 0.85).all(), covered
    assert covered.mean() >= 0.92


@pytest.mark.slow
def test_diversity_and_a_floor_are_no_matter_where_the_policy_is_asked() -> None:
    rng, k, n = np.random.default_rng(4), 12, 900
    policy, truth = Softmax(0.15, 0.1), np.array([1.0, 0.5, 0.3])
    keys = np.array([key_of(str(one)) for one in range(k)], np.uint64)
    clicks, others = np.zeros((n, 3), bool), np.zeros((n, 3, 3))
    for one in range(n):
        vectors = rng.normal(size=(k, 3)).astype(np.float32)
        diversity = Diversity.of(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), 0.4)
        scores = rng.normal(0, 0.3, k)
        order, _ = policy.choose(scores, 3, Noise(key_of(str(one)), keys), diversity)
        clicks[one] = rng.random(3) < truth / (1.0 + np.exp(-3.0 * scores[order]))
        others[one] = exchanged(policy, scores, order, diversity)
    found = Examination.fit({"home": SeenLists(clicks, others)}, 3).of("home")
    assert ((found.low <= truth) & (truth <= found.high)).all()
    assert (found.high - found.low)[1:].max() < 0.25


def test_a_log_of_the_best_alone_tells_nothing_and_the_interval_says_so() -> None:
    _, clicks = lists_of(500, TRUTH)
    certain = SeenLists.of_luce(np.zeros((500, PLACES)), clicks, np.full(500, PLACES))
    for found in (Examination.fit({"home": certain}, PLACES).of("home"), Examination.fit({}, PLACES).of("home")):
        curve = (1.0 + np.arange(PLACES)) ** -ETA
        np.testing.assert_allclose(found.chance, curve)
        assert found.n_clicks == 0
        assert (found.low[1:] < 0.75 * curve[1:]).all()
        assert (found.high[1:] > 1.3 * curve[1:]).all()


def test_a_surface_with_few_lists_is_as_all_are_and_one_with_many_as_it_is() -> None:
    flat = np.array([1.0, 0.9, 0.8, 0.75, 0.7, 0.65])
    found = Examination.fit({"home": seen(5_000), "shelf": seen(5_000, flat, 1), "new": seen(3, flat, 2)}, PLACES)
    assert np.abs(np.log(found.of("home").chance / TRUTH)).max() < 0.15
    assert np.abs(np.log(found.of("shelf").chance / flat)).max() < 0.15
    between = found.of("nowhere")
    assert TRUTH[3] < between.chance[3] < flat[3]
    np.testing.assert_allclose(found.of("new").chance, between.chance, rtol=0.25)
    assert between.high[3] - between.low[3] > 2 * (found.of("home").high[3] - found.of("home").low[3])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 40), width=st.integers(1, 6))
def test_the_first_place_is_one_and_no_place_is_looked_at_more_than_the_one_above(
    seed: int, n: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    logged, clicks = np.log(rng.uniform(0.01, 1.0, (n, width))), rng.random((n, width)) < 0.4
    lists = SeenLists.of_luce(logged, clicks, rng.integers(0, width + 1, n))
    looks = Examination.fit({"x": lists}, 5).of("x")
    for curve in (looks.chance, looks.low, looks.high):
        assert curve[0] == 1.0
        assert (np.diff(curve) <= 1e-12).all()
        assert (curve > 0).all()
    assert (looks.low <= looks.chance + 1e-12).all()
    assert (looks.chance <= looks.high + 1e-12).all()
    assert looks.at(99) == looks.at(4)


def test_the_mode_is_where_another_solver_finds_it() -> None:
    lists = [seen(80)]
    prior = Normal.prior(PLACES)
    wins = prior._wins(lists)

    def loss(at: Doubles) -> float:
        log_e = np.append(0.0, at)
        each = wins * -np.logaddexp(0.0, log_e[None, :] - log_e[:, None])
        away = at - prior.mean
        return float(-each.sum() + 0.5 * away @ np.linalg.solve(prior.covariance, away))

    best = minimize(loss, prior.mean, method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(prior.after(lists).mean, best, atol=1e-4)


def test_lists_of_different_lengths_tell_of_the_places_that_they_have() -> None:
    logged, clicks = lists_of(4_000, TRUTH)
    lengths = np.where(np.arange(4_000) % 2, 3, PLACES)
    junk = clicks | (np.arange(PLACES) >= lengths[:, None])  # below the end of a list nothing was shown
    lists = SeenLists.of_luce(logged, junk, lengths)
    found = Examination.fit({"x": lists}, PLACES).of("x")
    assert not lists.clicks[:, 3:][(lists.others[:, 3] == 0).all(axis=1)].any()
    assert np.abs(np.log(found.chance / TRUTH)).max() < 0.2


def test_a_silence_counts_as_much_as_it_is_likely_that_it_was_seen() -> None:
    known = Examination.fit({"home": seen(2_000)}, PLACES)
    looked = known.of("home").at(2)
    seen_and_left, unseen = looked * (1 - 0.3), 1 - looked
    assert known.share(2, "home", 0.3) == pytest.approx(seen_and_left / (seen_and_left + unseen))
    assert known.share(0, "home") == 1.0
    assert known.share(0, "home", 1.0) == 1.0
    assert known.share(2, "home", 1.0) == 0.0, "what is always taken when it is seen was not seen"
    assert known.share(5, "home") < known.share(3, "elsewhere") < 1.0
