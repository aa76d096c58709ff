"""What a classifier is worth: numbers a label, in words, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import orjson

from zhiyin.data.dataset import Floats, Mask
from zhiyin.labels.classifier import Classifier, Said
from zhiyin.metrics.classes import brier, calibration_error, macro_f1, per_label

PAIRS = 10  # confusions told
WORST = 10  # labels told in words


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label. `support`: texts that have it."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many texts of one label were told to be another."""

    truth: str
    said: str
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """Of texts that were not learned from; `unknown` answers count as what they would have been."""

    n_texts: int
    accuracy: float  # of labels that stand alone: all of a text's are right
    macro_f1: float
    calibration_error: float
    brier: float
    missed: float  # share of these known texts that was called unknown
    answered_accuracy: float  # of those that were answered
    unknown_auroc: float | None
    unknown_by: str
    labels: tuple[LabelScore, ...]
    confusions: tuple[Confusion, ...]

    def sentences(self) -> list[str]:
        """The whole, then the labels that are told worst, then what is mixed up."""
        told = [
            f"on {self.n_texts:,} examples it did not learn from: accuracy {self.accuracy:.3f}, macro F1 "
            f"{self.macro_f1:.3f}, calibration error {self.calibration_error:.3f}, Brier {self.brier:.3f}",
            f"unknown (by {self.unknown_by}): {self.missed:.1%} of known texts are called so; the others are "
            f"right in {self.answered_accuracy:.1%}",
        ]
        if self.unknown_auroc is not None:
            told.append(
                f"texts of labels that were left out are told from known ones with AUROC {self.unknown_auroc:.3f}"
            )
        judged = [one for one in self.labels if one.support]
        worst = sorted(judged, key=lambda one: (one.f1, one.label))[:WORST]
        told += [
            f"  {one.label}: precision {one.precision:.2f}, recall {one.recall:.2f}, F1 {one.f1:.2f} "
            f"({one.support} texts)"
            for one in worst
        ]
        told += [f"  {one.count} times {one.truth} was called {one.said}" for one in self.confusions]
        return told

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)


def report(classifier: Classifier, said: Said, truth: Floats) -> Report:
    """Of (n, K) truth and what was said of the same texts."""
    wanted: Mask = truth > 0
    told = _told(classifier, said)
    right = (told == wanted).all(axis=1)
    sure = said.probabilities.max(axis=1)
    scores = per_label(told, wanted)
    rows = zip(
        classifier.names,
        scores.precision.tolist(),
        scores.recall.tolist(),
        scores.f1.tolist(),
        scores.support.astype(int).tolist(),
        strict=True,
    )
    answered = right[~said.unknown]
    return Report(
        n_texts=len(truth),
        accuracy=float(right.mean()),
        macro_f1=macro_f1(told, wanted),
        calibration_error=_calibration(said, wanted, sure, right, multi=classifier.multi),
        brier=brier(said.probabilities, truth.astype(np.float64)),
        missed=float(said.unknown.mean()),
        answered_accuracy=float(answered.mean()) if len(answered) else 0.0,
        unknown_auroc=classifier.gate.auroc,
        unknown_by=classifier.gate.score,
        labels=tuple(LabelScore(*row) for row in rows),
        confusions=() if classifier.multi else _confusions(classifier.names, told, wanted),
    )


def _told(classifier: Classifier, said: Said) -> Mask:
    """The labels, unknown or not."""
    if classifier.multi:
        return said.probabilities >= classifier.given_from
    told = np.zeros(said.probabilities.shape, bool)
    told[np.arange(len(told)), said.probabilities.argmax(axis=1)] = True
    return told


def _calibration(said: Said, wanted: Mask, sure: np.ndarray, right: Mask, *, multi: bool) -> float:
    if multi:
        return calibration_error(said.probabilities.ravel(), wanted.ravel())
    return calibration_error(sure, right)


def _confusions(names: Sequence[str], told: Mask, wanted: Mask) -> tuple[Confusion, ...]:
    counts = wanted.astype(np.float32).T @ told.astype(np.float32)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:PAIRS]
    pairs = (np.unravel_index(place, counts.shape) for place in order)
    return tuple(
        Confusion(names[int(truth)], names[int(said)], int(counts[truth, said]))
        for truth, said in pairs
        if counts[truth, said] > 0
    )
