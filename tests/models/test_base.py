"""Batches, and the one function that ranks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.models.base import Batch, best, history_batch


@given(st.lists(st.integers(-3, 3), max_size=60), st.integers(0, 70))
def test_best_agrees_with_a_full_sort_and_ties_go_by_row(scores: list[int], k: int) -> None:
    found = best(np.array(scores, np.float32), k)
    assert found.tolist() == sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:k]


def test_best_names_the_rows_that_the_scores_belong_to() -> None:
    assert best(np.array([0.5, 2.0, 0.5]), 2, np.array([10, 20, 30])).tolist() == [20, 10]


def test_back_counts_the_newer_entries_of_the_same_history() -> None:
    batch = Batch(np.array([0, 3, 3, 5]), np.array([4, 1, 4, 2, 9], np.int32), np.ones(5), np.zeros(5))
    assert batch.back.tolist() == [2, 1, 0, 1, 0]
    assert batch.askers.tolist() == [0, 0, 0, 2, 2]
    assert batch.lengths.tolist() == [3, 0, 2]


def test_the_matrix_sums_repeats_and_leaves_later_items_out() -> None:
    batch = history_batch([1, 1, 3], [1.0, 0.5, 1.0], [0.0] * 3)
    assert batch.matrix(3, batch.weights).toarray().tolist() == [[0.0, 1.5, 0.0]]
