"""From what each person got to sections: means, intervals, and differences to every baseline, paired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.splits import Split
from zhiyin.data.vocabulary import PAD
from zhiyin.metrics.beyond import Counts, coverage, gini, novelty
from zhiyin.metrics.intervals import Interval, intervals
from zhiyin.metrics.judge import PerUser
from zhiyin.metrics.ranking import METRICS
from zhiyin.models.propagation import COLD
from zhiyin.workflows.evaluation import Gain, Numbers, Section
from zhiyin.workflows.judging import OURS

LENGTHS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 19), (20, None))  # events in a history, from and to

EVERYBODY = slice(None)

Values = Mapping[str, Mapping[str, Doubles]]  # system -> metric -> (U,)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are drawn."""

    resamples: int
    seed: int

    def of(self, vectors: Mapping[str, Doubles]) -> dict[str, Interval]:
        return intervals(vectors, np.random.default_rng(self.seed), resamples=self.resamples)


def values_of(judged: Mapping[str, PerUser], names: Sequence[str]) -> Values:
    """Every accuracy metric of these systems, person by person."""
    return {name: judged[name].values() for name in names}


def section(
    values: Values, metrics: Sequence[str], bootstrap: Bootstrap, users: Mask | slice = EVERYBODY
) -> Section:
    """OURS against all others, on these (U,) users; who has no value of a metric is left out of it, and a metric
    that nobody has a value of is left out of the section."""
    metrics = [name for name in metrics if np.isfinite(values[OURS][name][users]).any()]
    chosen = {name: {metric: vectors[metric][users] for metric in metrics} for name, vectors in values.items()}
    ours = bootstrap.of(chosen[OURS])
    peers = [name for name in chosen if name != OURS]
    gains = bootstrap.of(
        {f"{name} {metric}": chosen[OURS][metric] - chosen[name][metric] for name in peers for metric in metrics}
    )
    return Section(
        n_users=max(int(np.isfinite(vector).sum()) for vector in chosen[OURS].values()),
        ours={metric: ours[metric].value for metric in metrics},
        interval={metric: (ours[metric].low, ours[metric].high) for metric in metrics},
        peers={name: means(chosen[name]) for name in peers},
        gains={name: {metric: _gain(gains[f"{name} {metric}"]) for metric in metrics} for name in peers},
    )


def means(vectors: Mapping[str, Doubles]) -> dict[str, float]:
    """Mean of each metric over those who have a value."""
    return {metric: float(np.nanmean(vector)) for metric, vector in vectors.items()}


def accuracy_names(ks: Sequence[int]) -> tuple[str, ...]:
    """All accuracy metrics at all ks."""
    return tuple(stem.replace("@", f"@{k}") for k in ks for stem in METRICS)


def bucket_sections(
    split: Split, judged: Mapping[str, PerUser], metrics: Sequence[str], bootstrap: Bootstrap
) -> dict[str, Section]:
    """By support of the wanted items and by length of the history; buckets without anybody are left out."""
    found: dict[str, Section] = {}
    cold = split.fit.support[split.targets.rows] < COLD
    for name, targets in (("warm items", ~cold), ("cold items", cold)):
        if targets.any():
            part = {system: one.bucket(targets) for system, one in judged.items()}
            found[name] = section(values_of(part, list(part)), metrics, bootstrap)
    values = values_of(judged, list(judged))
    for name, users in _by_length(split):
        if users.any():
            found[name] = section(values, metrics, bootstrap, users)
    return found


def beyond_accuracy(split: Split, one: PerUser) -> Numbers:
    """Coverage and Gini over the candidates, and mean novelty in bits, of the first 10 and 20."""
    place = np.cumsum(split.candidates) - 1
    n_candidates = int(split.candidates.sum())
    had = _holders(split)
    found: dict[str, float] = {}
    for k in (k for k in one.ks if k in (10, 20)):
        top = one.top[:, :k]
        local = np.where(top == PAD, PAD, place[top]).astype(np.int32)
        found[f"coverage@{k}"] = coverage(local, n_candidates)
        found[f"gini@{k}"] = gini(local, n_candidates)
        found[f"novelty@{k}"] = float(np.nanmean(novelty(top, had, max(len(split.fit.users), 1))))
    return found


def _holders(split: Split) -> Counts:
    """(I,) how many people had the item in the fitted part."""
    return np.bincount(split.fit.interactions().indices, minlength=len(split.candidates))


def _by_length(split: Split) -> Iterator[tuple[str, Mask]]:
    liked = np.append(0, np.cumsum(split.past.weights > 0))
    length = liked[split.past.indptr[1:]] - liked[split.past.indptr[:-1]]
    for low, high in LENGTHS:
        label = f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
        yield f"history {label}", (length >= low) & (length <= (np.inf if high is None else high))


def _gain(found: Interval) -> Gain:
    return Gain(found.value, found.low, found.high)
