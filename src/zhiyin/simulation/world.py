"""A world whose truth is known: what every person would want of every item, as a number.

P(wants) = sigmoid(usual + taste · z + quality). z are an item's own numbers (real vectors, whitened), a taste is
what a person is looking for among them, a quality is what an item is to everybody. Texts foretell the quality, or
mislead about it: that is what a policy has to find out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import expit

from zhiyin.data.dataset import Doubles, Mask


@dataclass(frozen=True, slots=True)
class Nature:
    """How items and people of a world are. Utilities are logits of wanting."""

    usual: float = -3.0  # of an item like all others, to somebody who looks for nothing
    strength: float = 1.5  # length of a taste: the sd over the catalogue of what it adds
    loves: int = 3  # items that a taste is made of
    drift: float = 0.02  # share of a taste that is another one after a day
    spread: float = 0.7  # sd of qualities
    told: float = (
        0.6  # correlation of the quality with what the text foretells; its opposite where the text misleads
    )
    known: float = 0.5  # correlation of the quality with how much an item was taken before

    @property
    def chance(self) -> float:
        """The share of a quality that nothing foretells."""
        return float(np.sqrt(max(0.0, 1.0 - self.told**2 - self.known**2)))


@dataclass(frozen=True, slots=True)
class World:
    """The items of a world, those included that will only arrive."""

    nature: Nature
    ids: tuple[str, ...]
    z: Doubles  # (I, d)
    quality: Doubles  # (I,) logits
    rows: Mapping[str, int]  # by id

    @classmethod
    def of(cls, nature: Nature, ids: Sequence[str], z: Doubles, quality: Doubles) -> Self:
        """With qualities as they are given."""
        return cls(nature, tuple(ids), z, quality, {id_: row for row, id_ in enumerate(ids)})

    @classmethod
    def drawn(
        cls, nature: Nature, ids: Sequence[str], z: Doubles, rng: np.random.Generator, hints: Hints | None = None
    ) -> Self:
        """With qualities from chance and from what `hints` say."""
        hints = hints or Hints.none(len(ids))
        foretold = standardised(z @ rng.normal(size=z.shape[1])) * np.where(hints.misleads, -1.0, 1.0)
        rest = rng.normal(size=len(ids))
        parts = nature.told * foretold + nature.known * standardised(hints.taken) + nature.chance * rest
        return cls.of(nature, ids, z, nature.spread * parts)

    def with_items(self, ids: Sequence[str], z: Doubles, quality: Sequence[float]) -> World:
        """With more items, of qualities that are given: a good one with a bad text, and the other way round."""
        more = np.concatenate([self.quality, np.asarray(quality, np.float64)])
        return World.of(self.nature, (*self.ids, *ids), np.concatenate([self.z, z]), more)

    def utility(self, tastes: Doubles) -> Doubles:
        """(P, I) logits of (P, d) tastes."""
        return self.nature.usual + tastes @ self.z.T + self.quality

    def wants(self, tastes: Doubles) -> Doubles:
        """(P, I) the probability that a person, who looks at an item, wants it."""
        return sigmoid(self.utility(tastes))


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of items before anybody is asked."""

    taken: Doubles  # (I,) how much each was taken before, on any scale
    misleads: Mask  # (I,) whether its text promises the opposite of its quality

    @classmethod
    def none(cls, n: int) -> Self:
        return cls(np.zeros(n), np.zeros(n, bool))


@dataclass(frozen=True, slots=True)
class Crowd:
    """People, by what they look for."""

    tastes: Doubles  # (P, d)

    @classmethod
    def drawn(cls, world: World, n: int, rng: np.random.Generator) -> Self:
        """Each looks for what a few items are that they love: tastes lie where items lie."""
        return cls(_tastes(world, n, rng))

    def drifted(self, world: World, days: float, rng: np.random.Generator) -> Crowd:
        """After some days: towards other tastes, and on average as strong as before."""
        left = (1.0 - world.nature.drift) ** days
        fresh = _tastes(world, len(self.tastes), rng)
        return replace(self, tastes=left * self.tastes + np.sqrt(1.0 - left**2) * fresh)


def _tastes(world: World, n: int, rng: np.random.Generator) -> Doubles:
    loved = rng.integers(len(world.ids), size=(n, world.nature.loves))
    towards = world.z[loved].sum(axis=1) + 1e-9 * rng.normal(size=(n, world.z.shape[1]))  # never nowhere
    return world.nature.strength * towards / np.linalg.norm(towards, axis=1, keepdims=True)


def standardised(values: Doubles) -> Doubles:
    """With mean 0 and variance 1; all 0 where they do not differ."""
    sd = values.std()
    return (values - values.mean()) / sd if sd > 0 else np.zeros(len(values))


def sigmoid(logits: Doubles) -> Doubles:
    """Probabilities of logits, however large."""
    return expit(logits)
