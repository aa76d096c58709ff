"""Alternating least squares: each half-step by the dense equations, the minimum by its gradient, all of it by
another library."""

import numpy as np
import pytest
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.models.als import Fixed, Lists, Plan, Weights, addends, alternate, solved
from zhiyin.progress import Silent

WEIGHTS = Weights(unobserved=0.3, reg=0.05, power=0.7)


def taken(n_users: int = 60, n_items: int = 40, seed: int = 2) -> sp.csr_array:
    """Histories of 0 to 30 items of two kinds."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n_users)[:, None] == (np.arange(n_items) % 2)[None, :]
    chance = np.where(kind, 0.6, 0.1) * rng.random((n_users, 1))
    chance[0] = 0.0
    return sp.csr_array((rng.random((n_users, n_items)) < chance).astype(np.float32))


def dense_step(fixed: Floats, matrix: Doubles, ridge: Doubles) -> Doubles:
    """(n, D) the equations as the paper has them, one by one."""
    gram = WEIGHTS.unobserved * fixed.T @ fixed
    eye = np.eye(fixed.shape[1])
    return np.array(
        [
            np.linalg.solve(gram + (fixed.T * row) @ fixed + more * eye, fixed.T @ row)
            for row, more in zip(matrix, ridge, strict=True)
        ]
    )


def loss_and_gradient(users: Doubles, items: Doubles, matrix: Doubles) -> tuple[float, Doubles, Doubles]:
    """L of the module's docstring, and its derivatives."""
    products = users @ items.T
    of_users = WEIGHTS.ridge(matrix.sum(axis=1), matrix.shape[1])[:, None]
    of_items = WEIGHTS.ridge(matrix.sum(axis=0), matrix.shape[0])[:, None]
    value = (matrix * (products - 1) ** 2).sum() + WEIGHTS.unobserved * (products**2).sum()
    value += (of_users * users**2).sum() + (of_items * items**2).sum()
    slope = matrix * (products - 1) + WEIGHTS.unobserved * products
    return value, slope @ items + of_users * users, slope.T @ users + of_items * items


def users_of(items: Fixed, matrix: sp.csr_array) -> Floats:
    lists = Lists.of(matrix)
    return solved(items, lists, WEIGHTS.ridge(lists.counts, matrix.shape[1]))


@pytest.mark.parametrize("dim", [3, 12, 50])
def test_a_half_step_solves_the_dense_equations_of_short_and_of_long_lists(dim: int) -> None:
    matrix = taken()
    fixed = Fixed.of(np.random.default_rng(1).normal(size=(40, dim)).astype(np.float32), WEIGHTS.unobserved)
    wanted = dense_step(
        fixed.vectors.astype(np.float64),
        matrix.toarray().astype(np.float64),
        WEIGHTS.ridge(matrix.sum(axis=1), 40).astype(np.float64),
    )
    found = users_of(fixed, matrix)
    np.testing.assert_allclose(found, wanted, atol=2e-4)
    assert not found[0].any(), "an empty list"


def test_turning_a_side_changes_no_product() -> None:
    vectors = np.random.default_rng(1).normal(size=(30, 5)).astype(np.float32)
    turned = Fixed.of(vectors, 0.3)
    np.testing.assert_allclose(turned.vectors @ turned.vectors.T, vectors @ vectors.T, atol=1e-4)
    gram = turned.vectors.T @ turned.vectors
    np.testing.assert_allclose(gram, np.diag(turned.spread / 0.3), atol=1e-4)


@pytest.mark.slow
def test_every_epoch_lowers_the_loss_and_the_last_leaves_it_flat() -> None:
    matrix = taken()
    losses = []
    for epochs in (1, 2, 4, 8, 200):
        items = alternate(matrix, Plan(4, epochs, WEIGHTS, seed=3), Silent())
        users = users_of(items, matrix).astype(np.float64)
        value, of_users, of_items = loss_and_gradient(
            users, items.vectors.astype(np.float64), matrix.toarray().astype(np.float64)
        )
        assert np.abs(of_users).max() < 1e-3, "people were solved last"
        losses.append(value)
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 1.02 * losses[-1]
    assert np.abs(of_items).max() < 2e-2


@pytest.mark.slow
def test_what_is_solved_of_a_part_is_a_good_beginning_for_the_whole() -> None:
    matrix = taken()
    part = sp.csr_array(matrix * (np.random.default_rng(5).random(matrix.shape) < 0.9))
    dense = matrix.toarray().astype(np.float64)

    def loss(items: Fixed) -> float:
        users = users_of(items, matrix).astype(np.float64)
        return loss_and_gradient(users, items.vectors.astype(np.float64), dense)[0]

    before = alternate(part, Plan(4, 6, WEIGHTS, seed=3), Silent())
    on = alternate(matrix, Plan(4, 3, WEIGHTS, seed=3), Silent(), before.vectors)
    anew = alternate(matrix, Plan(4, 3, WEIGHTS, seed=3), Silent())
    assert loss(on) < loss(anew)


def test_addends_of_a_list_sum_to_its_vector() -> None:
    items = alternate(taken(), Plan(6, 3, WEIGHTS, seed=3), Silent())
    for n in (0, 1, 4, 30):
        rng = np.random.default_rng(n)
        rows, values = rng.integers(0, 40, n).astype(np.int32), rng.normal(size=n).astype(np.float32)
        lists = Lists(np.array([0, n], np.int64), rows, values)
        ridge = WEIGHTS.ridge(lists.counts, 40)
        found = addends(items, rows, values, float(ridge[0]))
        assert found.shape == (n, 6)
        np.testing.assert_allclose(found.sum(axis=0), solved(items, lists, ridge)[0], atol=1e-5)


def test_another_library_finds_the_same_products() -> None:
    """Its taken pairs have the confidence 1 + 1/α where ours have the weight 1 beside α. So it wants products of
    1 + α there, and vectors are longer by the root of that: its λ is ours times (1 + α) / α."""
    alpha, reg, dim, epochs = 0.25, 0.4, 5, 6
    matrix, rng = taken(), np.random.default_rng(8)
    plan = Plan(dim, epochs, Weights(alpha, reg, power=0.0), seed=8)
    items = alternate(matrix, plan, Silent())
    ours = solved(items, Lists.of(matrix), np.full(60, reg, np.float32)) @ items.vectors.T
    with threadpool_limits(1):
        theirs = AlternatingLeastSquares(
            dim,
            regularization=reg * (1 + alpha) / alpha,
            iterations=epochs,
            use_cg=False,
            num_threads=1,
            alpha=1.0,
        )
        theirs.item_factors = rng.normal(0.0, 0.1 / np.sqrt(dim), (40, dim)).astype(np.float32)
        theirs.item_factors *= np.float32(np.sqrt(1 + alpha))
        theirs.user_factors = np.zeros((60, dim), np.float32)
        theirs.fit(sp.csr_matrix(matrix * np.float32(1 + 1 / alpha)), show_progress=False)
        users = theirs.recalculate_user(np.arange(60), sp.csr_matrix(matrix * np.float32(1 + 1 / alpha)))
    assert np.abs(ours).max() > 0.5
    np.testing.assert_allclose(users @ theirs.item_factors.T, ours * (1 + alpha), atol=2e-3)
