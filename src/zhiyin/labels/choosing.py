"""Which head reads a view best: prototypes or logistic regression, and how strongly drawn, by held-out folds.

Nothing is a constant of ours: of ten examples a label prototypes often win, of hundreds hardly ever, and the folds
say so. Each candidate is judged by its held-out log loss at the best temperature (Guo et al. 2017), so that a head
that is only too sure of itself is not thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.labels.linear import Features, Linear, fit_logistic, log_loss
from zhiyin.labels.prototypes import Prototypes

Kind = Literal["logistic", "prototypes"]

FOLDS = 5
REGS = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)  # from strong to weak
SHRINKAGES = (0.1, 0.3, 0.6, 0.9)
ENOUGH = 2_000  # examples, from which on one fold chooses the strength
MOST_CELLS = 60_000_000  # examples x labels: beyond, logistic regression takes hours
NEVER = -1  # the fold of what is always learned from


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to read a view, and what it says of each text when it did not learn from it."""

    view: str
    kind: Kind
    strength: float  # reg, or shrinkage
    held_out: Floats  # (n, K) scores; NaN rows where a text is always learned from
    loss: float


def stratified(truth: Floats, rng: np.random.Generator, n_folds: int = FOLDS) -> Rows:
    """(n,) the fold of each text, each label spread evenly; NEVER for the only example of a label. Of labels that
    stand alone, by the rarest label of a text."""
    counts = truth.sum(axis=0)
    rarest = np.where(truth > 0, counts, np.inf)
    label = np.where(truth.any(axis=1), rarest.argmin(axis=1), truth.shape[1])
    order = rng.permutation(len(truth))
    order = order[np.argsort(label[order], kind="stable")]
    folds = np.empty(len(truth), np.int32)
    folds[order] = np.arange(len(truth)) % n_folds
    single = (truth[:, counts == 1] > 0).any(axis=1)
    folds[single] = NEVER
    return folds


def candidates(view: str, rows: Features, truth: Floats, folds: Rows, *, multi: bool) -> Iterator[Candidate]:
    """The best of each kind that can read these rows."""
    n, n_labels = truth.shape
    if n * n_labels <= MOST_CELLS:
        yield _logistic(view, rows, truth, folds, multi=multi)
    if not (multi or isinstance(rows, sp.csr_array)):
        yield _prototypes(view, rows, truth, folds)


def fit_head(kind: Kind, strength: float, rows: Features, truth: Floats, *, multi: bool) -> Linear:
    """The head of a candidate, of all these rows."""
    if kind == "logistic":
        return fit_logistic(rows, truth, strength, multi=multi)
    return Prototypes.of(np.asarray(rows), truth).drawn(strength)


def tempered_loss(scores: Floats, truth: Floats, *, multi: bool) -> float:
    """The log loss at the best temperature."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  # heavy, and a server never learns

    found = minimize_scalar(
        lambda log_heat: log_loss(scores * np.float32(np.exp(log_heat)), truth, multi=multi),
        bounds=(-3.0, 3.0),
        method="bounded",
        options={"xatol": 0.05},
    )
    return float(found.fun)


def _logistic(view: str, rows: Features, truth: Floats, folds: Rows, *, multi: bool) -> Candidate:
    tried = list(range(folds.max() + 1))[: 1 if len(truth) >= ENOUGH else None]
    reg = _best_reg(rows, truth, folds, tried, multi=multi)
    held = _held_out(rows, truth, folds, lambda some, told: fit_logistic(some, told, reg, multi=multi))
    return _judged(view, "logistic", reg, held, truth, multi=multi)


def _best_reg(rows: Features, truth: Floats, folds: Rows, tried: Sequence[int], *, multi: bool) -> float:
    """From strong to weak, each search beginning where the stronger one ended, until it gets worse."""
    starts: dict[int, Linear | None] = dict.fromkeys(tried)
    best, lowest = REGS[0], np.inf
    for reg in REGS:
        losses = []
        for fold in tried:
            train, test = folds != fold, folds == fold
            head = fit_logistic(rows[train], truth[train], reg, multi=multi, start=starts[fold])
            starts[fold] = head
            losses.append(tempered_loss(head.scores(rows[test]), truth[test], multi=multi))
        if (loss := float(np.mean(losses))) > lowest:
            break
        best, lowest = reg, loss
    return best


def _prototypes(view: str, rows: Features, truth: Floats, folds: Rows) -> Candidate:
    """All strengths of a fold share its middles and its spread."""
    dense = np.asarray(rows)
    held = [np.full(truth.shape, np.nan, np.float32) for _ in SHRINKAGES]
    for fold in range(folds.max() + 1):
        train, test = folds != fold, folds == fold
        shared = Prototypes.of(dense[train], truth[train])
        for scores, shrinkage in zip(held, SHRINKAGES, strict=True):
            scores[test] = shared.drawn(shrinkage).scores(dense[test])
    judged = [
        _judged(view, "prototypes", shrinkage, scores, truth, multi=False)
        for shrinkage, scores in zip(SHRINKAGES, held, strict=True)
    ]
    return min(judged, key=lambda one: one.loss)


def _held_out(rows: Features, truth: Floats, folds: Rows, fit: Callable[[Features, Floats], Linear]) -> Floats:
    scores = np.full(truth.shape, np.nan, np.float32)
    for fold in range(folds.max() + 1):
        train, test = folds != fold, folds == fold
        scores[test] = fit(rows[train], truth[train]).scores(rows[test])
    return scores


def _judged(view: str, kind: Kind, strength: float, held: Floats, truth: Floats, *, multi: bool) -> Candidate:
    told = np.isfinite(held).all(axis=1)
    return Candidate(view, kind, strength, held, tempered_loss(held[told], truth[told], multi=multi))
