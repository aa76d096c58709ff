"""Words: the same brand, the same author, the same rare word, in the history or in what was typed.

The score is the cosine between the TF-IDF row of an item and the weighted sum of the history's rows (or the
row of the typed text). Retrieval walks the posting lists of the profile's heaviest words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.lexical import N_COLUMNS, LexicalEncoder, readable, unit_sparse
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe, Run, best, union
from zhiyin.models.sparse import Entries, entries, weighted_sum
from zhiyin.types import Item

COMMON = 0.2  # share of the items from which on a word explains nothing


@dataclass(frozen=True, slots=True)
class Words:
    name: ClassVar[str] = "words"
    encoder: LexicalEncoder
    rows: sp.csr_array  # (I, N_COLUMNS) unit rows
    postings: sp.csr_array  # (N_COLUMNS, P), the transpose of the first P rows; later ones are scanned
    recency: float
    n_terms: int  # words of a profile that retrieval looks up

    @property
    def n_items(self) -> int:
        return self.rows.shape[0]

    def score(self, batch: Batch) -> Floats:
        profiles = self._profiles(batch)
        scores = (profiles @ self.postings).toarray()
        later = self.rows[self.postings.shape[1] :]
        return np.hstack([scores, (profiles @ later.T).toarray()]) if later.shape[0] else scores

    def scorer(self, batch: Batch) -> WordsScorer:
        return WordsScorer(self, batch)

    def shared(self, text: str, row: int) -> tuple[str, ...]:
        """The words of a text that the item has too and most others lack, rarest first."""
        has = set(self.rows.indices[self.rows.indptr[row] : self.rows.indptr[row + 1]].tolist())
        rare = np.log(1.0 / COMMON) + 1.0  # the idf of a word that a share of COMMON of the items have
        idf = {word: self.encoder.idf[column] for word, column in readable(text) if column in has}
        return tuple(sorted((word for word in idf if idf[word] >= rare), key=lambda word: (-idf[word], word)))

    def extended(self, arrivals: Arrivals) -> Self:
        rows = sp.csr_array(sp.vstack([self.rows, self.encoder.encode_items(arrivals.items)]))
        return replace(self, rows=rows)

    def reworded(self, rows: Rows, items: Sequence[Item]) -> Self:
        """The same items, these rows read again."""
        place = np.arange(self.n_items)
        place[rows] = self.n_items + np.arange(len(rows))
        changed = sp.csr_array(sp.csr_array(sp.vstack([self.rows, self.encoder.encode_items(items)]))[place])
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
        return cls(encoder, rows, sp.csr_array(rows.T), recency, int(n_terms))

    def _profiles(self, batch: Batch) -> sp.csr_array:
        """(B, N_COLUMNS) unit rows: of the text where askers typed one, of the history where they did not."""
        if batch.texts:
            return self.encoder.encode_texts(batch.texts)
        return unit_sparse(sp.csr_array(batch.matrix(self.n_items, self.values(batch)) @ self.rows))

    def values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts."""
        return (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)


class WordsScorer:
    """One asker's profile: columns, ascending, and their weights."""

    def __init__(self, model: Words, batch: Batch) -> None:
        self._model, self._batch = model, batch
        self._dense = np.zeros(N_COLUMNS, np.float32)
        columns, weights = self._summed()
        np.add.at(self._dense, columns, weights)
        self._columns = union([columns])
        said = self._dense[self._columns]
        self._length = max(float(np.sqrt((said**2).sum())), 1e-6)
        self._weights = said / np.float32(self._length)
        self._dense[self._columns] = self._weights

    def retrieve(self, k: int) -> Rows:
        postings = self._model.postings
        heavy = best(self._weights * self._model.encoder.idf[self._columns], self._model.n_terms)
        scores = weighted_sum(postings, self._columns[heavy], self._weights[heavy])
        later = np.arange(len(scores), self._model.n_items, dtype=np.int32)
        if len(later):
            scores = np.append(scores, self.score(later))
        said = np.flatnonzero(scores > 0)
        return best(scores[said], k, said)

    def score(self, rows: Rows) -> Floats:
        return np.asarray(self._model.rows[rows] @ self._dense, np.float32)

    def why(self, rows: Rows) -> Floats:
        if self._batch.texts:
            return np.zeros((len(self._batch.rows), len(rows)), np.float32)
        shown, heard = entries(self._model.rows, rows), entries(self._model.rows, self._batch.rows)
        wanted = union([shown[1]])
        like = _among(heard, len(self._batch.rows), wanted) @ _among(shown, len(rows), wanted).T
        return like * (self._model.values(self._batch) / np.float32(self._length))[:, None]

    def _summed(self) -> tuple[Rows, Floats]:
        """Columns, any number of times each, and weights that sum to the profile before scaling to length 1."""
        if self._batch.texts:
            text = self._model.encoder.encode_texts(self._batch.texts)
            return text.indices, text.data
        owner, columns, data = entries(self._model.rows, self._batch.rows)
        return columns, data * self._model.values(self._batch)[owner]


def _among(found: Entries, n: int, wanted: Rows) -> Floats:
    """(n, len(wanted)) the entries of n rows in the `wanted` columns, which ascend; dense."""
    out = np.zeros((n, len(wanted)), np.float32)
    if len(wanted):
        owner, columns, data = found
        place = np.minimum(np.searchsorted(wanted, columns), len(wanted) - 1)
        hit = wanted[place] == columns
        out[owner[hit], place[hit]] = data[hit]
    return out


class WordsRecipe(Recipe):
    """TF-IDF over titles, labels and texts."""

    recency: float = Field(default=0.9, gt=0, le=1, description="How an event counts less with each newer one.")
    n_terms: int = Field(default=64, gt=0, description="Words of a profile that retrieval looks up.")

    def fit(self, data: Dataset, run: Run) -> Words:
        encoder = LexicalEncoder.fit(data.catalogue)
        rows = encoder.encode_items(data.catalogue)
        recency = self.recency if data.ordered else 1.0
        return Words(encoder, rows, sp.csr_array(rows.T), recency, self.n_terms)
