"""Second encoders, small and quick: for tests of everything that reads or looks, where meaning is not tested."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import unit
from zhiyin.encoders.lexical import words_of
from zhiyin.encoders.pictures import Pixels, read_picture


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


class ColourEncoder:
    """Which colours a picture has in which corner. `encoded`: how many pictures it was asked for so far."""

    fingerprint = "colours-v1:4"
    side, dim = 4, 48

    def __init__(self) -> None:
        self.encoded = 0

    def look(self, content: bytes) -> Pixels:
        return read_picture(content, self.side)

    def encode(self, pixels: Pixels) -> Floats:
        self.encoded += len(pixels)
        return unit(pixels.reshape(len(pixels), self.dim).astype(np.float32))


def _direction(word: str, dim: int) -> Floats:
    """±1 in each dimension, from the bits of the word's hash."""
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=dim // 8).digest()
    return np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32) * 2.0 - 1.0
