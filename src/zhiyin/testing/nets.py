"""A sequence channel whose net nobody taught: what serving does with a net can be tested without torch."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Run
from zhiyin.models.causal import Causal
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.sequence import Reading, Sequence


def random_net(rng: np.random.Generator, dim: int = 8, length: int = 6) -> Causal:
    """Two blocks of two heads, of numbers drawn at random."""
    shapes: dict[str, tuple[int, ...]] = {
        "gain": (5, dim),
        "shift": (5, dim),
        "asked": (2, dim, 3 * dim),
        "heard": (2, dim, dim),
        "near": (2, 2, length),
        "wide": (2, dim, 4 * dim),
        "wide_shift": (2, 4 * dim),
        "back": (2, 4 * dim, dim),
        "back_shift": (2, dim),
    }

    def drawn(name: str) -> Floats:
        return (rng.normal(size=shapes[name]) * 0.4 + (name == "gain")).astype(np.float32)

    return Causal(**{field.name: drawn(field.name) for field in fields(Causal)})


def random_sequence(data: Dataset, run: Run, dim: int = 8, length: int = 6) -> Sequence:
    """Over the items of the data, as if it had learned from it."""
    rng = np.random.default_rng(run.seed)
    meaning = MeaningRecipe().fit(data, run)
    net = random_net(rng, dim, length)
    projection = (rng.normal(size=(meaning.vectors.shape[1], dim)) / 4).astype(np.float32)
    taken = data.support > 0
    own = rng.normal(size=(len(data.items), dim)) / 4 * taken[:, None]
    vectors = (meaning.vectors @ projection + own).astype(np.float32)
    return Sequence.of(net, vectors, taken, Reading.of(meaning, projection), run.seed)
