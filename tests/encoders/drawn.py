"""Pictures to look at, drawn by numbers; nothing is read from a disk."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image


def stripes(seed: int, size: int = 96) -> Image.Image:
    """Straight lines of two colours."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (2, 3))
    lines = (np.arange(size) // rng.integers(4, 12)) % 2
    return Image.fromarray(np.broadcast_to(colours[lines][None], (size, size, 3)).astype(np.uint8))


def spots(seed: int, size: int = 96) -> Image.Image:
    """Discs of one colour on another."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (2, 3))
    y, x = np.mgrid[:size, :size]
    inside = np.zeros((size, size), bool)
    for _ in range(9):
        cx, cy, radius = rng.integers(0, size), rng.integers(0, size), rng.integers(5, 14)
        inside |= (x - cx) ** 2 + (y - cy) ** 2 < radius**2
    return Image.fromarray(colours[inside.astype(int)].astype(np.uint8))


def file_of(image: Image.Image, kind: str = "PNG", exif: Image.Exif | None = None) -> bytes:
    out = BytesIO()
    if exif is None:
        image.save(out, kind)
    else:
        image.save(out, kind, exif=exif)
    return out.getvalue()
