"""What is expected of an act that was not done: ridge regression that never predicts what it was fitted to.

A linear model is enough to steady an estimate that is right without it (zhiyin.metrics.off_policy.dr), and of a
choice by chance it expects what it expects of the mean features: no table of predictions is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows

FOLDS = 5
LADDER = 10.0 ** np.arange(-6.0, 3.1)  # of ridges, in units of the largest eigenvalue


@dataclass(frozen=True, slots=True)
class Linear:
    """mean + (x - centre) · weights."""

    mean: float
    centre: Doubles  # (d,)
    weights: Doubles  # (d,)

    def of(self, x: Floats) -> Doubles:
        """(m,) of (m, d) features."""
        return self.mean + (x - self.centre) @ self.weights


def ridge(x: Floats, y: Doubles) -> Linear:
    """Fitted to (m, d) features and (m,) rewards, features taken as equally wide, the ridge by generalised
    cross-validation (Golub, Heath & Wahba 1979). The mean of nothing is 0."""
    m = len(y)
    if not m:
        return Linear(0.0, np.zeros(x.shape[1]), np.zeros(x.shape[1]))
    told, centre, mean = x.astype(np.float64), x.mean(axis=0, dtype=np.float64), float(y.mean())
    told -= centre
    scale = told.std(axis=0)
    scale = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 1e-12)
    told *= scale
    values, axes = np.linalg.eigh(told.T @ told)
    values, pulls = np.maximum(values, 0.0), axes.T @ (told.T @ (y - mean))
    strengths = LADDER * max(float(values[-1]), 1e-12)
    kept = 1.0 / (values + strengths[:, None])  # (G, d)
    missed = ((y - mean) ** 2).sum() - (pulls**2 * kept * (2.0 - values * kept)).sum(axis=1)
    freedom = 1.0 + (values * kept).sum(axis=1)
    best = int((missed / np.maximum(m - freedom, 1e-9) ** 2).argmin())
    return Linear(mean, centre, scale * (axes @ (pulls * kept[best])))


def crossed(done: Floats, rewards: Doubles, people: Rows, *asked: Floats) -> tuple[Doubles, ...]:
    """(m,) predictions for each of the `asked` (m, d) features: of everybody by a model of the others.
    (m, d) features and (m,) rewards of what was done, (m,) whose it is."""
    models, folds = of_others(done, rewards, people), people % FOLDS
    found = tuple(np.zeros(len(rewards)) for _ in asked)
    for fold, model in enumerate(models):
        for predicted, features in zip(found, asked, strict=True):
            predicted[folds == fold] = model.of(features[folds == fold])
    return found


def of_others(done: Floats, rewards: Doubles, people: Rows) -> list[Linear]:
    """FOLDS models, that of person p being number p % FOLDS, which did not see them."""
    folds = people % FOLDS
    return [ridge(done[folds != fold], rewards[folds != fold]) for fold in range(FOLDS)]
