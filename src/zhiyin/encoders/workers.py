"""Many texts on all cores: processes of their own, for threads of one process wait for each other.

A worker is `python -m zhiyin.encoders.workers`: a line of JSON in (a list of texts), rows of float32 out. It needs
nothing of the process that hired it, so a script that opens a shop is not run again, and no thread is forked.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import IO, BinaryIO

import numpy as np
import orjson

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.sentence import SentenceEncoder

MOST = 8  # workers; each holds the weights, about 200 MB
WORTHWHILE = 8  # chunks: fewer are read before a worker is ready


def spread(encoder: Encoder, chunks: Sequence[Sequence[str]], cores: int | None = None) -> Iterator[Floats]:
    """The rows of each chunk, in order; read side by side where there are `cores` and enough to read."""
    cores = cores or len(os.sched_getaffinity(0))
    if cores == 1 or len(chunks) < WORTHWHILE or not isinstance(encoder, SentenceEncoder):
        yield from map(encoder.encode, chunks)
        return
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker()) for _ in range(min(cores, MOST))]
        for worker, chunk in zip(workers, chunks, strict=False):
            worker.give(chunk)
        for n in range(len(chunks)):
            worker = workers[n % len(workers)]
            rows = worker.take(len(chunks[n]), encoder.dim)
            if n + len(workers) < len(chunks):
                worker.give(chunks[n + len(workers)])
            yield rows


class _Worker:
    """A process that reads one chunk after another, and ends with its input."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._from.close()
        with suppress(BrokenPipeError):  # what it never read
            self._into.close()
        self._process.wait()

    def give(self, texts: Sequence[str]) -> None:
        with suppress(BrokenPipeError):  # one that has ended is told by `take`
            self._into.write(orjson.dumps(list(texts), option=orjson.OPT_APPEND_NEWLINE))
            self._into.flush()

    def take(self, n: int, dim: int) -> Floats:
        wanted = 4 * n * dim
        found = self._from.read(wanted)
        if len(found) < wanted:
            raise ChildProcessError(f"a process that reads texts ended with {self._process.wait()}: run it again")
        return np.frombuffer(found, np.float32).reshape(n, dim)

    @property
    def _into(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _from(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout


def work(given: BinaryIO, taken: BinaryIO) -> None:
    """Read until there is nothing left."""
    encoder = SentenceEncoder()
    for line in given:
        taken.write(np.ascontiguousarray(encoder.encode(orjson.loads(line)), np.float32).tobytes())
        taken.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who hired us says when it ends
    # sys.stdout.buffer has no buffer under -u, and then forgets the rest of a write that a signal cut short
    with open(0, "rb") as given, open(1, "wb") as taken:
        work(given, taken)
