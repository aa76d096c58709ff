"""A model of rewards: against another library, and never asked about what it was fitted to."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from zhiyin.metrics.reward_model import FOLDS, LADDER, crossed, ridge


def world(seed: int, m: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, 6)) * [1, 10, 0.1, 1, 1, 0] + 3.0
    return x, x @ [0.3, 0.02, 1.0, 0.0, 0.0, 0.0] + rng.normal(size=m), np.arange(m, dtype=np.int32) // 3


def test_it_is_the_ridge_of_another_library_at_the_strength_that_leaving_out_tells_is_best() -> None:
    x, y, _ = world(1)
    wide = x.std(axis=0)
    scaled = (x - x.mean(axis=0)) / np.where(wide > 0, wide, 1.0)
    largest = np.linalg.eigvalsh(scaled.T @ scaled)[-1]
    scores, theirs = [], []
    for strength in LADDER * largest:
        hat = scaled @ np.linalg.solve(scaled.T @ scaled + strength * np.eye(6), scaled.T)
        missed = y - y.mean() - hat @ (y - y.mean())
        scores.append((missed**2).sum() / (len(y) - 1 - np.trace(hat)) ** 2)
        theirs.append(Ridge(strength).fit(scaled, y).predict(scaled))
    assert ridge(x, y).of(x) == pytest.approx(theirs[int(np.argmin(scores))], abs=1e-8)


def test_what_one_person_earned_changes_nothing_that_is_predicted_of_them() -> None:
    x, y, people = world(2)
    before = crossed(x, y, people, x)[0]
    mine = people == 7
    after = crossed(x, np.where(mine, y + 100.0, y), people, x)[0]
    assert after[mine] == pytest.approx(before[mine])
    assert not np.allclose(after[people % FOLDS != 7 % FOLDS], before[people % FOLDS != 7 % FOLDS])


def test_of_a_mixture_it_expects_the_mixture_of_what_it_expects() -> None:
    x, y, people = world(3)
    other, mixed = x[::-1].copy(), 0.3 * x + 0.7 * x[::-1]
    one, two, both = crossed(x, y, people, x, other, mixed)
    assert both == pytest.approx(0.3 * one + 0.7 * two)


def test_one_person_alone_is_predicted_by_nobody() -> None:
    x, y, people = world(4, 20)
    assert (crossed(x, y, np.zeros_like(people), x)[0] == 0.0).all()
