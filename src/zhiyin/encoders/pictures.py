"""Bytes from anywhere to the square of pixels that an encoder looks at; what is no picture is said, never guessed.

Pictures come from strangers: how many bytes and pixels they may have is checked before they are unpacked, and only
the formats of the web are tried. What was turned (EXIF) is turned back, what can be seen through lies on white, of
what moves the first frame counts.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from zhiyin._extras import need
from zhiyin.errors import InvalidData

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]  # (..., side, side, 3) red, green, blue

MAX_BYTES = 20 << 20
MAX_PIXELS = 50_000_000  # width x height; 150 MB unpacked
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")
ENOUGH = 3.0  # before it is scaled exactly, a picture is halved while it stays so much larger than is looked at
_BROKEN = (  # what Pillow raises for files that are cut, tampered with or of another kind
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)


def read_picture(content: bytes, side: int) -> Pixels:
    """(side, side, 3) the middle square of a picture.

    Raises InvalidData for what is no picture or too large a one, MissingExtra without Pillow.
    """
    pil = need("PIL.Image", extra="images")
    if len(content) > MAX_BYTES:
        raise InvalidData(f"it has {len(content):,} bytes, and {MAX_BYTES:,} are the most: make it smaller")
    try:
        with pil.open(BytesIO(content), formats=FORMATS) as image:
            check_size(*image.size)
            image.draft("RGB", (round(ENOUGH * side), round(ENOUGH * side)))  # a JPEG unpacks as much as it needs
            return square(upright(image), side)
    except (pil.DecompressionBombError, pil.DecompressionBombWarning) as error:
        raise InvalidData(f"it has more than {MAX_PIXELS:,} pixels: make it smaller") from error
    except InvalidData:
        raise
    except _BROKEN as error:
        kinds = ", ".join(FORMATS)
        raise InvalidData(f"it is none of {kinds}, or broken ({str(error)[:80]}): replace it") from error


def check_size(width: int, height: int) -> None:
    """Raises InvalidData for more pixels than are unpacked."""
    if width * height > MAX_PIXELS:
        raise InvalidData(
            f"it has {width:,} x {height:,} pixels, and {MAX_PIXELS:,} are the most: make it smaller"
        )


def upright(image: Image) -> Image:
    """As it is meant to be seen: three colours on white, not turned, one frame."""
    turned: Image = need("PIL.ImageOps", extra="images").exif_transpose(image)
    if turned.mode.startswith("I"):  # 16 bits a pixel, of which Pillow would cut all above 255
        turned = from_16_bits(turned)
    if not turned.has_transparency_data:
        return turned.convert("RGB")
    seen_through = turned.convert("RGBA")
    white: Image = need("PIL.Image", extra="images").new("RGBA", turned.size, "white")
    white.alpha_composite(seen_through)
    return white.convert("RGB")


def from_16_bits(image: Image) -> Image:
    pil: ModuleType = need("PIL.Image", extra="images")
    grey: Image = pil.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    return grey


def square(image: Image, side: int) -> Pixels:
    """The middle of it, as high or wide as it is. The net was taught with 7/8 of that, which cuts things off:
    docs/LOG.md has what was tried."""
    edge = min(image.size)
    left, top = ((length - edge) // 2 for length in image.size)
    middle = image.crop((left, top, left + edge, top + edge))
    bicubic = need("PIL.Image", extra="images").Resampling.BICUBIC
    return np.array(middle.resize((side, side), bicubic, reducing_gap=ENOUGH), np.uint8)
