"""Files that appear whole or not at all, and are there when the machine stops a moment later."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
