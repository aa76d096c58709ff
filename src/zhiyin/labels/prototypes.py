"""Heads of few examples: the middle of each label, in a space where all labels spread alike.

Linear discriminant analysis with one covariance for all labels (Fisher 1936), drawn towards a ball (Friedman 1989,
"Regularized Discriminant Analysis", γ), and middles drawn towards the middle of all (Tibshirani et al. 2002). It
is linear, needs no search, and holds from two examples a label on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.labels.linear import Linear

DRAWN = 0.5  # examples that the middle of all counts as, against those of a label


@dataclass(frozen=True, slots=True)
class Prototypes:
    """What all heads of these rows share, whatever the covariance is drawn by."""

    middle: Doubles  # (D,)
    middles: Doubles  # (K, D) of each label, from `middle`
    spread: Doubles  # (D, D) within labels
    prior: Doubles  # (K,) log shares

    @classmethod
    def of(cls, rows: Floats, truth: Floats) -> Prototypes:
        """(n, D) rows of labels that exclude each other; each counts as much as its row of `truth` sums to."""
        counts = truth.sum(axis=0, dtype=np.float64)
        exact = rows.astype(np.float64)
        middle = exact.mean(axis=0)
        sums = truth.T.astype(np.float64) @ (exact - middle)
        middles = sums / (counts + DRAWN)[:, None]
        each = truth.sum(axis=1, keepdims=True, dtype=np.float64)
        means = sums / np.where(counts > 0, counts, 1.0)[:, None]
        gaps = exact - middle - (truth / np.where(each > 0, each, 1.0)) @ means
        left = max(float(each.sum()) - int((counts > 0).sum()), 1.0)
        return cls(
            middle, middles, (gaps * each).T @ gaps / left, np.log((counts + 1.0) / (counts.sum() + len(counts)))
        )

    def drawn(self, shrinkage: float) -> Linear:
        """The head, the covariance drawn by `shrinkage` (0 not, 1 all the way) towards a ball of the same size."""
        precise = np.linalg.inv(self.covariance(shrinkage))
        weights = precise @ self.middles.T  # (D, K)
        bias = self.prior - 0.5 * np.einsum("kd,dk->k", self.middles, weights) - self.middle @ weights
        return Linear(weights.astype(np.float32), bias.astype(np.float32))

    def covariance(self, shrinkage: float) -> Doubles:
        """(D, D)."""
        size = np.trace(self.spread) / len(self.spread)
        return (1.0 - shrinkage) * self.spread + (shrinkage * size + 1e-9) * np.eye(len(self.spread))
