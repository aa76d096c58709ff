"""Files and folders that appear whole or not at all, and are there when the machine stops a moment later; and who
may write them. Locks are let go by a kill, and what it left half written is cleared away by the next."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
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


@contextmanager
def drafted(folder: Path, prefix: str = ".draft-") -> Iterator[Path]:
    """A new folder within `folder`, which only its owner can read, for the block to fill and to rename; gone with
    the block if it still has its name. Those that processes left there as they were killed are cleared away."""
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        for one in folder.glob(f"{prefix}*"):
            if _abandoned(one):
                shutil.rmtree(one, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        held = _opened(draft)
        _lock(held, fcntl.LOCK_EX)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(held)


@contextmanager
def alone(path: Path, *, wait: bool = True) -> Iterator[None]:
    """No other process or thread is in such a block of this file, which is made, or folder. Raises BlockingIOError
    where one is and it is not to be waited for. A file system without locks keeps nobody out."""
    handle = _opened(path)
    try:
        _lock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)  # a kill does so, too


@contextmanager
def shared_folder(folder: Path) -> Iterator[None]:
    """A folder that is there for the block, and removed by the last that leaves such a block without an error."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = _opened(folder)
    try:
        _lock(handle, fcntl.LOCK_SH)
        yield
        with suppress(BlockingIOError):
            if _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
        with suppress(OSError):
            folder.rmdir()  # where nothing was left in it


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


def _abandoned(path: Path) -> bool:
    """Whether nobody holds it any more."""
    handle = _opened(path)
    try:
        return _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)


def _lock(handle: int, how: int) -> bool:
    """Whether it is held now. False on a file system that knows no locks (of folders). Raises BlockingIOError."""
    try:
        fcntl.flock(handle, how)
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
            raise
        return False
    return True
