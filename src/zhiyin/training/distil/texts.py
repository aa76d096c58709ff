"""What a student is taught by: what the shop says of its items, what people typed, and what they might type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from zhiyin.encoders.base import documents
from zhiyin.types import Item

LONGEST_CROP = 5  # words


def lesson_texts(items: Sequence[Item], typed: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Different texts: whole documents, titles, a few words of each, labels, brands, and what was typed."""
    made = [*typed]
    for item in items:
        made += [*documents(item), item.title, *_labels(item), *_crops(item.title, rng)]
    return [text for text in dict.fromkeys(made) if text.strip()]


def _labels(item: Item) -> Iterator[str]:
    yield from item.categories
    if item.brand:
        yield item.brand
        yield from (f"{item.brand} {category}" for category in item.categories[-1:])


def _crops(title: str, rng: np.random.Generator) -> Iterator[str]:
    """A few words that follow each other; of what is written without spaces, as many characters."""
    words, between = title.split(), " "
    if len(words) == 1 and not title.isascii():
        words, between = list(title), ""
    if len(words) > 2:
        start = int(rng.integers(len(words) - 1))
        yield between.join(words[start : start + int(rng.integers(1, LONGEST_CROP + 1))])
