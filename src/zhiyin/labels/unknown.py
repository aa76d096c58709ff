"""When to say that a text is none of the known labels.

Three scores, each higher for texts like those learned from: the largest probability (Hendrycks & Gimpel 2017), the
negative energy of the scores (Liu et al. 2020), and the negative Mahalanobis distance to the nearest middle (Lee
et al. 2018); and the mean of all, each in units of its spread. Which of them tells is chosen by leaving labels out
of the examples and looking for them; the threshold is a quantile of texts that are known, held out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.labels.linear import probabilities
from zhiyin.metrics.classes import auroc

CERTAINTY, ENERGY, DISTANCE, ALL = "certainty", "energy", "distance", "all"
ENOUGH_LABELS = 5  # from which on labels can be left out to look for them


@dataclass(frozen=True, slots=True)
class Gate:
    """`score` of a text below `threshold`: unknown. `scales`: (mean, spread) of each score on known texts."""

    score: str
    threshold: float
    scales: Mapping[str, tuple[float, float]]
    auroc: float | None  # of labels left out, against known texts; None where there were too few labels

    def of(self, scores: Mapping[str, Doubles]) -> Doubles:
        """(n,) what the threshold is compared with."""
        return combined(scores, self.scales)[self.score]


def raw_scores(pooled: Floats, heads: Floats, *, multi: bool) -> dict[str, Doubles]:
    """Of (n, K) pooled scores, and the scores of the strongest head as they are."""
    certain = probabilities(pooled, multi=multi).max(axis=1)
    return {CERTAINTY: certain, ENERGY: np.asarray(logsumexp(heads.astype(np.float64), axis=1))}


def scales_of(known: Mapping[str, Doubles]) -> dict[str, tuple[float, float]]:
    """Mean and spread of each score on known texts."""
    return {name: (float(values.mean()), float(values.std()) or 1.0) for name, values in known.items()}


def combined(scores: Mapping[str, Doubles], scales: Mapping[str, tuple[float, float]]) -> dict[str, Doubles]:
    """Each score, and ALL: the mean of them in units of their spread."""
    told = {name: values for name, values in scores.items() if name in scales}
    mean = np.mean([(values - scales[name][0]) / scales[name][1] for name, values in told.items()], axis=0)
    return {**told, ALL: np.asarray(mean)}


def best_score(known: Mapping[str, Doubles], unknown: Mapping[str, Doubles]) -> tuple[str, float]:
    """The score that separates best, and how well."""
    scales = scales_of(known)
    ours, others = combined(known, scales), combined(unknown, scales)
    areas = {name: auroc(ours[name], others[name]) for name in ours}
    best = max(areas, key=lambda name: areas[name])
    return best, areas[best]
