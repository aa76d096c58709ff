"""A second encoder, small and quick: for tests of everything that reads, where meaning itself is not tested."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import unit
from zhiyin.encoders.lexical import words_of


class HashEncoder:
    """The sum of one fixed random direction a word: texts with common words are near, all others nearly at
    right angles. It knows no language, so a synonym or a translation is as far as any other text.
    """

    fingerprint = "hashed-words-v1:64"
    licence = "MIT"
    dim = 64

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = np.zeros((len(texts), self.dim), np.float32)
        for n, text in enumerate(texts):
            for word in sorted(words_of(text)):
                rows[n] += _direction(word, self.dim)
        return unit(rows)


def _direction(word: str, dim: int) -> Floats:
    """±1 in each dimension, from the bits of the word's hash."""
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=dim // 8).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32) * 2.0 - 1.0
