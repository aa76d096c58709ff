"""A head that bends: beside the straight one a layer of units, for labels that no straight line parts.

    scores = x W + b + tanh(x V + c) U,   min mean cross-entropy + reg/2 · ‖W‖² + STIFF · reg/2 · (‖V‖² + ‖U‖²)

A net of one layer with connections that skip it (Ripley 1996, section 5.1). It begins where the straight head of
the same `reg` stands, U at zero, so it bends only where that lowers the loss. L-BFGS, as the straight heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.labels.linear import Arrays, Features, Linear, errors, lowest

UNITS = 64
STIFF = 10.0  # times as dear as a straight weight


@dataclass(frozen=True, slots=True)
class Perceptron:
    """U units beside a straight head."""

    straight: Linear  # (D, K)
    inner: Linear  # (D, U)
    outer: Floats  # (U, K)

    def scores(self, rows: Features) -> Floats:
        """(n, K) as a straight head's."""
        return np.asarray(self.straight.scores(rows) + np.tanh(self.inner.scores(rows)) @ self.outer, np.float32)

    def arrays(self) -> Arrays:
        inner = {f"inner_{name}": array for name, array in self.inner.arrays().items()}
        return {**self.straight.arrays(), **inner, "outer": self.outer}


def fit_perceptron(rows: Floats, truth: Floats, reg: float, straight: Linear, *, multi: bool) -> Perceptron:
    """The head of the smallest loss that a search from `straight` on finds; of the same examples the same head."""
    dim, n_labels = straight.weights.shape
    shapes = ((dim, n_labels), (n_labels,), (dim, UNITS), (UNITS,), (UNITS, n_labels))
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    prices = (reg, 0.0, STIFF * reg, 0.0, STIFF * reg)

    def parts_of(flat: Doubles) -> list[Floats]:
        parts = np.split(flat.astype(np.float32), ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        parts = parts_of(flat)
        value, slopes = _slopes(rows, truth, parts, multi=multi)
        value += sum(0.5 * price * float(np.vdot(part, part)) for part, price in zip(parts, prices, strict=True))
        drawn = zip(slopes, parts, prices, strict=True)
        return value, _flat([slope + np.float32(price) * part for slope, part, price in drawn])

    first = np.random.default_rng(0).normal(size=shapes[2]) / np.sqrt(dim)
    begin = [straight.weights, straight.bias, first, np.zeros(UNITS), np.zeros(shapes[4])]
    weights, bias, inner, lift, outer = parts_of(lowest(loss, _flat(begin)))
    return Perceptron(Linear(weights, bias), Linear(inner, lift), outer)


def _slopes(rows: Floats, truth: Floats, parts: list[Floats], *, multi: bool) -> tuple[float, list[Floats]]:
    """The mean loss, and its slope by each part."""
    weights, bias, inner, lift, outer = parts
    units = np.tanh(rows @ inner + lift)
    value, gap = errors(rows @ weights + bias + units @ outer, truth, multi=multi)
    gap = gap / np.float32(len(rows))
    back = (gap @ outer.T) * (1.0 - units**2)
    return value, [rows.T @ gap, gap.sum(axis=0), rows.T @ back, back.sum(axis=0), units.T @ gap]


def _flat(parts: list[Floats]) -> Doubles:
    return np.concatenate([part.ravel() for part in parts]).astype(np.float64)
