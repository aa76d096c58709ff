"""Pictures from strangers: seen as a person would see them, or refused with a reason and a cure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from drawn import file_of, spots
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zhiyin.encoders.pictures import FORMATS, MAX_BYTES, MAX_PIXELS, read_picture
from zhiyin.errors import InvalidData

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
TURN = 0x0112  # the EXIF tag of how a camera was held


def flag(size: tuple[int, int] = (40, 40)) -> Image.Image:
    """The upper half red, the lower half blue."""
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0], size[1] // 2))
    return image


def nearly(colour: tuple[int, ...]) -> object:
    return pytest.approx(colour, abs=12)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_of_the_web_is_seen(kind: str) -> None:
    seen = read_picture(file_of(flag(), kind), 8)
    assert (seen.shape, seen.dtype) == ((8, 8, 3), np.uint8)
    assert seen[1, 4].tolist() == nearly(RED)
    assert seen[6, 4].tolist() == nearly(BLUE)


def test_of_a_wide_picture_the_middle_square_is_seen() -> None:
    image = Image.new("RGB", (90, 30), GREEN)
    image.paste(RED, (30, 0, 60, 30))
    assert (read_picture(file_of(image), 8) == RED).all()
    assert (read_picture(file_of(image.transpose(Image.Transpose.ROTATE_90)), 8) == RED).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40_000), (40_000, 1)])
def test_a_line_or_a_point_is_a_picture_too(size: tuple[int, int]) -> None:
    assert (read_picture(file_of(Image.new("RGB", size, GREEN)), 8) == GREEN).all()


def test_a_picture_that_the_camera_turned_is_turned_back() -> None:
    exif = Image.Exif()
    exif[TURN] = 3  # upside down
    turned = flag().transpose(Image.Transpose.ROTATE_180)
    assert read_picture(file_of(turned, "JPEG", exif), 8)[1, 4].tolist() == nearly(RED)


def palette_with_a_hole() -> Image.Image:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*GREEN, *RED])
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize(
    "clear",
    [Image.new("RGBA", (8, 8), (0, 255, 0, 0)), Image.new("LA", (8, 8), (0, 0)), palette_with_a_hole()],
    ids=["RGBA", "LA", "P"],
)
def test_what_can_be_seen_through_lies_on_white(clear: Image.Image) -> None:
    assert (read_picture(file_of(clear), 8) == WHITE).all()


def test_what_can_be_half_seen_through_is_as_much_lighter() -> None:
    half = Image.new("RGBA", (8, 8), (0, 255, 0, 128))
    assert read_picture(file_of(half), 8)[4, 4].tolist() == nearly((127, 255, 127))


@pytest.mark.parametrize(
    ("mode", "kind", "colour", "seen"),
    [
        ("CMYK", "JPEG", (0, 255, 255, 0), RED),
        ("L", "PNG", 128, (128, 128, 128)),
        ("1", "PNG", 1, WHITE),
        ("I;16", "PNG", 128 << 8, (128, 128, 128)),
        ("P", "GIF", 0, (0, 0, 0)),
    ],
)
def test_colours_of_any_kind_become_red_green_and_blue(
    mode: str, kind: str, colour: int | tuple[int, ...], seen: tuple[int, ...]
) -> None:
    found = read_picture(file_of(Image.new(mode, (16, 16), colour), kind), 8)
    assert found[4, 4].tolist() == nearly(seen)


def test_of_what_moves_the_first_frame_is_seen() -> None:
    from io import BytesIO

    out = BytesIO()
    Image.new("RGB", (8, 8), RED).save(
        out, "GIF", save_all=True, append_images=[Image.new("RGB", (8, 8), BLUE)], duration=9
    )
    assert read_picture(out.getvalue(), 8)[4, 4].tolist() == nearly(RED)


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (claims(10_000, 10_000), "pixels"),
        (claims(60_000, 60_000), "pixels"),
        (claims(7_072, 7_072), "7,072 x 7,072"),
        (file_of(flag(), "JPEG") + b"\0" * MAX_BYTES, "bytes"),
        (file_of(spots(1))[:300], "broken"),
        (file_of(spots(1), "JPEG")[:700], "broken"),
        (b"not a picture, but named .jpg", "none of JPEG"),
        (b"", "none of JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of JPEG"),
        (claims(0, 0), "broken"),
    ],
    ids=["large", "bomb", "a little too large", "bytes", "cut", "cut jpeg", "text", "empty", "svg", "nothing"],
)
def test_what_cannot_be_used_is_refused_with_its_cure(content: bytes, told: str) -> None:
    assert MAX_PIXELS < 7_072**2
    with pytest.raises(InvalidData, match=told) as refused:
        read_picture(content, 8)
    assert "make it smaller" in str(refused.value) or "replace it" in str(refused.value)


FUZZED = [file_of(flag((24, 24)), kind) for kind in FORMATS]


@pytest.mark.filterwarnings("ignore")  # Pillow's, about pictures that are broken and can be read all the same
@given(st.sampled_from(FUZZED), st.data())
def test_any_byte_may_be_wrong_or_missing(content: bytes, data: st.DataObject) -> None:
    harm: Callable[[bytes], bytes] = data.draw(st.sampled_from([_flipped(data, content), _cut(data, content)]))
    try:
        seen = read_picture(harm(content), 8)
    except InvalidData:
        return
    assert seen.shape == (8, 8, 3)


def _flipped(data: st.DataObject, content: bytes) -> Callable[[bytes], bytes]:
    place, byte = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 255))
    return lambda whole: whole[:place] + bytes([byte]) + whole[place + 1 :]


def _cut(data: st.DataObject, content: bytes) -> Callable[[bytes], bytes]:
    length = data.draw(st.integers(0, len(content)))
    return lambda whole: whole[:length]
