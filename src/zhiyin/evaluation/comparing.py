"""From what each person got to sections: means, intervals, and differences to every baseline, paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.evaluation.judging import OURS
from zhiyin.evaluation.record import Gain, Section
from zhiyin.metrics.intervals import Interval, intervals
from zhiyin.metrics.judge import PerUser
from zhiyin.metrics.ranking import METRICS

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
    peers = [name for name in chosen if name != OURS]
    pairs = {(name, metric): chosen[OURS][metric] - chosen[name][metric] for name in peers for metric in metrics}
    both = {" ".join(pair): gain for pair, gain in pairs.items() if np.isfinite(gain).any()}
    found = bootstrap.of({**chosen[OURS], **both})
    return Section(
        n_users=max(int(np.isfinite(vector).sum()) for vector in chosen[OURS].values()),
        ours={metric: found[metric].value for metric in metrics},
        interval={metric: (found[metric].low, found[metric].high) for metric in metrics},
        peers={name: means(chosen[name]) for name in peers},
        gains={
            name: {metric: as_gain(found[key]) for metric in metrics if (key := f"{name} {metric}") in found}
            for name in peers
        },
    )


def means(vectors: Mapping[str, Doubles]) -> dict[str, float]:
    """Mean of each metric over those who have a value; a metric that nobody has a value of is left out."""
    return {metric: float(np.nanmean(vector)) for metric, vector in vectors.items() if np.isfinite(vector).any()}


def accuracy_names(ks: Sequence[int]) -> tuple[str, ...]:
    """All accuracy metrics at all ks."""
    return tuple(stem.replace("@", f"@{k}") for k in ks for stem in METRICS)


def as_gain(found: Interval) -> Gain:
    return Gain(found.value, found.low, found.high)
