"""The permutation test: give every item the text of another, and what reading tells of new items must vanish.

Of items hidden from fitting nothing is known but what they say of themselves. Shuffled texts say nothing, so any
gain that is left over a list at random came in by another way: a leak. The expectation is exactly zero for every
system that knows items by their texts alone, since hidden items are then exchangeable.

On items that were fitted on, a text also serves as a name: what is left there is no leak, and is reported apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

from zhiyin.data.carving import simulated_cold, warm_carve
from zhiyin.data.dataset import Dataset, Doubles, Floats
from zhiyin.data.splits import Split
from zhiyin.errors import InvalidData
from zhiyin.evaluation.comparing import Bootstrap, as_gain
from zhiyin.evaluation.judging import OURS, judge_all, only
from zhiyin.evaluation.posing import sample
from zhiyin.evaluation.record import Gain, Permuted
from zhiyin.metrics.intervals import LEVEL
from zhiyin.metrics.ranking import metric as metric_of
from zhiyin.models.base import Batch, Run
from zhiyin.models.vectors import is_vector
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.types import Item, Relation

READING = ("words", "meaning", "reader", "quality")  # channels that read, beside those of vectors
CHANCE, SILENT = "chance", "silent"
HIDDEN = 0.1  # of the items
FEW = 20  # hidden items, or people who want one, below which nothing can be told
N = 10  # permutations, a fit each
PEOPLE = 2_000  # judged, drawn at random


@dataclass(frozen=True, slots=True)
class _Readers:
    """The recipe, its channels that read, a list at random, and the recipe when it reads nothing."""

    fitted: Fitted

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        models = self.fitted.models
        yield OURS, self.fitted.score(batch)
        reading = [name for name in models if name in READING or is_vector(name)]
        for name in reading:
            yield name, models[name].score(batch)
        others = tuple(name for name in models if name not in reading)
        yield SILENT, only(self.fitted.fusion, others, fresh=True).score(models, batch)
        yield CHANCE, np.zeros((len(batch), models["words"].n_items), np.float32)


@dataclass(frozen=True, slots=True)
class _Test:
    """What is fitted once for each permutation, and asked."""

    cold: Split  # wanted and shown are hidden items alone
    warm: Split
    recipe: DefaultRecipe
    run: Run
    metric: str

    def values(self, catalogue: Sequence[Item]) -> tuple[dict[str, Doubles], Doubles]:
        """(U,) gains over chance on hidden items by system, and (V,) the gain of reading on the others."""
        silent: tuple[Relation, ...] = ()  # edges would tell of hidden items without their texts
        data = replace(self.cold.fit, catalogue=catalogue, relations=silent)
        systems = _Readers(self.recipe.fit(data, self.run))
        cold, warm = (self._judged(split, systems) for split in (self.cold, self.warm))
        gains = {name: cold[name] - cold[CHANCE] for name in cold if name not in (CHANCE, SILENT)}
        return gains, warm[OURS] - warm[SILENT]

    def _judged(self, split: Split, systems: _Readers) -> dict[str, Doubles]:
        ks = (int(re.findall(r"@(\d+)", self.metric)[0]),)
        judged = judge_all(split, systems, ks, self.run.progress)
        return {name: metric_of(self.metric, one.ranks) for name, one in judged.items()}


def permuted(data: Dataset, recipe: DefaultRecipe, run: Run, metric: str, bootstrap: Bootstrap) -> Permuted:
    """The test on this data. Raises InvalidData where it has too few items or people."""
    rng = np.random.default_rng(run.seed)
    test = _posed(data, recipe, run, metric, rng)
    own, _ = test.values(data.catalogue)
    trials = [test.values(shuffled(data.catalogue, rng)) for _ in range(N)]
    others = {name: _over(np.array([np.mean(gains[name]) for gains, _ in trials])) for name in own}
    return Permuted(
        metric=metric,
        n_permutations=N,
        n_items=int(test.cold.candidates.sum()),
        n_users=len(test.cold),
        own={name: as_gain(found) for name, found in bootstrap.of(own).items()},
        others=others,
        warm=_over(np.array([np.mean(warm) for _, warm in trials])),
        vanishes=all(gain.low <= 0 for gain in others.values()),
    )


def shuffled(catalogue: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    """The same ids in the same order, each with all that another item, drawn at random, says of itself."""
    order = rng.permutation(len(catalogue)).tolist()
    return [replace(catalogue[other], item_id=item.item_id) for item, other in zip(catalogue, order, strict=True)]


def _posed(data: Dataset, recipe: DefaultRecipe, run: Run, metric: str, rng: np.random.Generator) -> _Test:
    cold = simulated_cold(data, HIDDEN, rng)
    hidden = (data.support > 0) & (cold.fit.support == 0)
    if min(len(cold), int(hidden.sum())) < FEW:
        raise InvalidData(
            f"the permutation test hides a tenth of the items: {int(hidden.sum())} of them, wanted by {len(cold)} "
            f"people, are too few; it takes {FEW} of both"
        )
    warm = sample(warm_carve(cold.fit, 0.5, rng), PEOPLE, run.seed)
    some = sample(replace(cold, fit=warm.fit, candidates=hidden), PEOPLE, run.seed)
    return _Test(some, warm, recipe, run, metric)


def _over(means: Doubles) -> Gain:
    """The mean over permutations and its 95 % interval (Student)."""
    half = float(stdtrit(len(means) - 1, (1 + LEVEL) / 2) * means.std(ddof=1) / np.sqrt(len(means)))
    return Gain(float(means.mean()), float(means.mean()) - half, float(means.mean()) + half)
