"""Reader: what reads as do the things that such people go on to; the text, read for what it means to them.

Half of an item is its meaning (zhiyin.models.meaning), half the company that things like it keep: the mean of the
vectors of the warm items nearest to it by text or by what it is linked to, weighted by how near they are (kernel
regression of Nadaraya 1964 and Watson 1964, to what people take near to what). An item with n events is
n / (n + trust) its own company. So a new item is read as its text promises, one without a word as what it is
linked to, and two things stand near to one another because people go from such things to such, not only because
they are worded alike.

Rows and histories are those of zhiyin.models.dense: every entry's contribution is one addend.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run
from zhiyin.models.company import company_vectors, pairs
from zhiyin.models.dense import DenseRows, DenseScorer, turned_one_by_one
from zhiyin.models.index import build_index, index_of
from zhiyin.models.meaning import Meaning
from zhiyin.models.propagation import mixture


@dataclass(frozen=True, slots=True)
class Reader(DenseRows):
    name: ClassVar[str] = "reader"
    centre: Floats  # (encoder's dim,), as in the meaning channel
    axes: Floats  # (encoder's dim, dim), as there
    company: Floats  # (I when fitted, D) unit rows: what later items borrow from

    @property
    def speaks(self) -> bool:
        """Whether anybody took two things."""
        return bool(self.company.any())

    def score(self, batch: Batch) -> Floats:
        return self.past(batch) @ self.vectors.T

    def scorer(self, batch: Batch) -> DenseScorer:
        return DenseScorer(self, batch, self.past(batch)[0])

    def extended(self, arrivals: Arrivals) -> Self:
        vectors = np.concatenate([self.vectors, self._read(arrivals)])
        return self.with_rows(vectors, np.arange(self.n_items, len(vectors), dtype=np.int32))

    def read_again(self, rows: Rows, arrivals: Arrivals) -> Self:
        """The same items, of which these rows have other texts; those that were fitted keep their company."""
        vectors, told = self.vectors.copy(), self._read(arrivals)
        kept = rows < len(self.company)
        half = self.axes.shape[1]
        alone = unit(told[:, :half])
        told[kept] = joined(alone[kept], self.company[rows[kept]])
        vectors[rows] = told
        return self.with_rows(vectors, rows)

    def arrays(self) -> Arrays:
        return {
            "vectors": self.vectors,
            "centre": self.centre,
            "axes": self.axes,
            "company": self.company,
            "recency": np.array([self.recency]),
            **self.index.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        names = ("vectors", "centre", "axes", "company")
        vectors, centre, axes, company = (np.asarray(arrays[name], np.float32) for name in names)
        return cls(vectors, float(arrays["recency"][0]), index_of(vectors, arrays), centre, axes, company)

    def _read(self, arrivals: Arrivals) -> Floats:
        """(n, dim + D) rows of items that came or changed, each by itself."""
        lent = arrivals.near[:, : len(self.company)]
        company = [unit(lent[[n]] @ self.company) for n in range(lent.shape[0])]
        read = turned_one_by_one(arrivals.vectors, self.centre, self.axes)
        return joined(read, np.concatenate([self.company[:0], *company]))


class ReaderRecipe(Fading):
    """The text, read for what it means to the people of this shop."""

    choices: ClassVar[Choices] = MappingProxyType({"recency": (0.7, 0.5, 0.9, 1.0)})
    dim: int = Field(default=128, ge=1, description="Axes of what people take near to what.")
    trust: float = Field(
        default=1.0, ge=0, description="Events after which an item's own company counts as much as that of what "
        "reads like it."
    )  # fmt: skip

    def fit(self, data: Dataset, run: Run, meaning: Meaning, near: sp.csr_array) -> Reader:
        """`near` (I, I): what every item borrows from, rows of weights that sum to one or are empty."""
        liked = data.weights > 0
        counts = np.bincount(data.user_rows[liked], minlength=len(data.users))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        own = company_vectors(pairs(indptr, data.item_rows[liked], len(data.items)), self.dim, run.seed)
        had = np.where(own.any(axis=1), data.support, 0)
        company = unit((mixture(near, had, self.trust) @ own).astype(np.float32))
        vectors = joined(meaning.vectors[: len(company)], company)
        index = build_index(vectors, run.seed)
        return Reader(vectors, self.fades(data), index, meaning.centre, meaning.axes, company)


def joined(read: Floats, company: Floats) -> Floats:
    """(n, dim + D) unit rows, half of each what it reads like, half its company; all of one where the other is
    not known."""
    return unit(np.hstack([read, company]))
