"""What another policy would have earned with whole lists, by how one place may depend on the others.

n lists of L places; probabilities are of each place given the places above it, so that their product down to a
place is how likely the list is so far. A shorter list has nothing in its last places: reward 0, probability 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData
from zhiyin.metrics.off_policy import Estimate


@dataclass(frozen=True, slots=True)
class LoggedLists:
    """n lists as they were shown, as they would be of another policy."""

    rewards: Doubles  # (n, L) of each place
    before: Doubles  # (n, L) log-probabilities when it was shown
    target: Doubles  # (n, L) the same under the policy in question

    def __post_init__(self) -> None:
        if not self.rewards.shape == self.before.shape == self.target.shape:
            shapes = f"{self.rewards.shape}, {self.before.shape} and {self.target.shape}"
            raise InvalidData(f"rewards, probabilities before and in question belong together: got {shapes}")

    @property
    def weights(self) -> Doubles:
        """(n, L) how much more likely each place is, given those above."""
        return np.exp(self.target - self.before)

    @property
    def so_far(self) -> Doubles:
        """(n, L) how much more likely the list is down to each place."""
        return np.exp(np.cumsum(self.target - self.before, axis=1))


@dataclass(frozen=True, slots=True)
class PredictedLists:
    """What a model predicts of the rewards of a place, or, for a cascade, of a place and all below it."""

    of_places: Doubles  # (n, L) as it was filled
    of_policy: Doubles  # (n, L) the mean over what the policy in question would put there, given those above


def whole_list(log: LoggedLists) -> Estimate:
    """Any place may depend on any other: the weight of the whole list for all of its rewards. Always right, and
    seldom sure."""
    return _summed(log.so_far[:, -1:] * log.rewards)


def cascade(log: LoggedLists) -> Estimate:
    """A place depends on those above it alone, as where people read from above: "reward
    interaction" of McInerney et al. 2020, eq. 5."""
    return _summed(log.so_far * log.rewards)


def place_by_place(log: LoggedLists) -> Estimate:
    """What a place earns depends on nothing but what stands there (Li et al. 2018, "item-position"); the places
    above are left as they were shown."""
    return _summed(log.weights * log.rewards)


def self_normalised(rewards: Doubles, weights: Doubles) -> Estimate:
    """The sum over places of sum(w r) / sum(w), (n, L) both: with `LoggedLists.weights` as `place_by_place`, with
    `so_far` as `cascade`, but surer, and it moves with the rewards (as `snips` does of single acts)."""
    return Estimate(np.zeros(len(rewards)), weights * rewards, weights)


def places_dm(predicted: PredictedLists) -> Estimate:
    """What the model says, as `dm` of single acts."""
    return _summed(predicted.of_policy)


def places_dr(log: LoggedLists, predicted: PredictedLists, most: float = np.inf) -> Estimate:
    """As `place_by_place`, doubly robust (Dudik, Langford & Li 2011, of each place given those above); corrected
    only where w <= `most` (Wang, Agarwal & Dudik 2017)."""
    believed = np.where(log.weights <= most, log.weights, 0.0)
    return _summed(predicted.of_policy + believed * (log.rewards - predicted.of_places))


def cascade_dr(log: LoggedLists, predicted: PredictedLists) -> Estimate:
    """As `cascade`, doubly robust (Kiyohara et al. 2022, eq. 6; as for decisions in a row, Jiang & Li 2016)."""
    above = np.hstack([np.ones((len(log.rewards), 1)), log.so_far[:, :-1]])
    corrected = log.so_far * (log.rewards - predicted.of_places)
    return _summed(corrected + above * predicted.of_policy)


def slate(log: LoggedLists) -> Estimate:
    """What a list earns is the sum of what its places bring, wherever it shows: R (1 + sum of (w - 1)), R the
    reward of the whole list. It is the pseudo-inverse estimator (Swaminathan et al. 2017, eq. 3) where places are
    drawn independently (Vlassis et al. 2021); where one is drawn given those above, it tells what changing each
    place alone would bring, all of it added up."""
    whole = log.rewards.sum(axis=1)
    return _summed((whole * (1.0 + (log.weights - 1.0).sum(axis=1)))[:, None])


def _summed(addends: Doubles) -> Estimate:
    """The mean over lists of the sum over places."""
    n = len(addends)
    return Estimate(addends.sum(axis=1), np.zeros(n), np.ones(n))
