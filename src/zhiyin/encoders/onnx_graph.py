"""ONNX graphs node by node: what nets of published weights are made of, without the framework they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from zhiyin._extras import need
from zhiyin.files import appearing

OPSET, IR = 17, 9  # what onnxruntime of the last three years reads

Attribute = int | float | str | list[int]


class Tensor(NamedTuple):
    """What goes in or comes out."""

    name: str
    kind: str  # of number: FLOAT, INT64, UINT8
    shape: tuple[int | str, ...]


def kept(path: Path, make: Callable[[], bytes], told: Mapping[str, str]) -> bytes:
    """The graph at `path` if the note beside it says that it is the one of what is `told` (source, licence, digest
    of the weights); else it is made, and kept with such a note."""

    def note_of(graph: bytes) -> bytes:
        noted = {"sha256": hashlib.sha256(graph).hexdigest(), **told}
        return orjson.dumps(noted, option=orjson.OPT_INDENT_2) + b"\n"

    note = path.with_suffix(".json")
    with suppress(FileNotFoundError):
        content, noted = path.read_bytes(), note.read_bytes()
        if noted == note_of(content):
            return content
    content = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, what in ((path, content), (note, note_of(content))):
        with appearing(target) as draft:
            draft.write_bytes(what)
    return content


class Graph:
    """Nodes as they are added; each call gives the name of what it makes."""

    def __init__(self, extra: str) -> None:
        """`extra`: which brings the package onnx. Raises MissingExtra where it is missing."""
        self.onnx: ModuleType = need("onnx", extra=extra)
        self._nodes: list[object] = []
        self._constants: dict[str, npt.NDArray[np.generic]] = {}

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._constants[name] = value
        return name

    def number(self, value: float) -> str:
        """A single float32."""
        return self.constant(f"{value:g}", np.array(value, np.float32))

    def whole(self, *values: int) -> str:
        """A row of int64."""
        return self.constant("whole " + " ".join(map(str, values)), np.array(values, np.int64))

    def node(self, kind: str, *of: str, out: str = "", **attributes: Attribute) -> str:
        out = out or f"x{len(self._nodes)}"
        self._nodes.append(self.onnx.helper.make_node(kind, of, (out,), **attributes))
        return out

    def file(self, name: str, taken: Sequence[Tensor], given: Sequence[Tensor]) -> bytes:
        """The ONNX file, the same bytes for the same nodes."""
        helper = self.onnx.helper
        values = [self.onnx.numpy_helper.from_array(value, key) for key, value in self._constants.items()]
        ends = [[helper.make_tensor_value_info(*self._told(one)) for one in some] for some in (taken, given)]
        graph = helper.make_graph(self._nodes, name, *ends, values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
        self.onnx.checker.check_model(model)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def _told(self, tensor: Tensor) -> tuple[str, int, list[int | str]]:
        return tensor.name, getattr(self.onnx.TensorProto, tensor.kind), list(tensor.shape)
