"""Sentence encoders of the BERT family, run by onnxruntime: no PyTorch is needed to serve them.

The graph is made from the weights (zhiyin.encoders.bert) when it is first needed, in whole numbers of eight bits
where that is asked for, and kept in a folder with a note of its digest, its source and its licence. Each text is
read by itself: in a batch the size of the numbers would depend on what else is read, and so would the rows.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.data.ragged import Pointers
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ, unit
from zhiyin.encoders.bert import Shape, bert_graph
from zhiyin.encoders.onnx_graph import kept
from zhiyin.encoders.pretrained import TOKENS, WEIGHTS, Pretrained
from zhiyin.encoders.tokens import load_tokenizer
from zhiyin.errors import InvalidData

VERSION = 1  # of the graph: counts up when other rows come out

Precision = Literal["int8", "float32"]


class LanguageEncoder:
    """Unit rows of one model. Safe to share between threads."""

    def __init__(self, model: Pretrained, folder: Path, precision: Precision = "int8") -> None:
        """`folder`: where the graph is kept.

        Raises MissingExtra where a package is missing, InvalidData for a model that cannot be read.
        """
        runtime = need("onnxruntime", extra="text")
        self.licence, self.fingerprint = model.licence, f"{model.fingerprint}.{VERSION}.{precision}"
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = graph_in(folder, model, precision)
        self._session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokens = load_tokenizer(model.folder / TOKENS)
        self._tokens.enable_truncation(model.longest)
        self._prompt, self._pooling = model.prompt, model.pooling
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


def graph_in(folder: Path, model: Pretrained, precision: Precision) -> bytes:
    """The graph that is kept there, if its digest is the noted one; else it is made, and kept."""
    path = folder / f"{model.fingerprint.replace(':', '-')}.{VERSION}.{precision}.onnx"
    told = {"model": model.name, "weights": model.sha256, "licence": model.licence}
    return kept(path, lambda: _in_bytes(_made(model)) if precision == "int8" else _made(model), told)


def _made(model: Pretrained) -> bytes:
    """From the weights; as it was published where these are not there, or the net is of another family."""
    try:
        if (model.folder / WEIGHTS).is_file():
            return bert_graph(Shape.of(model.config), model.weights(), model.pooling)
    except InvalidData:
        if not model.graph.is_file():
            raise
    return model.graph.read_bytes()


def _in_bytes(graph: bytes) -> bytes:
    """Weights as whole numbers of eight bits, each column with a size of its own; what they meet is brought to
    bytes as it comes (Jacob et al. 2018, "Quantization and Training of Neural Networks", section 2)."""
    quantization = need("onnxruntime.quantization", extra="text")
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as name:
        before, after = Path(name) / "before.onnx", Path(name) / "after.onnx"
        before.write_bytes(graph)
        with _without_advice():
            quantization.quantize_dynamic(
                before, after, per_channel=True, reduce_range=True, weight_type=quantization.QuantType.QInt8
            )
        return after.read_bytes()


@contextmanager
def _without_advice() -> Iterator[None]:
    """The package tells the root logger what could be done before; for these graphs there is nothing to do."""
    root = logging.getLogger()
    root.addFilter(_is_no_advice)
    try:
        yield
    finally:
        root.removeFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()


def _given(name: str, ids: Pointers) -> Pointers:
    """What an input of a graph is, by its name: the tokens, that all are there, that all are of one text."""
    if "mask" in name:
        return np.ones_like(ids)
    return np.zeros_like(ids) if "type" in name else ids
