"""A normal belief about weights and its exact changes: linear regression, an event at a time or all at once.

Taking an event in and taking it out again are the same step with another sign, exact in any order up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsymv

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData


@dataclass(frozen=True, slots=True)
class Gaussian:
    """N(mean, covariance) over (d,) weights; an outcome is weights · x + noise."""

    mean: Doubles  # (d,)
    covariance: Doubles  # (d, d) symmetric

    @classmethod
    def alike(cls, dim: int, variance: float) -> Gaussian:
        """Every weight 0 with this variance, none hanging on another."""
        return cls(np.zeros(dim), np.eye(dim) * variance)

    def expected(self, x: Doubles) -> Doubles:
        """(n,) means of the outcomes at `x` (n, d)."""
        return x @ self.mean

    def variance(self, x: Doubles) -> Doubles:
        """(n,) variances of these means."""
        return np.maximum(((x @ self.covariance) * x).sum(axis=1), 0.0)

    def updated(self, x: Doubles, y: float, noise: float) -> Gaussian:
        """After one event: `x` (d,), its outcome, the variance of its noise."""
        return self.shifted(x, 1.0 / noise, y / noise)

    def without(self, x: Doubles, y: float, noise: float) -> Gaussian:
        """As if this event, which was taken in, had never been. Raises InvalidData where it cannot have been."""
        return self.shifted(x, -1.0 / noise, -y / noise)

    def shifted(self, x: Doubles, weight: float, pull: float) -> Gaussian:
        """With weight · x xᵀ more precision and pull · x more of precision · mean (Sherman & Morrison 1950)."""
        gain = dsymv(1.0, self.covariance, x)
        stretch = 1.0 + weight * float(gain @ x)
        if stretch <= 0:
            raise InvalidData("an event to be forgotten says more than all that is known: it was not taken in")
        mean = self.mean + ((pull - weight * float(x @ self.mean)) / stretch) * gain
        return Gaussian(mean, self.covariance - np.multiply.outer((weight / stretch) * gain, gain))

    def updated_by_all(self, x: Doubles, y: Doubles, noise: Doubles) -> Gaussian:
        """After (n, d) events at once with (n,) outcomes and noises: by the Cholesky factor of an (n, n) system
        where that is the smaller one (the dual form), else by a (d, d) one. The covariance may be singular: what
        is certain stays so."""
        return self._dual(x, y, noise) if len(x) < len(self.mean) else self._primal(x, y, noise)

    def _dual(self, x: Doubles, y: Doubles, noise: Doubles) -> Gaussian:
        spread = x @ self.covariance  # (n, d)
        seen = spread @ x.T
        seen[np.diag_indices(len(x))] += noise
        gain = cho_solve(cho_factor(seen, lower=True, check_finite=False), spread, check_finite=False)
        return Gaussian(self.mean + (y - x @ self.mean) @ gain, self.covariance - spread.T @ gain)

    def _primal(self, x: Doubles, y: Doubles, noise: Doubles) -> Gaussian:
        told = x.T @ (x / noise[:, None])
        after = np.linalg.solve(np.eye(len(told)) + self.covariance @ told, self.covariance)
        after = (after + after.T) / 2.0
        return Gaussian(self.mean + after @ (x.T @ ((y - x @ self.mean) / noise)), after)
