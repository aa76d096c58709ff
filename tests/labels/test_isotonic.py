"""The curve that makes probabilities true, against another library and by its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.labels.isotonic import KEPT, Curve, proven
from zhiyin.metrics.classes import calibration_error

SAID = st.lists(st.tuples(st.integers(0, 20).map(lambda n: n / 20), st.booleans()), min_size=1, max_size=60)


def thrown(n: int, power: float, seed: int = 0) -> tuple[Doubles, Mask]:
    """(n, 3) probabilities that are said, and labels drawn by their `power`, scaled: too sure of themselves below
    1, too modest above."""
    rng = np.random.default_rng(seed)
    said = rng.dirichlet([0.6, 0.6, 0.6], n)
    true = said**power / (said**power).sum(axis=1, keepdims=True)
    label = (true.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return said, np.eye(3, dtype=bool)[label]


def test_neighbours_that_fall_are_pooled_by_hand() -> None:
    curve = Curve.fit(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, True, False, True]))
    assert curve.at.tolist() == [0.1, 0.1, 0.2, 0.3, 0.4, 0.4]
    assert curve.value.tolist() == [0, 0, 0.5, 0.5, 1, 1]


@given(SAID)
def test_the_curve_is_that_of_another_library(told: list[tuple[float, bool]]) -> None:
    said, right = np.array([p for p, _ in told]), np.array([true for _, true in told])
    curve = Curve.fit(said, right)
    other = IsotonicRegression(out_of_bounds="clip").fit(said, right)
    asked = np.linspace(0, 1, 41)
    assert np.interp(asked, curve.at, curve.value) == pytest.approx(other.predict(asked))


@given(SAID, st.integers(0, 1_000))
def test_the_order_of_labels_is_kept_and_nothing_is_impossible(told: list[tuple[float, bool]], seed: int) -> None:
    curve = Curve.fit(np.array([p for p, _ in told]), np.array([true for _, true in told]))
    said = np.random.default_rng(seed).dirichlet([0.5, 0.5, 0.5], 20)
    bent = curve.bent(said, multi=False)
    assert bent.sum(axis=1) == pytest.approx(1)
    assert (bent.argsort(axis=1) == said.argsort(axis=1)).all()
    assert (bent[said > 0] > 0).all()


def test_labels_that_stand_alone_are_not_scaled() -> None:
    curve = Curve(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    said = np.array([[0.2, 1.0]])
    assert curve.bent(said, multi=True) == pytest.approx((1 - KEPT) * 0.5 + KEPT * said)


@pytest.mark.parametrize("multi", [False, True])
def test_what_is_too_sure_of_itself_is_bent_and_comes_true(multi: bool) -> None:
    curve, bent = proven(*thrown(3_000, 0.4), multi=multi)
    said, truth = thrown(3_000, 0.4, 1)
    assert curve is not None
    assert bent.shape == said.shape
    after = curve.bent(said, multi=multi)
    right = truth[np.arange(len(truth)), said.argmax(axis=1)]
    assert calibration_error(after.max(axis=1), right) < 0.04 < calibration_error(said.max(axis=1), right)


def test_what_is_true_already_stays_as_it_is() -> None:
    said, truth = thrown(3_000, 1.0)
    curve, same = proven(said, truth, multi=False)
    assert curve is None
    assert same is said
