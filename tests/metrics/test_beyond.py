"""Coverage, evenness, novelty, variety and popularity of lists, by hand."""

import math

import numpy as np
import pytest

from zhiyin.data.ragged import Ragged
from zhiyin.errors import InvalidData
from zhiyin.metrics import beyond

TOP = np.array([[0, 1], [0, 2], [0, -1]], np.int32)


def test_coverage_is_the_share_of_items_that_anybody_sees() -> None:
    assert beyond.coverage(TOP, 4) == 3 / 4


def test_gini_is_zero_when_all_items_are_shown_alike() -> None:
    assert beyond.gini(np.array([[0, 1], [2, 3]], np.int32), 4) == 0


def test_gini_nears_one_when_one_item_is_all_there_is() -> None:
    assert beyond.gini(np.zeros((5, 1), np.int32), 100) == pytest.approx(0.99)


def test_gini_is_half_the_mean_difference_over_the_mean() -> None:
    shown = beyond.exposure(TOP, 4)
    differences = np.abs(shown[:, None] - shown[None, :]).mean()
    assert beyond.gini(TOP, 4) == pytest.approx(differences / (2 * shown.mean()))


def test_nothing_shown_has_no_gini() -> None:
    assert math.isnan(beyond.gini(np.full((2, 3), -1, np.int32), 4))


def test_novelty_is_in_bits() -> None:
    support = np.array([8, 4, 0, 1])
    assert beyond.novelty(TOP, support, 8).tolist() == [0.5, 1.5, 0.0]  # 0 and 1 bit; 0 and 3; 0


def test_a_list_of_equal_items_has_no_diversity_and_of_orthogonal_ones_all() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    got = beyond.diversity(TOP, vectors)
    assert got[:2].tolist() == [0.0, 1.0]
    assert math.isnan(got[2])  # one item is no pair


def test_diversity_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(9, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    top = np.array([[3, 1, 7, 5, -1]], np.int32)
    cosine = vectors[top[0, :4]] @ vectors[top[0, :4]].T
    pairs = cosine[np.triu_indices(4, 1)]
    assert beyond.diversity(top, vectors.astype(np.float32))[0] == pytest.approx(1 - pairs.mean(), abs=1e-6)


def test_popularity_lift_compares_the_list_with_the_history() -> None:
    lift = beyond.popularity_lift(TOP, Ragged.of([[1], [2, 3], []]), np.array([10, 4, 2, 6]))
    assert lift[:2].tolist() == [7 / 4 - 1, 6 / 4 - 1]
    assert math.isnan(lift[2])


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(InvalidData, match="items is at least 1"):
        beyond.coverage(np.full((1, 1), -1, np.int32), 0)
    with pytest.raises(InvalidData, match="users is at least 1"):
        beyond.novelty(TOP, np.ones(3, np.int64), 0)
