"""Sequence: what people take next after what was taken last, by a small net that reads the order.

An item is a vector: its text (the rows of the meaning channel, projected) plus an own part that training learned
of what people did with it. What nobody took yet has its text alone, as later items do; without a text as well it
is zero. A history is the state of the net after its newest item (zhiyin.models.causal); the score of an item is
the product of that state with the item's vector, less the mean of all items that people took, so that 0 is an item
like any other. What was disliked is read by itself and taken away.

An entry adds to a score what its arrival changed: the state after it less the state before it. These are the
marginal contributions of Shapley (1953) in the one order in which things happened; they sum to the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zhiyin.data.dataset import Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe
from zhiyin.models.causal import Causal
from zhiyin.models.dense import turned_one_by_one
from zhiyin.models.index import VectorIndex, build_index, index_of
from zhiyin.models.meaning import Meaning

AT_ONCE = 12_800  # entries that go through the net together


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text becomes a vector: turned as in the meaning channel, then projected."""

    centre: Floats  # (encoder's dim,)
    axes: Floats  # (encoder's dim, dim)
    projection: Floats  # (dim, D)

    @classmethod
    def of(cls, meaning: Meaning, projection: Floats) -> Self:
        return cls(meaning.centre, meaning.axes, projection)

    def vectors(self, read: Floats) -> Floats:
        """(n, D) of unit rows of the sentence encoder, each by itself; zero for those without a text."""
        found = np.zeros((len(read), self.projection.shape[1]), np.float32)
        for n, row in enumerate(turned_one_by_one(read, self.centre, self.axes)):
            found[n] = row @ self.projection
        return found


@dataclass(frozen=True, slots=True)
class Sequence:
    name: ClassVar[str] = "sequence"
    net: Causal
    vectors: Floats  # (I, D)
    middle: Floats  # (D,) the mean of the vectors of all items that people took
    reading: Reading
    index: VectorIndex  # over `shown`
    shown: Floats  # (I, D) the vectors less `middle`; zero for what is not known at all

    @classmethod
    def of(cls, net: Causal, vectors: Floats, taken: Mask, reading: Reading, seed: int) -> Self:
        """`taken` (I,): by anybody."""
        middle = vectors[taken].mean(axis=0) if taken.any() else np.zeros(vectors.shape[1], np.float32)
        shown = _less(vectors, middle)
        return cls(net, vectors, middle, reading, build_index(shown, seed), shown)

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    def score(self, batch: Batch) -> Floats:
        return self.askers(batch) @ self.shown.T

    def scorer(self, batch: Batch) -> SequenceScorer:
        return SequenceScorer(self, batch)

    def extended(self, arrivals: Arrivals) -> Self:
        later = self.reading.vectors(arrivals.vectors)
        return self._with(np.concatenate([self.vectors, later]), np.arange(len(later)) + self.n_items)

    def read_again(self, rows: Rows, read: Floats) -> Self:
        """The same items, of which these rows, that came after fitting, have other texts."""
        vectors = self.vectors.copy()
        vectors[rows] = self.reading.vectors(read)
        return self._with(vectors, rows)

    def arrays(self) -> Arrays:
        text = {"centre": self.reading.centre, "axes": self.reading.axes, "projection": self.reading.projection}
        return {
            "vectors": self.vectors,
            "middle": self.middle,
            **text,
            **self.net.arrays(),
            **self.index.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        names = ("vectors", "middle", "centre", "axes", "projection")
        vectors, middle, *text = (np.asarray(arrays[name], np.float32) for name in names)
        shown = _less(vectors, middle)
        return cls(Causal.of_arrays(arrays), vectors, middle, Reading(*text), index_of(shown, arrays), shown)

    def askers(self, batch: Batch) -> Floats:
        """(B, D) the state after what each liked, less the one after what they disliked."""
        return askers(self.net, self.vectors, batch)

    def steps(self, batch: Batch) -> Floats:
        """(H, D) how far each entry moved its asker; nothing for what is older than the net reads."""
        moved = np.zeros((len(batch.rows), self.vectors.shape[1]), np.float32)
        for part in _windows(batch, self.net.length):
            states = self.net.states(self.vectors[part.rows])
            changes = np.diff(states, axis=1, prepend=np.float32(0.0)) * np.float32(part.sign)
            moved[part.places[part.real]] = changes[part.real]
        return moved

    def _with(self, vectors: Floats, rows: npt.NDArray[np.integer]) -> Self:
        shown = _less(vectors, self.middle)
        index = self.index.with_rows(shown, rows.astype(np.int32))
        return replace(self, vectors=vectors, shown=shown, index=index)


class SequenceScorer:
    """One asker: the sum of the steps by which their history moved them."""

    def __init__(self, model: Sequence, batch: Batch) -> None:
        self._model, self._steps = model, model.steps(batch)
        self._asker: Floats = self._steps.sum(axis=0)

    def retrieve(self, k: int) -> Rows:
        return self._model.index.search(self._asker, k)

    def score(self, rows: Rows) -> Floats:
        return self._model.shown[rows] @ self._asker

    def why(self, rows: Rows) -> Floats:
        return self._steps @ self._model.shown[rows].T


class SequenceRecipe(Recipe):
    """The net and how long it may learn. Needs torch to learn, and nothing but numpy to serve."""

    dim: int = Field(default=64, ge=4, description="Numbers that an item is.")
    length: int = Field(default=100, ge=2, description="Newest entries of a history that the net reads.")
    blocks: int = Field(default=2, ge=1, description="Layers of attention.")
    heads: int = Field(default=2, ge=1, description="What a layer can attend to at once; divides `dim`.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of what goes through the net left out.")
    hide_own: float = Field(
        default=0.1, ge=0, lt=1, description="Share of the items that are told by their text alone in a step."
    )
    epochs: int = Field(default=30, ge=1, description="Most times that training goes through all histories.")
    patience: int = Field(default=6, ge=1, description="Epochs in a row without a gain, after which it stops.")
    again: float = Field(
        default=0.3, gt=0, le=1, description="Share of those epochs that it goes on for with what was held out."
    )
    minutes: float = Field(default=30.0, gt=0, description="Most minutes that learning may take, all in all.")
    learning_rate: float = Field(default=0.002, gt=0, description="At its highest.")
    batch: int = Field(default=16, ge=1, description="Full histories in a step.")
    accumulate: int = Field(default=1, ge=1, description="Parts that a step is taken in, to save memory.")
    negatives: int = Field(default=512, ge=1, description="Items that a target must win against in a step.")
    by_popularity: float = Field(
        default=0.0, ge=0, le=1, description="How much more often what is popular is drawn as such; 0: not at all."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Of the products in training; auto: bfloat16 on a GPU, float32 without one."
    )
    checkpoint: float = Field(default=2.0, gt=0, description="Minutes between two savings of unfinished learning.")


def askers(net: Causal, vectors: Floats, batch: Batch) -> Floats:
    """(B, D) the states of the askers, whose items are `vectors` (I, D)."""
    found = np.zeros((len(batch), vectors.shape[1]), np.float32)
    for part in _windows(batch, net.length):
        newest = net.states(vectors[part.rows])[np.arange(len(part.lengths)), part.lengths - 1]
        found[part.askers] += newest * np.float32(part.sign)
    return found


@dataclass(frozen=True, slots=True)
class _Window:
    """What n askers liked (sign 1) or disliked (-1), the newest entries of each, oldest first, padded behind."""

    sign: int
    askers: npt.NDArray[np.int64]  # (n,) each once
    places: npt.NDArray[np.int64]  # (n, T) in the batch; of padding the asker's first
    rows: Rows  # (n, T)
    lengths: npt.NDArray[np.int64]  # (n,)

    @property
    def real(self) -> Mask:
        """(n, T) what is no padding."""
        return np.arange(self.places.shape[1]) < self.lengths[:, None]


def _windows(batch: Batch, length: int) -> Iterator[_Window]:
    """All sides of all askers, those of like lengths together."""
    for sign in (1, -1):
        entries = np.flatnonzero(batch.weights * sign > 0)
        counts = np.bincount(batch.askers[entries], minlength=len(batch))
        kept = np.minimum(counts, length)
        begins = np.cumsum(counts) - kept
        order = np.argsort(kept, kind="stable")
        order = order[kept[order] > 0]
        size = max(1, AT_ONCE // length)
        for start in range(0, len(order), size):
            some = order[start : start + size]
            lengths = kept[some]
            steps = np.arange(lengths.max())
            places = entries[begins[some][:, None] + np.where(steps < lengths[:, None], steps, 0)]
            yield _Window(sign, some, places, batch.rows[places], lengths)


def _less(vectors: Floats, middle: Floats) -> Floats:
    return np.where(vectors.any(axis=1, keepdims=True), vectors - middle, np.float32(0.0))
