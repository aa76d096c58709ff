"""Files that appear whole or not at all, and are there when the machine stops a moment later."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import save_file


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A draft beside the target, for the block to write: it takes the target's place when the block ends. Where
    the block raises, or the process is killed, the target is as it was."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield draft
        flush(draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def save_arrays(
    path: Path, arrays: Mapping[str, npt.NDArray[np.generic]], story: dict[str, str] | None = None
) -> None:
    """All arrays in one safetensors file, with words beside them. Raises OSError where the disk is full."""
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, story)
    except SafetensorError as error:
        raise OSError(f"{path} cannot be written: make room on its disk ({error})") from error


def linked(file: Path, name: Path) -> None:
    """The file under another name, its bytes once on disk; a copy where the file system knows no such links, or no
    more of them."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def flush(path: Path) -> None:
    """What was written to a file, or the names in a folder, is on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
