"""Logged lists of a world whose truth can be counted: people with tastes, items that read alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Vocabulary, key_of
from zhiyin.policies.base import Noise, Policy
from zhiyin.policies.whitening import Whitening
from zhiyin.ranking.diversity import Diversity
from zhiyin.workflows.shown_lists import Shown, Space

ITEMS, KINDS, PLACES, DIM = 12, 3, 3, 4
VOCABULARY = Vocabulary(f"item {n}" for n in range(ITEMS))
KEYS = np.array([key_of(f"item {n}") for n in range(ITEMS)], np.uint64)


@dataclass(frozen=True, slots=True)
class Lists:
    """What people like; scores know half of it. `heard`: how much a place earns less below one that was liked."""

    z: Doubles  # (ITEMS, DIM)
    served: Policy
    heard: float = 0.0

    @classmethod
    def of(cls, seed: int, served: Policy, heard: float = 0.0) -> Lists:
        rng = np.random.default_rng([seed, 0])
        kinds = rng.normal(size=(KINDS, DIM))
        z = kinds[np.arange(ITEMS) % KINDS] + 0.3 * rng.normal(size=(ITEMS, DIM))
        return cls(z - z.mean(axis=0), served, heard)

    @property
    def space(self) -> Space:
        cells = np.append(np.arange(ITEMS) % KINDS, KINDS).astype(np.int32)
        z = np.vstack([self.z, np.zeros(DIM)]).astype(np.float32)
        return Space(VOCABULARY, z, cells, Whitening(np.zeros(DIM), np.eye(DIM)))

    def drawn(self, n_people: int, each: int, seed: int, policy: Policy | None = None) -> list[Shown]:
        """`each` lists for everybody, more for some, filled by `policy`, or by the served one."""
        rng, policy = np.random.default_rng([seed, 1]), policy or self.served
        shown = []
        for person in range(n_people):
            likely = self.likely(rng)
            for _ in range(1 + rng.poisson(each - 1)):
                scores, diversity = self.scored(likely, rng)
                order, before = policy.choose(scores, PLACES, Noise(int(rng.integers(2**63)), KEYS), diversity)
                rewards, liked = np.zeros(PLACES), 1.0
                for place, pick in enumerate(order):
                    rewards[place] = rng.random() < likely[pick] * liked
                    liked *= 1.0 - self.heard * rewards[place]
                rows = np.arange(ITEMS, dtype=np.int32)
                who = f"person {person}"
                plain = np.zeros((ITEMS, 2))
                shown.append(
                    Shown(who, "for_you", rows, scores, diversity, order, before, rewards, policy, plain, scores)
                )
        return shown

    def value(self, policy: Policy, n_people: int, seed: int) -> float:
        """What a list earns when this policy is served."""
        lists = self.drawn(n_people, 1, seed, policy)
        return float(np.mean([one.rewards.sum() for one in lists]))

    def value_of_places(self, policy: Policy, n_people: int, seed: int) -> float:
        """What a list earns when this policy fills one place of it, those above being as they are served, summed
        over the places. Where nothing is `heard`."""
        rng, total = np.random.default_rng([seed, 2]), 0.0
        for _ in range(n_people):
            likely = self.likely(rng)
            scores, diversity = self.scored(likely, rng)
            order, _ = self.served.choose(scores, PLACES, Noise(int(rng.integers(2**63)), KEYS), diversity)
            total += float((policy.table(scores, order, diversity) @ likely).sum())
        return total / n_people

    def likely(self, rng: np.random.Generator) -> Doubles:
        """(ITEMS,) chances that a new person likes each, alone."""
        taste, mood = rng.normal(size=DIM) * 0.7, rng.normal() * 0.5
        return 1.0 / (1.0 + np.exp(1.0 - 0.8 * self.z @ taste - mood))

    def scored(self, likely: Doubles, rng: np.random.Generator) -> tuple[Doubles, Diversity]:
        """(ITEMS,) what a model makes of them, and what is alike."""
        scores = 0.5 * np.log(likely / (1.0 - likely)) + 0.2 * rng.normal(size=ITEMS) - 0.05 * np.arange(ITEMS)
        unit = self.z / np.linalg.norm(self.z, axis=1)[:, None]
        return scores, Diversity.of(unit.astype(np.float32), 0.2)
