"""What a policy would have earned, told by what another one showed by chance (off-policy evaluation).

n places were filled by a logging policy with known probabilities; the target policy would have filled them with
others. Each reward counts by how much more likely the target is to show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """An estimated mean reward. `effective`: how many rewards of the target itself would say as much (Kish
    1965)."""

    value: float
    error: float  # standard error
    effective: float
    influence: npt.NDArray[np.float64]  # (n,) what each place moves the value by, times n; its mean is 0

    def gain_over(self, other: OffPolicy) -> tuple[float, float]:
        """How much more than another policy on the same places, and the standard error of that."""
        moved = self.influence - other.influence
        return self.value - other.value, float(moved.std() / np.sqrt(max(len(moved), 1)))


def snips(reward: Numbers, log_logged: Numbers, log_target: Numbers) -> OffPolicy:
    """The self-normalised estimate Σ w r / Σ w, w = π(a) / p(a), of (n,) rewards and log-probabilities
    (Swaminathan & Joachims 2015, eq. 8), with its error by the delta method. Nothing is known of no place: value
    0."""
    n = len(reward)
    if not n:
        return OffPolicy(0.0, 0.0, 0.0, np.zeros(0))
    weight = np.exp(np.asarray(log_target, np.float64) - np.asarray(log_logged, np.float64))
    total = max(float(weight.sum()), 1e-300)
    value = float((weight * reward).sum()) / total
    influence = weight * (reward - value) / (total / n)
    effective = total**2 / max(float((weight**2).sum()), 1e-300)
    return OffPolicy(value, float(influence.std() / np.sqrt(n)), effective, influence)
