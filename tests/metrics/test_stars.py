"""Errors of predicted ratings, by hand and as scikit-learn has them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from zhiyin.data.ragged import pointers
from zhiyin.metrics.stars import mae, rmse

ERRORS = np.array([1.0, -3.0, np.nan, 2.0])


def test_errors_are_averaged_user_by_user() -> None:
    indptr = pointers([2, 0, 1, 1])
    assert mae(ERRORS, indptr)[[0, 3]].tolist() == [2.0, 2.0]
    assert rmse(ERRORS, indptr)[0] == pytest.approx(np.sqrt(5))
    for errors in (mae(ERRORS, indptr), rmse(ERRORS, indptr)):
        assert np.isnan(errors[1:3]).all(), "nothing was rated"


@given(
    st.lists(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=5), min_size=1, max_size=5)
)
def test_each_users_errors_are_scikit_learns(users: list[list[tuple[float, float]]]) -> None:
    errors = np.array([predicted - given for pairs in users for predicted, given in pairs])
    indptr = pointers([len(pairs) for pairs in users])
    for user, pairs in enumerate(users):
        predicted, truth = zip(*pairs, strict=True)
        assert mae(errors, indptr)[user] == pytest.approx(mean_absolute_error(truth, predicted))
        assert rmse(errors, indptr)[user] == pytest.approx(root_mean_squared_error(truth, predicted))
    assert (rmse(errors, indptr) >= mae(errors, indptr) - 1e-12).all()
