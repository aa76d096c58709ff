"""Arrays of a published PyTorch file without PyTorch: the layout that `torch.save` wrote until 2020 (before 1.6).

Such a file is a row of pickles (a magic number, a version, what machine, the arrays' names and shapes, the order
of the buffers) and then the buffers. A pickle can call anything: here it may call the four things that weights
need, and whoever knows the file compares its digest before any of it is read.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.errors import BrokenBundle

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
_UNREADABLE = (pickle.UnpicklingError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError)


def read_arrays(path: Path, sha256: str, cure: str) -> dict[str, Floats]:
    """The float arrays of a file by their names. Raises BrokenBundle if it is not the one that `sha256` names."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise BrokenBundle(f"{path.name} has sha256 {found[:16]}…, expected {sha256[:16]}…: {cure}")
    return arrays_of(content)


def arrays_of(content: bytes) -> dict[str, Floats]:
    """The same of bytes. Raises BrokenBundle for what is no such file, or calls what no weights need."""
    file = BytesIO(content)
    try:
        if (_Weights(file).load(), _Weights(file).load()) != (MAGIC, VERSION):
            raise BrokenBundle("these are no weights as PyTorch wrote them before 1.6: take the published file")
        _Weights(file).load()  # what machine
        named = _Weights(file).load()
        storages = {one.storage.key: one.storage for one in named.values()}
        buffers = {key: _buffer(file, storages[key]) for key in _Weights(file).load()}
        return {
            name: one.of(buffers[one.storage.key]) for name, one in named.items() if one.storage.kind.kind == "f"
        }
    except _UNREADABLE as error:
        raise BrokenBundle(
            f"weights cannot be read ({error}): install the package that brings them anew"
        ) from error


@dataclass(frozen=True, slots=True)
class _Storage:
    """A buffer of numbers of one kind."""

    key: str
    kind: np.dtype[np.generic]


@dataclass(frozen=True, slots=True)
class _Part:
    """The array that begins at number `start` of a buffer; `steps` in numbers."""

    storage: _Storage
    start: int
    shape: tuple[int, ...]
    steps: tuple[int, ...]

    def of(self, buffer: bytes) -> Floats:
        """Raises ValueError where the buffer ends before the array does."""
        size = self.storage.kind.itemsize
        strides = tuple(step * size for step in self.steps)
        cut = np.ndarray(self.shape, self.storage.kind, buffer, self.start * size, strides)
        return np.ascontiguousarray(cut, np.float32)


def _buffer(file: BytesIO, storage: _Storage) -> bytes:
    """How many numbers, then these."""
    return file.read(max(int.from_bytes(file.read(8), "little"), 0) * storage.kind.itemsize)


def _part(storage: _Storage, start: int, shape: tuple[int, ...], steps: tuple[int, ...], *_: object) -> _Part:
    return _Part(storage, start, shape, steps)


class _Weights(pickle.Unpickler):
    """One pickle, with our own stand-ins for PyTorch's storages and arrays; anything else is refused."""

    def find_class(self, module: str, name: str) -> object:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _part
            case "torch", "FloatStorage":
                return np.dtype("<f4")
            case "torch", "LongStorage":
                return np.dtype("<i8")
        raise BrokenBundle(f"weights that call {module}.{name} are none: nothing of them was run")

    def persistent_load(self, pid: tuple[str, np.dtype[np.generic], str, str, int, None]) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(key, kind)
