"""Supervised sets as bandits: features are seen, one class is tried, and only whether it was right is learned.

Our player is the belief of zhiyin.policies, an arm a class: a normal belief about each arm's weights, with prior
variance PRIOR / (number of features and one), so that a standardised row may expect any reward, and choices by the
policies that also fill lists, drawn from the probabilities they log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from one_by_one import Mixing, Sharpness
from sklearn import datasets

from zhiyin.data.vocabulary import Keys, key_of
from zhiyin.policies.base import Noise, Policy, Unadjusted
from zhiyin.policies.chance import EpsilonGreedy
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.inverse_gap import InverseGap
from zhiyin.policies.softmax import Softmax
from zhiyin.policies.thompson import Thompson

PRIOR, NOISE = 1.0, 0.1  # variance of a reward that features explain, and of the rest
LADDER = np.array([10.0, 30.0, 100.0, 300.0, 1_000.0])
N_FEATURES, LENGTH = 100, 1.0  # of the random features, and how far a kernel reaches, in √features


@dataclass(frozen=True, slots=True)
class Set:
    """Standardised rows and their classes."""

    name: str
    x: np.ndarray  # (n, d)
    y: np.ndarray  # (n,) 0 … K − 1

    @property
    def n_arms(self) -> int:
        return int(self.y.max()) + 1


def reported(river: Mapping[str, np.ndarray]) -> list[Set]:
    """The six sets that are reported."""
    loaders = {"digits": datasets.load_digits, "wine": datasets.load_wine, "cancer": datasets.load_breast_cancer}
    ours = [_set(name, *load(return_X_y=True)) for name, load in loaders.items()]
    names = [key[:-2] for key in river if key.endswith(".x")]
    return ours + [_set(name, river[f"{name}.x"], river[f"{name}.y"]) for name in names]


def to_choose_on() -> list[Set]:
    """Other sets: settings were chosen on these."""
    made = [
        _set(f"made {s}", *datasets.make_classification(
            1500, 10 + 5 * s, n_informative=4 + 2 * s, n_classes=2 * s, n_clusters_per_class=s, random_state=s
        ))
        for s in (1, 2, 3)
    ]  # fmt: skip
    moons = _set("moons", *datasets.make_moons(1500, noise=0.25, random_state=0))
    rings = datasets.make_gaussian_quantiles(n_samples=1500, n_features=5, n_classes=3, random_state=0)
    return [_set("iris", *datasets.load_iris(return_X_y=True)), *made, moons, _set("rings", *rings)]


def shuffles(data: Set, seeds: range) -> np.ndarray:
    """(shuffles, n) orders of the rows."""
    return np.array([np.random.default_rng(seed).permutation(len(data.y)) for seed in seeds])


@dataclass(frozen=True, slots=True)
class Player:
    """How we choose: what of the belief's doubt is added to the score, and the policy over it."""

    optimism: float  # deviations added to the mean
    policy: Callable[[np.ndarray, int], Policy]  # of the arms' deviations and the time
    random_features: bool = False


def optimistic(c: float, sharpness: float, floor: float) -> Player:
    return Player(c, lambda sd, t: Softmax(1.0 / sharpness, floor))


def players(floor: float, c: float, sharpness: float) -> dict[str, Player]:
    """Every policy over the same belief."""
    return {
        "optimistic softmax": optimistic(c, sharpness, floor),
        "softmax": optimistic(0.0, 10.0, floor),
        "thompson": Player(0.0, lambda sd, t: Thompson(c * sd, floor)),
        "ucb": Player(c, lambda sd, t: EpsilonGreedy(floor)),
        "epsilon greedy": Player(0.0, lambda sd, t: EpsilonGreedy(max(floor, 0.02))),
        "inverse gap": Player(0.0, lambda sd, t: InverseGap(10.0 * np.sqrt(t + 1.0), floor)),
        "optimistic softmax, random features": Player(c, lambda sd, t: Softmax(1.0 / sharpness, floor), True),
    }


def errors(player: Player, data: Set, order: np.ndarray, name: str) -> float:
    """The share of rows, in one pass, for which the wrong class was tried."""
    x, y = features(player, data)[order], data.y[order].tolist()
    arms = [Gaussian.alike(x.shape[1], PRIOR / x.shape[1])] * data.n_arms
    keys, wrong = keys_of(data), 0
    for t, (row, truth) in enumerate(zip(x, y, strict=True)):
        mean, sd = expected(arms, row)
        policy = player.policy(sd, t)
        noise = Noise(key_of(f"{name} {t}"), keys)
        picks, _ = policy.choose(mean + player.optimism * sd, 1, noise, Unadjusted(len(arms)))
        pick = int(picks[0])
        wrong += pick != truth
        arms[pick] = arms[pick].updated(row, float(pick == truth), NOISE)
    return wrong / len(y)


def errors_learned(data: Set, order: np.ndarray, name: str, floor: float, c: float) -> float:
    """The same with a C that is learned, and softened while there is doubt or surprise."""
    x, y = features(optimistic(c, 1.0, floor), data)[order], data.y[order].tolist()
    arms = [Gaussian.alike(x.shape[1], PRIOR / x.shape[1])] * data.n_arms
    keys, wrong, state = keys_of(data), 0, Learned()
    for t, (row, truth) in enumerate(zip(x, y, strict=True)):
        mean, sd = expected(arms, row)
        first = np.full(len(arms), np.sqrt(PRIOR / x.shape[1] * float(row @ row)))
        scores = mean + c * sd
        policy = Softmax(state.mixing.coefficient(sd, first) / state.sharpness.now, floor)
        picks, logs = policy.choose(scores, 1, Noise(key_of(f"{name} {t}"), keys), Unadjusted(len(arms)))
        pick = int(picks[0])
        reward = float(pick == truth)
        wrong += pick != truth
        state.sharpness = state.sharpness.seen(scores, pick, float(np.exp(logs[0])), reward)
        state.mixing = state.mixing.seen(reward - mean[pick], float(sd[pick]) ** 2 + NOISE)
        arms[pick] = arms[pick].updated(row, reward, NOISE)
    return wrong / len(y)


@dataclass(slots=True)
class Learned:
    """What is learned beside the belief."""

    sharpness: Sharpness = field(default_factory=lambda: Sharpness(LADDER, 1, 0.995))
    mixing: Mixing = field(default_factory=lambda: Mixing(0.2, 1.0))


def expected(arms: list[Gaussian], row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) means and deviations of the arms at one row."""
    means = np.array([arm.mean for arm in arms]) @ row
    variances = [float(row @ arm.covariance @ row) for arm in arms]
    return means, np.sqrt(np.maximum(variances, 0.0))


def features(player: Player, data: Set) -> np.ndarray:
    """The rows and a one; where it is said, random features beside them (Rahimi & Recht 2007)."""
    x = np.c_[data.x, np.ones(len(data.x))]
    if not player.random_features:
        return x
    rng = np.random.default_rng(0)
    turned = data.x @ (rng.standard_normal((data.x.shape[1], N_FEATURES)) / (LENGTH * np.sqrt(data.x.shape[1])))
    waves = np.cos(turned + rng.random(N_FEATURES) * 2.0 * np.pi)
    return np.c_[x, waves * np.sqrt(2.0 * x.shape[1] / N_FEATURES)]  # as loud as the rows


def keys_of(data: Set) -> Keys:
    return np.array([key_of(f"arm {arm}") for arm in range(data.n_arms)], np.uint64)


def _set(name: str, x: np.ndarray, y: np.ndarray) -> Set:
    spread = x.std(axis=0)
    return Set(name, (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), y)
