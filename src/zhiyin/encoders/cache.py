"""Vectors by the content they were made from, so that only changed texts are encoded again.

Two files that only grow: 16-byte digests and float32 rows. A write that was cut short leaves a tail that the
next opening or writing cuts off; a lock keeps processes from writing at the same time.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.hosted import HostedEncoder
from zhiyin.encoders.workers import spread
from zhiyin.files import alone
from zhiyin.progress import Progress, Silent

KEY_BYTES = 16
CHUNK = 256  # texts encoded between two reports of progress and two writes; of an endpoint as many as it is sent

log = logging.getLogger(__name__)


class CachedEncoder:
    """An encoder that remembers on disk; with the same `dim`, `fingerprint` and vectors as the one inside."""

    def __init__(self, inner: Encoder, folder: Path, progress: Progress | None = None) -> None:
        self.inner = inner
        self._progress = progress or Silent()
        folder.mkdir(parents=True, exist_ok=True)
        stem = inner.fingerprint.replace(":", "-")
        self._keys_file, self._rows_file = folder / f"{stem}.keys", folder / f"{stem}.rows"
        self._row_of, self._rows = self._load()

    @property
    def dim(self) -> int:
        return self.inner.dim

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    @property
    def licence(self) -> str:
        return self.inner.licence

    def encode(self, texts: Sequence[str]) -> Floats:
        keys = [hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._row_of}
        if missing:
            self._learn(missing)
        return self._rows[[self._row_of[key] for key in keys]] if keys else np.zeros((0, self.dim), np.float32)

    def _learn(self, missing: dict[bytes, str]) -> None:
        keys = list(missing)
        size = CHUNK
        if isinstance(self.inner, HostedEncoder):
            size = self.inner.model.batch
            log.warning("%s", self.inner.estimate(list(missing.values())))  # seen by who sets no handlers, too
        self._progress.start("reading texts", len(keys))
        chunks = [keys[start : start + size] for start in range(0, len(keys), size)]
        fresh, done = list[Floats](), 0
        try:
            for chunk, rows in zip(
                chunks, spread(self.inner, [[missing[key] for key in chunk] for chunk in chunks]), strict=True
            ):
                self._append(chunk, rows)
                fresh.append(rows)
                done += len(chunk)
                self._progress.advance(done)
        finally:  # an endpoint may fail: what was read is known
            for row, key in enumerate(keys[:done], start=len(self._rows)):
                self._row_of[key] = row
            self._rows = np.concatenate([self._rows, *fresh])
            self._progress.done()

    def _append(self, keys: Sequence[bytes], rows: Floats) -> None:
        with self._alone():
            self._cut_tails()
            with self._rows_file.open("ab") as file:
                file.write(np.ascontiguousarray(rows, np.float32).tobytes())
            with self._keys_file.open("ab") as file:
                file.write(b"".join(keys))

    def _load(self) -> tuple[dict[bytes, int], Floats]:
        """What both files agree on."""
        with self._alone():
            if not (self._keys_file.exists() and self._rows_file.exists()):
                self._keys_file.write_bytes(b"")
                self._rows_file.write_bytes(b"")
            n = self._cut_tails()
            keys = self._keys_file.read_bytes()
            rows = np.fromfile(self._rows_file, np.float32).reshape(n, self.dim)
        return {keys[i * KEY_BYTES : (i + 1) * KEY_BYTES]: i for i in range(n)}, rows

    def _cut_tails(self) -> int:
        """Cut off what only one of the files holds, so that later rows stay aligned; how many are left."""
        row_bytes = 4 * self.dim
        n = min(self._keys_file.stat().st_size // KEY_BYTES, self._rows_file.stat().st_size // row_bytes)
        for file, size in ((self._keys_file, n * KEY_BYTES), (self._rows_file, n * row_bytes)):
            with file.open("r+b") as handle:
                handle.truncate(size)
        return n

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time; the lock goes when its file is closed, also by a kill."""
        with alone(self._keys_file.with_suffix(".lock")):
            yield


def forgetful(encoder: Encoder) -> Encoder:
    """The same without a memory on disk: for what people write, which no file may keep."""
    return encoder.inner if isinstance(encoder, CachedEncoder) else encoder
