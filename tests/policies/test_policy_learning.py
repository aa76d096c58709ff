"""Learning from a log what to add to the scores: slopes by differences, and a world where something is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from zhiyin.policies.learning import CAP, Lessons, learned, worth

K, PLACES = 6, 2


def lessons(seed: int, n: int, *, predicted: bool = True) -> Lessons:
    """Scores know half of what counts: the other half is the second of two plain numbers, and a text."""
    rng = np.random.default_rng(seed)
    z = np.random.default_rng(0).normal(size=(60, 3))
    scores, plain = rng.normal(size=(n, K)), rng.normal(size=(n, K, 2))
    items = rng.integers(0, 60, (n, K)).astype(np.int32)
    likely = 1.0 / (1.0 + np.exp(1.0 - 0.7 * scores - 1.0 * plain[:, :, 1] - 0.8 * z[items, 0]))
    logits = np.repeat(scores[:, None, :], PLACES, axis=1)
    picks, before = np.zeros((n, PLACES), np.int64), np.ones((n, PLACES))
    rows = np.arange(n)
    for place in range(PLACES):
        chance = np.exp(logits[:, place]) / np.exp(logits[:, place]).sum(axis=1, keepdims=True)
        left = (logits[:, place] > -np.inf).sum(axis=1, keepdims=True)
        chance = 0.9 * chance + 0.1 * (logits[:, place] > -np.inf) / left
        picks[:, place] = (chance.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
        before[:, place] = chance[rows, picks[:, place]]
        logits[rows, place + 1 :, picks[:, place]] = -np.inf
    rewards = (rng.random((n, PLACES)) < likely[rows[:, None], picks]).astype(float)
    model = np.repeat(likely[:, None, :], PLACES, axis=1) * 0.8 if predicted else np.zeros((n, PLACES, K))
    usual = rewards.mean(axis=0)
    return Lessons(logits, plain, items, z, picks, before, rewards, model, usual, np.ones(n), floor=0.1)


@pytest.mark.parametrize("distance", [0.0, 0.3])
def test_the_slope_is_that_of_differences(distance: float) -> None:
    log = lessons(1, 30)
    hot = np.linspace(0.5, 2.0, 30)  # each list was drawn at its own
    log = replace(log, temperatures=hot, logits=log.logits / hot[:, None, None])
    log.picks[3, 1], log.before[3, 1], log.rewards[3, 1], log.predicted[3, 1] = -1, 1.0, 0.0, 0.0
    log.logits[3, 1] = -np.inf
    at = np.random.default_rng(2).normal(size=5) * 0.3
    found = worth(log, at, distance)[1]
    assert found == pytest.approx(approx_fprime(at, lambda w: worth(log, w, distance)[0], 1e-6), abs=1e-5)


def test_what_weighs_too_much_pulls_no_further() -> None:
    log = lessons(3, 1, predicted=False)
    log.before[:] = 1e-4
    log.rewards[:] = 1.0
    value, slope = worth(log, np.zeros(5), 0.0)
    assert value == pytest.approx(CAP * PLACES - (CAP - 1.0) * log.usual[1])
    assert (slope == 0.0).all()


@pytest.mark.slow
@pytest.mark.parametrize("predicted", [True, False])
def test_what_the_scores_do_not_know_is_learned_and_earns(predicted: bool) -> None:
    weights = learned(lessons(4, 1_500, predicted=predicted), 0.02)
    assert weights[1] > 0.5
    assert weights[2] > 0.4
    assert min(weights[1:3]) > abs(weights[3:]).max()
    fresh = lessons(5, 6_000, predicted=False)
    assert worth(fresh, weights, 0.0)[0] > worth(fresh, np.zeros(5), 0.0)[0] + 0.15


@pytest.mark.slow
def test_the_more_distance_costs_the_less_is_added() -> None:
    log = lessons(6, 400)
    sizes = [float(np.linalg.norm(learned(log, distance))) for distance in (0.01, 0.1, 1.0, 100.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.02
