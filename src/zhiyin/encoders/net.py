"""A net that reads: an ONNX graph, a tokenizer, and what neither says of itself. More is not needed to serve it.

Each text is read by itself: in a batch the size of numbers in eight bits would depend on what else is read, and so
would the rows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.data.ragged import Pointers
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ, unit
from zhiyin.encoders.pretrained import About
from zhiyin.encoders.tokens import load_tokenizer


class Source(Protocol):
    """Where a net comes from: made of a model's weights, or carried by a bundle."""

    @property
    def about(self) -> About: ...

    @property
    def tokens(self) -> Path: ...

    def graph(self) -> bytes: ...

    def papers(self) -> Mapping[str, bytes]:
        """What people read of it, by names of files: licence, origin, story.

        Raises BrokenBundle where its files are no longer those that were read.
        """
        ...


class NetEncoder:
    """Unit rows of one net. Safe to share between threads."""

    def __init__(self, source: Source) -> None:
        """Raises MissingExtra where a package is missing, BrokenBundle for a tokenizer that is none."""
        runtime = need("onnxruntime", extra="text")
        self.source, self.about = source, source.about
        about = self.about
        self.licence, self.fingerprint = about.licence, about.fingerprint
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(source.graph(), options, providers=["CPUExecutionProvider"])
        self._tokens = load_tokenizer(source.tokens)
        self._tokens.enable_truncation(about.longest)
        self._prompt, self._pooling = about.prompt, about.pooling
        self._threads = len(os.sched_getaffinity(0))
        self._inputs = [one.name for one in self._session.get_inputs()]
        self.dim = int(self._session.get_outputs()[0].shape[-1])

    def encode(self, texts: Sequence[str]) -> Floats:
        out = np.zeros((len(texts), self.dim), np.float32)
        filled = [n for n, text in enumerate(texts) if text.strip()]
        if len(filled) == 1 or self._threads == 1:
            rows = [self._row(texts[n]) for n in filled]
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                rows = list(pool.map(self._row, (texts[n] for n in filled)))
        if filled:
            out[filled] = rows
        return out

    def encode_tokens(self, tokens: Rows) -> Floats:
        """(n, dim) unit rows of tokens (n,) by their numbers, each read as a text that is nothing but it."""
        probe = self._tokens.encode(self._prompt + "a")
        place = max(n for n, special in enumerate(probe.special_tokens_mask) if not special)
        ids = np.repeat(np.array([probe.ids], np.int64), len(tokens), axis=0)
        ids[:, place] = tokens
        return self._ran(ids)

    def _row(self, text: str) -> Floats:
        read = self._tokens.encode(self._prompt + text[:MAX_READ])
        row: Floats = self._ran(np.array([read.ids], np.int64))[0]
        return row

    def _ran(self, ids: Pointers) -> Floats:
        """(n, dim) unit rows of texts (n, T) of one length."""
        given = {name: _given(name, ids) for name in self._inputs}
        (found, *_) = self._session.run(None, given)
        if found.ndim == 3:  # a published graph ends before pooling
            found = found.mean(axis=1) if self._pooling == "mean" else found[:, 0]
        return unit(found.astype(np.float32))


def _given(name: str, ids: Pointers) -> Pointers:
    """What an input of a graph is, by its name: the tokens, that all are there, that all are of one text."""
    if "mask" in name:
        return np.ones_like(ids)
    return np.zeros_like(ids) if "type" in name else ids
