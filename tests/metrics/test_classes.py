"""Measures of labels: by hand and against another library."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score

from zhiyin.metrics.classes import auroc, brier, calibration_error, macro_f1, per_label


def test_precision_recall_and_f1_agree_with_another_library() -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.integers(4, size=200), rng.integers(4, size=200)
    ours = per_label(np.eye(4, dtype=bool)[said], np.eye(4, dtype=bool)[truth])
    precision, recall, f1, support = precision_recall_fscore_support(truth, said)
    assert ours.precision == pytest.approx(precision)
    assert ours.recall == pytest.approx(recall)
    assert ours.f1 == pytest.approx(f1)
    assert ours.support.tolist() == support.tolist()
    assert macro_f1(np.eye(4, dtype=bool)[said], np.eye(4, dtype=bool)[truth]) == pytest.approx(
        f1_score(truth, said, average="macro")
    )


def test_a_label_that_nobody_has_or_was_told_counts_nothing() -> None:
    said, truth = np.array([[True, False]]), np.array([[True, False]])
    assert per_label(said, truth).f1.tolist() == [1.0, 0.0]
    assert macro_f1(said, truth) == 1.0


def test_calibration_error_is_the_gap_of_each_bin() -> None:
    sure = np.array([0.95, 0.95, 0.55, 0.55])
    right = np.array([True, False, True, False])
    assert calibration_error(sure, right) == pytest.approx((2 * abs(0.95 - 0.5) + 2 * abs(0.55 - 0.5)) / 4)


def test_brier_is_the_squared_distance_from_the_truth() -> None:
    assert brier(np.array([[0.8, 0.2]]), np.array([[1.0, 0.0]])) == pytest.approx(0.08)


def test_the_area_agrees_with_another_library_and_ties_count_half() -> None:
    rng = np.random.default_rng(0)
    higher, lower = rng.integers(8, size=50) + 1.0, rng.integers(8, size=70) * 1.0
    truth = [1] * 50 + [0] * 70
    assert auroc(higher, lower) == pytest.approx(roc_auc_score(truth, [*higher, *lower]))
    assert auroc(np.ones(3), np.ones(4)) == 0.5
    assert np.isnan(auroc(np.ones(0), np.ones(4)))
