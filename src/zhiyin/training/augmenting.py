"""The same item in other words: words dropped, words exchanged for such as stand among the same others in this
catalogue, fields left out (a title alone, or all but the title), and wordings that a translation brought back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from zhiyin.encoders.base import MAX_READ, unit
from zhiyin.training.examples import AsTheyAre, Wording
from zhiyin.training.past import Past
from zhiyin.types import Item

WORDS = 5_000  # most frequent of them
LEAST = 5  # texts that a word is in
DIM = 64
CLOSE = 0.6  # cosine from which two words are exchanged
LATER = 2_000  # texts by which words are learned, and as many more as there are up to ten times that
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Others:
    """Further wordings of items, by row, and how often one of them is read instead of the item's own."""

    wordings: Mapping[int, Sequence[str]]
    share: float

    def drawn(self, row: int, rng: np.random.Generator) -> str:
        """ "" for its own, and always where it has no other."""
        some = self.wordings.get(row, ())
        if not some or rng.random() >= self.share:
            return ""
        return some[int(rng.integers(len(some)))]


NO_OTHERS = Others({}, 0.0)


@dataclass(frozen=True, slots=True)
class Varied:
    """Another wording each time."""

    texts: Sequence[str]
    titles: Sequence[str]
    near: Mapping[str, str]  # of a word the one that is most like it
    share: float
    others: Others = NO_OTHERS

    def of(self, row: int, rng: np.random.Generator) -> str:
        text = self.others.drawn(row, rng) or self._fields(row, rng)
        if not self.share:
            return text
        kept = [self._word(word, rng) for word in text.split()]
        found = " ".join(word for word in kept if word)
        return found or text

    def _fields(self, row: int, rng: np.random.Generator) -> str:
        text, title = self.texts[row], self.titles[row].strip()
        if self.share and title and len(text) > len(title) + 2 and rng.random() < self.share:
            return title if rng.random() < 0.5 else text[len(title) :].lstrip(". ")
        return text

    def _word(self, word: str, rng: np.random.Generator) -> str:
        if rng.random() >= self.share:
            return word
        return self.near.get(word.lower(), word) if rng.random() < 0.5 else ""


def wording_of(
    catalogue: Sequence[Item], past: Past, share: float, seed: int, others: Others = NO_OTHERS
) -> Wording:
    """The texts as they are where nothing is to be varied. `share`: of words and fields."""
    if not share and not others.wordings:
        return AsTheyAre(past.texts)
    near: Mapping[str, str] = {}
    if share:
        read = [text[:MAX_READ].lower() for row, text in enumerate(past.texts) if text and not past.hidden[row]]
        near = synonyms(read, seed)
    return Varied(past.texts, [item.title for item in catalogue], near, share, others)


def synonyms(texts: Sequence[str], seed: int) -> dict[str, str]:
    """Of a word the one that stands among the same words, where there is one: by the main axes of what words
    surprisingly often share a text (Levy & Goldberg 2014)."""
    from scipy.sparse.linalg import svds  # noqa: PLC0415  # heavy, and only training needs it

    counts: dict[str, int] = {}
    split = [set(_WORD.findall(text)) for text in texts[: 10 * LATER]]
    for words in split:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    known = sorted((word for word, n in counts.items() if n >= LEAST), key=lambda word: (-counts[word], word))[
        :WORDS
    ]
    place = {word: n for n, word in enumerate(known)}
    pairs = [(n, place[word]) for n, words in enumerate(split) for word in sorted(words) if word in place]
    if len(known) < 3 or not pairs:
        return {}
    rows, columns = np.array(pairs).T
    there = sp.csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(split), len(known)))
    together = sp.csr_array(there.T @ there).tocoo()
    one, other = together.coords
    often = np.array([counts[word] for word in known], np.float64)
    surprise = np.log(np.maximum(together.data * len(split) / (often[one] * often[other]), 1.0))
    kept = one != other
    matrix = sp.csr_array((surprise[kept], (one[kept], other[kept])), shape=together.shape)
    matrix.eliminate_zeros()
    if not matrix.nnz:
        return {}
    k = min(DIM, len(known) - 1)
    axes, strength, _ = svds(matrix, k=k, v0=np.random.default_rng(seed).random(len(known)))
    vectors = unit((axes * np.sqrt(strength)).astype(np.float32))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    best = likeness.argmax(axis=1)
    return {known[n]: known[m] for n, m in enumerate(best.tolist()) if likeness[n, m] >= CLOSE}
