"""Weights without PyTorch: the arrays that it would read, and nothing that a pickle wants to call."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.encoders.checkpoint import MAGIC, VERSION, arrays_of, read_arrays
from zhiyin.errors import BrokenBundle

NUMBERS = np.arange(6, dtype="<f4")


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def whole(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def wholes(*values: int) -> bytes:
    return b"(" + b"".join(map(whole, values)) + b"t"


def array(kind: str, key: str, start: int, shape: bytes, steps: bytes) -> bytes:
    """As torch.save wrote a tensor: a call of _rebuild_tensor_v2 on a storage by its key."""
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + whole(6) + b"NtQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + whole(start) + shape + steps + b"\x89}tR"


def file_of(state: bytes) -> bytes:
    magic = b"\x80\x02\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
    version, machine = b"\x80\x02" + whole(VERSION) + b".", b"\x80\x02}."
    keys = b"\x80\x02](" + text("floats") + text("counts") + b"e."
    floats = struct.pack("<q", 6) + NUMBERS.tobytes()
    counts = struct.pack("<q", 6) + np.arange(6, dtype="<i8").tobytes()
    return magic + version + machine + b"\x80\x02}(" + state + b"u." + keys + floats + counts


STATE = (
    text("turned")
    + array("FloatStorage", "floats", 0, wholes(2, 3), wholes(1, 2))
    + text("end")
    + array("FloatStorage", "floats", 4, wholes(2), wholes(1))
    + text("seen")
    + array("LongStorage", "counts", 0, wholes(6), wholes(1))
)
GOOD = file_of(STATE)


def test_an_array_is_what_its_shape_and_steps_say_of_the_buffer() -> None:
    found = arrays_of(GOOD)
    assert set(found) == {"turned", "end"}, "counts are no weights"
    assert found["turned"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found["end"].tolist() == [4, 5]
    assert all(one.flags.c_contiguous and one.dtype == np.float32 for one in found.values())


def test_a_file_that_calls_anything_else_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    called = tmp_path / "called"
    hostile = text("weights") + b"cpathlib\nPath.touch\n(" + text(str(called)) + b"tR"
    with pytest.raises(BrokenBundle, match=r"pathlib\.Path\.touch"):
        arrays_of(file_of(hostile))
    assert not called.exists()


@given(st.integers(0, len(GOOD) - 1))
def test_a_file_that_was_cut_anywhere_is_refused_or_has_lost_nothing(length: int) -> None:
    try:
        found = arrays_of(GOOD[:length])
    except BrokenBundle:
        return
    assert found["turned"].tolist() == [[0, 2, 4], [1, 3, 5]], "only counts were cut off"


@pytest.mark.parametrize("start", [5, -1])
def test_an_array_outside_of_its_buffer_is_refused(start: int) -> None:
    outside = text("out") + array("FloatStorage", "floats", start, wholes(2), wholes(1))
    with pytest.raises(BrokenBundle):
        arrays_of(file_of(outside + STATE))


def test_another_file_than_the_one_that_is_known_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(GOOD + b"\0")
    with pytest.raises(BrokenBundle, match=r"expected 0000.*install it anew"):
        read_arrays(path, "0" * 64, "install it anew")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02K\x01.", b"text"])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenBundle):
        arrays_of(content)
