"""Contests: for each held-out event the items that could stand before its target, as the channels see them.

The contenders are each channel's favourites, and a sample of all other items in which each stands for many: so
the number of items above the target is estimated without bias, and exactly where it matters, at the top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.base import Batch, Model
from zhiyin.ranking.examples import Examples, parts_of, singles, some
from zhiyin.ranking.fusion import AGAIN, READS, Fusion, buckets, standardised
from zhiyin.threads import side_by_side

FAVOURITES = 40  # of each channel
OTHERS = 100  # sampled of the rest
OWN = 200  # items of the asker's own that compete where people take things again
UNMEASURED = 0.1  # the usual spread of cosines, for a catalogue too small to measure it


@dataclass(frozen=True, slots=True)
class Contests:
    """N lists of k items, the target first."""

    features: Floats  # (N, k, C) standardised scores
    kind: npt.NDArray[np.int64]  # (N, k) of the items
    stands_for: Doubles  # (N, k) how many items a contender stands for; 0 where a list is shorter
    bucket: npt.NDArray[np.int64]  # (N,) of the history
    begun: Mask  # (N,) whether it is how somebody began
    counts: Floats  # (N,) how many lists like it each stands for

    def some(self, lists: npt.NDArray[np.integer]) -> Contests:
        """Only these of the lists."""
        columns = self.features, self.kind, self.stands_for, self.bucket, self.begun, self.counts
        return Contests(*(column[lists] for column in columns))

    @property
    def even(self) -> Contests:
        """The same lists, each for itself."""
        return replace(self, counts=np.ones_like(self.counts))

    def hearing(self, channels: npt.NDArray[np.integer]) -> Contests:
        """The same lists, as these channels alone see them."""
        return replace(self, features=self.features[:, :, channels])


def contests(
    models: Mapping[str, Model], fusion: Fusion, examples: Examples, rng: np.random.Generator
) -> Contests:
    """What the gates are learned from."""

    def met(drawn: tuple[Examples, np.random.Generator]) -> tuple[Floats, npt.NDArray[np.int64], Doubles]:
        part, rng = drawn
        last = [-model.score(part.batch) for model in models.values()]  # what stands first is least
        rows, stands_for = _drawn(last, part, AGAIN in models, rng)
        at = np.maximum(rows, 0)
        features = -np.stack([np.take_along_axis(said, at, axis=1) for said in last], axis=2)
        return standardised(features, fusion.scales), fusion.kinds(part.batch, at), stands_for

    parts = list(examples.parts())
    found = side_by_side(met, zip(parts, rng.spawn(len(parts)), strict=True))
    features, kind, weights = (np.concatenate(column) for column in zip(*found, strict=True))
    return Contests(features, kind, weights, buckets(examples.batch), examples.begun, examples.counts)


def _drawn(
    last: Sequence[Floats], part: Examples, again: bool, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int32], Doubles]:
    """(B, k) rows, the target first, PAD where a list is shorter, and how many items each stands for. `last`: of
    each channel (B, I) scores with the other sign."""
    width = 1 + FAVOURITES * len(last) + OTHERS + (OWN if again else 0)
    rows = np.full((len(part), width), PAD, np.int32)
    stands_for = np.zeros((len(part), width))
    for b, target in enumerate(part.targets):
        history = part.batch.rows[part.batch.indptr[b] : part.batch.indptr[b + 1]]
        said = [scores[b] for scores in last]
        chosen, weight = _contenders(said, int(target), history, part.later[b], again, rng)
        rows[b, : len(chosen)], stands_for[b, : len(chosen)] = chosen, weight
    return rows, stands_for


def _contenders(
    last: Sequence[Floats], target: int, history: Rows, later: Rows, again: bool, rng: np.random.Generator
) -> tuple[Rows, Doubles]:
    """The target, then rows that compete with it, and how many items each stands for. `last` are each channel's
    scores (I,) with the other sign. What the asker has or took `later` does not compete, except where people
    take things again: there the newest OWN of what they have and take no more do."""
    n_items = len(last[0])
    out = np.append(history[history < n_items], later)
    free = np.ones(n_items, bool)
    free[out] = False
    k = min(FAVOURITES, n_items)
    chosen = np.zeros(n_items, bool)
    for said in last:
        kept, said[out] = said[out], np.inf  # sooner than a copy of all
        chosen[np.argpartition(said, k - 1)[:k]] = True
        said[out] = kept
    if again:
        had, place = np.unique(history[::-1], return_index=True)
        newest = had[np.argsort(place)][:OWN]
        free[np.setdiff1d(newest, later)] = True
        chosen[newest] = True
    first = np.flatnonzero(chosen & free)
    rest = np.flatnonzero(~chosen & free)
    others = rng.choice(rest, min(OTHERS, len(rest)), replace=False)
    weight = np.concatenate([np.ones(1 + len(first)), np.full(len(others), len(rest) / max(len(others), 1))])
    return np.concatenate([[target], first, others]).astype(np.int32), weight


def spread(models: Mapping[str, Model], batch: Batch, seed: int) -> Floats:
    """(C,) standard deviation of each channel's scores over all items, for up to 256 of the askers; for single
    items of the catalogue as histories where nobody has one."""
    n_items = next(iter(models.values())).n_items
    if not n_items:
        return np.full(len(models), UNMEASURED, np.float32)
    rng = np.random.default_rng(seed)
    with_history = np.flatnonzero(batch.lengths > 0)
    if len(with_history):
        sample = some(batch, np.sort(rng.permutation(with_history)[:256]))
    else:
        sample = singles(rng.permutation(n_items)[:256])
    scales = [_usual(model, sample) for model in models.values()]
    return np.maximum(np.array(scales, np.float32), np.float32(1e-6))


def _usual(model: Model, sample: Batch) -> float:
    """The root mean square of the scores that are not zero, each asker's around their mean; where it says nothing
    to any of the sample, it may say something to others."""
    total, count = 0.0, 0
    for part in parts_of(sample):
        scores = model.score(part)
        said = scores != 0
        count += int(said.sum())
        total += float(((scores - scores.mean(axis=1, keepdims=True))[said] ** 2).sum())
    return float(np.sqrt(total / count)) if count else UNMEASURED


def wish_scales(models: Mapping[str, Model]) -> Floats:
    """(C,) how much a channel's scores of a typed text vary over the catalogue; titles stand in for wishes,
    which are not there to learn from. 0 for channels that do not read."""
    scales = np.zeros(len(models), np.float32)
    for c, (name, model) in enumerate(models.items()):
        if name in READS:
            found = model.score(singles(np.arange(min(model.n_items, 64)))).std() if model.n_items else 0.0
            scales[c] = found if found > 1e-6 else UNMEASURED
    return scales
