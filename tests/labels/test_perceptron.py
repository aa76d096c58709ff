"""A head that bends, against hand calculation, differences and the straight head that it begins with."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.labels.choosing import Candidate, Folded, candidates, stratified
from zhiyin.labels.linear import Linear, fit_logistic, log_loss
from zhiyin.labels.perceptron import STIFF, Perceptron, _slopes, fit_perceptron


def crossed(n: int = 400, seed: int = 0) -> tuple[Floats, Floats]:
    """Two labels, each in two opposite corners, so that no straight line parts them."""
    rng = np.random.default_rng(seed)
    rows = (rng.choice([-1.0, 1.0], size=(n, 2)) + 0.3 * rng.normal(size=(n, 2))).astype(np.float32)
    return rows, np.eye(2, dtype=np.float32)[(rows.prod(axis=1) > 0).astype(int)]


def straight(n: int = 400, seed: int = 0) -> tuple[Floats, Floats]:
    """Two labels, parted by a line as well as can be."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4)).astype(np.float32)
    label = (rows[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int)
    return rows, np.eye(2, dtype=np.float32)[label]


def found_in(rows: Floats, truth: Floats) -> dict[str, Candidate]:
    folds = stratified(truth, np.random.default_rng(0))
    return {one.kind: one for one in candidates(Folded("v", rows, truth, folds, multi=False))}


def test_scores_are_the_straight_ones_and_what_the_units_add() -> None:
    head = Perceptron(
        Linear(np.array([[1.0], [0.0]], np.float32), np.array([0.5], np.float32)),
        Linear(np.array([[0.0], [2.0]], np.float32), np.array([1.0], np.float32)),
        np.array([[3.0]], np.float32),
    )
    assert head.scores(np.array([[2.0, -1.0]], np.float32)) == pytest.approx(np.array([[2.5 + 3 * np.tanh(-1.0)]]))


@pytest.mark.parametrize("multi", [False, True])
def test_slopes_are_the_differences_of_the_loss(multi: bool) -> None:
    rng = np.random.default_rng(1)
    rows, truth = straight(30)
    parts = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 2), (2,), (4, 3), (3,), (3, 2))]
    _, slopes = _slopes(rows, truth, parts, multi=multi)
    for n, slope in enumerate(slopes):
        moved = [[*parts[:n], parts[n] + np.float32(step), *parts[n + 1 :]] for step in (0.01, -0.01)]
        up, down = (_slopes(rows, truth, some, multi=multi)[0] for some in moved)
        assert (up - down) / 0.02 == pytest.approx(float(slope.sum()), abs=2e-3)


def test_what_no_line_parts_is_parted_by_bending() -> None:
    rows, truth = crossed()
    asked, wanted = crossed(seed=1)
    line = fit_logistic(rows, truth, 1e-4, multi=False)
    bent = fit_perceptron(rows, truth, 1e-4, line, multi=False)
    assert (line.scores(asked).argmax(1) == wanted.argmax(1)).mean() < 0.7
    assert (bent.scores(asked).argmax(1) == wanted.argmax(1)).mean() > 0.97
    assert log_loss(bent.scores(rows), truth, multi=False) < log_loss(line.scores(rows), truth, multi=False)


def test_units_that_cost_too_much_leave_the_straight_head() -> None:
    rows, truth = crossed(60)
    line = fit_logistic(rows, truth, 1.0, multi=False)
    bent = fit_perceptron(rows, truth, 1.0, line, multi=False)
    assert STIFF > 1
    assert bent.scores(rows) == pytest.approx(line.scores(rows), abs=0.05)


@pytest.mark.slow
def test_held_out_folds_choose_whether_to_bend() -> None:
    bends, plain = found_in(*crossed()), found_in(*straight())
    assert bends["perceptron"].loss < 0.5 * bends["logistic"].loss
    assert "perceptron" not in plain


def test_few_examples_are_not_bent_for() -> None:
    rows, truth = crossed(30)
    assert "perceptron" not in found_in(rows, truth)
