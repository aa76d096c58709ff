"""Sparse profiles: multiplied by what they have, or laid out densely where much of it meets the rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.models.base import Batch
from zhiyin.models.profiles import CROWDED, SparseRows

ITEMS, COLUMNS, PEOPLE = 30, 50, 6


def rows_of(seed: int, share: float) -> SparseRows:
    """Random rows; the last five came later and have no postings."""
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((ITEMS, COLUMNS)) < share, rng.normal(size=(ITEMS, COLUMNS)), 0.0)
    rows = sp.csr_array(dense.astype(np.float32))
    return SparseRows(rows, sp.csr_array(rows[: ITEMS - 5].T), 0.8)


def asked(seed: int, length: int) -> Batch:
    rng = np.random.default_rng(seed)
    n = PEOPLE * length
    rows = rng.integers(0, ITEMS, n).astype(np.int32)
    return Batch(np.arange(PEOPLE + 1) * length, rows, np.ones(n, np.float32), np.zeros(n, np.float32))


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.01, 0.1, 0.6]), length=st.integers(0, 12))
def test_every_way_to_multiply_gives_the_products_written_out(seed: int, share: float, length: int) -> None:
    model, batch = rows_of(seed, share), asked(seed, length)
    profiles = model.profiles(batch)
    wanted = profiles.toarray() @ model.rows.toarray().T
    some = np.array([28, 3, 3, 0], np.int32)
    assert model.products(profiles) == pytest.approx(wanted, abs=1e-5)
    assert model.among(batch, some) == pytest.approx(wanted[:, some], abs=1e-5)


@pytest.mark.parametrize(("share", "length", "crowded"), [(0.6, 12, True), (0.005, 1, False)])
def test_both_ways_are_taken(share: float, length: int, crowded: bool) -> None:
    model = rows_of(1, share)
    profiles = model.profiles(asked(1, length))
    met = (model.postings.toarray()[profiles.indices] != 0).sum()
    assert (met > CROWDED * PEOPLE * model.postings.nnz) == crowded
