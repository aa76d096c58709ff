"""What to label next: doubtful, and unlike each other."""

import numpy as np
import pytest

from zhiyin.labels.classifier import Said
from zhiyin.labels.teaching import AMONG, doubt, teach

RNG = np.random.default_rng
NOTHING = np.zeros((0, 2), np.float32)


def said(*probabilities: list[float]) -> Said:
    n = len(probabilities)
    return Said(np.array(probabilities), np.zeros(n), np.zeros(n, bool))


def test_doubt_is_one_less_the_margin() -> None:
    assert doubt(said([0.5, 0.5, 0.0], [0.7, 0.2, 0.1], [1.0, 0.0, 0.0]), multi=False) == pytest.approx(
        [1, 0.5, 0]
    )


def test_labels_that_stand_alone_are_doubtful_where_one_is_even() -> None:
    assert doubt(said([0.5, 1.0], [0.9, 0.0]), multi=True) == pytest.approx([1.0, 0.2])


def test_of_the_doubtful_those_are_taken_that_are_unlike_each_other() -> None:
    rows = np.repeat(np.eye(4, dtype=np.float32), 10, axis=0)  # four bundles of twins, all looked at
    assert len(rows) == AMONG * 4
    for seed in range(20):
        chosen = teach(rows, np.ones(40), np.zeros((0, 4), np.float32), 4, RNG(seed))
        assert {int(row) // 10 for row in chosen} == {0, 1, 2, 3}


def test_what_is_like_an_example_is_not_asked_for_again() -> None:
    rows = np.array([[1, 0], [0, 1]], np.float32)
    known = np.array([[1, 0]], np.float32)
    assert all(teach(rows, np.ones(2), known, 1, RNG(seed)).tolist() == [1] for seed in range(10))


def test_more_are_not_asked_for_than_there_are_and_twins_come_last() -> None:
    rows = np.zeros((3, 2), np.float32)
    assert sorted(teach(rows, np.ones(3), NOTHING, 9, RNG(0)).tolist()) == [0, 1, 2]


def test_the_certain_are_not_among_those_that_are_looked_at() -> None:
    doubts = np.append(np.ones(AMONG), np.zeros(50))
    rows = np.random.default_rng(0).normal(size=(AMONG + 50, 2)).astype(np.float32)
    assert all(teach(rows, doubts, NOTHING, 1, RNG(seed))[0] < AMONG for seed in range(20))
