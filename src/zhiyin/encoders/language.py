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
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.tokens import load_tokenizer
from zhiyin.errors import InvalidData

VERSION = 2  # of the graph: counts up when other rows come out

Precision = Literal["int8", "float32"]
Depth = Literal["last", "spread"]


class LanguageEncoder:
    """Unit rows of one model. Safe to share between threads."""

    def __init__(
        self, model: Pretrained, folder: Path, precision: Precision = "int8", depth: Depth = "last"
    ) -> None:
        """`folder`: where the graph is kept; `depth` "spread" reads the first, the middle and the last state side
        by side: what words are said (a year, a name), how they stand together, what is meant.

        Raises MissingExtra where a package is missing, InvalidData for a model that cannot be read.
        """
        runtime = need("onnxruntime", extra="text")
        kind = precision if depth == "last" else f"{precision}.{depth}"
        self.licence, self.fingerprint = model.licence, f"{model.fingerprint}.{VERSION}.{kind}"
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = graph_in(folder, model, kind)
        self._session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokens = load_tokenizer(model.tokens)
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


def graph_in(folder: Path, model: Pretrained, kind: str) -> bytes:
    """The graph that is kept there, if its digest is the noted one; else it is made, and kept. `kind`: a precision
    and, behind a dot, a depth."""
    path = folder / f"{model.fingerprint.replace(':', '-')}.{VERSION}.{kind}.onnx"
    told = {"model": model.name, "weights": model.sha256, "licence": model.licence}
    precision, _, depth = kind.partition(".")
    return kept(path, lambda: _made(model, in_bytes=precision == "int8", spread=depth == "spread"), told)


def _made(model: Pretrained, *, in_bytes: bool, spread: bool) -> bytes:
    """From the weights; as it was published where these are not there, or the net is of another family: then its
    last state is all that is known."""
    if spread and not model.weights_file.is_file():
        raise InvalidData(f"{model.folder} has no weights, so only its last state is read: encoder.depth = last")
    try:
        if model.weights_file.is_file():
            shape, pooling = Shape.of(model.config), model.pooling
            depths = (0, shape.layers // 2, shape.layers) if spread else ()
            graph = bert_graph(shape, model.weights(), pooling, depths, bytes_for_words=in_bytes)
            return in_eight_bits(graph, ["MatMul"]) if in_bytes else graph
    except InvalidData:
        if spread or not model.graph.is_file():
            raise
    return in_eight_bits(model.graph.read_bytes(), None) if in_bytes else model.graph.read_bytes()


def in_eight_bits(graph: bytes, kinds: list[str] | None) -> bytes:
    """Weights as whole numbers of eight bits, each column with a size of its own; what they meet is brought to
    bytes as it comes (Jacob et al. 2018, "Quantization and Training of Neural Networks", section 2). `kinds`: of
    the nodes; None: all that can be."""
    quantization = need("onnxruntime.quantization", extra="text")
    how = {"per_channel": True, "reduce_range": True, "weight_type": quantization.QuantType.QInt8}
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as name:
        before, after = Path(name) / "before.onnx", Path(name) / "after.onnx"
        before.write_bytes(graph)
        with _without_advice():
            quantization.quantize_dynamic(before, after, op_types_to_quantize=kinds, **how)
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
