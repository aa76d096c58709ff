"""Sentence encoders of the BERT family, run by onnxruntime: no PyTorch is needed to serve them.

The graph is made from the weights (zhiyin.encoders.bert) when it is first needed, in whole numbers of eight bits
where that is asked for, and kept in a folder with a note of its digest, its source and its licence.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from zhiyin._extras import need
from zhiyin.encoders.bert import Shape, bert_graph
from zhiyin.encoders.net import NetEncoder
from zhiyin.encoders.onnx_graph import kept
from zhiyin.encoders.pretrained import About, Pretrained
from zhiyin.errors import InvalidData

VERSION = 2  # of the graph: counts up when other rows come out

Precision = Literal["int8", "float32"]
Depth = Literal["last", "spread"]


class LanguageEncoder(NetEncoder):
    """Unit rows of one model. Safe to share between threads."""

    def __init__(
        self,
        model: Pretrained,
        folder: Path,
        precision: Precision = "int8",
        depth: Depth = "last",
        longest: int | None = None,
    ) -> None:
        """`folder`: where the graph is kept; `depth` "spread" reads the first, the middle and the last state side
        by side: what words are said (a year, a name), how they stand together, what is meant. `longest`: tokens of
        a text that are read, where that is less than the model was taught.

        Raises MissingExtra where a package is missing, InvalidData for a model that cannot be read.
        """
        kind = precision if depth == "last" else f"{precision}.{depth}"
        super().__init__(_Made(model, folder, kind, longest))


@dataclass(frozen=True, slots=True)
class _Made:
    """The net of a model's files."""

    model: Pretrained
    folder: Path  # where the graph is kept
    kind: str  # a precision and, behind a dot, a depth
    longest: int | None  # tokens

    @property
    def about(self) -> About:
        if self.longest is None or self.longest >= self.model.longest:
            return self.model.about(f"{VERSION}.{self.kind}")
        cut = self.model.about(f"{VERSION}.{self.kind}.{self.longest}")
        return replace(cut, longest=self.longest)

    @property
    def tokens(self) -> Path:
        return self.model.tokens

    def graph(self) -> bytes:
        return graph_in(self.folder, self.model, self.kind)

    def papers(self) -> Mapping[str, bytes]:
        return self.model.papers()


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
