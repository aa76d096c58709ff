"""What a head reads beside vectors: words, pairs of words and pieces of words, as sparse TF-IDF rows.

Pieces of three to five characters within a word see misspellings and endings; of Chinese, Japanese and Korean,
which have no spaces, one to three characters in a row. Hashed like encoders.lexical; only columns that the
examples have are kept.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.lexical import tokens, unit_sparse
from zhiyin.labels.linear import Arrays

BITS = (1 << 22) - 1  # columns before choice
PIECES = (3, 4, 5)  # characters of a piece of a word, with its ends marked
MANY = 200  # texts, from which on a column that only one of them has is left out


@dataclass(frozen=True, slots=True)
class Grams:
    """`columns` sorted, of the hash; `idf` of each."""

    columns: Rows  # (C,)
    idf: Floats  # (C,)

    @classmethod
    def fit(cls, texts: Sequence[str], most: int) -> Grams:
        """The `most` frequent columns of these texts."""
        rows = _counted(texts)
        seen = np.bincount(rows.indices, minlength=BITS + 1)
        least = 2 if len(texts) >= MANY else 1
        columns = np.flatnonzero(seen >= least)
        if len(columns) > most:
            columns = np.sort(columns[np.argsort(-seen[columns], kind="stable")[:most]])
        idf = np.log((1.0 + len(texts)) / (1.0 + seen[columns])) + 1.0
        return cls(columns.astype(np.int32), idf.astype(np.float32))

    def encode(self, texts: Sequence[str]) -> sp.csr_array:
        """(n, C) unit rows."""
        rows = _counted(texts)
        place = np.searchsorted(self.columns, rows.indices)
        place = np.minimum(place, len(self.columns) - 1)
        known = self.columns[place] == rows.indices
        owner = np.repeat(np.arange(len(texts)), np.diff(rows.indptr))[known]
        place = place[known]
        data = np.log1p(rows.data[known]) * self.idf[place]
        indptr = np.append(0, np.cumsum(np.bincount(owner, minlength=len(texts))))
        return unit_sparse(sp.csr_array((data, place, indptr), shape=(len(texts), len(self.columns))))

    def arrays(self) -> Arrays:
        return {"columns": self.columns, "idf": self.idf}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Grams:
        return cls(np.asarray(arrays["columns"], np.int32), np.asarray(arrays["idf"], np.float32))


def pieces(text: str) -> Iterator[str]:
    """Words, pairs of words, and pieces of words; of text without spaces up to three characters in a row."""
    found = list(tokens(text))
    yield from found
    words = [token for token in found if " " not in token]
    for word in words:
        if len(word) > 1:
            marked = f"<{word}>"
            for size in PIECES:
                yield from (marked[start : start + size] for start in range(len(marked) - size + 1))
    single = [word if len(word) == 1 and not word.isascii() else " " for word in words]
    run = "".join(single)
    yield from (piece for n in range(len(run) - 2) if " " not in (piece := run[n : n + 3]))


def _counted(texts: Sequence[str]) -> sp.csr_array:
    """(n, BITS + 1) how often each column occurs."""
    indptr, columns, data = [0], list[int](), list[float]()
    for text in texts:
        bag = Counter(pieces(unicodedata.normalize("NFKC", text[:MAX_READ])))
        bag.update(mark for mark in "!?！？" if mark in text[:MAX_READ])
        columns += [zlib.crc32(token.encode("utf-8", "replace")) & BITS for token in bag]
        data += bag.values()
        indptr.append(len(columns))
    rows = sp.csr_array(
        (np.array(data, np.float32), np.array(columns, np.int32), np.array(indptr, np.int64)),
        shape=(len(texts), BITS + 1),
    )
    rows.sum_duplicates()
    return rows
