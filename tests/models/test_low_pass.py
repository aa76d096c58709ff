"""The broad strokes of taste: a projection on main axes, whatever the spectrum."""

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from zhiyin.models.low_pass import _by_iteration, low_pass, main_axes


def test_axes_are_those_of_a_dense_decomposition() -> None:
    left, strengths, right = np.linalg.svd(np.random.default_rng(0).random((30, 20)), full_matrices=False)
    matrix = sp.csr_array(left * np.where(np.arange(20) < 4, 5.0, strengths / 5) @ right)
    for axes in (main_axes(matrix, 4), _by_iteration(matrix, 4)[1]):
        np.testing.assert_allclose(axes.T @ axes, right[:4].T @ right[:4], atol=1e-8)


def few_each() -> npt.NDArray[np.bool_]:
    """One person took most items, all others one or two: Lanczos has no solution, `ARPACK error 3`."""
    rng = np.random.default_rng(9)
    taken = rng.random((150, 300)) < 1.5 / 300
    taken[0] = rng.random(300) < 0.6
    return taken[:, taken.any(axis=0)]


@pytest.mark.parametrize(
    "taken",
    [few_each(), np.eye(300), np.ones((150, 120)), np.kron(np.eye(30), np.ones((5, 5)))],
    ids=["few each", "one item each", "all alike", "five of a kind"],
)
def test_axes_that_cannot_be_told_apart_stop_nothing(taken: npt.NDArray[np.generic]) -> None:
    links = low_pass(sp.csr_array(taken.astype(np.float32)), 32)
    assert np.isfinite(links).all()
    assert not links.diagonal().any()


def test_axes_that_are_nothing_say_nothing() -> None:
    axes = main_axes(sp.csr_array(np.ones((50, 40))), 8)
    assert axes.shape == (1, 40)
    np.testing.assert_allclose(np.abs(axes), 40**-0.5)
