"""Channels whose nets nobody taught: what serving does with a net can be tested without torch."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.models.base import Run
from zhiyin.models.causal import Causal
from zhiyin.models.click_head import ClickHead
from zhiyin.models.clicks import FIELDS, Clicks, Sight
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.propagation import near_by_text
from zhiyin.models.reader import ReaderRecipe
from zhiyin.models.sequence import Reading, Sequence
from zhiyin.models.words import WordsRecipe


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


def random_head(rng: np.random.Generator, dim: int = 8, inner: int = 5) -> ClickHead:
    """Of numbers drawn at random."""
    shapes = (FIELDS, dim, inner), (dim, inner), (FIELDS, dim, inner), (inner,), (inner,), (FIELDS, dim)
    return ClickHead(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))


def random_clicks(data: Dataset, run: Run, dim: int = 8, *, company: bool = True) -> Clicks:
    """Over the items of the data, as if it had learned from it; what they are read as with their `company`."""
    rng = np.random.default_rng(run.seed)
    meaning, words = MeaningRecipe().fit(data, run), WordsRecipe().fit(data, run)
    everything = np.arange(len(data.items), dtype=np.int32)
    by_text = near_by_text(words, meaning, everything, np.flatnonzero(data.support).astype(np.int32), run.seed)
    seen = ReaderRecipe(dim=6).fit(data, run, meaning, by_text) if company else meaning
    projection = (rng.normal(size=(seen.vectors.shape[1], dim)) / 2).astype(np.float32)
    head, sight = random_head(rng, dim), Sight.of(seen, projection)
    return Clicks.of(head, seen, sight, run.encoder, most=4, ordered=data.ordered)
