"""A label model: what reads, and the classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhiyin.encoders.base import Encoder
from zhiyin.labels.classifier import Classifier, Read, Said
from zhiyin.labels.grams import Grams
from zhiyin.labels.linear import Features

GRAMS = "grams"  # the view of words and pieces of words; the others are named for their encoders
MOST_COLUMNS = 30_000
MOST_WEIGHTS = 800_000  # columns x labels
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a text is. `labels` is empty where it is unknown, or where none of several applies."""

    labels: tuple[str, ...]
    probability: float  # of the likeliest label
    unknown: bool
    near: tuple[tuple[str, float], ...]  # the likeliest labels with their probabilities, best first


@dataclass(frozen=True, slots=True)
class LabelModel:
    """Safe to share between threads. `encoders` by the names of their views."""

    classifier: Classifier
    grams: Grams | None
    encoders: Mapping[str, Encoder]
    digest: str

    def say(self, texts: Sequence[str]) -> Said:
        """Of texts; an empty one is unknown."""
        said = self.classifier.say(read_texts(texts, self._used(), self._grams()))
        for row, text in enumerate(texts):
            if not text.strip():
                said.unknown[row] = True
        return said

    def answers(self, texts: Sequence[str], n_near: int = 3) -> list[Answer]:
        """The same in words."""
        said = self.say(texts)
        given, names = self.classifier.given(said), self.classifier.names
        found = []
        for row in range(len(texts)):
            order = (-said.probabilities[row]).argsort(kind="stable")
            likely = [(names[place], float(said.probabilities[row, place])) for place in order[:n_near].tolist()]
            labels = tuple(names[place] for place in order.tolist() if given[row, place])
            found.append(Answer(labels, likely[0][1], bool(said.unknown[row]), tuple(likely)))
        return found

    def _used(self) -> Mapping[str, Encoder]:
        return {view: self.encoders[view] for view in self.classifier.views if view in self.encoders}

    def _grams(self) -> Grams | None:
        return self.grams if GRAMS in self.classifier.views else None


def read_texts(texts: Sequence[str], encoders: Mapping[str, Encoder], grams: Grams | None) -> Read:
    """Rows of texts by view."""
    read: dict[str, Features] = {view: encoder.encode(texts) for view, encoder in encoders.items()}
    if grams is not None:
        read[GRAMS] = grams.encode(texts)
    return read


def grams_of(texts: Sequence[str], n_labels: int) -> Grams:
    """The columns that so many labels leave room for."""
    return Grams.fit(texts, max(min(MOST_COLUMNS, MOST_WEIGHTS // n_labels), 100))
