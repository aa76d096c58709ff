"""Diversity: what being like the places above costs."""

import numpy as np
import pytest

from zhiyin.ranking.diversity import Diversity

TWINS = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, 0.8]], np.float32)


def test_the_first_place_costs_nothing() -> None:
    assert not Diversity.of(TWINS, 0.5).walk().now.any()


def test_a_place_costs_as_much_as_it_is_like_the_nearest_above() -> None:
    walk = Diversity.of(TWINS, 0.5).walk()
    walk.fill(0)
    walk.fill(2)
    assert walk.now == pytest.approx([-0.5, -0.5, -0.5, 0.0, -0.4])  # an opposite is not paid for


def test_no_strength_no_cost_and_no_candidates_no_trouble() -> None:
    walk = Diversity.of(TWINS, 0.0).walk()
    walk.fill(0)
    assert not walk.now.any()
    assert Diversity.of(np.zeros((0, 2), np.float32), 0.5).walk().now.shape == (0,)
