"""Made-up logs with a truth: 20 acts, people of 5 numbers, a policy that was served and one in question.

Rewards are 1 or 0, with logits linear in the person; the policy that was served is a softmax of its own taste,
mixed with chance; that in question a softmax of the true logits. The model of rewards is ridge regression an act,
each half of the log predicted by the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.metrics.off_policy import Logged, Predicted
from zhiyin.metrics.overlap import Moments

ACTS, DIM = 20, 5
SHARPNESS, WANTED = 1.5, 1.5
RIDGE = 10.0
TRUTH = 400_000  # people over whom the true value is counted


@dataclass(frozen=True, slots=True)
class World:
    """What people like, and what was served."""

    likes: Doubles  # (ACTS, DIM)
    usual: Doubles  # (ACTS,) logits
    served: Doubles  # (ACTS, DIM)
    floor: float
    value: float  # of the policy in question

    @classmethod
    def of(cls, seed: int, floor: float) -> World:
        rng = np.random.default_rng([seed, 0])
        likes, usual = _tastes(rng)
        served = rng.normal(size=(ACTS, DIM))
        return cls(likes, usual, served, floor, _truth(seed))


@dataclass(frozen=True, slots=True)
class Log:
    """n acts, with all probabilities."""

    acts: np.ndarray  # (n,)
    rewards: Doubles  # (n,)
    before: Doubles  # (n, ACTS)
    target: Doubles  # (n, ACTS)
    predicted: Doubles  # (n, ACTS)

    @property
    def logged(self) -> Logged:
        return Logged(self.rewards, np.log(self.of_act(self.before)), np.log(self.of_act(self.target)))

    @property
    def model(self) -> Predicted:
        return Predicted(self.of_act(self.predicted), (self.target * self.predicted).sum(axis=1))

    @property
    def moments(self) -> Moments:
        return Moments.of(np.log(self.before), np.log(self.target))

    def of_act(self, table: Doubles) -> Doubles:
        """(n,) of (n, ACTS) what belongs to what was done."""
        return table[np.arange(len(self.acts)), self.acts]


def drawn(world: World, n: int, seed: int) -> Log:
    """A log of n acts."""
    rng = np.random.default_rng([seed, 1])
    people = rng.normal(size=(n, DIM))
    before = (1.0 - world.floor) * softmax(SHARPNESS * people @ world.served.T) + world.floor / ACTS
    acts = (before.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    likely = chance(people, world.likes, world.usual)[np.arange(n), acts]
    rewards = (rng.random(n) < likely).astype(float)
    return Log(acts, rewards, before, wanted(people, world.likes), crossed(people, acts, rewards))


def crossed(people: Doubles, acts: np.ndarray, rewards: Doubles) -> Doubles:
    """(n, ACTS) predictions of rewards, each half by a model of the other."""
    features = np.hstack([people, np.ones((len(people), 1))])
    predicted = np.zeros((len(people), ACTS))
    half = np.arange(len(people)) % 2 == 0
    for learned, asked in ((half, ~half), (~half, half)):
        usual = rewards[learned].mean()
        for act in range(ACTS):
            mine = features[learned & (acts == act)]
            gram = mine.T @ mine + RIDGE * np.eye(DIM + 1)
            weights = np.linalg.solve(gram, mine.T @ (rewards[learned & (acts == act)] - usual))
            predicted[asked, act] = np.clip(features[asked] @ weights + usual, 0.0, 1.0)
    return predicted


def wanted(people: Doubles, likes: Doubles) -> Doubles:
    """(n, ACTS) probabilities of the policy in question."""
    return softmax(WANTED * people @ likes.T)


def chance(people: Doubles, likes: Doubles, usual: Doubles) -> Doubles:
    """(n, ACTS) of a reward."""
    return 1.0 / (1.0 + np.exp(-(people @ likes.T + usual)))


def _tastes(rng: np.random.Generator) -> tuple[Doubles, Doubles]:
    """What people like, and what acts earn of everybody."""
    return rng.normal(size=(ACTS, DIM)) * 0.8, rng.normal(size=ACTS) * 0.5 - 1.0


@cache
def _truth(seed: int) -> float:
    """What the policy in question earns in the world of a seed, whatever was served there."""
    likes, usual = _tastes(np.random.default_rng([seed, 0]))
    people = np.random.default_rng([seed, 2]).normal(size=(TRUTH, DIM))
    return float((wanted(people, likes) * chance(people, likes, usual)).sum(axis=1).mean())


def softmax(scores: Doubles) -> Doubles:
    """Rows that sum to one."""
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)
