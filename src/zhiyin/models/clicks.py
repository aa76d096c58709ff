"""Clicks: how likely a person takes a thing, by a small net over what both read like.

An item is its text, as the channels of meaning and of the reader know it, projected. A person is three such
vectors: their past, what they did just now (the same past, fading fast), and what they wrote themselves:
searches, reviews. What they liked and what they disliked go through the same net (zhiyin.models.click_head)
apart; the score is the one less the other. Texts are read by the encoder at hand, the newest few of a person,
one by one, and remembered; nothing is kept of anybody in a bundle.

This channel weighs what others bring, as it is said of a click model: it proposes nothing itself.

An entry, or a text, adds to a score what its arrival changed: the marginal contributions of Shapley (1953) in
the one order in which things happened. Those of the entries (`why`) and of the texts (`why_written`) sum to the
score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zhiyin.data.dataset import Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.data.written import MOST, Written
from zhiyin.encoders.base import Encoder, unit
from zhiyin.encoders.pair import beside
from zhiyin.models.base import Arrays, Arrivals, Batch, Model, Recipe
from zhiyin.models.click_head import ClickHead, FoldedHead
from zhiyin.models.dense import summed, turned_one_by_one
from zhiyin.models.meaning import Meaning
from zhiyin.models.reader import Reader, joined

PAST, NOW, WRITTEN = range(3)  # fields of an asker
FIELDS = 3
FADES = (0.9, 0.5, 0.7)  # what an entry of each counts with each newer one
QUOTED = 60  # characters of a text that a reason quotes


@dataclass(frozen=True, slots=True)
class Sight:
    """How texts become vectors: as in the meaning channel, beside the company of a reader, then projected."""

    centre: Floats  # (encoder's dim,)
    axes: Floats  # (encoder's dim, dim)
    company: Floats  # (I when fitted, C) what later items borrow from; C = 0 without a reader
    projection: Floats  # (dim + C, D)

    @classmethod
    def of(cls, seen: Meaning | Reader, projection: Floats) -> Self:
        company = seen.company if isinstance(seen, Reader) else np.zeros((seen.n_items, 0), np.float32)
        return cls(seen.centre, seen.axes, company, projection)

    def items(self, rows: Rows, arrivals: Arrivals) -> Floats:
        """(n, D) items with these texts, each by itself; those that were fitted keep their company."""
        read = turned_one_by_one(arrivals.vectors, self.centre, self.axes)
        if self.company.shape[1]:
            lent = arrivals.near[:, : len(self.company)]
            own = [
                self.company[[row]] if row < len(self.company) else unit(lent[[n]] @ self.company)
                for n, row in enumerate(rows.tolist())
            ]
            read = joined(read, np.concatenate([self.company[:0], *own]))
        return np.concatenate([self._none, *(read[n : n + 1] @ self.projection for n in range(len(read)))])

    def texts(self, texts: Sequence[str], encoder: Encoder, *, alone: bool) -> Floats:
        """(T, D) of what somebody wrote; `alone`: each read by itself, the same to the last bit whatever else
        they wrote."""
        if not texts:
            return self._none
        if alone:
            read = np.concatenate([encoder.encode([text]) for text in texts])
        else:
            different = dict.fromkeys(texts)
            place = {text: n for n, text in enumerate(different)}
            read = encoder.encode(list(different))[[place[text] for text in texts]]
        if len(self.centre) > encoder.dim:
            read = beside(read, self.centre[encoder.dim :])
        turned = turned_one_by_one(read, self.centre, self.axes)
        half = self.projection[: turned.shape[1]]
        return np.concatenate([self._none, *(turned[n : n + 1] @ half for n in range(len(turned)))])

    @property
    def _none(self) -> Floats:
        return np.zeros((0, self.projection.shape[1]), np.float32)


@dataclass(frozen=True, slots=True)
class Clicks:
    name: ClassVar[str] = "clicks"
    head: ClickHead
    vectors: Floats  # (I, D)
    sight: Sight
    most: int  # newest texts of a person that are read
    ordered: bool  # histories have an order; else nothing fades
    encoder: Encoder  # at hand
    alone: Floats  # (I,) what an item is to anybody

    @classmethod
    def of(
        cls, head: ClickHead, seen: Meaning | Reader, sight: Sight, encoder: Encoder, *, most: int, ordered: bool
    ) -> Self:
        vectors = seen.vectors @ sight.projection
        return cls(head, vectors, sight, most, ordered, encoder, head.alone(vectors))

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    def score(self, batch: Batch) -> Floats:
        found = np.zeros((len(batch), self.n_items), np.float32)
        sides = self.askers(batch, self.read(batch.written, alone=len(batch) == 1))
        for b, asker in enumerate(sides):
            for sign, folded in self.folded(asker):
                found[b] += sign * (folded.score(self.vectors) - self.alone)
        return np.where(self.told, found, np.float32(0.0))

    def scorer(self, batch: Batch) -> ClicksScorer:
        return ClicksScorer(self, batch)

    def extended(self, arrivals: Arrivals) -> Self:
        rows = np.arange(len(arrivals.items), dtype=np.int32) + self.n_items
        return self._with(np.concatenate([self.vectors, self.sight.items(rows, arrivals)]))

    def read_again(self, rows: Rows, arrivals: Arrivals) -> Self:
        """The same items, of which these rows have other texts."""
        vectors = self.vectors.copy()
        vectors[rows] = self.sight.items(rows, arrivals)
        return self._with(vectors)

    def with_rows_of(self, origin: Model, rows: Rows) -> Self:
        """With these rows as another model of the channel has them."""
        if not isinstance(origin, Clicks) or not len(rows):
            return self
        vectors = self.vectors.copy()
        vectors[rows] = origin.vectors[rows]
        return self._with(vectors)

    def arrays(self) -> Arrays:
        sight = self.sight
        return {
            "vectors": self.vectors,
            "centre": sight.centre,
            "axes": sight.axes,
            "company": sight.company,
            "projection": sight.projection,
            "reads": np.array([self.most, self.ordered], np.int64),
            **self.head.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays, encoder: Encoder) -> Self:
        names = ("vectors", "centre", "axes", "company", "projection")
        vectors, *sight = (np.asarray(arrays[name], np.float32) for name in names)
        most, ordered = (int(number) for number in arrays["reads"])
        head = ClickHead.of_arrays(arrays)
        return cls(head, vectors, Sight(*sight), most, bool(ordered), encoder, head.alone(vectors))

    @property
    def told(self) -> Mask:
        """(I,) of which anything is known."""
        return np.abs(self.vectors).sum(axis=1) > 0

    def askers(self, batch: Batch, texts: Floats) -> Floats:
        """(B, 2, F, D) the fields of what each liked, and of what they disliked; `texts` (T, D) what they
        wrote."""
        found = np.zeros((len(batch), 2, FIELDS, self.vectors.shape[1]), np.float32)
        entries, written = self.vectors[batch.rows], batch.written
        for field in (PAST, NOW):
            fading = batch.weights * self.fading(field, batch.back)
            for side, sign in enumerate((1, -1)):
                counts = np.maximum(sign * fading, np.float32(0.0))
                found[:, side, field] = unit(summed(batch, entries * counts[:, None]))
        counted = self.fading(WRITTEN, written.back) * (written.back < self.most)
        for side, sign in enumerate((1, -1)):
            total = np.zeros((len(batch), texts.shape[1]), np.float32)
            np.add.at(total, written.askers, texts * (counted * (written.signs == sign))[:, None])
            found[:, side, WRITTEN] = unit(total)
        return found

    def fading(self, field: int, back: npt.NDArray[np.int64]) -> Floats:
        """(n,) what each entry counts with so many newer ones."""
        fades = FADES[field] if self.ordered else 1.0
        return (np.float32(fades) ** back).astype(np.float32)

    def read(self, written: Written, *, alone: bool) -> Floats:
        """(T, D) what the askers wrote; all zeros for texts that are older than the newest of each."""
        found = np.zeros((len(written), self.vectors.shape[1]), np.float32)
        newest = np.flatnonzero(written.back < self.most) if len(written) else np.zeros(0, np.int64)
        found[newest] = self.sight.texts([written.texts[n] for n in newest.tolist()], self.encoder, alone=alone)
        return found

    def folded(self, asker: Floats) -> list[tuple[np.float32, FoldedHead]]:
        """The net for what one (2, F, D) liked and for what they disliked, with the sign; for what they did."""
        signs = (np.float32(1.0), np.float32(-1.0))
        return [(sign, self.head.folded(side)) for sign, side in zip(signs, asker, strict=True) if side.any()]

    def _with(self, vectors: Floats) -> Self:
        return replace(self, vectors=vectors, alone=self.head.alone(vectors))


class ClicksScorer:
    """One asker: the net folded once, so that a candidate costs one small product."""

    def __init__(self, model: Clicks, batch: Batch) -> None:
        self._model, self._batch = model, batch
        self._texts = model.read(batch.written, alone=True)
        self._folded = model.folded(model.askers(batch, self._texts)[0])

    def retrieve(self, k: int) -> Rows:
        return np.zeros(0, np.int32)  # what a person may like is brought by others; this channel only weighs it

    def score(self, rows: Rows) -> Floats:
        model, found = self._model, np.zeros(len(rows), np.float32)
        items = model.vectors[rows]
        for sign, folded in self._folded:
            found += sign * (folded.score(items) - model.alone[rows])
        return np.where(items.any(axis=1), found, np.float32(0.0))

    def why(self, rows: Rows) -> Floats:
        return self._marginal(rows)[0]

    def why_written(self, rows: Rows) -> Floats:
        """(T, k) what each text that the asker wrote adds to the scores of these rows."""
        return self._marginal(rows)[1]

    def quoted(self, row: int) -> tuple[str, ...]:
        """The text that raises the score of this row most, cut short; none where an entry raises it more."""
        if not len(self._batch.written):
            return ()
        entries, added = (found[:, 0] for found in self._marginal(np.array([row], np.int32)))
        if added.max() <= max(0.0, entries.max(initial=0.0)):
            return ()
        text = self._batch.written.texts[int(added.argmax())]
        return (text if len(text) <= QUOTED else f"{text[: QUOTED - 1].rstrip()}…",)

    def _marginal(self, rows: Rows) -> tuple[Floats, Floats]:
        """What the arrival of each entry (H, k) and of each text (T, k) changed, in the order in which they
        came."""
        batch, written = self._batch, self._batch.written
        n, m = len(batch.rows), len(written)
        when = np.concatenate([np.arange(n) + 1.0, written.after + 0.5])
        order = np.argsort(when, kind="stable")
        entries = np.cumsum((order < n).astype(np.int64))  # so many are there after each step
        texts = np.arange(n + m) + 1 - entries
        items = self._model.vectors[rows].astype(np.float64)  # differences of float32 depend on what else is asked
        states = self._states(entries, texts).astype(np.float64)
        added = np.zeros((n + m, len(rows)), np.float32)
        for side, sign in enumerate((np.float32(1.0), np.float32(-1.0))):
            if not states[:, side].any():
                continue
            known = np.abs(states[:, side]).sum(axis=(1, 2))[:, None] > 0
            after = np.where(known, self._model.head.steps(states[:, side], items) - self._model.alone[rows], 0.0)
            added[order] += sign * np.diff(after, axis=0, prepend=np.float32(0.0)).astype(np.float32)
        added[:, ~items.any(axis=1)] = 0.0
        return added[:n], added[n:]

    def _states(self, entries: npt.NDArray[np.int64], texts: npt.NDArray[np.int64]) -> Floats:
        """(S, 2, F, D) the fields after each of S steps, after which so many entries and texts are there."""
        model, batch, written = self._model, self._batch, self._batch.written
        found = np.zeros((len(entries), 2, FIELDS, model.vectors.shape[1]), np.float32)
        vectors = model.vectors[batch.rows]
        for side, sign in enumerate((1, -1)):
            weights = np.maximum(sign * batch.weights, np.float32(0.0))
            for field in (PAST, NOW):
                found[:, side, field] = self._prefixes(field, weights, vectors)[entries]
            said = (written.signs == sign).astype(np.float32)
            found[:, side, WRITTEN] = self._prefixes(WRITTEN, said, self._texts)[texts]
        return found

    def _prefixes(self, field: int, weights: Floats, vectors: Floats) -> Floats:
        """(n + 1, D) what the first 0 … n of the (n, D) vectors are together."""
        n = len(vectors)
        back = np.arange(n + 1)[:, None] - 1 - np.arange(n)[None, :]  # newer ones, where so many are there
        counts = np.where(back >= 0, self._model.fading(field, np.maximum(back, 0)), np.float32(0.0)) * weights
        if field == WRITTEN:
            counts = counts * (back < self._model.most)
        return unit(counts.astype(np.float32) @ vectors)


class ClicksRecipe(Recipe):
    """The net, what it learns from, and how long. Needs torch to learn, and nothing but numpy to serve."""

    rows: Literal["reader", "meaning"] = Field(
        default="reader", description="What an item is read as: with the company it keeps, or by its text alone."
    )
    dim: int = Field(default=128, ge=2, description="Numbers that an item is.")
    inner: int = Field(default=32, ge=1, description="Units inside the net.")
    texts: int = Field(
        default=8, ge=0, le=MOST, description="Newest searches and reviews of a person that are read; 0: none."
    )
    loss: Literal["softmax", "cross_entropy", "mse"] = Field(
        default="softmax",
        description="What is learned: which of a sample was taken, whether each is, or how much it was liked.",
    )
    negatives: int = Field(default=128, ge=1, description="Items that what was taken must win against in a step.")
    by_popularity: float = Field(
        default=0.75, ge=0, le=1, description="Power of the popularity by which they are drawn; 0: all alike."
    )
    beta: float | None = Field(
        default=None,
        ge=0,
        description="Weight of what lists that were shown by chance earned; unset: chosen on logged lists that "
        "are held out, 0 where there are too few.",
    )
    clip: float = Field(default=10.0, gt=0, description="Most that one logged place may count, as a multiple.")
    hide: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the people whose past, or texts, a step does not see."
    )
    dropout: float = Field(
        default=0.1, ge=0, lt=1, description="Share of the inner units left out for each example."
    )
    epochs: int = Field(default=10, ge=1, description="Most times that training goes through all that was taken.")
    patience: int = Field(default=3, ge=1, description="Judgements in a row without a gain, after which it stops.")
    again: float = Field(
        default=0.3, gt=0, le=1, description="Share of those steps that it goes on for with what was held out."
    )
    minutes: float = Field(default=5.0, gt=0, description="Most minutes that learning may take, all in all.")
    learning_rate: float = Field(default=0.003, gt=0, description="At its highest.")
    weight_decay: float = Field(default=0.01, ge=0, description="Of the matrices, a step (AdamW).")
    batch: int = Field(default=256, ge=1, description="Examples in a step.")
    checkpoint: float = Field(default=2.0, gt=0, description="Minutes between two savings of unfinished learning.")
