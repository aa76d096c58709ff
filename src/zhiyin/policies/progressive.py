"""A reward that takes days, foretold from what was seen so far.

Whether somebody buys within a week is known after a week; that they clicked, after a minute, and that they stayed,
after an hour. Traces of items that were shown long ago say how the numbers of the stages hang together, between
items and from one showing to the next. So every new number of a trace sharpens what is believed of its last one
and of the item, in closed form: the Gaussian filter of "Impatient Bandits" (McDonald et al. 2023, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData

SURE = 1e-6  # share of its variance that each stage keeps for itself: nothing follows from others to the last bit
UNTOLD = 1e12  # noise, in variances between items, of what tells nothing


@dataclass(frozen=True, slots=True)
class Progressive:
    """Trace j of item i is N(θ_i, within), θ_i ~ N(mean, between); the last stage is the reward that counts."""

    stages: Doubles  # (S,) seconds after the exposure at which each number is known, rising
    mean: Doubles  # (S,)
    between: Doubles  # (S, S)
    within: Doubles  # (S, S)

    @classmethod
    def fit(cls, stages: Doubles, traces: Doubles, items: npt.NDArray[np.integer]) -> Self:
        """(n, S) completed traces of (n,) items, by the moments of a one-way layout (Searle, Casella & McCulloch
        1992, ch. 11). Raises InvalidData where no item was shown twice, or only one was."""
        _, item, counts = np.unique(items, return_inverse=True, return_counts=True)
        n, n_items = len(traces), len(counts)
        if n_items < 2 or n <= n_items:
            raise InvalidData(
                f"how items differ is told by two items or more with more than one trace: got {n} traces of "
                f"{n_items} items; wait until more were shown"
            )
        sums = np.stack([np.bincount(item, column, n_items) for column in traces.T], axis=1)
        means, mean = sums / counts[:, None], traces.mean(axis=0)
        apart, rest = means - mean, traces - means[item]
        within = rest.T @ rest / (n - n_items)
        usual = (n - (counts**2).sum() / n) / (n_items - 1)  # traces of an item
        spread = (apart * counts[:, None]).T @ apart / (n_items - 1)
        return cls(stages, mean, _proper((spread - within) / usual, spread / usual), _proper(within, within))

    def known(self, elapsed: Doubles) -> npt.NDArray[np.int64]:
        """(n,) how many numbers of a trace are known so many seconds after the exposure."""
        return np.searchsorted(self.stages, elapsed, side="right")

    def foretold(self, traces: Doubles, elapsed: Doubles) -> tuple[Doubles, Doubles]:
        """(n,) the last number of these (n, S) traces as far as they are known, and its variance: 0 at the end."""
        total = self.between + self.within
        return self._conditional(traces, elapsed, total[-1])

    def told(self, traces: Doubles, elapsed: Doubles) -> tuple[Doubles, Doubles]:
        """(n,) outcomes and (n,) noises: what each trace says of the long reward of its item, as if that had been
        measured with this noise. An outcome with little noise later takes the place of one with much."""
        means, variances = self._conditional(traces, elapsed, self.between[-1])
        share = np.maximum(1.0 - variances / self.between[-1, -1], 1.0 / UNTOLD)  # of the doubt that is gone
        return self.mean[-1] + (means - self.mean[-1]) / share, np.asarray(variances / share)

    def of_items(
        self, traces: Doubles, elapsed: Doubles, items: npt.NDArray[np.integer], n_items: int
    ) -> tuple[Doubles, Doubles]:
        """(n_items,) expected long rewards and (n_items,) their variances, after all that their traces say so far
        taken together; without any trace what is believed of items."""
        width, known = len(self.stages), self.known(elapsed)
        precision = np.tile(_inverse(self.between), (n_items, 1, 1))
        pull = np.tile(precision[0] @ self.mean, (n_items, 1))
        for stage in range(1, width + 1):
            here = known == stage
            told = _inverse(self.within[:stage, :stage])
            counts = np.bincount(items[here], minlength=n_items)
            sums = [np.bincount(items[here], traces[here, one], n_items) for one in range(stage)]
            precision[:, :stage, :stage] += counts[:, None, None] * told
            pull[:, :stage] += np.stack(sums, axis=1) @ told
        covariance = np.linalg.inv(precision)
        return np.einsum("is,is->i", covariance[:, -1], pull), np.asarray(covariance[:, -1, -1])

    def _conditional(self, traces: Doubles, elapsed: Doubles, shared: Doubles) -> tuple[Doubles, Doubles]:
        """(n,) means and variances of what has (S,) covariances `shared` with a trace, its own variance last."""
        known, total = self.known(elapsed), self.between + self.within
        means, variances = np.full(len(traces), self.mean[-1]), np.full(len(traces), shared[-1])
        for stage in np.unique(known[known > 0]).tolist():
            here = known == stage
            gain = cho_solve(cho_factor(total[:stage, :stage]), shared[:stage])
            means[here] += (traces[here, :stage] - self.mean[:stage]) @ gain
            variances[here] -= gain @ shared[:stage]
        return means, np.maximum(variances, 0.0)


def _proper(found: Doubles, scale: Doubles) -> Doubles:
    """The nearest covariance without a negative variance, with a little of its own in each stage."""
    values, axes = np.linalg.eigh((found + found.T) / 2.0)
    own = np.maximum(np.diag(scale), np.diag(scale).max() * SURE) + np.finfo(np.float64).tiny
    return (axes * np.maximum(values, 0.0)) @ axes.T + np.diag(SURE * own)


def _inverse(covariance: Doubles) -> Doubles:
    return np.asarray(cho_solve(cho_factor(covariance), np.eye(len(covariance))))
