"""Exploration falls with evidence, and rises with drift and with what is new."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.policies.mixing import Mixing, Sharpness
from zhiyin.policies.softmax import Softmax

LADDER = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
SD, NEW = np.full(4, 0.1), np.full(4, 0.5)


def played(sharpness: Sharpness, worth: np.ndarray, n: int, seed: int) -> Sharpness:
    """n outcomes of items that are scored 0 to 1 and worth this, with a floor of .1."""
    rng, scores = np.random.default_rng(seed), np.linspace(0, 1, len(worth))
    for _ in range(n):
        chances = Softmax(1.0 / sharpness.now, 0.1).chances(scores)
        pick = int(rng.choice(len(worth), p=chances))
        sharpness = sharpness.seen(scores, pick, chances[pick], float(rng.random() < worth[pick]))
    return sharpness


def test_where_the_scores_are_right_c_rises_and_where_the_world_turns_it_falls_again() -> None:
    start = Sharpness(LADDER, 1, 0.99)
    worth = np.array([0.05, 0.1, 0.2, 0.8])
    sure = played(start, worth, 600, 0)
    assert sure.now >= 16.0
    turned = played(sure, worth[::-1], 600, 1)
    assert turned.now <= 2.0


def test_c_is_that_of_the_best_lower_bound_by_hand() -> None:
    sharpness = Sharpness(np.array([1.0, 3.0]), 0, 0.5)
    scores = np.array([0.0, 1.0])
    chance = 1 / (1 + np.e)
    after = sharpness.seen(scores, 1, 0.5, 2.0)
    assert after.now == 1.0, "nothing is concluded from one outcome"
    assert after.sums is not None
    assert after.sums[0] == pytest.approx([2.0 * (1 - chance) / 0.5, 2.0 / (1 + np.exp(-3)) / 0.5])
    assert after.seen(scores, 0, 0.5, 1.0).sums[0][0] == pytest.approx(0.5 * after.sums[0][0] + chance / 0.5)


def test_the_coefficient_falls_with_evidence_and_rises_with_what_is_new() -> None:
    mixing = Mixing(0.01, 2.0)
    assert mixing.coefficient(NEW, NEW) == pytest.approx(1.0)
    assert mixing.coefficient(SD, NEW) == pytest.approx(0.2)
    with_new = np.append(SD, 0.5)
    assert mixing.coefficient(with_new, np.full(5, 0.5)) > mixing.coefficient(SD, NEW)


def test_the_coefficient_rises_with_drift_and_not_with_expected_noise() -> None:
    rng = np.random.default_rng(0)
    calm = moved = Mixing(0.01, 2.0)
    for _ in range(500):
        error = rng.normal(0, 0.5)
        calm, moved = calm.seen(error, 0.25), moved.seen(error + 1.0, 0.25)
    assert calm.coefficient(SD, NEW) == pytest.approx(0.2, rel=0.2)
    assert moved.coefficient(SD, NEW) > 1.8 * 0.2
    assert moved.coefficient(NEW * 9, NEW) == 2.0
    assert calm.coefficient(SD * 0, NEW) == 0.01
