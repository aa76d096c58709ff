"""Lifts: how much more often than usual an item is taken where something holds, as far as counts can be believed.

For item j and value f (the evening, a Friday, `device` = phone): n_jf events, and E_jf expected of the same
people as they usually come, E_jf = Σ_events of j p_uf with p_uf = (n_uf + c s_f) / (n_u + c) and s_f the share of
all events: who always comes in the evening says nothing about evenings. n_jf ~ Poisson(λ_jf E_jf) and
λ_jf ~ Σ_k w_k Gamma(b_k, b_k) of mean 1, b on a grid from far from usual to as usual, w of the highest marginal
likelihood (the shrinker of DuMouchel 1999, with a grid in place of two components as in Stephens 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.circumstances import UNKNOWN, ContextField
from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask

HABIT = 10.0  # c: events after which somebody's own habit counts half
SHAPES = np.append(np.exp2(np.arange(-1.0, 12.0)), 1e7)  # b; the last is λ = 1
ROUNDS = 100  # of expectation and maximisation
MOST_ITEMS = 4_000  # at once, and to learn w from
DECIDED = 0.5  # kappa from which on a value is of the item and not of the moment
LEAST_EVENTS = 50  # of a value; with fewer it is unknown


def decided(field: ContextField, data: Dataset) -> bool:
    """Whether items decide the value, so that nobody can know it before they choose: a department, a price.
    By kappa: how much more often two events of one item agree than two of any."""
    kept = np.flatnonzero((field.codes != UNKNOWN) & (data.weights > 0))
    n = _table(data.item_rows[kept], field.codes[kept], len(data.items), len(field.values))
    each, total = n.sum(axis=1), n.sum()
    pairs = (each * (each - 1)).sum()
    chance = float(((n.sum(axis=0) / max(total, 1)) ** 2).sum())
    agree = float((n * (n - 1)).sum() / max(pairs, 1))
    return agree - chance > DECIDED * (1 - chance)


def counted(field: ContextField, data: Dataset) -> Seen | None:
    """Of the values that are there often enough; None unless there are two."""
    codes = np.where(data.weights > 0, field.codes, UNKNOWN)
    counts = np.bincount(codes[codes != UNKNOWN], minlength=len(field.values))
    usual = np.flatnonzero(counts >= LEAST_EVENTS)
    if len(usual) < 2:
        return None
    renamed = np.append(np.full(len(field.values), UNKNOWN), UNKNOWN)
    renamed[usual] = np.arange(len(usual))
    codes = renamed[codes]
    kept = np.flatnonzero(codes != UNKNOWN)
    seen = _table(data.item_rows[kept], codes[kept], len(data.items), len(usual))
    users = data.user_rows[kept]
    habits = _habits(_table(users, codes[kept], len(data.users), len(usual)))
    took = sp.csr_array(
        (np.ones(len(kept)), (data.item_rows[kept], users)), shape=(len(data.items), len(data.users))
    )
    return Seen(tuple(field.values[value] for value in usual), seen, took @ habits)


@dataclass(frozen=True, slots=True)
class Seen:
    """Items by values of one field: how often taken, and how often their people would have by habit."""

    values: tuple[str, ...]  # (F,)
    n: Doubles  # (I, F)
    expected: Doubles  # (I, F)

    @property
    def often(self) -> Mask:
        """(I, F) whether a larger share of the item's events than of all events was there, twice at least."""
        share = self.n.sum(axis=0) / self.n.sum()
        return (self.n > self.n.sum(axis=1, keepdims=True) * share) & (self.n >= 2)

    def lifts(self) -> Floats:
        """(I, F) log of the posterior means of λ; 0 of an item that nobody took."""
        taken = np.flatnonzero(self.expected.sum(axis=1) > 0)
        some = taken[:: -(-len(taken) // MOST_ITEMS) or 1]
        weights = mixture_of(self.n[some].ravel(), self.expected[some].ravel())
        found = np.zeros(self.n.shape, np.float32)
        for start in range(0, len(taken), MOST_ITEMS):
            part = taken[start : start + MOST_ITEMS]
            means = posterior_mean(self.n[part].ravel(), self.expected[part].ravel(), weights)
            found[part] = np.log(means).reshape(len(part), -1)
        return found


def mixture_of(n: Doubles, expected: Doubles) -> Doubles:
    """(K,) the weights of SHAPES under which these counts (C,) are most likely, by expectation-maximisation."""
    likelihood = _likelihoods(n, expected)
    weights = np.full(len(SHAPES), 1.0 / len(SHAPES))
    for _ in range(ROUNDS):
        shares = likelihood * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights


def posterior_mean(n: Doubles, expected: Doubles, weights: Doubles) -> Doubles:
    """(C,) λ as it is expected of items with these counts."""
    shares = _likelihoods(n, expected) * weights
    ratio = (n[:, None] + SHAPES) / (expected[:, None] + SHAPES)
    return np.asarray((shares * ratio).sum(axis=1) / shares.sum(axis=1))


def _likelihoods(n: Doubles, expected: Doubles) -> Doubles:
    """(C, K) of each count by each shape, over that by the best one: negative binomial."""
    from scipy.special import gammaln  # noqa: PLC0415  # a server never learns

    n, expected = n[:, None], expected[:, None]
    total = expected + SHAPES
    found = gammaln(n + SHAPES) - gammaln(SHAPES) + SHAPES * np.log(SHAPES / total) - n * np.log(total)
    likelihood: Doubles = np.exp(found - found.max(axis=1, keepdims=True))
    return likelihood


def _table(rows: npt.NDArray[np.integer], codes: npt.NDArray[np.integer], n: int, width: int) -> Doubles:
    """(n, width) how often each row has each code."""
    return np.bincount(rows * width + codes, minlength=n * width).reshape(n, width).astype(np.float64)


def _habits(counts: Doubles) -> Doubles:
    """(U, F) p: how people usually come."""
    share = counts.sum(axis=0) / counts.sum()
    return np.asarray((counts + HABIT * share) / (counts.sum(axis=1, keepdims=True) + HABIT))
