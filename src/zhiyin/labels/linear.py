"""Linear heads: regularised logistic regression, one softmax over labels that exclude each other, or a sigmoid
each.

The mean of the cross-entropy plus reg/2 · ‖W‖², by L-BFGS (Liu & Nocedal 1989). Rows are dense or sparse; the bias
bears no penalty. Cox 1958; McFadden 1974.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit, log_softmax, softmax

from zhiyin.data.dataset import Doubles, Floats

Arrays = Mapping[str, npt.NDArray[np.generic]]
Features: TypeAlias = Floats | sp.csr_array

ITERATIONS = 100
CLOSE = 1e-5  # relative gain of a step below which the search ends
FEW = 1_500  # texts up to which wide rows are turned into as many columns as there are texts
FLAT = 1e-6  # share of the largest direction below which one is noise


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores are rows @ weights + bias."""

    weights: Floats  # (D, K)
    bias: Floats  # (K,)

    def scores(self, rows: Features) -> Floats:
        """(n, K) log-probabilities up to a constant a row; of labels that stand alone, log-odds."""
        return np.asarray(rows @ self.weights + self.bias, np.float32)

    def arrays(self) -> Arrays:
        return {"weights": self.weights, "bias": self.bias}


def fit_logistic(rows: Features, truth: Floats, reg: float, *, multi: bool, start: Linear | None = None) -> Linear:
    """The head of the smallest loss, from `start` on where rows are not turned."""
    if isinstance(rows, sp.csr_array) and rows.shape[0] <= FEW and rows.shape[0] < rows.shape[1]:
        narrow, back = _narrow(rows)
        head = _searched(narrow, truth, reg, None, multi=multi)
        return Linear(np.asarray(back @ head.weights, np.float32), head.bias)
    return _searched(rows, truth, reg, start, multi=multi)


def _narrow(rows: sp.csr_array) -> tuple[Floats, Floats]:
    """(n, r) dense rows with the same products, and the (D, r) way back: a head of the smallest norm lies within
    what the rows span (the representer theorem, Kimeldorf & Wahba 1971)."""
    sizes, turned = np.linalg.eigh((rows @ rows.T).toarray().astype(np.float64))
    told = sizes > FLAT * sizes[-1]
    roots = np.sqrt(sizes[told])
    narrow = (turned[:, told] * roots).astype(np.float32)
    return narrow, np.asarray(rows.T @ (turned[:, told] / roots), np.float32)


def _searched(rows: Features, truth: Floats, reg: float, start: Linear | None, *, multi: bool) -> Linear:
    n, n_labels, dim = len(truth), truth.shape[1], rows.shape[1]
    turned = rows.T.tocsr() if isinstance(rows, sp.csr_array) else np.ascontiguousarray(rows.T)

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        head = flat.reshape(dim + 1, n_labels)
        weights = head[:dim].astype(np.float32)
        scores = np.asarray(rows @ weights, np.float32) + head[dim].astype(np.float32)
        value, gap = errors(scores, truth, multi=multi)
        slope = np.empty_like(head)
        slope[:dim] = (turned @ gap) / n + reg * weights
        slope[dim] = gap.sum(axis=0, dtype=np.float64) / n
        return value + 0.5 * reg * float(np.vdot(weights, weights)), slope.ravel()

    first = np.zeros((dim + 1, n_labels)) if start is None else np.vstack([start.weights, start.bias])
    head = lowest(loss, first.ravel().astype(np.float64)).reshape(dim + 1, n_labels).astype(np.float32)
    return Linear(head[:dim], head[dim])


def lowest(loss: Callable[[Doubles], tuple[float, Doubles]], first: Doubles) -> Doubles:
    """Where L-BFGS ends that begins at `first`; `loss` gives its value and its slope."""
    from scipy.optimize import minimize  # noqa: PLC0415  # heavy, and a server never learns

    options = {"maxiter": ITERATIONS, "ftol": CLOSE, "gtol": 1e-6, "maxcor": 8}
    return np.asarray(minimize(loss, first, jac=True, method="L-BFGS-B", options=options).x, np.float64)


def log_probabilities(scores: Floats, *, multi: bool) -> Floats:
    """(n, K) of scores: log-softmax; of labels that stand alone the log-odds as they are."""
    return scores if multi else np.asarray(log_softmax(scores, axis=1), np.float32)


def probabilities(scores: Floats, *, multi: bool) -> Doubles:
    """(n, K) of scores."""
    scores = scores.astype(np.float64)
    return np.asarray(expit(scores) if multi else softmax(scores, axis=1))


def log_loss(scores: Floats, truth: Floats, *, multi: bool) -> float:
    """Mean cross-entropy of a text."""
    return errors(scores, truth, multi=multi)[0]


def errors(scores: Floats, truth: Floats, *, multi: bool) -> tuple[float, Floats]:
    """The mean loss of a text, and its slope by the scores, a text's own. Of labels that exclude each other a text
    counts as much as its row of `truth` sums to."""
    if multi:
        value = float((np.logaddexp(0.0, scores) - truth * scores).sum() / len(truth))
        return value, expit(scores) - truth
    logs = log_softmax(scores, axis=1)
    return -float((logs * truth).sum() / len(truth)), np.exp(logs) * truth.sum(axis=1, keepdims=True) - truth
