"""Texts that nobody labelled, learned from as well: what the heads are sure of they learn (self-training).

Scudder 1965; Yarowsky 1995. Sure is a probability from which on SURE of the held-out examples were told right; of
what is unlike all examples nothing is sure. Nothing is believed: a fold is judged by heads that learned from texts
which others labelled that never saw the fold, and it counts only where the held-out log loss is lower. Texts of a
label count together as its examples do times COUNTS, so that what is easily told does not drown all else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.labels.choosing import Head, fit_head
from zhiyin.labels.classifier import Part
from zhiyin.labels.linear import Features, log_loss, probabilities
from zhiyin.labels.pool import pool_weights, pooled

SURE = 0.95  # of the held-out examples that are told as surely are right
FEW = 20  # of them, without which nobody knows
COUNTS = (0.3, 1.0)  # what all texts of a label count against its examples: both are tried, the better one again
ROUNDS = 2
EVERY = -2  # in place of a fold: learned from all examples


@dataclass(frozen=True, slots=True)
class Material:
    """Examples, and texts without labels that were read alike."""

    rows: Mapping[str, Features]  # (n, D) by view
    truth: Floats  # (n, K)
    folds: Rows  # (n,)
    checked: Rows  # (m,) the examples that are held out
    more: Mapping[str, Features]  # (U, D) by view
    like: Mask  # (U,) those that are like some example


@dataclass(frozen=True, slots=True)
class Pool:
    """Heads, how they are weighed, and what they say of the held-out examples when they have not learned from
    them."""

    parts: tuple[Part, ...]
    weights: Doubles
    held: tuple[Floats, ...]  # by part (m, K) scores

    def together(self, *, multi: bool) -> Floats:
        """(m, K) scores of all."""
        return pooled(self.held, self.weights, multi=multi)


@dataclass(frozen=True, slots=True)
class Gained:
    """What texts without labels were good for. `counts`: what those of a label counted together against its
    examples, 0 where none was learned from."""

    n_texts: int
    n_sure: int
    counts: float
    rounds: int
    before: float  # held-out log loss
    after: float

    def sentence(self) -> str:
        """In words."""
        if not self.counts:
            return (
                f"nothing was learned from {self.n_texts:,} texts without labels: held-out log loss "
                f"({self.before:.3f}) would not get lower"
            )
        return (
            f"learned from {self.n_sure:,} of {self.n_texts:,} texts without labels, those of a label counting "
            f"{self.counts:g} times its examples at most, in {self.rounds} rounds: held-out log loss "
            f"{self.before:.3f} -> {self.after:.3f}"
        )


@dataclass(frozen=True, slots=True)
class _Guess:
    """What heads say of the texts: the likeliest label of each, and how likely."""

    label: Rows  # (U,)
    sure: Doubles  # (U,)


def self_taught(given: Material, first: Pool) -> tuple[Pool, Gained]:
    """Heads that learned from the texts, too, as long as that helps; the first ones where it does not."""
    best, n_texts = first, len(given.like)
    lowest = before = _loss(given, first)
    guesses = {fold: _guess(given, _heads(given, first, fold, None), first) for fold in _all(given)}
    gained = Gained(n_texts, 0, 0.0, 0, before, before)
    trying: tuple[float, ...] = COUNTS
    for n in range(ROUNDS):
        if (least := sure_from(best, given.truth[given.checked])) is None:
            break
        tried = [_taught(given, best, guesses, least, counts) for counts in trying]
        losses = [_loss(given, pool) for pool, _ in tried]
        place = int(np.argmin(losses))
        if losses[place] >= lowest:
            break
        n_sure = int((given.like & (guesses[EVERY].sure >= least)).sum())
        (best, guesses), lowest = tried[place], losses[place]
        gained = Gained(n_texts, n_sure, trying[place], n + 1, before, lowest)
        trying = trying[place : place + 1]
    return best, gained


def sure_from(pool: Pool, truth: Floats) -> float | None:
    """The least probability from which on SURE of the held-out examples are right; None where FEW are as sure."""
    said = probabilities(pool.together(multi=False), multi=False)
    sure = said.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum(said.argmax(axis=1)[order] == truth.argmax(axis=1)[order]) / np.arange(1, len(order) + 1)
    fit = np.flatnonzero(right >= SURE)
    return float(sure[order[fit[-1]]]) if len(fit) and fit[-1] + 1 >= FEW else None


def _all(given: Material) -> list[int]:
    return [EVERY, *range(given.folds.max() + 1)]


def _taught(
    given: Material, pool: Pool, guesses: Mapping[int, _Guess], least: float, counts: float
) -> tuple[Pool, dict[int, _Guess]]:
    """Heads of examples and texts; each fold's texts are labelled by those that have not seen it."""
    held = [np.empty((len(given.folds), given.truth.shape[1]), np.float32) for _ in pool.parts]
    by_fold: dict[int, list[Head]] = {}
    for fold in _all(given):
        guess = guesses[fold]
        chosen = np.flatnonzero(given.like & (guess.sure >= least)).astype(np.int32)
        extra = _counted(guess.label[chosen], given.truth[given.folds != fold], counts)
        by_fold[fold] = _heads(given, pool, fold, (chosen, extra))
        for head, part, scores in zip(by_fold[fold], pool.parts, held, strict=True):
            scores[given.folds == fold] = head.scores(given.rows[part.view][given.folds == fold])
    told = tuple(scores[given.checked] for scores in held)
    weights = pool_weights(told, given.truth[given.checked], multi=False)
    weighed = zip(pool.parts, by_fold[EVERY], weights.tolist(), strict=True)
    parts = tuple(replace(part, head=head, weight=weight) for part, head, weight in weighed)
    found = Pool(parts, weights, told)
    return found, {fold: _guess(given, heads, found) for fold, heads in by_fold.items()}


def _counted(labels: Rows, truth: Floats, counts: float) -> Floats:
    """(u, K) truth of texts that are held to be of these labels; those of a label count together what its examples
    do times `counts`, each of them no more than an example."""
    n_labels = truth.shape[1]
    each = counts * truth.sum(axis=0) / np.maximum(np.bincount(labels, minlength=n_labels), 1)
    found = np.zeros((len(labels), n_labels), np.float32)
    found[np.arange(len(labels)), labels] = np.minimum(each, 1.0)[labels]
    return found


def _heads(given: Material, pool: Pool, fold: int, extra: tuple[Rows, Floats] | None) -> list[Head]:
    """Of the examples outside of a fold, and of some texts with what they are held to be."""
    train, heads = given.folds != fold, list[Head]()
    for part in pool.parts:
        rows, truth = given.rows[part.view][train], given.truth[train]
        if extra is not None and len(extra[0]):
            rows, truth = _stacked(rows, given.more[part.view][extra[0]]), np.vstack([truth, extra[1]])
        heads.append(fit_head(part.kind, part.strength, rows, truth, multi=False))
    return heads


def _stacked(rows: Features, more: Features) -> Features:
    if isinstance(rows, sp.csr_array):
        return sp.csr_array(sp.vstack([rows, more]))
    return np.vstack([rows, np.asarray(more)])


def _guess(given: Material, heads: Sequence[Head], pool: Pool) -> _Guess:
    scores = [head.scores(given.more[part.view]) for head, part in zip(heads, pool.parts, strict=True)]
    said = probabilities(pooled(scores, pool.weights, multi=False), multi=False)
    return _Guess(said.argmax(axis=1).astype(np.int32), said.max(axis=1))


def _loss(given: Material, pool: Pool) -> float:
    return log_loss(pool.together(multi=False), given.truth[given.checked], multi=False)
