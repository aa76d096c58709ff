"""What another policy would have earned, by the log of this one.

n logged acts: of each what came of it, and how likely it was when it was done and would be under the policy in
question. With w = pi / pi_0 the ratio of both, every estimate here is mean(base) + mean(top) / mean(bottom) of
n addends (of lists: with a ratio for each place), which are kept: bounds are made of them (zhiyin.metrics.bounds),
and whether there is an answer at all is said by zhiyin.metrics.overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData


@dataclass(frozen=True, slots=True)
class Logged:
    """n acts of a policy, as they would be of another."""

    rewards: Doubles  # (n,)
    before: Doubles  # (n,) log-probability of the act when it was done
    target: Doubles  # (n,) log-probability of the same act under the policy in question

    def __post_init__(self) -> None:
        if not len(self.rewards) == len(self.before) == len(self.target):
            lengths = f"{len(self.rewards)}, {len(self.before)} and {len(self.target)}"
            raise InvalidData(f"rewards, probabilities before and in question belong together: got {lengths}")
        if not len(self.rewards):
            raise InvalidData("nothing was logged: an estimate needs at least one act with its probability")
        if np.isneginf(self.before).any():
            n = int(np.isneginf(self.before).sum())
            raise InvalidData(f"{n} logged acts had probability 0, which cannot have been done: leave them out")

    def __len__(self) -> int:
        return len(self.rewards)

    @property
    def weights(self) -> Doubles:
        """(n,) how much more likely the policy in question does what was done."""
        return np.exp(self.target - self.before)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model that did not see these acts predicts of their rewards."""

    of_act: Doubles  # (n,)
    of_policy: Doubles  # (n,) the mean over what the policy in question would do


@dataclass(frozen=True, slots=True)
class Estimate:
    """mean(base) + mean(top) / mean(bottom), or the sum of P such ratios."""

    base: Doubles  # (n,)
    top: Doubles  # (n,) or (n, P)
    bottom: Doubles  # the same

    @property
    def value(self) -> float:
        """0 of nothing."""
        return float(self.base.mean() + self._ratios.sum()) if len(self.base) else 0.0

    @property
    def error(self) -> float:
        """The standard error of the value."""
        return float(self.addends.std() / np.sqrt(max(len(self.base), 1)))

    def gain_over(self, other: Estimate) -> tuple[float, float]:
        """How much more than another policy earns by the same acts, and the standard error of that."""
        moved = self.addends - other.addends
        return self.value - other.value, float(moved.std() / np.sqrt(max(len(moved), 1)))

    def less(self, earned: Doubles) -> Estimate:
        """Of the gain over what (n,) the same acts earned."""
        return Estimate(self.base - earned, self.top, self.bottom)

    @property
    def addends(self) -> Doubles:
        """(n,) whose mean is the value, and whose variance that of the value times n, ratios taken as linear
        (delta method)."""
        top, bottom = (part.reshape(len(self.base), -1) for part in (self.top, self.bottom))
        whole, ratios = bottom.mean(axis=0), self._ratios
        each = np.divide(top - ratios * bottom, whole, out=np.zeros(top.shape), where=whole != 0)
        return self.base + (ratios + each).sum(axis=1)

    @property
    def _ratios(self) -> Doubles:
        return ratios(self.top.mean(axis=0), self.bottom.mean(axis=0))


def ratios(top: Doubles, bottom: Doubles) -> Doubles:
    """(..., P) of what may be (...,), 0 over 0."""
    top, bottom = np.atleast_1d(top), np.atleast_1d(bottom)
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom != 0)


def dm(predicted: Predicted) -> Estimate:
    """The direct method: what the model says. Its error is the model's, and no interval tells it."""
    nothing = np.zeros(len(predicted.of_policy))
    return Estimate(predicted.of_policy, nothing, nothing + 1.0)


def ips(log: Logged) -> Estimate:
    """Inverse propensity scoring: mean(w r) (Horvitz & Thompson 1952)."""
    return _plain(log.weights * log.rewards)


def snips(log: Logged) -> Estimate:
    """Self-normalised: sum(w r) / sum(w) (Swaminathan & Joachims 2015, eq. 8); it moves with the rewards."""
    return snips_of(log.rewards, log.weights)


def snips_of(rewards: Doubles, weights: Doubles) -> Estimate:
    """The same of (n,) weights."""
    return Estimate(np.zeros(len(rewards)), weights * rewards, weights)


def dr(log: Logged, predicted: Predicted) -> Estimate:
    """Doubly robust: the model, corrected where it was seen to err (Dudik, Langford & Li 2011, eq. 2)."""
    return _plain(predicted.of_policy + log.weights * (log.rewards - predicted.of_act))


def sndr(log: Logged, predicted: Predicted) -> Estimate:
    """As `dr`, the correction self-normalised (Thomas & Brunskill 2016)."""
    return Estimate(predicted.of_policy, log.weights * (log.rewards - predicted.of_act), log.weights)


def switch_dr(log: Logged, predicted: Predicted, most: float) -> Estimate:
    """As `dr`, corrected only where w <= `most` (Wang, Agarwal & Dudik 2017)."""
    believed = np.where(log.weights <= most, log.weights, 0.0)
    return _plain(predicted.of_policy + believed * (log.rewards - predicted.of_act))


def of_clusters(log_probs: Doubles, clusters: npt.NDArray[np.int64], picked: npt.NDArray[np.int64]) -> Doubles:
    """(n,) log-probability of doing anything of the same cluster as what was done.

    `ips` of a log that has these, before and in question, is the marginal estimate MIPS (Saito & Joachims 2022,
    eq. 6): right where acts of a cluster earn the same, and surer than that of single acts.

    (n, k) log-probabilities of all acts, (k,) or (n, k) cluster of each, (n,) which of the k was done.
    """
    places = np.arange(len(picked))
    clusters = np.broadcast_to(clusters, log_probs.shape)
    same = clusters == clusters[places, picked][:, None]
    with np.errstate(divide="ignore"):
        return np.log((np.exp(log_probs) * same).sum(axis=1))


def _plain(addends: Doubles) -> Estimate:
    """A mean alone."""
    return Estimate(addends, np.zeros(len(addends)), np.ones(len(addends)))
