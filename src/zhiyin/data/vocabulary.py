"""External ids outside, rows inside: the one translation between them.

Rows are in the order of a hash of the id, so that no model can read time or popularity from a row number
(in many catalogues ids follow them), and ties broken by row are broken at random but always alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int32]

PAD = -1  # the row of "nothing here"


class Vocabulary(Sequence[str]):
    """Ids by row and rows by id. Immutable; `extended` gives a longer one with the old rows unchanged."""

    __slots__ = ("_ids", "_row_of", "keys")

    def __init__(self, ids: Iterable[str]) -> None:
        """Rows in the order given: use `Vocabulary.hashed` where a new order is made."""
        self._ids = tuple(ids)
        self._row_of = {id_: row for row, id_ in enumerate(self._ids)}
        self.keys: Keys = _keys_of(self._ids)

    @classmethod
    def hashed(cls, ids: Iterable[str]) -> Vocabulary:
        """The distinct ids in hash order."""
        return cls(sorted(set(ids), key=lambda id_: (key_of(id_), id_)))

    def extended(self, ids: Iterable[str]) -> Vocabulary:
        """The same rows, followed by those ids that are new, in the order given."""
        new = tuple(dict.fromkeys(id_ for id_ in ids if id_ not in self._row_of))
        longer = Vocabulary(())
        longer._ids = (*self._ids, *new)
        longer._row_of = {**self._row_of, **{id_: row for row, id_ in enumerate(new, start=len(self))}}
        longer.keys = np.append(self.keys, _keys_of(new))
        return longer

    def row(self, id_: str) -> int:
        """The row, or PAD for an unknown id."""
        return self._row_of.get(id_, PAD)

    def rows(self, ids: Iterable[str]) -> Rows:
        """Rows of ids, PAD where unknown."""
        get = self._row_of.get
        return np.fromiter((get(id_, PAD) for id_ in ids), np.int32)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._row_of

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # int -> str, slice -> tuple
        return self._ids[row]


def _keys_of(ids: Sequence[str]) -> Keys:
    return np.fromiter((key_of(id_) for id_ in ids), np.uint64, len(ids))


def key_of(id_: str) -> int:
    """A 64-bit hash of an id, the same on every machine and in every version."""
    return int.from_bytes(hashlib.blake2b(id_.encode(), digest_size=8).digest(), "little")
