"""EfficientNet-Lite0 as an ONNX graph: from the published weights, without PyTorch.

Tan & Le 2019, "EfficientNet"; the Lite family (Liu 2020) leaves out squeeze-and-excitation and takes ReLU6. The
graph ends before the classifier, at the mean over places of the last 1,280 maps. Pictures come in as bytes: what
is done to them, (x - 127) / 128, is part of the graph. Every batch norm is folded into the convolution before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.onnx_graph import Graph, Tensor

SIDE = 224  # pixels of the square that is looked at
DIM = 1_280
MEAN, SCALE = 127.0, 128.0
EPSILON = 1e-3  # of the batch norms
STAGES = (  # blocks, kernel, stride of the first, expansion, channels out
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM = 32  # channels after the first convolution


def lite0_graph(weights: Mapping[str, Floats]) -> bytes:
    """The ONNX file: pictures (n, SIDE, SIDE, 3) uint8 to features (n, DIM) float32.

    Raises MissingExtra without the package onnx, KeyError for weights of another net.
    """
    graph = _Graph(weights)
    x = graph.convolved(graph.normalised("pictures"), "_conv_stem", "_bn0", stride=2)
    for number, block in enumerate(blocks()):
        x = graph.block(x, f"_blocks.{number}.", block)
    x = graph.convolved(x, "_conv_head", "_bn1")
    graph.node("Flatten", graph.node("GlobalAveragePool", x), out="features", axis=1)
    taken, given = Tensor("pictures", "UINT8", ("n", SIDE, SIDE, 3)), Tensor("features", "FLOAT", ("n", DIM))
    return graph.file("efficientnet-lite0", [taken], [given])


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual: expand, convolve each channel by itself, project, add what came in."""

    stride: int
    expands: bool
    adds: bool


def blocks() -> Iterator[Block]:
    """All of them, in order."""
    before = STEM
    for count, _, first, expansion, channels in STAGES:
        for number in range(count):
            stride = first if number == 0 else 1
            yield Block(stride, expansion > 1, stride == 1 and before == channels)
            before = channels


class _Graph(Graph):
    """Nodes, and blocks of them."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        super().__init__("images")
        self._weights = weights

    def normalised(self, x: str) -> str:
        """Bytes by place and colour to numbers by colour and place."""
        x = self.node("Cast", x, to=self.onnx.TensorProto.FLOAT)
        x = self.node("Transpose", x, perm=[0, 3, 1, 2])
        x = self.node("Sub", x, self.number(MEAN))
        return self.node("Div", x, self.number(SCALE))

    def block(self, x: str, at: str, block: Block) -> str:
        inside = x
        if block.expands:
            inside = self.convolved(inside, f"{at}_expand_conv", f"{at}_bn0")
        inside = self.convolved(inside, f"{at}_depthwise_conv", f"{at}_bn1", stride=block.stride)
        inside = self.convolved(inside, f"{at}_project_conv", f"{at}_bn2", cut=False)
        return self.node("Add", inside, x) if block.adds else inside

    def convolved(self, x: str, conv: str, norm: str, *, stride: int = 1, cut: bool = True) -> str:
        """Convolution with its batch norm folded in, then ReLU6 where it is `cut`."""
        kernel, bias = folded(self._weights, conv, norm)
        names = (x, self.constant(f"{conv}.weight", kernel), self.constant(f"{conv}.bias", bias))
        group = len(kernel) if kernel.shape[1] == 1 else 1
        x = self.node("Conv", *names, strides=[stride, stride], auto_pad="SAME_UPPER", group=group)
        return self.node("Clip", x, self.number(0), self.number(6)) if cut else x


def folded(weights: Mapping[str, Floats], conv: str, norm: str) -> tuple[Floats, Floats]:
    """Kernel and bias of one convolution that does what convolution and batch norm do."""
    mean, variance, scale, shift = (
        weights[f"{norm}.{name}"].astype(np.float64) for name in ("running_mean", "running_var", "weight", "bias")
    )
    factor = scale / np.sqrt(variance + EPSILON)
    kernel = weights[f"{conv}.weight"] * factor[:, None, None, None]
    return kernel.astype(np.float32), (shift - mean * factor).astype(np.float32)
