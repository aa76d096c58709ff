"""Linear heads against hand calculation and against another library."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from zhiyin.data.dataset import Floats
from zhiyin.labels.linear import FEW, fit_logistic, log_loss, probabilities
from zhiyin.labels.prototypes import Prototypes


def blobs(n: int = 120, dim: int = 6, n_labels: int = 3, seed: int = 1) -> tuple[Floats, np.ndarray, Floats]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_labels
    rows = (np.eye(dim)[labels] * 1.5 + rng.normal(size=(n, dim))).astype(np.float32)
    return rows, labels, np.eye(n_labels, dtype=np.float32)[labels]


def test_softmax_regression_agrees_with_another_library() -> None:
    rows, labels, truth = blobs()
    reg = 0.01
    ours = probabilities(fit_logistic(rows, truth, reg, multi=False).scores(rows), multi=False)
    other = LogisticRegression(C=1 / (reg * len(rows)), tol=1e-8, max_iter=1_000).fit(rows, labels)
    assert ours == pytest.approx(other.predict_proba(rows), abs=0.01)


def test_labels_that_stand_alone_are_one_regression_each() -> None:
    rows, labels, truth = blobs()
    reg = 0.01
    ours = probabilities(fit_logistic(rows, truth, reg, multi=True).scores(rows), multi=True)
    for label in range(3):
        other = LogisticRegression(C=1 / (reg * len(rows)), tol=1e-8, max_iter=1_000).fit(rows, labels == label)
        assert ours[:, label] == pytest.approx(other.predict_proba(rows)[:, 1], abs=0.01)


def test_a_text_counts_as_much_as_its_row_of_the_truth() -> None:
    rows, labels, truth = blobs()
    counts = np.where(np.arange(len(rows)) % 4, 0.3, 1.0).astype(np.float32)
    ours = probabilities(fit_logistic(rows, truth * counts[:, None], 0.01, multi=False).scores(rows), multi=False)
    other = LogisticRegression(C=1 / (0.01 * len(rows)), tol=1e-8, max_iter=1_000).fit(rows, labels, counts)
    assert ours == pytest.approx(other.predict_proba(rows), abs=0.01)
    twice = Prototypes.of(np.vstack([rows, rows]), np.vstack([truth, truth]))
    once = Prototypes.of(rows, 2 * truth)
    assert once.drawn(0.3).scores(rows) == pytest.approx(twice.drawn(0.3).scores(rows), abs=1e-3)


def test_wide_sparse_rows_give_the_same_head_turned_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = sp.csr_array(sp.random(60, 400, 0.05, random_state=rng, dtype=np.float32, format="csr"))
    truth = np.eye(3, dtype=np.float32)[np.arange(60) % 3]
    turned = fit_logistic(rows, truth, 0.001, multi=False)
    assert FEW > 60
    monkeypatch.setattr("zhiyin.labels.linear.FEW", 10)
    plain = fit_logistic(rows, truth, 0.001, multi=False)
    assert probabilities(turned.scores(rows), multi=False) == pytest.approx(
        probabilities(plain.scores(rows), multi=False), abs=0.02
    )


def test_the_loss_of_even_chances_is_the_log_of_how_many_there_are() -> None:
    truth = np.eye(4, dtype=np.float32)
    assert log_loss(np.zeros((4, 4), np.float32), truth, multi=False) == pytest.approx(np.log(4))
    assert log_loss(np.zeros((4, 4), np.float32), truth, multi=True) == pytest.approx(4 * np.log(2))


def test_prototypes_agree_with_discriminant_analysis_where_nothing_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zhiyin.labels.prototypes.DRAWN", 0.0)
    rows, labels, truth = blobs(300)
    scores = Prototypes.of(rows, truth).drawn(0.0).scores(rows)
    other = LinearDiscriminantAnalysis(solver="lsqr").fit(rows, labels)
    assert probabilities(scores, multi=False) == pytest.approx(other.predict_proba(rows), abs=0.02)


def test_prototypes_drawn_all_the_way_tell_by_the_nearest_middle() -> None:
    rows = np.array([[0, 0], [0, 2], [4, 0], [4, 2]], np.float32)
    truth = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    scores = Prototypes.of(rows, truth).drawn(1.0).scores(np.array([[1.9, 9.0], [2.1, -9.0]], np.float32))
    assert scores.argmax(axis=1).tolist() == [0, 1]
