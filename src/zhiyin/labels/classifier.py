"""A classifier: heads over what was read of a text, pooled into calibrated probabilities, and a gate of the
unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.labels.choosing import Head, Kind
from zhiyin.labels.isotonic import Curve
from zhiyin.labels.linear import Features, probabilities
from zhiyin.labels.pool import pooled
from zhiyin.labels.unknown import DISTANCE, Gate, raw_scores

Read = Mapping[str, Features]  # rows of the same texts by view
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Standard:
    """Dense rows moved to their middle, with a mean length of 1, as strengths are meant."""

    middle: Floats  # (D,)
    scale: float

    @classmethod
    def of(cls, rows: Floats) -> Standard:
        middle = rows.mean(axis=0)
        length = float(np.sqrt(((rows - middle) ** 2).sum(axis=1).mean()))
        return cls(middle, 1.0 / max(length, 1e-9))

    def __call__(self, rows: Floats) -> Floats:
        return np.asarray((rows - self.middle) * np.float32(self.scale), np.float32)


@dataclass(frozen=True, slots=True)
class Part:
    """One head of the pool. `strength` is its reg, or its shrinkage."""

    view: str
    kind: Kind
    strength: float
    weight: float
    head: Head


@dataclass(frozen=True, slots=True)
class Region:
    """Where the labels lie in the rows of a view: (asked − middle) @ root is compared with `middles`."""

    view: str
    middle: Floats  # (D,)
    root: Floats  # (D, D)
    middles: Floats  # (K, D)

    def nearness(self, rows: Floats) -> Doubles:
        """(n,) the negative Mahalanobis distance to the nearest middle."""
        asked = (rows - self.middle) @ self.root
        squares = (asked**2).sum(axis=1)[:, None] - 2.0 * asked @ self.middles.T + (self.middles**2).sum(axis=1)
        return -np.sqrt(np.maximum(squares.min(axis=1), 0.0).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of n texts. `unknown`: like nothing that was learned from."""

    probabilities: Doubles  # (n, K)
    known: Doubles  # (n,) the gate's score: higher is more like what was learned from
    unknown: Mask  # (n,)


@dataclass(frozen=True, slots=True)
class Classifier:
    """Pure arithmetic on rows; texts are read by whoever has the encoders."""

    names: tuple[str, ...]
    multi: bool
    standards: Mapping[str, Standard]
    parts: tuple[Part, ...]
    region: Region
    gate: Gate
    given_from: float = EVEN  # probability from which on a label that stands alone is given
    curve: Curve | None = None  # that makes probabilities true, where the pool alone does not

    @property
    def views(self) -> tuple[str, ...]:
        """What has to be read of a text."""
        return tuple(dict.fromkeys((*(part.view for part in self.parts), self.region.view)))

    def say(self, read: Read) -> Said:
        """Of texts that were read."""
        rows = standardised(read, self.standards)
        heads = [part.head.scores(rows[part.view]) for part in self.parts]
        weights = np.array([part.weight for part in self.parts])
        together = pooled(heads, weights, multi=self.multi)
        scores = raw_scores(together, heads[int(weights.argmax())], multi=self.multi)
        scores[DISTANCE] = self.region.nearness(np.asarray(rows[self.region.view]))
        known, said = self.gate.of(scores), probabilities(together, multi=self.multi)
        if self.curve is not None:
            said = self.curve.bent(said, multi=self.multi)
        return Said(said, known, known < self.gate.threshold)

    def given(self, said: Said) -> Mask:
        """(n, K) the labels that are given: the likeliest one, or where labels stand alone all that are likely
        enough; none where a text is unknown."""
        if self.multi:
            chosen = said.probabilities >= self.given_from
        else:
            chosen = np.zeros(said.probabilities.shape, bool)
            chosen[np.arange(len(chosen)), said.probabilities.argmax(axis=1)] = True
        return np.asarray(chosen & ~said.unknown[:, None])


def standardised(read: Read, standards: Mapping[str, Standard]) -> dict[str, Features]:
    """Dense views as heads take them; sparse ones as they are."""
    return {
        view: rows if isinstance(rows, sp.csr_array) or view not in standards else standards[view](rows)
        for view, rows in read.items()
    }
