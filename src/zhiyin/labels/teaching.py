"""Which texts would teach most: those the model is in doubt of, and that are unlike each other.

Doubt is the margin between the two likeliest labels (Scheffer et al. 2001) or, where the gate knows, being unlike
everything learned from. Of the most doubtful, k-means++ seeding (Arthur & Vassilvitskii 2007) on vectors, drawn by
doubt as in Zhdanov 2019, takes some that are spread.
"""

from __future__ import annotations

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.labels.classifier import Said

AMONG = 10  # times as many doubtful texts as are asked for


def doubt(said: Said, *, multi: bool) -> Doubles:
    """(n,) from 0, certain, to 1: one less the margin; of labels that stand alone, nearness of any to even."""
    if multi:
        return np.asarray(1.0 - 2.0 * np.abs(said.probabilities - 0.5).min(axis=1))
    if said.probabilities.shape[1] < 2:
        return np.ones(len(said.probabilities))
    best = np.partition(said.probabilities, -2, axis=1)[:, -2:]
    return np.asarray(1.0 - (best[:, 1] - best[:, 0]))


def teach(rows: Floats, doubts: Doubles, known: Floats, n: int, rng: np.random.Generator) -> Rows:
    """Rows of the `n` texts to ask for, the first one first. `known`: vectors of the examples there are."""
    order = np.argsort(-doubts, kind="stable")[: AMONG * n]
    some, weight = rows[order], np.maximum(doubts[order], 1e-6)
    gap = _gaps(some, known) if len(known) else np.ones(len(some))
    chosen: list[int] = []
    while len(chosen) < min(n, len(order)):
        chance = weight * gap
        chance[chosen] = 0.0
        if chance.sum() <= 0:  # all that is left says the same as something chosen
            left = np.setdiff1d(np.arange(len(order)), chosen)
            chosen.append(int(left[0]))
            continue
        pick = int(rng.choice(len(chance), p=chance / chance.sum()))
        chosen.append(pick)
        gap = np.minimum(gap, _gaps(some, some[pick : pick + 1]))
    return order[chosen].astype(np.int32)


def _gaps(rows: Floats, known: Floats) -> Doubles:
    """(n,) squared distance to the nearest of the known rows."""
    nearest = np.full(len(rows), np.inf)
    for start in range(0, len(known), 1_000):
        some = known[start : start + 1_000]
        squares = (rows**2).sum(axis=1)[:, None] - 2.0 * rows @ some.T + (some**2).sum(axis=1)
        nearest = np.minimum(nearest, squares.min(axis=1))
    return np.maximum(nearest, 0.0)
