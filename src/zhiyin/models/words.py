"""Words: the same brand, the same author, the same rare word, in the history or in what was typed.

The score is the cosine between the TF-IDF row of an item and the weighted sum of the history's rows (or the
row of the typed text). Retrieval walks the posting lists of the profile's heaviest words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.lexical import N_COLUMNS, LexicalEncoder, readable
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run, best
from zhiyin.models.profiles import SparseRows, SparseScorer
from zhiyin.models.sparse import entries, with_rows
from zhiyin.types import Item

COMMON = 0.2  # share of the items from which on a word explains nothing


@dataclass(frozen=True, slots=True)
class Words(SparseRows):
    """`rows` are (I, N_COLUMNS) unit rows."""

    name: ClassVar[str] = "words"
    encoder: LexicalEncoder
    n_terms: int  # words of a profile that retrieval looks up

    def score(self, batch: Batch) -> Floats:
        """Of the text where askers typed one, of the history where they did not."""
        return self.products(self.encoder.encode_texts(batch.texts) if batch.texts else self.profiles(batch))

    def scorer(self, batch: Batch) -> SparseScorer:
        if not batch.texts:
            return SparseScorer(self, batch, self._rarest)
        typed = self.encoder.encode_texts(batch.texts)
        return SparseScorer(self, batch, self._rarest, (typed.indices, typed.data))

    def shared(self, text: str, row: int) -> tuple[str, ...]:
        """The words of a text that the item has too and most others lack, rarest first."""
        has = set(self.rows.indices[self.rows.indptr[row] : self.rows.indptr[row + 1]].tolist())
        rare = np.log(1.0 / COMMON) + 1.0  # the idf of a word that a share of COMMON of the items have
        idf = {word: self.encoder.idf[column] for word, column in readable(text) if column in has}
        return tuple(sorted((word for word in idf if idf[word] >= rare), key=lambda word: (-idf[word], word)))

    def saying(self, words: Sequence[Sequence[int]], rows: Rows) -> Mask:
        """(k,) which of these rows have one of the columns of each of these words; none where there is no word."""
        owner, found, _ = entries(self.rows, rows)
        says = np.full(len(rows), len(words) > 0)
        for columns in words:
            says &= np.bincount(owner[np.isin(found, columns)], minlength=len(rows)) > 0
        return says

    def extended(self, arrivals: Arrivals) -> Self:
        rows = sp.csr_array(sp.vstack([self.rows, self.encoder.encode_items(arrivals.items)]))
        return replace(self, rows=rows)

    def reworded(self, rows: Rows, items: Sequence[Item]) -> Self:
        """The same items, these rows read again."""
        changed = with_rows(self.rows, rows, self.encoder.encode_items(items))
        return replace(self, rows=changed, postings=sp.csr_array(changed.T))

    def arrays(self) -> Arrays:
        return {
            "idf": self.encoder.idf,
            "indptr": self.rows.indptr,
            "indices": self.rows.indices,
            "data": self.rows.data,
            "shape_of_use": np.array([self.recency, self.n_terms]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        shape = (len(arrays["indptr"]) - 1, N_COLUMNS)
        rows = sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        recency, n_terms = (float(x) for x in arrays["shape_of_use"])
        encoder = LexicalEncoder(np.asarray(arrays["idf"], np.float32))
        return cls(rows, sp.csr_array(rows.T), recency, encoder, int(n_terms))

    def _rarest(self, columns: Rows, weights: Floats) -> Rows:
        """The places of the words that tell most."""
        return best(weights * self.encoder.idf[columns], self.n_terms)


class WordsRecipe(Fading):
    """TF-IDF over titles, labels and texts."""

    choices: ClassVar[Choices] = MappingProxyType({"recency": (0.8, 0.9, 0.7, 0.5, 1.0)})
    n_terms: int = Field(default=64, gt=0, description="Words of a profile that retrieval looks up.")

    def fit(self, data: Dataset, run: Run) -> Words:
        encoder, rows = LexicalEncoder.fit(data.catalogue)
        recency = self.fades(data)
        return Words(rows, sp.csr_array(rows.T), recency, encoder, self.n_terms)
