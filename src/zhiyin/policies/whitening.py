"""Language vectors as a belief wants them: few numbers, none hanging on another, all equally loud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats


@dataclass(frozen=True, slots=True)
class Whitening:
    """z = (x − centre) · axes, with variance 1 along each axis over the catalogue it was made of."""

    centre: Doubles  # (D,)
    axes: Doubles  # (D, dim)

    @classmethod
    def of(cls, vectors: Floats, dim: int = 64) -> Whitening:
        """From the (I, D) vectors of a catalogue, along their `dim` main axes. An axis along which a small
        catalogue does not differ says nothing: its column is 0."""
        x = vectors.astype(np.float64)
        centre = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
        variance, axes = np.linalg.eigh((x - centre).T @ (x - centre) / max(1, len(x)))
        main = np.argsort(-variance)[:dim]
        told = variance[main] > 1e-9 * max(float(variance[-1]), 1e-300)
        size = np.where(told, np.where(told, variance[main], 1.0) ** -0.5, 0.0)
        turn = np.zeros((x.shape[1], dim))
        turn[:, : len(main)] = axes[:, main] * size
        return cls(centre, turn)

    def __call__(self, vectors: Floats) -> Doubles:
        """(n, dim) of (n, D) vectors, new ones too."""
        return (vectors.astype(np.float64) - self.centre) @ self.axes
