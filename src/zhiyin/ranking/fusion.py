"""Fusion: a score is a sum of named parts, one a channel, each the channel's standardised score times a gate.

part_c(u, j) = gate_c[history bucket of u, kind of j] · φ(s_c(u, j) / scale_c),  φ(z) = sign(z) · log(1 + |z|)

φ calms the sparse channels, whose best scores lie fifty deviations out. Scales belong to the bundle. Gates
depend on how long the history is and on the kind of the item: warm, cold, cold and without a text, or the person's
own (had before). They are fixed for one query, and are shown. A cold item also gets the part `fresh`, an own one
the part `own`: learned constants, one a bucket, that put the kinds on one scale. What a person says of their
profile is the part `profile` (zhiyin.ranking.standing). What came of what was shown is the part `belief`, the
doubt that is left of it the part `explore` (zhiyin.outcomes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.answers import BELIEF, EXPLORE
from zhiyin.data.dataset import Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.cross import NOTHING, Asked
from zhiyin.encoders.pair import NOT_ASKED, Reading
from zhiyin.models.base import Arrays, Batch, Model, Scorer, union
from zhiyin.models.vectors import is_vector
from zhiyin.policies.gaussian import Gaussian

BUCKETS = (0, 1, 2, 5, 10, 20)  # a history of n positive entries is in the last bucket that is <= n
FRESH, OWN, PROFILE = "fresh", "own", "profile"
WARM_KIND, COLD_KIND, OWN_KIND, BLANK_KIND = 0, 1, 2, 3
KIND_NAMES = ("warm", "cold", "had before", "textless cold")
KINDS = len(KIND_NAMES)
AGAIN = "repeat"  # the channel without which nothing is anybody's own
PRIOR_GATES: Mapping[str, float] = {
    "popular": 0.3,
    "evergreen": 0.1,
    "together": 0.7,
    "transition": 0.7,
    "taste": 1.0,
    "factors": 0.5,
    "words": 0.7,
    "meaning": 1.0,
    "reader": 0.7,
    "quality": 0.3,
    "graph": 0.7,
    "repeat": 1.0,
    "sequence": 1.0,
    "context": 0.1,
    "clicks": 0.7,
}
PRIOR_OF_VECTORS = 0.5  # the gate of any channel of named vectors
READS = frozenset({"words", "meaning"})  # channels that can score a typed text
# There is no log of wishes to learn from yet: gates of the typed text, and what is left of the others beside it.
WISH_GATES: Mapping[str, float] = {"words": 1.75, "meaning": 2.0}
CALM = 0.1

Kinds = npt.NDArray[np.int8]


class Believer(Protocol):
    """What is believed of items for the person who asks (zhiyin.outcomes)."""

    @property
    def to(self) -> Gaussian:
        """The person's taste."""
        ...

    def retrieve(self) -> Rows: ...

    def addends(self, rows: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(k,) what is expected of these rows beyond the other parts, and (k,) what doubt adds."""
        ...

    def mixing(self, rows: Rows) -> float:
        """What an adaptive policy multiplies its temperature by where these are the candidates."""
        ...


class Speaker(Protocol):
    """What somebody says of their profile (zhiyin.ranking.standing)."""

    @property
    def alone(self) -> bool:
        """Whether nothing else is known of them: then it goes before the crowd."""
        ...

    def retrieve(self, k: int) -> Rows: ...

    def addends(self, rows: Rows) -> npt.NDArray[np.float64]:
        """(L, k) what each line adds to these rows."""
        ...

    def told(self, row: int) -> tuple[str, ...]:
        """The lines that raise this row most, as they were said."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What the channels say to one query: each to the history, and those that read to the typed text too."""

    history: Batch  # of one
    past: Mapping[str, Scorer]
    wished: Mapping[str, Scorer]  # empty where nothing was typed
    text: str = ""  # what was typed
    said: Speaker | None = None
    reading: Reading = NOT_ASKED  # of what was typed, by an endpoint
    asked: Asked = NOTHING  # as a cross-encoder reads it
    believer: Believer | None = None

    @property
    def calm(self) -> float:
        """How loud the past and the crowd are."""
        return CALM if self.wished or (self.said is not None and self.said.alone) else 1.0

    @classmethod
    def by(
        cls, models: Mapping[str, Model], history: Batch, wish: Batch | None = None, said: Speaker | None = None
    ) -> Self:
        """`wish`: the same asker with only the typed text."""
        past = {name: model.scorer(history) for name, model in models.items()}
        if wish is None:
            return cls(history, past, {}, said=said)
        wished = {name: models[name].scorer(wish) for name in models if name in READS}
        return cls(history, past, wished, wish.texts[0], said)

    def retrieve(self, k: int) -> Rows:
        """What all of them propose, k each, ascending."""
        said = () if self.said is None else (self.said,)
        found = [scorer.retrieve(k) for scorer in (*self.past.values(), *self.wished.values(), *said)]
        return union(found if self.believer is None else [*found, self.believer.retrieve()])


@dataclass(frozen=True, slots=True)
class Fusion:
    """C channels, H history buckets; the last axis of `gates` is the kind of the item, as in KIND_NAMES."""

    channels: tuple[str, ...]
    scales: Floats  # (C,) > 0
    gates: Floats  # (C, H, KINDS)
    constants: Floats  # (H, KINDS), of warm items 0
    wish_scales: Floats  # (C,) of the same channels when they score a typed text; 0 where they cannot
    kind: Kinds  # (I,) of each item where it is nobody's own
    learned: bool

    @property
    def n_items(self) -> int:
        return len(self.kind)

    @property
    def cold(self) -> Mask:
        """(I,) with a text or without."""
        return self.kind != WARM_KIND

    def parts(self, heard: Heard, rows: Rows) -> Parts:
        """The parts of these rows, of the channels that speak."""
        bucket = int(buckets(heard.history)[0])
        kind = self.kinds(heard.history, rows[None, :])[0]
        names: list[str] = []
        scores: list[Floats] = []
        scales: list[float] = []
        gates: list[Floats] = []
        calm = heard.calm  # what is asked now goes before the past and the crowd
        for c, name in enumerate(self.channels):
            gate = self.gates[c, bucket] * np.float32(calm)
            if name in heard.past and gate.any():
                names.append(name)
                scores.append(heard.past[name].score(rows))
                scales.append(self.scales[c])
                gates.append(gate)
            if name in heard.wished and self.wish_scales[c] > 0:
                names.append(f"wish_{name}")
                scores.append(heard.wished[name].score(rows))
                scales.append(self.wish_scales[c])
                gates.append(np.full(KINDS, WISH_GATES[name], np.float32))
        values = np.zeros((len(names) + 2, len(rows)))
        if names:
            standard = standardised(np.stack(scores), np.array(scales, np.float32)[:, None])
            values[:-2] = np.stack(gates)[:, kind] * standard
        constant, own = calm * self.constants[bucket, kind], kind == OWN_KIND
        values[-2], values[-1] = constant * ~own, constant * own
        shown = {name: float(gate[WARM_KIND]) for name, gate in zip(names, gates, strict=True)}
        return with_belief(with_lines(Parts((*names, FRESH, OWN), values, shown), heard, rows), heard, rows)

    def score(self, models: Mapping[str, Model], batch: Batch) -> Floats:
        """(B, I): the same sum for everybody and everything, without wishes."""
        bucket = buckets(batch)
        kind = self.kinds(batch, np.arange(self.n_items)[None, :])  # (B, I), or (1, I) where all are alike
        kind = np.broadcast_to(kind, (len(batch), self.n_items))
        total = np.take_along_axis(self.constants[bucket], kind, axis=1)
        for c, name in enumerate(self.channels):
            gate = self.gates[c, bucket]  # (B, KINDS)
            if gate.any():
                standard = standardised(models[name].score(batch), self.scales[c])
                total += np.take_along_axis(gate, kind, axis=1) * standard
        return total

    def kinds(self, batch: Batch, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """(B, k) the kind of these (B, k) rows for each asker; rows and kinds may be (1, k) for all of them."""
        kind = self.kind[rows].astype(np.int64)
        if AGAIN not in self.channels:
            return kind
        own = np.zeros((len(batch), self.n_items), bool)
        liked = (batch.weights > 0) & (batch.rows < self.n_items)
        own[batch.askers[liked], batch.rows[liked]] = True
        return np.where(
            np.take_along_axis(own, np.broadcast_to(rows, (len(batch), rows.shape[1])), 1), OWN_KIND, kind
        )

    def extended(self, said: Mask) -> Self:
        """The same fusion with (n,) cold items more, which have a text or none."""
        return replace(self, kind=np.append(self.kind, cold_kinds(said)))

    def reworded(self, rows: Rows, said: Mask) -> Self:
        """The same items, of which these (n,) have a text now or none."""
        kind = self.kind.copy()
        kind[rows] = np.where(kind[rows] == WARM_KIND, WARM_KIND, cold_kinds(said))
        return replace(self, kind=kind)

    def arrays(self) -> Arrays:
        return {
            "scales": self.scales,
            "gates": self.gates,
            "constants": self.constants,
            "wish_scales": self.wish_scales,
            "kind": self.kind,
        }

    @classmethod
    def of_arrays(cls, channels: tuple[str, ...], arrays: Arrays, *, learned: bool) -> Self:
        def floats(name: str) -> Floats:
            return np.asarray(arrays[name], np.float32)

        def by_kind(name: str) -> Floats:
            """Bundles of format 3 know no blank kind: it is cold as others are."""
            found = floats(name)
            return found[..., [*range(found.shape[-1]), *[COLD_KIND] * (KINDS - found.shape[-1])]]

        return cls(
            channels,
            floats("scales"),
            by_kind("gates"),
            by_kind("constants"),
            floats("wish_scales"),
            np.asarray(arrays["kind" if "kind" in arrays else "cold"], np.int8),
            learned,
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """The addends of k candidates' scores."""

    names: tuple[str, ...]  # (P,)
    values: npt.NDArray[np.float64]  # (P, k)
    gates: Mapping[str, float]  # of a warm item

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """(k,) the sums."""
        return self.values.sum(axis=0)

    def named(self, name: str) -> npt.NDArray[np.float64]:
        """(k,) one part; 0 where there is none of this name."""
        return self.values[self.names.index(name)] if name in self.names else np.zeros(self.values.shape[1])

    def of(self, place: int) -> dict[str, float]:
        """The addends of one candidate by name, without those that are zero."""
        return {
            name: float(value)
            for name, value in zip(self.names, self.values[:, place], strict=True)
            if value != 0.0
        }


def with_lines(parts: Parts, heard: Heard, rows: Rows) -> Parts:
    """With the part of what the person said of their profile, which is of the past beside a typed wish."""
    if heard.said is None:
        return parts
    added = heard.said.addends(rows).sum(axis=0) * (CALM if heard.wished else 1.0)
    return Parts((*parts.names, PROFILE), np.vstack([parts.values, added]), parts.gates)


def with_belief(parts: Parts, heard: Heard, rows: Rows) -> Parts:
    """With what came of what was shown, which is of the past beside a typed wish."""
    if heard.believer is None:
        return parts
    added = np.stack(heard.believer.addends(rows)) * heard.calm
    return Parts((*parts.names, BELIEF, EXPLORE), np.vstack([parts.values, added]), parts.gates)


def standardised(scores: Floats, scale: float | Floats) -> Floats:
    """φ(s / scale): odd, concave above 0, so a channel's outliers do not drown the others."""
    z = scores / np.asarray(scale, np.float32)
    return np.copysign(np.log1p(np.abs(z)), z)


def item_kinds(support: npt.NDArray[np.int64], said: Mask, few: int) -> Kinds:
    """(I,) of items with so many events, which have a text or none. Cold are those with fewer than `few`."""
    return np.where(support < few, cold_kinds(said), WARM_KIND).astype(np.int8)


def cold_kinds(said: Mask) -> Kinds:
    """(n,) of items of which nothing is known but a text, or not even that."""
    return np.where(said, COLD_KIND, BLANK_KIND).astype(np.int8)


def buckets(batch: Batch) -> npt.NDArray[np.int64]:
    """(B,) the history bucket of each asker."""
    liked = np.bincount(batch.askers, batch.weights > 0, minlength=len(batch))
    return np.searchsorted(BUCKETS, liked, side="right") - 1


def prior_gates(channels: tuple[str, ...]) -> Floats:
    """(C, H, KINDS) gates before anything is learned: the past speaks as soon as there is one."""
    gates = np.zeros((len(channels), len(BUCKETS), KINDS), np.float32)
    for c, name in enumerate(channels):
        gates[c, :, :] = PRIOR_OF_VECTORS if is_vector(name) else PRIOR_GATES[name]
    return gates
