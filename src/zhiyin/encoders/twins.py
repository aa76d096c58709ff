"""Titles that say nearly the same: other editions, sizes, or the same thing entered twice.

Jaccard similarity of the sets of three-character pieces; candidates by MinHash in bands (Broder 1997), so that a
hundred thousand titles take seconds. Whatever the language, since nothing is split into words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SIMILAR = 0.8  # share of the pieces of both that both have
BANDS, ROWS = 16, 3  # of 48 hashes: a pair at 0.8 is missed once in 100,000 times
PIECE = 3  # characters

Hashes = npt.NDArray[np.uint64]


def twins(some: Sequence[str], others: Sequence[str]) -> list[tuple[int, int]]:
    """(place in `some`, place in `others`) of titles that are alike: at most one pair for each of `some`.

    A title without a letter or a digit is like none.
    """
    left, right = ([_pieces(title) for title in titles] for titles in (some, others))
    keys, others_keys = _keys(left), _keys(right)
    found: dict[int, int] = {}
    for band in range(BANDS):
        places: dict[int, list[int]] = {}
        for place, key in enumerate(others_keys[band].tolist()):
            places.setdefault(key, []).append(place)
        for place, key in enumerate(keys[band].tolist()):
            if place not in found:
                alike = (other for other in places.get(key, ()) if _alike(left[place], right[other]))
                if (match := next(alike, None)) is not None:
                    found[place] = match
    return sorted(found.items())


def same(one: str, other: str) -> bool:
    """Whether two titles say nearly the same."""
    return one == other or _alike(_pieces(one), _pieces(other))


def _pieces(title: str) -> Hashes:
    """The distinct pieces of a title as numbers, ascending; case, spaces and punctuation do not count."""
    said = "".join(c for c in title.casefold() if c.isalnum())
    if not said:
        return np.zeros(0, np.uint64)
    codes = np.array([ord(c) for c in said.ljust(PIECE)], np.uint64)
    pieces = np.zeros(len(codes) - PIECE + 1, np.uint64)
    for shift in range(PIECE):
        pieces = (pieces << np.uint64(21)) | codes[shift : shift + len(pieces)]
    return np.unique(pieces)


def _keys(titles: Sequence[Hashes]) -> Hashes:
    """(BANDS, n) one number for each band of each title's smallest hashes."""
    rng = np.random.default_rng(0)
    # a title without pieces stands as one piece that no title has
    kept = [pieces if len(pieces) else np.array([2**64 - 1], np.uint64) for pieces in titles]
    flat = np.concatenate([np.zeros(0, np.uint64), *kept])
    starts = np.cumsum([0, *map(len, kept)])[:-1].astype(np.int64)
    keys = np.zeros((BANDS, len(titles)), np.uint64)
    for band in range(BANDS if len(titles) else 0):
        for factor, offset in rng.integers(1, 2**63, (ROWS, 2), dtype=np.uint64) | np.uint64(1):
            mixed = flat * factor + offset
            smallest = np.minimum.reduceat(mixed ^ (mixed >> np.uint64(29)), starts)
            keys[band] = (keys[band] ^ smallest) * np.uint64(0x9E3779B97F4A7C15)
    return keys


def _alike(one: Hashes, other: Hashes) -> bool:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both > 0 and both >= SIMILAR * (len(one) + len(other) - both)
