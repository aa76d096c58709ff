"""What each step of making a model smaller costs and gains: size, speed, and how much is still as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import Encoder

NEAREST = 10
ASKED = 1_000  # texts by which likeness and speed are measured
ALONE = 60  # of them are read one by one
LOW = 0.05  # quantile of the cosine that is told beside the mean

Quality = Callable[[Encoder], float]  # of what the encoder is for; higher is better


@dataclass(frozen=True, slots=True)
class Step:
    """A model on the way, as it would be served."""

    name: str
    told: str  # what was done
    megabytes: float  # of the file that is served; NaN where there is none
    per_second: float  # texts, many at once
    latency_ms: float  # of one text, median
    cosine: float  # to the teacher, mean over texts; NaN where the spaces cannot be compared
    cosine_low: float
    agreement: float  # share of the teacher's ten nearest texts that are among its ten nearest
    quality: float  # of the task; NaN where nothing can be asked


@dataclass(frozen=True, slots=True)
class Made:
    """What is measured: an encoder, the bytes it is served from, and how its space lies in the teacher's."""

    name: str
    told: str
    encoder: Encoder
    n_bytes: float  # NaN where it has no files
    axes: Floats | None = None  # (teacher's dim, dim); None: it is the teacher's space
    own: bool = True  # whether it was made of the teacher: other spaces have no cosine to it


@dataclass(frozen=True, slots=True)
class Panel:
    """The texts that all steps are asked by, and what the teacher said."""

    texts: Sequence[str]
    rows: Floats = field(repr=False)
    nearest: Rows = field(repr=False)  # (n, NEAREST)
    quality: Quality | None

    @classmethod
    def of(cls, texts: Sequence[str], teacher: Encoder, quality: Quality | None) -> Self:
        rows = teacher.encode(texts)
        return cls(texts, rows, nearest(rows), quality)

    def measure(self, made: Made) -> Step:
        made.encoder.encode(self.texts[:2])
        began = perf_counter()
        rows = made.encoder.encode(self.texts)
        seconds = perf_counter() - began
        like = self.cosines(rows if made.axes is None else rows @ made.axes.T)
        like = like if made.own else np.full(len(rows), np.nan, np.float32)
        return Step(
            made.name,
            made.told,
            made.n_bytes / 1e6,
            len(self.texts) / max(seconds, 1e-9),
            1e3 * _alone(made.encoder, self.texts[:ALONE]),
            float(like.mean()),
            float(np.quantile(like, LOW)),
            agreement(self.nearest, nearest(rows)),
            float("nan") if self.quality is None else self.quality(made.encoder),
        )

    def cosines(self, rows: Floats) -> Floats:
        """(n,) to the teacher's rows; NaN where the widths differ."""
        if rows.shape != self.rows.shape:
            return np.full(len(rows), np.nan, np.float32)
        return (rows * self.rows).sum(axis=1)


def nearest(rows: Floats) -> Rows:
    """(n, NEAREST) the other rows with the highest cosine, ties by their order; fewer of few rows."""
    like = rows @ rows.T
    np.fill_diagonal(like, -np.inf)
    return np.argsort(-like, axis=1, kind="stable")[:, : min(NEAREST, len(rows) - 1)].astype(np.int32)


def agreement(wanted: Rows, found: Rows) -> float:
    """The mean share of `wanted` that is in `found`; NaN for a single text."""
    if not wanted.size:
        return float("nan")
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(wanted, found, strict=True)]))


def _alone(encoder: Encoder, texts: Sequence[str]) -> float:
    """Median seconds of reading one text."""
    seconds = []
    for text in texts:
        began = perf_counter()
        encoder.encode([text])
        seconds.append(perf_counter() - began)
    return float(np.median(seconds))
