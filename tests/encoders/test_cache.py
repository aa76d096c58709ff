"""The cache: the same vectors as the encoder inside, only changed texts read, and no cut can misalign it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import Encoder, encode_items
from zhiyin.encoders.cache import CHUNK, KEY_BYTES, CachedEncoder
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Item

TEXTS = [f"word{n} and word{n + 1}" for n in range(20)]
ROW_BYTES = 4 * HashEncoder.dim


class Counting:
    """Another encoder that also remembers what it was asked to read."""

    def __init__(self, inner: Encoder) -> None:
        self.inner = inner
        self.read: list[str] = []
        self.dim, self.fingerprint, self.licence = inner.dim, inner.fingerprint, inner.licence

    def encode(self, texts: Sequence[str]) -> Floats:
        self.read += texts
        return self.inner.encode(texts)


@pytest.fixture
def inner() -> Counting:
    return Counting(HashEncoder())


def files(folder: Path) -> tuple[Path, Path]:
    (keys,), (rows,) = folder.glob("*.keys"), folder.glob("*.rows")
    return keys, rows


def test_a_remembered_vector_is_the_same_vector(inner: Counting, tmp_path: Path) -> None:
    wanted = inner.inner.encode(TEXTS)
    first = CachedEncoder(inner, tmp_path)
    assert np.array_equal(first.encode(TEXTS), wanted)
    assert np.array_equal(first.encode(TEXTS[::-1]), wanted[::-1])
    assert np.array_equal(CachedEncoder(inner, tmp_path).encode(TEXTS), wanted)
    assert (first.dim, first.fingerprint, first.licence) == (inner.dim, inner.fingerprint, inner.licence)


def test_only_new_texts_are_read_and_each_once(inner: Counting, tmp_path: Path) -> None:
    CachedEncoder(inner, tmp_path).encode([*TEXTS[:5], TEXTS[0]])
    CachedEncoder(inner, tmp_path).encode(TEXTS[3:8])
    assert inner.read == TEXTS[:8]


def test_only_the_changed_item_is_read_again(inner: Counting, tmp_path: Path) -> None:
    items = [Item(f"{n}", title=text) for n, text in enumerate(TEXTS)]
    encode_items(CachedEncoder(inner, tmp_path), items)
    inner.read.clear()
    items[4] = Item("4", title="another title")
    encode_items(CachedEncoder(inner, tmp_path), items)
    assert inner.read == ["another title"]


def test_more_texts_than_a_chunk_are_all_remembered(inner: Counting, tmp_path: Path) -> None:
    texts = [f"text {n}" for n in range(2 * CHUNK + 3)]
    CachedEncoder(inner, tmp_path).encode(texts)
    again = CachedEncoder(inner, tmp_path)
    assert np.array_equal(again.encode(texts), inner.inner.encode(texts))
    assert len(inner.read) == len(texts)


def test_no_texts_give_no_rows(inner: Counting, tmp_path: Path) -> None:
    assert CachedEncoder(inner, tmp_path).encode([]).shape == (0, inner.dim)


@given(st.integers(0, 20 * KEY_BYTES), st.integers(0, 20 * ROW_BYTES))
def test_files_cut_anywhere_give_right_vectors(keys_left: int, rows_left: int) -> None:
    with TemporaryDirectory() as folder:
        inner = Counting(HashEncoder())
        CachedEncoder(inner, Path(folder)).encode(TEXTS)
        for file, left in zip(files(Path(folder)), (keys_left, rows_left), strict=True):
            with file.open("r+b") as handle:
                handle.truncate(left)
        inner.read.clear()
        wanted = inner.inner.encode(TEXTS)
        assert np.array_equal(CachedEncoder(inner, Path(folder)).encode(TEXTS), wanted)
        sound = min(keys_left // KEY_BYTES, rows_left // ROW_BYTES)
        assert inner.read == TEXTS[sound:]
        assert np.array_equal(CachedEncoder(inner, Path(folder)).encode(TEXTS), wanted)


@pytest.mark.parametrize("file", [0, 1])
def test_a_lost_file_is_begun_anew(inner: Counting, tmp_path: Path, file: int) -> None:
    CachedEncoder(inner, tmp_path).encode(TEXTS)
    files(tmp_path)[file].unlink()
    assert np.array_equal(CachedEncoder(inner, tmp_path).encode(TEXTS), inner.inner.encode(TEXTS))
    assert inner.read == TEXTS * 2


def test_two_that_write_in_turn_stay_aligned(inner: Counting, tmp_path: Path) -> None:
    first, second = CachedEncoder(inner, tmp_path), CachedEncoder(inner, tmp_path)
    first.encode(TEXTS[:4])
    second.encode(TEXTS[2:9])
    first.encode(TEXTS[6:12])
    wanted = inner.inner.encode(TEXTS)
    for encoder in (first, second, CachedEncoder(inner, tmp_path)):
        assert np.array_equal(encoder.encode(TEXTS), wanted)


@pytest.mark.slow
def test_processes_that_write_at_the_same_time_stay_aligned(tmp_path: Path) -> None:
    said = """
import sys
from pathlib import Path
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.testing.encoders import HashEncoder
encoder = CachedEncoder(HashEncoder(), Path(sys.argv[1]))
for n in range(150):
    encoder.encode([f"text {sys.argv[2]} {n}", f"shared {n}"])
"""
    children = [subprocess.Popen([sys.executable, "-c", said, str(tmp_path), name]) for name in "ab"]
    assert [child.wait() for child in children] == [0, 0]
    texts = [f"text {name} {n}" for name in "ab" for n in range(150)]
    inner = Counting(HashEncoder())
    assert np.array_equal(CachedEncoder(inner, tmp_path).encode(texts), inner.inner.encode(texts))
    assert not inner.read


def test_a_tail_left_by_a_killed_writer_does_not_shift_what_another_writes(
    inner: Counting, tmp_path: Path
) -> None:
    encoder = CachedEncoder(inner, tmp_path)
    encoder.encode(TEXTS[:4])
    _, rows = files(tmp_path)
    with rows.open("ab") as file:  # another process wrote rows, and was killed before it wrote their keys
        file.write(b"\x01" * (ROW_BYTES + 7))
    encoder.encode(TEXTS[4:8])
    assert np.array_equal(CachedEncoder(inner, tmp_path).encode(TEXTS), inner.inner.encode(TEXTS))
