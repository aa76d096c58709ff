"""Which head reads a view best, and how strongly drawn, by held-out folds: prototypes, logistic regression or a
perceptron.

Nothing is a constant of ours: of ten examples a label prototypes often win, of hundreds hardly ever, and the folds
say so. A perceptron takes ten times as long, and is kept only where it says more than the straight head that it
begins with. Each candidate is judged by its held-out log loss at the best temperature (Guo et al. 2017), so that a
head that is only too sure of itself is not thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.labels.linear import Features, Linear, fit_logistic, log_loss
from zhiyin.labels.perceptron import Perceptron, fit_perceptron
from zhiyin.labels.prototypes import Prototypes

Head: TypeAlias = Linear | Perceptron
Kind = Literal["logistic", "prototypes", "perceptron"]

FOLDS = 5
REGS = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7)  # from strong to weak
SHRINKAGES = (0.1, 0.3, 0.6, 0.9)
BENDS = (1.0, 0.1, 0.01)  # times the reg of the straight head: what a perceptron tries, from strong to weak
WORSE = 1.02  # times the lowest loss: no weaker perceptron is tried
GAIN = 0.01  # of the loss of the straight head, that a perceptron has to save
TO_BEND = 20  # examples a label on the average, from which on a perceptron is tried
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


@dataclass(frozen=True, slots=True)
class Folded:
    """A view of the examples, what they are, and in which fold each is held out."""

    view: str
    rows: Features  # (n, D)
    truth: Floats  # (n, K)
    folds: Rows  # (n,)
    multi: bool

    @property
    def all(self) -> range:
        """The folds."""
        return range(self.folds.max() + 1)

    @property
    def choosers(self) -> range:
        """The folds that choose a strength: all, or one of many examples."""
        return self.all[:1] if len(self.truth) >= ENOUGH else self.all

    def loss(self, scores: Floats, of: Sequence[int]) -> float:
        """Of what was held out in these folds."""
        some = np.isin(self.folds, of)
        return tempered_loss(scores[some], self.truth[some], multi=self.multi)


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


def candidates(given: Folded) -> Iterator[Candidate]:
    """The best of each kind that can read these rows."""
    n, n_labels = given.truth.shape
    sparse = isinstance(given.rows, sp.csr_array)
    if n * n_labels <= MOST_CELLS:
        reg = _best_reg(given)
        straight = _judged(given, "logistic", reg, _held_out(given, "logistic", reg, given.all))
        yield straight
        if n >= TO_BEND * n_labels and not sparse:
            yield from _perceptrons(given, straight)
    if not (given.multi or sparse):
        yield _best_prototypes(given)


def fit_head(kind: Kind, strength: float, rows: Features, truth: Floats, *, multi: bool) -> Head:
    """The head of a candidate, of all these rows."""
    if kind == "prototypes":
        return Prototypes.of(np.asarray(rows), truth).drawn(strength)
    straight = fit_logistic(rows, truth, strength, multi=multi)
    if kind == "logistic":
        return straight
    return fit_perceptron(np.asarray(rows), truth, strength, straight, multi=multi)


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


def _best_reg(given: Folded) -> float:
    """Of the logistic head: from strong to weak, each search beginning where the stronger one ended, until it gets
    worse."""
    starts: dict[int, Linear | None] = dict.fromkeys(given.choosers)
    best, lowest = REGS[0], np.inf
    for reg in REGS:
        losses = []
        for fold in given.choosers:
            train, test = given.folds != fold, given.folds == fold
            head = fit_logistic(given.rows[train], given.truth[train], reg, multi=given.multi, start=starts[fold])
            starts[fold] = head
            losses.append(tempered_loss(head.scores(given.rows[test]), given.truth[test], multi=given.multi))
        if (loss := float(np.mean(losses))) > lowest:
            break
        best, lowest = reg, loss
    return best


def _perceptrons(given: Folded, straight: Candidate) -> Iterator[Candidate]:
    """The best one; none where the straight head says as much on the folds that choose."""
    before = given.loss(straight.held_out, given.choosers)
    best, lowest = 0.0, np.inf
    for reg in (straight.strength * bend for bend in BENDS):
        loss = given.loss(_held_out(given, "perceptron", reg, given.choosers), given.choosers)
        if loss > WORSE * min(lowest, before):
            break
        best, lowest = (reg, loss) if loss < lowest else (best, lowest)
    if lowest < (1.0 - GAIN) * before:
        yield _judged(given, "perceptron", best, _held_out(given, "perceptron", best, given.all))


def _best_prototypes(given: Folded) -> Candidate:
    """All strengths of a fold share its middles and its spread."""
    dense, truth = np.asarray(given.rows), given.truth
    held = [np.full(truth.shape, np.nan, np.float32) for _ in SHRINKAGES]
    for fold in given.all:
        train, test = given.folds != fold, given.folds == fold
        shared = Prototypes.of(dense[train], truth[train])
        for scores, shrinkage in zip(held, SHRINKAGES, strict=True):
            scores[test] = shared.drawn(shrinkage).scores(dense[test])
    tried = zip(SHRINKAGES, held, strict=True)
    judged = [_judged(given, "prototypes", shrinkage, scores) for shrinkage, scores in tried]
    return min(judged, key=lambda one: one.loss)


def _held_out(given: Folded, kind: Kind, strength: float, of: Sequence[int]) -> Floats:
    """(n, K) what heads say of these folds that did not learn from them; NaN elsewhere."""
    scores = np.full(given.truth.shape, np.nan, np.float32)
    for fold in of:
        train, test = given.folds != fold, given.folds == fold
        head = fit_head(kind, strength, given.rows[train], given.truth[train], multi=given.multi)
        scores[test] = head.scores(given.rows[test])
    return scores


def _judged(given: Folded, kind: Kind, strength: float, held: Floats) -> Candidate:
    return Candidate(given.view, kind, strength, held, given.loss(held, given.all))
