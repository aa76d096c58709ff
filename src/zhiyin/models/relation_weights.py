"""How much each relation counts, learned from what people took together.

Of sampled people one item is held out of the rest and stands in a list with random others. The probability that
the person takes it is softmax(a · log(1 + Σ_r w_r · x_r)), where x_r is what the rest share with it by the
relation r (McFadden 1974; calmed as in fusion, for which the weights are learned). Weights are never negative, and
those of relations without use go to 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.knowledge import Knowledge
from zhiyin.models.sparse import entries

N_OTHERS = 200  # random items in a list
MOST_HISTORY = 50  # items of a person that are looked at
MOST_RELATIONS = 64  # with a weight of their own, the smaller ones share one
MOST_NUMBERS = 4_000_000  # of profiles in memory
REG = 1e-3
LEAST = 0.3  # of the usual size of the largest relation: the unit in which a smaller one is weighed, too


@dataclass(frozen=True, slots=True)
class Lists:
    """N lists of k items, the held-out one first."""

    histories: sp.csr_array  # (N, I) 1 / √length
    items: Rows  # (N, k)
    free: Mask  # (N, k) false where a random item is one that the person has


def relation_weights(known: Knowledge, data: Dataset, n_examples: int, seed: int) -> Floats:
    """(R,) the largest is 1; all 1 with fewer than `n_examples` / 50 people who have two items."""
    n_relations = len(known.columns.relations)
    lists = draw(data.interactions(), n_examples, np.random.default_rng(seed))
    if n_relations == 0 or len(lists.items) < max(n_examples // 50, 2):
        return np.ones(n_relations, np.float32)
    group = _groups(known)
    shared = shared_by(known, lists, group)
    weights = learned(shared, lists.free)
    return (weights / max(weights.max(), 1e-12))[group].astype(np.float32)


def draw(users_by_items: sp.csr_array, n: int, rng: np.random.Generator) -> Lists:
    """At most n lists, each of another person; everything that anybody has can be drawn as an other."""
    n_items = users_by_items.shape[1]
    lengths = np.diff(users_by_items.indptr)
    people = rng.permutation(np.flatnonzero(lengths >= 2))[:n]
    taken = np.flatnonzero(np.bincount(users_by_items.indices, minlength=n_items))
    items = np.empty((len(people), 1 + N_OTHERS), np.int32)
    free = np.ones(items.shape, bool)
    histories: list[Rows] = []
    for number, person in enumerate(people):
        own = rng.permutation(
            users_by_items.indices[users_by_items.indptr[person] : users_by_items.indptr[person + 1]]
        )
        items[number, 0], items[number, 1:] = own[0], rng.choice(taken, N_OTHERS)
        free[number, 1:] = ~np.isin(items[number, 1:], own)
        histories.append(own[1 : 1 + MOST_HISTORY])
    counts = np.array([len(history) for history in histories], np.int64)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    values = np.repeat(np.maximum(counts, 1) ** -0.5, counts).astype(np.float32)
    rows = np.concatenate([np.zeros(0, np.int32), *histories])
    return Lists(sp.csr_array((values, rows, indptr), shape=(len(people), n_items)), items, free)


def shared_by(known: Knowledge, lists: Lists, group: Rows) -> Floats:
    """(N, k, G) what a history and an item share by the relations of each group."""
    group_of = group[known.columns.relation_of]
    n, k = lists.items.shape
    n_groups = int(group.max()) + 1
    out = np.empty((n, k, n_groups), np.float32)
    size = max(1, MOST_NUMBERS // max(len(group_of), k * n_groups))
    for start in range(0, n, size):
        items = lists.items[start : start + size]
        profiles = (lists.histories[start : start + size] @ known.links).toarray()
        owner, columns, data = entries(known.links, items.ravel())
        places = owner * n_groups + group_of[columns]
        added = np.bincount(places, data * profiles[owner // k, columns], minlength=items.size * n_groups)
        out[start : start + size] = added.reshape(len(items), k, n_groups)
    return out


def learned(shared: Floats, free: Mask) -> Doubles:
    """(G,) weights by maximum likelihood, in no particular unit. Of those of rare relations, which few lists can
    tell apart from chance, the penalty is stricter."""
    from scipy.optimize import minimize  # noqa: PLC0415  # heavy, and a server never learns

    usual = np.sqrt((shared.astype(np.float64) ** 2).mean(axis=(0, 1)))
    unit = np.maximum(usual, max(LEAST * usual.max(), 1e-12))
    standard = shared / unit
    out = np.where(free, 0.0, -np.inf)

    def loss(theta: Doubles) -> tuple[float, Doubles]:
        sharpness, weights = theta[0], theta[1:]
        told = standard @ weights  # (N, k)
        calmed = np.log1p(told)
        chance, missed = _softmax(out + sharpness * calmed)
        slope = chance / len(chance)
        slope[:, 0] -= 1.0 / len(chance)
        by_weight = np.einsum("nk,nkg->g", slope * sharpness / (1.0 + told), standard, optimize=True)
        value = missed + 0.5 * REG * float(theta @ theta)
        return value, np.concatenate([[(slope * calmed).sum()], by_weight]) + REG * theta

    start = np.concatenate([[1.0], np.full(shared.shape[2], 0.1)])
    found = minimize(loss, start, jac=True, bounds=[(0.0, None)] * len(start), method="L-BFGS-B")
    return np.where(usual > 1e-12, found.x[1:] / unit, 0.0)


def _softmax(logits: Doubles) -> tuple[Doubles, float]:
    """(N, k) probabilities and the mean negative log-probability of the first."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    weight = np.exp(shifted)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, float((np.log(total[:, 0]) - shifted[:, 0]).mean())


def _groups(known: Knowledge) -> Rows:
    """(R,) the group of each relation: its own, or the last one for those with few links."""
    columns = known.columns
    sizes = np.bincount(columns.relation_of, np.diff(known.links.tocsc().indptr), minlength=len(columns.relations))
    place = np.empty(len(sizes), np.int32)
    place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes), dtype=np.int32)
    return np.minimum(place, MOST_RELATIONS - 1)
