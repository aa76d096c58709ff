"""The background: which traits the catalogue has, and how often people take what has them.

Made once for a catalogue and kept until it changes. Of a large one it is a sample, those whose hashed ids are
smallest, so that it is the same wherever it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Keys, Rows
from zhiyin.profile.spelling import same_words
from zhiyin.profile.traits import FEW, PRICE, Bands, Trait, bounds_of, numbers_of, traits_of
from zhiyin.types import Item

SAMPLE = 5_000  # items
SHRINK = 50.0  # events of the usual kind that the rates of people are shrunk by


@dataclass(frozen=True, slots=True)
class Background:
    """T traits of S items."""

    rows: Rows  # (S,) of the items
    bands: Bands
    place: Mapping[Trait, int]  # (T,)
    has: sp.csr_array  # (S, T) ones
    each: Doubles  # (T,) how many of the items have each
    of_row: Mapping[int, Sequence[Trait]]  # the traits of each of the items

    def traits(self, row: int, item: Item) -> Iterable[Trait]:
        """Of any item by its row; those of the sample were read before."""
        known = self.of_row.get(row)
        return traits_of(item, self.bands) if known is None else known

    def shares(self, popularity: Doubles | None) -> Doubles:
        """(T,) the share of what people take that has each trait, or where nothing was counted yet (None) of the
        catalogue. Rates of people are shrunk to the catalogue's."""
        catalogue = (self.each + 0.5) / (len(self.rows) + 1.0)
        if popularity is None:
            return catalogue
        taken = popularity[self.rows]
        return (taken @ self.has + SHRINK * catalogue) / (float(taken.sum()) + SHRINK)

    def find(self, text: str, *, in_either_number: bool = False) -> Trait | None:
        """The trait of the catalogue whose value is this text, the most common one of several; where there is none
        and that is asked, the one that says the same words in another number, such as Toy of toys."""
        wanted = Trait("", text).key[1]
        found = [trait for trait in self.place if trait.key[1] == wanted]
        if in_either_number and not found:
            found = [trait for trait in self.place if same_words(trait.value, text)]
        return min(found, key=lambda trait: (-float(self.each[self.place[trait]]), trait), default=None)


def background(items: Sequence[Item | None], keys: Keys) -> Background:
    """Of the items by row, and the hashes of their ids."""
    there = np.array([row for row, item in enumerate(items) if item is not None], np.int32)
    rows = np.sort(there[np.argsort(keys[there], kind="stable")[:SAMPLE]]) if len(there) else there
    sample = [item for row in rows.tolist() if (item := items[row]) is not None]
    bands = _bands(sample)
    place: dict[Trait, int] = {}
    indptr, columns = [0], list[int]()
    of_row = {}
    for row, item in zip(rows.tolist(), sample, strict=True):
        of_row[row] = sorted(traits_of(item, bands))
        columns.extend(place.setdefault(trait, len(place)) for trait in of_row[row])
        indptr.append(len(columns))
    ones: Floats = np.ones(len(columns), np.float32)
    has = sp.csr_array((ones, np.array(columns, np.int32), indptr), shape=(len(sample), len(place)))
    return Background(rows, bands, place, has, np.asarray(has.sum(axis=0), np.float64).ravel(), of_row)


def _bands(items: Sequence[Item]) -> Bands:
    """Of the price and of attributes with more than FEW different numbers."""
    numbers: dict[str, list[float]] = {}
    for item in items:
        for field, number in numbers_of(item):
            numbers.setdefault(field, []).append(number)
    return {
        field: bounds_of(found)
        for field, found in sorted(numbers.items())
        if field == PRICE or len(set(found)) > FEW
    }
