"""Rows of sparse matrices, against what is meant in so many words."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from zhiyin.data.dataset import Floats
from zhiyin.models.sparse import Sum, prune, top_of_rows

numbers = st.sampled_from([0.0, 0.0, 0.5, -0.5, 1.0, -2.0, 3.0])  # ties, zeros, both signs
blocks = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=numbers)


def largest(row: Floats, k: int) -> Floats:
    """The k entries of largest magnitude, of ties the first; the others 0."""
    order = sorted(range(len(row)), key=lambda place: (-abs(float(row[place])), place))
    return np.array([value if place in order[:k] else 0.0 for place, value in enumerate(row)], np.float32)


@given(blocks, st.integers(0, 14))
def test_the_top_of_rows_is_the_largest_entries_of_each(block: Floats, k: int) -> None:
    top = top_of_rows(block, k)
    np.testing.assert_array_equal(top.toarray(), [largest(row, k) for row in block])
    assert np.all(top.data != 0)
    assert top.has_sorted_indices


@given(blocks, st.integers(1, 14))
def test_pruning_leaves_as_large_entries_in_each_row(block: Floats, k: int) -> None:
    left = prune(sp.csr_array(block), k).toarray()
    assert np.all((left == block) | (left == 0))
    for row, kept in zip(block, left, strict=True):
        np.testing.assert_array_equal(np.sort(np.abs(kept)), np.sort(np.abs(largest(row, k))))


@given(parts=st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6), max_size=6))
def test_entries_that_come_in_parts_are_added_up_however_many_wait(parts: list[list[tuple[int, int]]]) -> None:
    wanted, waiting, at_once = np.zeros((5, 5), np.float32), Sum(5), Sum(5, most=4)
    for n, part in enumerate(parts):
        rows, columns = (np.array([pair[side] for pair in part], np.int32) for side in (0, 1))
        for total in (waiting, at_once):
            total.add(rows, columns, np.full(len(part), n + 0.5))
        np.add.at(wanted, (rows, columns), np.float32(n + 0.5))
    np.testing.assert_array_equal(waiting.total().toarray(), wanted)
    np.testing.assert_array_equal(at_once.total().toarray(), wanted)
