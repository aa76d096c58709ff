"""Words as sparse TF-IDF rows: brand names, model numbers and rare words that dense vectors blur.

Tokens are words and neighbouring pairs of words; Chinese, Japanese and Korean text, which has no spaces,
gives characters and pairs of characters. Tokens are hashed into 2^20 columns (Weinberger et al. 2009), so
that a word never seen before has a column too. Weights are (1 + log tf) · idf with rows of length 1.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ
from zhiyin.types import Item

N_COLUMNS = 1 << 20
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
TITLE_WEIGHT, LABEL_WEIGHT, TEXT_WEIGHT = 1.0, 0.7, 0.5


@dataclass(frozen=True, slots=True)
class LexicalEncoder:
    """Fitted on a catalogue: only the idf of each column is learned."""

    idf: Floats  # (N_COLUMNS,)

    @classmethod
    def fit(cls, items: Sequence[Item]) -> tuple[Self, sp.csr_array]:
        """And the (n, N_COLUMNS) unit rows of these items."""
        weights = _hashed(map(item_tokens, items))
        counts = np.bincount(weights.indices, minlength=N_COLUMNS)
        encoder = cls(np.log((1.0 + len(items)) / (1.0 + counts)).astype(np.float32) + 1.0)
        return encoder, encoder._scaled(weights)

    def encode_items(self, items: Sequence[Item]) -> sp.csr_array:
        """(n, N_COLUMNS) unit rows."""
        return self._scaled(_hashed(map(item_tokens, items)))

    def encode_texts(self, texts: Sequence[str]) -> sp.csr_array:
        """(n, N_COLUMNS) unit rows of typed wishes."""
        return self._scaled(_hashed(Counter(tokens(text)) for text in texts))

    def _scaled(self, weights: sp.csr_array) -> sp.csr_array:
        """Unit rows of (n, N_COLUMNS) weights of tokens."""
        weights.data = np.log1p(weights.data) * self.idf[weights.indices]
        return unit_sparse(weights)


def _hashed(bags: Iterable[Counter[str]]) -> sp.csr_array:
    """(n, N_COLUMNS) the weights of tokens, each in its column."""
    indptr, columns, data = [0], array("i"), array("f")
    for bag in bags:
        columns.extend(map(column_of, bag))
        data.extend(bag.values())
        indptr.append(len(columns))
    found = (np.frombuffer(data, np.float32), np.frombuffer(columns, np.int32), np.array(indptr, np.int64))
    rows = sp.csr_array(found, shape=(len(indptr) - 1, N_COLUMNS), copy=True)
    rows.sum_duplicates()
    return rows


def item_tokens(item: Item) -> Counter[str]:
    """Tokens of an item with their weights: title, categories and brand (also as wholes), text, translations."""
    bag: Counter[str] = Counter()
    labels = [*item.categories, *((item.brand,) if item.brand else ())]
    parts = [(TITLE_WEIGHT, item.title), (TEXT_WEIGHT, item.text)]
    parts += [(LABEL_WEIGHT, label) for label in labels]
    parts += [(LABEL_WEIGHT, str(value)) for value in item.attributes.values() if isinstance(value, str)]
    for translation in item.translations.values():
        parts += [(TITLE_WEIGHT, translation.title), (TEXT_WEIGHT, translation.text)]
    for weight, text in parts:
        for token in tokens(text[:MAX_READ]):
            bag[token] += weight  # type: ignore[assignment]  # a Counter of weights
    for label in labels:
        bag["=" + fold(label)] += LABEL_WEIGHT  # type: ignore[assignment]
    return bag


def tokens(text: str) -> Iterable[str]:
    """Words and pairs of words; characters and pairs of characters where there are no spaces."""
    words = words_in_order(text)
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]


def words_of(text: str) -> set[str]:
    """The distinct words, without pairs: for saying which words of a wish an item matches."""
    return set(words_in_order(text))


def words_in_order(text: str) -> list[str]:
    """Words, and characters where there are no spaces."""
    return [part for word in _WORD.findall(fold(text)) for part in _split_cjk(word)]


def columns_of(text: str) -> Iterator[tuple[str, int]]:
    """The tokens of a text, each as often as it stands there, with their columns."""
    return ((token, column_of(token)) for token in tokens(text))


def readable(text: str) -> Iterator[tuple[str, int]]:
    """Tokens that a person would call words, with their columns: words, and pairs of characters written as one."""
    for token in tokens(text):
        first, _, second = token.partition(" ")
        if not second and not CJK.fullmatch(first):
            yield first, column_of(token)
        elif len(first) == len(second) == 1 and CJK.fullmatch(first + second):
            yield first + second, column_of(token)


def unit_sparse(rows: sp.csr_array) -> sp.csr_array:
    """The rows scaled to length 1; empty rows stay empty."""
    length = np.sqrt(np.add.reduceat(np.append(rows.data**2, 0.0), rows.indptr[:-1]))
    length[np.diff(rows.indptr) == 0] = 1.0
    rows.data = (rows.data / np.repeat(length, np.diff(rows.indptr))).astype(np.float32)
    return rows


def _split_cjk(word: str) -> list[str]:
    if word.isascii():
        return [word]
    parts, last = [], 0
    for match in CJK.finditer(word):
        parts += [word[last : match.start()], *match.group()]
        last = match.end()
    return [part for part in (*parts, word[last:]) if part]


def fold(text: str) -> str:
    """In the spelling of tokens."""
    return unicodedata.normalize("NFKC", text).lower()


def column_of(token: str) -> int:
    """Of a token as it stands."""
    return zlib.crc32(token.encode("utf-8", "replace")) & (N_COLUMNS - 1)
