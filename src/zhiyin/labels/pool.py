"""Several heads as one: the weighted sum of their log-probabilities, weights of the lowest held-out log loss.

The log-linear pool (Genest & Zidek 1986) fitted as Wolpert 1992 does, on what each head says of texts that it did
not learn from. Its one scale does what a temperature does (Guo et al. 2017), so what comes out is calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.labels.linear import log_loss, log_probabilities, probabilities

SLIGHT = 0.03  # share of the weight below which a head is left out
MOST = 20_000  # texts that weights are fitted on
HIGHEST = 20.0
DRAWN = 1e-3  # towards equal weights, where heads say the same


def pooled(said: Sequence[Floats], weights: Doubles, *, multi: bool) -> Floats:
    """(n, K) scores of all heads together."""
    parts = [
        np.float32(weight) * log_probabilities(scores, multi=multi)
        for scores, weight in zip(said, weights, strict=True)
        if weight > 0
    ]
    return np.asarray(np.sum(parts, axis=0), np.float32)


def pool_weights(said: Sequence[Floats], truth: Floats, *, multi: bool) -> Doubles:
    """(V,) weights, zero for heads that add next to nothing."""
    if len(truth) > MOST:
        step = -(-len(truth) // MOST)
        said, truth = [scores[::step] for scores in said], truth[::step]
    used = np.ones(len(said), bool)
    weights = _fitted(said, truth, used, multi=multi)
    while (slight := used & (weights < SLIGHT * weights.sum())).any():
        used &= ~slight
        weights = _fitted(said, truth, used, multi=multi)
    return weights


def _fitted(said: Sequence[Floats], truth: Floats, used: np.ndarray, *, multi: bool) -> Doubles:
    from scipy.optimize import minimize  # noqa: PLC0415  # heavy, and a server never learns

    logs = np.stack([log_probabilities(said[n], multi=multi) for n in np.flatnonzero(used).tolist()])  # (V, n, K)
    even = np.full(len(logs), 1.0 / len(logs))

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        scores = np.tensordot(weights.astype(np.float32), logs, 1)
        gap = (probabilities(scores, multi=multi) - truth).astype(np.float32)
        slope = np.array([np.vdot(gap, one) for one in logs], np.float64) / len(truth)
        away = weights - weights.mean()
        value = log_loss(scores, truth, multi=multi) + 0.5 * DRAWN * float(away @ away)
        return value, slope + DRAWN * away

    found = minimize(loss, even, jac=True, method="L-BFGS-B", bounds=[(0.0, HIGHEST)] * len(logs))
    weights = np.zeros(len(said))
    weights[used] = found.x
    return weights if weights.sum() > 0 else used / used.sum()
