"""The seam of dense encoders, and what an encoder reads of an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.types import Item

MAX_READ = 1_000  # characters of one document that an encoder reads


class Encoder(Protocol):
    """Texts to unit rows. The same fingerprint means the same vectors, on any machine."""

    @property
    def dim(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def licence(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """(n, dim) float32, rows of length 1; an empty text gives a zero row."""
        ...


def documents(item: Item) -> tuple[str, ...]:
    """What is read of an item: one document a language, the title first."""
    labels = ". ".join((*item.categories, *((item.brand,) if item.brand else ())))
    first = _join(item.title, labels, item.text)
    return (first, *(_join(t.title, labels, t.text) for _, t in sorted(item.translations.items())))


def encode_items(encoder: Encoder, items: Sequence[Item]) -> Floats:
    """(n, dim) unit rows: the mean over an item's languages. An item without any text has a zero row."""
    texts = [documents(item) for item in items]
    owner = np.repeat(np.arange(len(items)), [len(t) for t in texts])
    summed = np.zeros((len(items), encoder.dim), np.float32)
    np.add.at(summed, owner, encoder.encode([text for group in texts for text in group]))
    return unit(summed)


def unit(vectors: Floats) -> Floats:
    """The rows scaled to length 1; zero rows stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-12)


def _join(*parts: str) -> str:
    return ". ".join(part.strip() for part in parts if part.strip())[:MAX_READ]
