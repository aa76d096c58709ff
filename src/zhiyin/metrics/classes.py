"""How well labels are told: pure functions of what was said and what is true.

Accuracy, precision, recall and F1 a label and their mean, how well probabilities are what they say (Brier 1950;
ECE as in Guo et al. 2017), and how well one score separates two groups (Mann & Whitney 1947).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Mask

BINS = 15  # of the ECE


@dataclass(frozen=True, slots=True)
class PerLabel:
    """(K,) each; a label that nobody has or was told has 0."""

    precision: Doubles
    recall: Doubles
    f1: Doubles
    support: Doubles  # texts that have the label


def per_label(said: Mask, truth: Mask) -> PerLabel:
    """Of (n, K) truths."""
    right = (said & truth).sum(axis=0).astype(np.float64)
    told, support = said.sum(axis=0), truth.sum(axis=0)
    precision = np.divide(right, told, out=np.zeros_like(right), where=told > 0)
    recall = np.divide(right, support, out=np.zeros_like(right), where=support > 0)
    both = told + support
    return PerLabel(
        precision, recall, np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0), support * 1.0
    )


def macro_f1(said: Mask, truth: Mask) -> float:
    """The mean F1 of the labels that some text has."""
    found = per_label(said, truth)
    return float(found.f1[found.support > 0].mean()) if (found.support > 0).any() else 0.0


def brier(probabilities: Doubles, truth: Doubles) -> float:
    """Mean squared distance of (n, K) probabilities from the truth; 0 is best, 2 worst for labels that exclude
    each other."""
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def calibration_error(confidence: Doubles, right: Mask) -> float:
    """ECE: the mean gap between (n,) confidence and how often it is right, over BINS equal bins."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    n = np.bincount(bins, minlength=BINS)
    gap = np.bincount(bins, confidence, BINS) - np.bincount(bins, right, BINS)
    return float(np.abs(gap).sum() / max(n.sum(), 1))


def auroc(higher: Doubles, lower: Doubles) -> float:
    """The chance that one of the first group has the larger value than one of the second; ties count half. NaN
    where a group is empty."""
    if not (len(higher) and len(lower)):
        return float("nan")
    below = np.sort(lower)
    sides = np.searchsorted(below, higher, "left") + np.searchsorted(below, higher, "right")
    return float(sides.mean() / (2 * len(lower)))
