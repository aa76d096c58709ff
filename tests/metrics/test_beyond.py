"""Coverage, evenness, novelty, variety and popularity of lists, by hand."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

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


def shares(*rows: list[float]) -> sp.csr_array:
    return sp.csr_array(np.array(rows))


HALVES = shares([1, 0], [0.5, 0.5], [0, 1], [0, 0])


def test_a_list_in_the_mixture_of_the_history_is_calibrated() -> None:
    top = np.array([[0, 2], [1, 3], [0, -1]], np.int32)
    got = beyond.miscalibration(top, Ragged.of([[1, 1], [0, 2], [0, 3]]), HALVES)
    assert got == pytest.approx([0, 0, 0], abs=1e-12)


def test_a_list_that_leaves_a_taste_out_pays_for_its_share() -> None:
    got = beyond.miscalibration(np.array([[0, 0]], np.int32), Ragged.of([[0, 2]]), HALVES)
    mixed = 0.99 * np.array([1, 0]) + 0.01 * np.array([0.5, 0.5])
    assert got[0] == pytest.approx(entropy([0.5, 0.5], mixed))


def test_without_categories_there_is_no_calibration() -> None:
    top = np.array([[3, -1], [0, 1]], np.int32)
    assert np.isnan(beyond.miscalibration(top, Ragged.of([[0], [3]]), HALVES)).all()


@given(st.integers(0, 2**32 - 1))
def test_calibration_is_the_divergence_that_scipy_computes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.integers(0, 3, (12, 4)).astype(np.float64)
    dense /= np.maximum(dense.sum(axis=1, keepdims=True), 1)
    top = np.where(rng.random((6, 5)) < 0.2, -1, rng.integers(0, 12, (6, 5))).astype(np.int32)
    histories = Ragged.of([rng.integers(0, 12, rng.integers(0, 7)) for _ in range(6)])
    got = beyond.miscalibration(top, histories, sp.csr_array(dense))
    for user in range(6):
        p, q = dense[histories[user]].sum(axis=0), dense[top[user][top[user] >= 0]].sum(axis=0)
        if not p.sum() or not q.sum():
            assert math.isnan(got[user])
            continue
        p, q = p / p.sum(), q / q.sum()
        assert got[user] == pytest.approx(entropy(p, 0.99 * q + 0.01 * p), abs=1e-12)
        assert 0 <= got[user] <= math.log(100) + 1e-12


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_a_list_changes_nothing_of_this(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(9, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    support, histories = rng.integers(1, 50, 9), Ragged.of([rng.integers(0, 9, 4) for _ in range(3)])
    top = rng.permuted(np.tile(np.arange(9, dtype=np.int32), (3, 1)), axis=1)[:, :5]
    mixed = rng.permuted(top, axis=1)
    for one, other in zip(*(measured(lists, vectors, support, histories) for lists in (top, mixed)), strict=True):
        assert one == pytest.approx(other)


def measured(top: np.ndarray, vectors: np.ndarray, support: np.ndarray, histories: Ragged) -> list[np.ndarray]:
    categories = sp.csr_array(np.eye(3)[np.arange(9) % 3])
    return [
        np.array([beyond.coverage(top, 9), beyond.gini(top, 9)]),
        beyond.novelty(top, support, 60),
        beyond.diversity(top, vectors.astype(np.float32)),
        beyond.popularity_lift(top, histories, support),
        beyond.miscalibration(top, histories, categories),
    ]


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(InvalidData, match="items is at least 1"):
        beyond.coverage(np.full((1, 1), -1, np.int32), 0)
    with pytest.raises(InvalidData, match="users is at least 1"):
        beyond.novelty(TOP, np.ones(3, np.int64), 0)
