"""Lists of item rows of different lengths, one a user, in two arrays.

Targets, masked rows and histories all have this shape; working on the flat arrays keeps a million events in
milliseconds where lists of lists take seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Mask
from zhiyin.data.vocabulary import Rows

Pointers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ragged:
    """List u is rows[indptr[u]:indptr[u + 1]]."""

    indptr: Pointers  # (U + 1,)
    rows: Rows  # (T,)

    @classmethod
    def of(cls, lists: Iterable[Sequence[int] | Rows]) -> Ragged:
        """From plain lists, as they are."""
        kept = [np.asarray(rows, np.int32) for rows in lists]
        return cls(pointers([len(rows) for rows in kept]), np.concatenate([np.zeros(0, np.int32), *kept]))

    @classmethod
    def of_pairs(cls, owners: npt.NDArray[np.integer], rows: npt.NDArray[np.integer], n: int) -> Ragged:
        """`n` lists from (owner, row) pairs in any order: each list distinct and ascending."""
        width = int(rows.max(initial=0)) + 1
        keys = np.unique(owners.astype(np.int64) * width + rows)
        return cls(pointers(np.bincount(keys // width, minlength=n)), (keys % width).astype(np.int32))

    @classmethod
    def empty(cls, n: int) -> Ragged:
        """`n` lists with nothing in them."""
        return cls(np.zeros(n + 1, np.int64), np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, index: int) -> Rows:
        return self.rows[self.indptr[index] : self.indptr[index + 1]]

    @property
    def sizes(self) -> Pointers:
        """(U,) the length of each list."""
        return np.diff(self.indptr)

    @property
    def owners(self) -> Pointers:
        """(T,) which list each entry is in."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def where(self, keep: Mask) -> Ragged:
        """The same number of lists with only the entries where `keep` (T,) is true."""
        return Ragged(pointers(np.bincount(self.owners[keep], minlength=len(self))), self.rows[keep])

    def without(self, other: Ragged) -> Ragged:
        """Each list without the rows that the same list of `other` holds."""
        width = int(max(self.rows.max(initial=0), other.rows.max(initial=0))) + 1
        return self.where(~np.isin(self.owners * width + self.rows, other.owners * width + other.rows))

    def take(self, lists: npt.NDArray[np.integer]) -> Ragged:
        """The lists with these numbers, in this order."""
        indptr, places = gather(self.indptr, lists)
        return Ragged(indptr, self.rows[places])


def pointers(sizes: Sequence[int] | npt.NDArray[np.integer]) -> Pointers:
    """(U,) lengths to the (U + 1,) borders between the lists."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))]).astype(np.int64)


def gather(indptr: Pointers, lists: npt.NDArray[np.integer]) -> tuple[Pointers, Pointers]:
    """Borders of the chosen lists laid end to end, and where each of their entries was in the old layout."""
    starts, sizes = indptr[:-1][lists], np.diff(indptr)[lists]
    borders = pointers(sizes)
    return borders, np.arange(borders[-1]) + np.repeat(starts - borders[:-1], sizes)
