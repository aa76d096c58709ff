"""From labelled texts that were read to a classifier, and what it says of texts that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from zhiyin.labels.unlabelled import Gained, Material, Pool, self_taught
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
    gained: Gained | None = None  # by texts without labels, where there were any


@dataclass(frozen=True, slots=True)
class Way:
    """How it is learned. `missed`: the share of known texts that may be called unknown. `judges`: the only texts
    that may judge, where what reads has learned from the others."""

    seed: int = 0
    missed: float = 0.05
    judges: Rows | None = None


def fit(
    data: Labelled,
    read: Read,
    way: Way | None = None,
    *,
    more: Read | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """`read`: rows of the texts by view, one of them dense at least. `more`: likewise of texts without labels,
    which are learned from where held-out examples are told better so; only where labels exclude each other."""
    told, way = progress or Silent(), way or Way()
    rng = np.random.default_rng(way.seed)
    standards = {
        view: Standard.of(np.asarray(rows)) for view, rows in read.items() if not isinstance(rows, sp.csr_array)
    }
    rows, folds = standardised(read, standards), _folds(data, way.judges, rng)
    told.start("learning labels", len(rows) + 2 + (more is not None))
    found = _found(data, rows, folds, told)
    pool, checked = _pool(data, rows, found)
    look, gained = _Look(data, rows, folds, pool.parts, _region_view(found, rows)), None
    if more is not None:
        told.advance(len(rows) + 1, "texts without labels")
        pool, gained = look.more(pool, checked, standardised(more, standards), way.missed)
        look = replace(look, parts=pool.parts)
    told.advance(len(rows) + 1 + (more is not None), "unknown")
    known = look.known(pool, checked)
    gate = look.gate(known, way.missed, rng)
    told.done()
    truth = data.truth[checked] > 0
    curve, said = proven(probabilities(pool.together(multi=data.multi), multi=data.multi), truth, multi=data.multi)
    given_from = best_bound(said, truth) if data.multi else EVEN
    region, used = look.region(np.arange(len(folds))), tuple(part for part in pool.parts if part.weight > 0)
    classifier = Classifier(data.names, data.multi, standards, used, region, gate, given_from, curve)
    score = gate.of(known)
    return Fitted(classifier, Said(said, score, score < gate.threshold), checked, gained)


def _found(data: Labelled, rows: Mapping[str, Features], folds: Rows, told: Progress) -> list[Candidate]:
    """The best heads of each view. Raises InvalidData where nothing can be held out."""
    if (folds >= 0).sum() < MIN_CHECKED:
        raise InvalidData(
            "no label has two examples, so nothing can be held out to see how well labels are told: give each "
            "a few more"
        )
    found: list[Candidate] = []
    for n, (view, some) in enumerate(rows.items()):
        told.advance(n, view)
        found += candidates(Folded(view, some, data.truth, folds, data.multi))
    told.advance(len(rows), "all examples")
    return found


def _pool(data: Labelled, rows: Mapping[str, Features], found: Sequence[Candidate]) -> tuple[Pool, Rows]:
    """Those that add something, learned from all examples; and the rows of the examples that were held out."""
    checked = np.flatnonzero(np.all([np.isfinite(one.held_out).all(axis=1) for one in found], axis=0))
    held = [one.held_out[checked] for one in found]
    weights = pool_weights(held, data.truth[checked], multi=data.multi)
    used = np.flatnonzero(weights > 0).tolist()
    parts = tuple(
        Part(one.view, one.kind, one.strength, float(weights[n]), _head(one, rows, data))
        for n, one in enumerate(found)
        if n in used
    )
    return Pool(parts, weights[used], tuple(held[n] for n in used)), checked.astype(np.int32)


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

    def more(self, pool: Pool, checked: Rows, more: Mapping[str, Features], missed: float) -> tuple[Pool, Gained]:
        """What is learned from texts without labels, of those that are as near to a label as known ones are."""
        region = self.region(np.arange(len(self.folds)))
        least = float(np.quantile(self._near()[checked], missed))
        like = region.nearness(np.asarray(more[self.view])) >= least
        return self_taught(Material(self.rows, self.data.truth, self.folds, checked, more, like), pool)

    def known(self, pool: Pool, checked: Rows) -> dict[str, Doubles]:
        """The scores of known texts that were not learned from."""
        strongest = pool.held[int(pool.weights.argmax())]
        scores = raw_scores(pool.together(multi=self.data.multi), strongest, multi=self.data.multi)
        return {**scores, DISTANCE: self._near()[checked]}

    def _near(self) -> Doubles:
        """(n,) how near each text is to the labels of the other folds."""
        near = np.empty(len(self.folds))
        for fold in range(self.folds.max() + 1):
            test = np.flatnonzero(self.folds == fold)
            region = self.region(np.flatnonzero(self.folds != fold))
            near[test] = region.nearness(np.asarray(self.rows[self.view])[test])
        return near

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
