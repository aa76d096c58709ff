"""Weights in four bits by hand, and what is no such file."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from zhiyin.encoders.four_bits import arrays_of_four_bits
from zhiyin.errors import BrokenBundle

DIM, WIDE, WORDS = 32, 64, 3
SIZES = (DIM, 1, 4, WIDE, WORDS, 8, 2)


def in_four_bits(whole: np.ndarray, size: float) -> bytes:
    """Whole numbers from 0 to 15 of one row, in blocks of 32."""
    out = b""
    for block in whole.reshape(-1, 32):
        out += struct.pack("<e", size) + bytes(
            int(low) | int(high) << 4 for low, high in zip(*block.reshape(2, 16), strict=True)
        )
    return out


def packed(arrays: list[tuple[str, int, int, bytes]], version: int = 1) -> bytes:
    """A file of these arrays: name, kind, how many numbers, bytes."""
    head = b"E5S1" + struct.pack("<I7ifi", version, *SIZES, 1e-12, 32)
    head += struct.pack("<5iQ", 2, 0, 2, 1, 3, 3) + struct.pack("<3I2f", 0, 1, 3, -1.0, -2.0) + b"abc"
    head += struct.pack("<iI", 1, 5) + b"12345" + struct.pack("<i", len(arrays))
    start = len(head) + sum(2 + len(name) + 21 for name, *_ in arrays)
    content = b""
    for name, kind, numbers, body in arrays:
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind, numbers, start + len(content), len(body))
        content += body
    return head + content


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def test_numbers_are_the_half_bytes_less_eight_times_the_size_of_their_block() -> None:
    rng = np.random.default_rng(0)
    words, narrow = rng.integers(0, 16, WORDS * DIM), rng.integers(0, 16, DIM * WIDE)
    found = arrays_of_four_bits(
        packed(
            [
                ("emb.word", 1, words.size, in_four_bits(words, 0.5)),
                ("emb.ln.w", 0, 2, floats(1.5, -2.0)),
                ("l0.fo.w", 1, narrow.size, in_four_bits(narrow, 0.25)),
                ("l0.ao.b", 0, 1, floats(3.0)),
                ("emb.pos", 0, 2 * DIM, floats(*range(2 * DIM))),
            ]
        )
    )
    assert np.array_equal(
        found["embeddings.word_embeddings.weight"], (words.reshape(WORDS, DIM) - 8) * np.float32(0.5)
    )
    assert found["embeddings.LayerNorm.weight"].tolist() == [1.5, -2.0]
    assert np.array_equal(
        found["encoder.layer.0.output.dense.weight"], (narrow.reshape(DIM, WIDE) - 8) * np.float32(0.25)
    )
    assert found["encoder.layer.0.attention.output.dense.bias"].tolist() == [3.0]
    assert found["embeddings.position_embeddings.weight"].shape == (2, DIM)


GOOD = packed([("emb.word", 1, DIM, in_four_bits(np.arange(32) % 16, 1.0))])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"E5",
        b"GGUF" + GOOD[4:],
        packed([], version=2),
        GOOD[:-1],
        GOOD[:60],
        packed([("l0.zz.w", 0, 0, b"")]),
    ],
)
def test_what_is_no_such_file_is_told_with_the_cure(content: bytes) -> None:
    with pytest.raises(BrokenBundle, match="install the package that brings them anew"):
        arrays_of_four_bits(content)
