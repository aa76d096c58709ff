"""Rows of sparse matrices, against what is meant in so many words."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from zhiyin.data.dataset import Floats
from zhiyin.models.sparse import prune, top_of_rows

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
