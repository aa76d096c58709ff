"""From labelled texts that were read to a classifier, and what it says of texts that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData
from zhiyin.labels.choosing import NEVER, Candidate, Folded, Head, candidates, fit_head, stratified
from zhiyin.labels.classifier import EVEN, Classifier, Part, Read, Region, Said, Standard, standardised
from zhiyin.labels.examples import Labelled
from zhiyin.labels.isotonic import proven
from zhiyin.labels.linear import Features, probabilities
from zhiyin.labels.pool import pool_weights, pooled
from zhiyin.labels.prototypes import Prototypes
from zhiyin.labels.unknown import (
    CERTAINTY,
    DISTANCE,
    ENOUGH_LABELS,
    Gate,
    best_score,
    combined,
    raw_scores,
    scales_of,
)
from zhiyin.progress import Progress, Silent

Places: TypeAlias = npt.NDArray[np.integer]  # rows of examples

MIN_CHECKED = 4  # texts that can be held out
ROUNDS = 3  # in which labels are left out, to look for them
LEFT_OUT = 0.2  # of the labels, in each
REGION_SHRINKAGE = 0.3


@dataclass(frozen=True, slots=True)
class Fitted:
    """A classifier, and what it says of the examples when it has not learned from them."""

    classifier: Classifier
    held_out: Said
    checked: Rows  # rows of the examples that `held_out` speaks of


def fit(
    data: Labelled,
    read: Read,
    *,
    seed: int = 0,
    missed: float = 0.05,
    judges: Rows | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """`read`: rows of the texts by view, one of them dense at least. `missed`: the share of known texts that may
    be called unknown. `judges`: the only texts that may judge, where what reads has learned from the others."""
    told, rng = progress or Silent(), np.random.default_rng(seed)
    standards = {
        view: Standard.of(np.asarray(rows)) for view, rows in read.items() if not isinstance(rows, sp.csr_array)
    }
    rows, folds = standardised(read, standards), _folds(data, judges, rng)
    told.start("learning labels", len(rows) + 2)
    pool = _pool(data, rows, folds, told)
    look = _Look(data, rows, folds, pool.parts, _region_view(pool.found, rows))
    known = look.known(pool)
    gate = look.gate(known, missed, rng)
    told.done()
    truth = data.truth[pool.checked] > 0
    curve, said = proven(probabilities(pool.held_out(data.multi), multi=data.multi), truth, multi=data.multi)
    given_from = best_bound(said, truth) if data.multi else EVEN
    region = look.region(np.arange(len(folds)))
    classifier = Classifier(data.names, data.multi, standards, pool.parts, region, gate, given_from, curve)
    score = gate.of(known)
    return Fitted(classifier, Said(said, score, score < gate.threshold), pool.checked.astype(np.int32))


@dataclass(frozen=True, slots=True)
class _Pool:
    """The heads there are, how they are weighed, and what they say of the texts that were held out."""

    found: Sequence[Candidate]
    weights: Doubles
    checked: Places  # rows of the examples that were held out
    held: Sequence[Floats]  # by candidate (n, K) scores of those
    parts: tuple[Part, ...]

    def held_out(self, multi: bool) -> Floats:
        """(n, K) scores of all together."""
        return pooled(self.held, self.weights, multi=multi)


def _pool(data: Labelled, rows: Mapping[str, Features], folds: Rows, told: Progress) -> _Pool:
    """Raises InvalidData where nothing can be held out."""
    if (folds >= 0).sum() < MIN_CHECKED:
        raise InvalidData(
            "no label has two examples, so nothing can be held out to see how well labels are told: give each "
            "a few more"
        )
    found: list[Candidate] = []
    for n, (view, some) in enumerate(rows.items()):
        told.advance(n, view)
        found += candidates(Folded(view, some, data.truth, folds, data.multi))
    checked = np.flatnonzero(np.all([np.isfinite(one.held_out).all(axis=1) for one in found], axis=0))
    held = [one.held_out[checked] for one in found]
    weights = pool_weights(held, data.truth[checked], multi=data.multi)
    told.advance(len(rows), "all examples")
    parts = tuple(
        Part(one.view, one.kind, one.strength, float(weight), _head(one, rows, data))
        for one, weight in zip(found, weights, strict=True)
        if weight > 0
    )
    told.advance(len(rows) + 1, "unknown")
    return _Pool(found, weights, checked, held, parts)


def _folds(data: Labelled, judges: Rows | None, rng: np.random.Generator) -> Rows:
    folds = stratified(data.truth, rng)
    if judges is None:
        return folds
    return np.where(np.isin(np.arange(len(folds)), judges) & (folds != NEVER), 0, NEVER).astype(np.int32)


def best_bound(said: Doubles, truth: Mask) -> float:
    """The probability from which on labels that stand alone are given: of the largest F1 over all texts and labels
    together (Lipton, Elkan & Naryanaswamy 2014), the smaller of equals."""
    order = np.argsort(-said, axis=None, kind="stable")
    right = np.cumsum(truth.ravel()[order])
    f1 = 2.0 * right / (np.arange(1, len(right) + 1) + max(int(truth.sum()), 1))
    return float(said.ravel()[order[int(f1.argmax())]])


def _head(one: Candidate, rows: Mapping[str, Features], data: Labelled) -> Head:
    return fit_head(one.kind, one.strength, rows[one.view], data.truth, multi=data.multi)


def _region_view(found: Sequence[Candidate], rows: Mapping[str, Features]) -> str:
    """The dense view that is read best."""
    dense = [one for one in found if not isinstance(rows[one.view], sp.csr_array)]
    if dense:
        return min(dense, key=lambda one: one.loss).view
    return next(view for view, some in rows.items() if not isinstance(some, sp.csr_array))


@dataclass(frozen=True, slots=True)
class _Look:
    """What is needed to find out how unknown texts look."""

    data: Labelled
    rows: Mapping[str, Features]
    folds: Rows
    parts: tuple[Part, ...]
    view: str

    def region(self, train: Places, labels: Rows | None = None) -> Region:
        """Of these examples, and of these labels where they are not all."""
        dense = np.asarray(self.rows[self.view])[train]
        truth = self.data.truth[train] if labels is None else self.data.truth[train][:, labels]
        if self.data.multi:  # a text counts for each of its labels
            dense, truth = _each(dense, truth)
        shared = Prototypes.of(dense, truth)
        root = np.linalg.cholesky(np.linalg.inv(shared.covariance(REGION_SHRINKAGE)))
        some = truth.any(axis=0)
        return Region(
            self.view,
            shared.middle.astype(np.float32),
            root.astype(np.float32),
            (shared.middles[some] @ root).astype(np.float32),
        )

    def known(self, pool: _Pool) -> dict[str, Doubles]:
        """The scores of known texts that were not learned from."""
        near = np.empty(len(self.folds))
        for fold in range(self.folds.max() + 1):
            test = np.flatnonzero(self.folds == fold)
            region = self.region(np.flatnonzero(self.folds != fold))
            near[test] = region.nearness(np.asarray(self.rows[self.view])[test])
        strongest = pool.held[int(pool.weights.argmax())]
        scores = raw_scores(pool.held_out(self.data.multi), strongest, multi=self.data.multi)
        return {**scores, DISTANCE: near[pool.checked]}

    def gate(self, known: Mapping[str, Doubles], missed: float, rng: np.random.Generator) -> Gate:
        """The score that tells texts of labels that were left out from others, and its threshold."""
        scales = scales_of(known)
        name, area = DISTANCE if self.data.multi else CERTAINTY, None
        if len(self.data.names) >= ENOUGH_LABELS and not self.data.multi:
            n_folds = int(self.folds.max()) + 1
            rounds = [self._round(n % n_folds, left) for n, left in enumerate(self._left_out(rng))]
            ours, others = (
                {key: np.concatenate([r[side][key] for r in rounds]) for key in known} for side in (0, 1)
            )
            name, area = best_score(ours, others)
        return Gate(name, float(np.quantile(combined(known, scales)[name], missed)), scales, area)

    def _left_out(self, rng: np.random.Generator) -> list[Rows]:
        """Labels of each round, none in two of them."""
        n = max(1, int(LEFT_OUT * len(self.data.names)))
        order = rng.permutation(len(self.data.names)).astype(np.int32)
        return [order[start : start + n] for start in range(0, ROUNDS * n, n)]

    def _round(self, fold: int, left: Rows) -> tuple[dict[str, Doubles], dict[str, Doubles]]:
        """Scores of held-out known texts, and of those of labels that nobody heard of."""
        strange: Mask = np.asarray(self.data.truth[:, left].any(axis=1), bool)
        kept = np.setdiff1d(np.arange(len(self.data.names)), left).astype(np.int32)
        train = np.flatnonzero((self.folds != fold) & ~strange)
        asked = [np.flatnonzero((self.folds == fold) & ~strange), np.flatnonzero(strange)]
        truth = self.data.truth[train][:, kept]
        heads = [fit_head(p.kind, p.strength, self.rows[p.view][train], truth, multi=False) for p in self.parts]
        weights, region = np.array([part.weight for part in self.parts]), self.region(train, kept)
        found = []
        for some in asked:
            held = [head.scores(self.rows[part.view][some]) for head, part in zip(heads, self.parts, strict=True)]
            scores = raw_scores(pooled(held, weights, multi=False), held[int(weights.argmax())], multi=False)
            near = region.nearness(np.asarray(self.rows[self.view])[some])
            found.append({**scores, DISTANCE: near})
        return found[0], found[1]


def _each(rows: Floats, truth: Floats) -> tuple[Floats, Floats]:
    """A row for each label of a text."""
    owner, label = np.nonzero(truth)
    single = np.zeros((len(owner), truth.shape[1]), np.float32)
    single[np.arange(len(owner)), label] = 1.0
    return rows[owner], single
