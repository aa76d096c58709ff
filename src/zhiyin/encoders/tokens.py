"""Texts as numbers of tokens, many at once: what a tokenizer.json says, word by word where that is the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import orjson

from zhiyin._extras import need
from zhiyin.data.ragged import Pointers, Ragged, gather, pointers
from zhiyin.errors import BrokenBundle

MOST_WORDS = 200_000  # remembered: 50 MB
_BETWEEN_WORDS = re.compile("[ \t\n\r]+")  # that every one of these sees as a space
_BY_CHARACTER = frozenset({"BertNormalizer", "Lowercase"})
_BY_WORD = frozenset({"BertPreTokenizer", "Whitespace", "WhitespaceSplit"})


def load_tokenizer(path: Path) -> Any:  # the package is optional
    """That neither fills up nor cuts. Raises MissingExtra without the package, BrokenBundle for a broken file."""
    tokenizers = need("tokenizers", extra="text")
    try:
        found = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises bare Exceptions
        raise BrokenBundle(f"{path} cannot be read ({error}): copy the model again") from error
    found.no_padding()
    found.no_truncation()
    return found


class TokenReader:
    """The tokens of texts, without special ones. Safe to share between threads.

    Titles are made of the same words again and again. A tokenizer that looks at one word at a time (BERT's) gives
    for a text the tokens of its words one after another, so each word is asked for once and then looked up.
    """

    def __init__(self, path: Path) -> None:
        self._tokenizer = load_tokenizer(path)
        self._by_word = _one_word_at_a_time(path)
        self._lock = Lock()
        self._number: dict[str, int] = {}  # of a remembered word
        self._known = Ragged.empty(0)

    @property
    def size(self) -> int:
        """How many tokens there are, the added ones included."""
        numbers = self._tokenizer.get_vocab(with_added_tokens=True).values()
        return max(numbers, default=-1) + 1

    def read(self, texts: Sequence[str]) -> Ragged:
        """List n is the tokens of text n."""
        if not self._by_word:
            return self._whole(texts)
        words = [_BETWEEN_WORDS.split(text) for text in texts]
        flat = [word for some in words for word in some]
        with self._lock:
            numbers, known = self._numbers(flat), self._known
        borders, places = gather(known.indptr, numbers)
        return Ragged(borders[pointers([len(some) for some in words])], known.rows[places])

    def _numbers(self, words: Sequence[str]) -> Pointers:
        """(n,) which of the remembered lists each word has."""
        if len(self._number) > MOST_WORDS:
            self._number, self._known = {}, Ragged.empty(0)
        new = [word for word in dict.fromkeys(words) if word not in self._number]
        if new:
            known, found = self._known, self._whole(new)
            self._number.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
            borders = np.concatenate([known.indptr, known.indptr[-1] + found.indptr[1:]])
            self._known = Ragged(borders, np.concatenate([known.rows, found.rows]))
        return np.fromiter(map(self._number.__getitem__, words), np.int64, len(words))

    def _whole(self, texts: Sequence[str]) -> Ragged:
        return Ragged.of([one.ids for one in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)])


def _one_word_at_a_time(path: Path) -> bool:
    """Whether neither what is done to characters nor what divides them looks beyond a space."""
    told = orjson.loads(path.read_bytes())
    normalizer, divider = (told.get(part) or {} for part in ("normalizer", "pre_tokenizer"))
    return divider.get("type") in _BY_WORD and normalizer.get("type", "Lowercase") in _BY_CHARACTER
