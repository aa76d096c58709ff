"""Nets of the BERT family as ONNX graphs: from published weights, without PyTorch.

Devlin et al. 2019, "BERT"; the encoder of Vaswani et al. 2017 with the norm after each half of a layer. BERT,
RoBERTa, XLM-RoBERTa and DistilBERT differ in the names of their weights and in how places are counted. The graph
ends after pooling, in rows of length 1 (Reimers & Gurevych 2019, "Sentence-BERT").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Floats
from zhiyin.encoders.onnx_graph import Graph, Tensor
from zhiyin.errors import InvalidData

HIDDEN = -1e9  # added to what must not be attended to
SMALL = 1e-12
ROWS_AT_ONCE = 16_384  # of a large table
FAMILY = ("bert", "roberta", "xlm-roberta", "distilbert")
_AFTER_PADDING = frozenset({"roberta", "xlm-roberta"})  # places begin behind the number of the padding
_GELU = frozenset({"gelu", "gelu_python"})

Pooling = Literal["mean", "cls"]
DENSE = "dense.linear"  # a layer on top of the rows, where a model has one
POOLER, CLASSIFIER = "pooler.dense", "classifier"  # of a cross-encoder, on top of its first token
HEAD = tuple(f"{layer}.{part}" for layer in (POOLER, CLASSIFIER) for part in ("weight", "bias"))
PREFIX_KEY, PREFIX_VALUE = "attention.prefix_key", "attention.prefix_value"  # of a layer, where a model has them


@dataclass(frozen=True, slots=True)
class Shape:
    """What a net is, of its config.json."""

    kind: str  # one of FAMILY
    layers: int
    heads: int
    dim: int
    places: int  # longest text, in tokens
    epsilon: float
    padding: int  # number of the token

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Raises InvalidData for a net of another family."""
        kind, activation = str(config.get("model_type")), config.get("hidden_act", config.get("activation"))
        if kind not in FAMILY or activation not in _GELU:
            known = ", ".join(FAMILY)
            raise InvalidData(
                f"a net of kind {kind!r} with {activation!r}: only {known} with gelu are read from their weights; "
                "for others hand in a folder that holds onnx/model.onnx"
            )
        if config.get("position_embedding_type", "absolute") != "absolute":
            raise InvalidData("places that are counted from each other cannot be read: take another model")
        try:
            return cls._read(kind, config)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidData(
                f"config.json does not say what the net is ({error!r}): copy the model again"
            ) from error

    @classmethod
    def _read(cls, kind: str, config: Mapping[str, Any]) -> Self:
        short = kind == "distilbert"
        padding = int(config.get("pad_token_id") or 0)
        longest = int(config["max_position_embeddings"])
        return cls(
            kind,
            int(config["n_layers" if short else "num_hidden_layers"]),
            int(config["n_heads" if short else "num_attention_heads"]),
            int(config["dim" if short else "hidden_size"]),
            longest - padding - 1 if kind in _AFTER_PADDING else longest,
            float(config.get("layer_norm_eps", SMALL)),
            padding,
        )


@dataclass(frozen=True, slots=True)
class Names:
    """What the weights of a layer are called."""

    layer: str
    query: str
    key: str
    value: str
    mixed: str
    mixed_norm: str
    wide: str
    narrow: str
    last_norm: str

    @classmethod
    def of(cls, kind: str) -> Self:
        if kind == "distilbert":
            inner = "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm"
            return cls("transformer.layer.{}.", *inner, "ffn.lin1", "ffn.lin2", "output_layer_norm")
        own = "attention.self."
        inner = f"{own}query", f"{own}key", f"{own}value", "attention.output.dense", "attention.output.LayerNorm"
        return cls("encoder.layer.{}.", *inner, "intermediate.dense", "output.dense", "output.LayerNorm")


def bert_graph(
    shape: Shape,
    weights: Mapping[str, Floats],
    pooling: Pooling = "mean",
    depths: Sequence[int] = (),
    *,
    bytes_for_words: bool = False,
) -> bytes:
    """The ONNX file: ids and mask (n, T) int64 to vectors (n, dim) float32 of length 1. With `bytes_for_words` the
    table of the words, most of a multilingual net, is kept in eight bits, each word with a size of its own.

    With `depths`, the states after so many layers (0: the words as they are looked up), each pooled to length 1,
    side by side, all together of length 1; before the last layer the mean is taken, whatever the `pooling`.
    Raises MissingExtra without the package onnx, InvalidData for weights of another net.
    """
    net, depths = _Net(shape, _without_prefix(weights)), sorted(set(depths)) or [shape.layers]
    try:
        states = [net.embedded(in_bytes=bytes_for_words)]
        hidden = net.hidden()
        for layer in range(depths[-1]):
            states.append(net.layer(states[-1], layer, hidden))
    except KeyError as error:
        raise InvalidData(f"the weights have no {error.args[0]!r}: they are not of a {shape.kind} net") from error
    net.joined([net.row(states[at], pooling, last=at == shape.layers) for at in depths])
    taken = [Tensor(name, "INT64", ("n", "T")) for name in ("ids", "mask")]
    return net.file(shape.kind, taken, [Tensor("vectors", "FLOAT", ("n", len(depths) * shape.dim))])


def pair_graph(shape: Shape, weights: Mapping[str, Floats], *, bytes_for_words: bool = False) -> bytes:
    """The ONNX file of a cross-encoder: ids, types and mask (n, T) int64 to scores (n,) float32.

    Two texts are read as one, `types` saying which of them a token belongs to; the first token's last state goes
    through a layer with tanh and one to a number (Devlin et al. 2019, section 4.1, "BERT for pairs";
    Nogueira & Cho 2019, "Passage Re-ranking with BERT"). Where a family knows only one kind of text, `types` are
    left unread. Raises as `bert_graph`.
    """
    net = _Net(shape, _without_prefix(weights) | {name: weights[name] for name in HEAD if name in weights})
    try:
        x = net.embedded(in_bytes=bytes_for_words, types="types")
        hidden = net.hidden()
        for layer in range(shape.layers):
            x = net.layer(x, layer, hidden)
        net.judged(x)
    except KeyError as error:
        raise InvalidData(f"the weights have no {error.args[0]!r}: they are not of a cross-encoder") from error
    taken = [Tensor(name, "INT64", ("n", "T")) for name in ("ids", "types", "mask")]
    return net.file("pairs", taken, [Tensor("scores", "FLOAT", ("n",))])


class _Net(Graph):
    """The parts of a net, of which `x` is (n, T, dim)."""

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        super().__init__("text")
        self._shape, self._weights, self._names = shape, weights, Names.of(shape.kind)

    def weight(self, name: str) -> str:
        return self.constant(name, np.ascontiguousarray(self._weights[name], np.float32))

    def embedded(self, *, in_bytes: bool, types: str = "") -> str:
        """Words, their places, and which text they are of: all of one, or as the input `types` says."""
        words = "embeddings.word_embeddings.weight"
        x = self._in_bytes(words) if in_bytes else self.node("Gather", self.weight(words), "ids")
        x = self.node("Add", x, self._places())
        if (kinds := "embeddings.token_type_embeddings.weight") in self._weights:
            if types and len(self._weights[kinds]) > 1:
                x = self.node("Add", x, self.node("Gather", self.weight(kinds), types))
            else:
                x = self.node("Add", x, self.constant("one text", self._weights[kinds][0].astype(np.float32)))
        return self.normed(x, "embeddings.LayerNorm")

    def judged(self, x: str) -> None:
        """(n,) how well the second text answers the first."""
        first = self.node("Gather", x, self.constant("first", np.array(0, np.int64)), axis=1)
        found = self.linear(self.node("Tanh", self.linear(first, POOLER)), CLASSIFIER)
        self.node("Squeeze", found, self.whole(1), out="scores")

    def hidden(self) -> str:
        """(n, 1, 1, T) what is added to how much a padding is attended to."""
        mask = self._in_front("mask", np.ones((1, self._in_front_of_all()), np.int64), "there before")
        there = self.node("Cast", self.node("Unsqueeze", mask, self.whole(1, 2)), to=self.onnx.TensorProto.FLOAT)
        return self.node("Mul", self.node("Sub", self.number(1.0), there), self.number(HIDDEN))

    def layer(self, x: str, number: int, hidden: str) -> str:
        names, at = self._names, self._names.layer.format(number)
        mixed = self.linear(self.attended(x, at, hidden), at + names.mixed)
        x = self.normed(self.node("Add", x, mixed), at + names.mixed_norm)
        wide = self.gelu(self.linear(x, at + names.wide))
        return self.normed(self.node("Add", x, self.linear(wide, at + names.narrow)), at + names.last_norm)

    def attended(self, x: str, at: str, hidden: str) -> str:
        """Every token as a mixture of all (eq. 1 of Vaswani et al.), head by head."""
        names, heads = self._names, self._shape.heads
        width = self._shape.dim // heads
        split = self.whole(0, 0, heads, width)
        query, key, value = (self.linear(x, at + name) for name in (names.query, names.key, names.value))
        key, value = self._prefixed(key, at + PREFIX_KEY), self._prefixed(value, at + PREFIX_VALUE)
        query, key, value = (self.node("Reshape", one, split) for one in (query, key, value))
        query, value = (self.node("Transpose", one, perm=[0, 2, 1, 3]) for one in (query, value))
        like = self.node("MatMul", query, self.node("Transpose", key, perm=[0, 2, 3, 1]))
        like = self.node("Add", self.node("Div", like, self.number(width**0.5)), hidden)
        mixed = self.node("MatMul", self.node("Softmax", like, axis=-1), value)
        mixed = self.node("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.node("Reshape", mixed, self.whole(0, 0, self._shape.dim))

    def linear(self, x: str, name: str) -> str:
        kernel = np.ascontiguousarray(self._weights[f"{name}.weight"].T, np.float32)
        x = self.node("MatMul", x, self.constant(f"{name}.weight", kernel))
        return self.node("Add", x, self.weight(f"{name}.bias"))

    def normed(self, x: str, name: str) -> str:
        parts = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", x, *parts, axis=-1, epsilon=self._shape.epsilon)

    def gelu(self, x: str) -> str:
        """x Φ(x) (Hendrycks & Gimpel 2016)."""
        part = self.node("Erf", self.node("Div", x, self.number(2**0.5)))
        part = self.node("Mul", x, self.node("Add", part, self.number(1.0)))
        return self.node("Mul", part, self.number(0.5))

    def pooled(self, x: str, pooling: Pooling) -> str:
        """(n, dim) rows of length 1: the mean of the tokens that are there, or the first of them."""
        if pooling == "cls":
            x = self.node("Gather", x, self.constant("first", np.array(0, np.int64)), axis=1)
        else:
            there = self.node("Cast", "mask", to=self.onnx.TensorProto.FLOAT)
            summed = self.node("MatMul", self.node("Unsqueeze", there, self.whole(1)), x)  # (n, 1, dim)
            x = self.node("Squeeze", summed, self.whole(1))  # its length goes
        return self._unit(x)

    def row(self, x: str, pooling: Pooling, *, last: bool) -> str:
        """Rows of length 1 of a state; of the last one as the model was taught, others as a mean."""
        if not last:
            return self.pooled(x, "mean")
        pooled = self.pooled(x, pooling)
        return self._unit(self.linear(pooled, DENSE)) if f"{DENSE}.weight" in self._weights else pooled

    def _unit(self, x: str) -> str:
        length = self.node("ReduceL2", x, axes=[1], keepdims=1)
        return self.node("Div", x, self.node("Max", length, self.number(SMALL)))

    def joined(self, rows: Sequence[str]) -> None:
        """Rows of length 1 side by side, of length 1."""
        beside = rows[0] if len(rows) == 1 else self.node("Concat", *rows, axis=1)
        self.node("Div", beside, self.number(len(rows) ** 0.5), out="vectors")

    def _in_bytes(self, name: str) -> str:
        """Rows of a table of which only whole numbers from -127 to 127 are kept, and the size of each row."""
        table = self._weights[name]
        size = np.maximum(np.abs(table).max(axis=1, keepdims=True), SMALL).astype(np.float32) / np.float32(127)
        whole = np.empty(table.shape, np.int8)
        for start in range(0, len(table), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            whole[part] = np.rint(table[part] / size[part])
        x = self.node("Gather", self.constant(name, whole), "ids")
        x = self.node("Cast", x, to=self.onnx.TensorProto.FLOAT)
        return self.node("Mul", x, self.node("Gather", self.constant(f"{name}.size", size), "ids"))

    def _in_front_of_all(self) -> int:
        """Keys and values that stand before every text (Li & Liang 2021, "Prefix-Tuning")."""
        first = self._names.layer.format(0) + PREFIX_KEY
        return len(self._weights[first]) if first in self._weights else 0

    def _prefixed(self, x: str, name: str) -> str:
        """(n, prefix + T, dim)"""
        return self._in_front(x, self._weights[name][None], name) if name in self._weights else x

    def _in_front(self, x: str, what: npt.NDArray[np.generic], name: str) -> str:
        """`what` (1, prefix, …) before `x` (n, T, …), for each of n."""
        if not what.shape[1]:
            return x
        n = self.node("Gather", self.node("Shape", "mask"), self.whole(0))
        shape = self.node("Concat", n, self.whole(*what.shape[1:]), axis=0)
        return self.node("Concat", self.node("Expand", self.constant(name, what), shape), x, axis=1)

    def _places(self) -> str:
        table = self.weight("embeddings.position_embeddings.weight")
        if self._shape.kind in _AFTER_PADDING:
            counted = self.node("Mul", self.node("CumSum", "mask", self.whole(1)), "mask")
            return self.node("Gather", table, self.node("Add", counted, self.whole(self._shape.padding)))
        length = self.node("Gather", self.node("Shape", "ids"), self.whole(1))
        return self.node("Slice", table, self.whole(0), length, self.whole(0))


def _without_prefix(weights: Mapping[str, Floats]) -> dict[str, Floats]:
    """As the bare net names them: what was saved with a head on top puts its own name before all of them."""
    found = [name for name in weights if name.endswith("embeddings.word_embeddings.weight")]
    prefix = found[0].removesuffix("embeddings.word_embeddings.weight") if found else ""
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
