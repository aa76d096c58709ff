"""Two readers of one catalogue: one at hand, which always answers, and one behind an endpoint.

Their rows stand side by side, so that whatever only the one at hand could read is still near to what it is like
(docs/decisions/0009-hosted-encoders.md).
"""

from __future__ import annotations

import base64
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ, Encoder, unit
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.hosted import HostedEncoder
from zhiyin.endpoints.endpoint import Patience
from zhiyin.errors import EndpointFailed
from zhiyin.progress import Progress

MAX_REMEMBERED = 4_096  # typed wishes whose rows are kept, in memory alone
REST = 30.0  # seconds in which an endpoint that failed is not asked for a wish: nobody waits twice for nothing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an endpoint made of a typed text. `code`: its row as float16 in base64, "" where there is none;
    `failed`: it was asked and did not answer."""

    code: str = ""
    failed: bool = False

    @classmethod
    def of(cls, row: Floats) -> Reading:
        """The row as it is logged: what is counted with is what can be read again."""
        return cls(base64.b64encode(row.astype("<f2").tobytes()).decode())

    @property
    def row(self) -> Floats:
        """(dim,) or (0,)."""
        return np.frombuffer(base64.b64decode(self.code), "<f2").astype(np.float32)


NOT_ASKED = Reading()
Listen = Callable[[str], Reading]


def nobody_listens(_: str) -> Reading:
    """Where there is no endpoint, or what people type may not leave the machine."""
    return NOT_ASKED


@dataclass(frozen=True, slots=True)
class TwoReaders:
    """Rows of the one at hand, then of the hosted one, each of length √½."""

    at_hand: Encoder
    hosted: Encoder

    @property
    def dim(self) -> int:
        return self.at_hand.dim + self.hosted.dim

    @property
    def fingerprint(self) -> str:
        return f"{self.hosted.fingerprint}+{self.at_hand.fingerprint}"

    @property
    def licence(self) -> str:
        return f"{self.hosted.licence}; {self.at_hand.licence}"

    def encode(self, texts: Sequence[str]) -> Floats:
        """Raises EndpointFailed; what was read before is kept where the hosted one is cached."""
        hosted = self.hosted.encode(texts)  # first: it may fail
        return unit(np.concatenate([self.at_hand.encode(texts), hosted], axis=1))


def at_hand(encoder: Encoder) -> Encoder:
    """What reads without asking anybody: for what is typed and what arrives while people wait."""
    return encoder.at_hand if isinstance(encoder, TwoReaders) else encoder


def cached(encoder: Encoder, folder: Path, progress: Progress | None = None) -> Encoder:
    """The encoder with a memory on disk, each of two with its own."""
    if isinstance(encoder, TwoReaders):
        return TwoReaders(cached(encoder.at_hand, folder, progress), cached(encoder.hosted, folder, progress))
    return CachedEncoder(encoder, folder, progress)


def beside(read: Floats, hosted: Floats) -> Floats:
    """(n, dim + hosted dim) rows of the one at hand as TwoReaders has them, with these (n, hosted dim) or (hosted
    dim,) beside them. An empty text stays all zeros."""
    told = np.abs(read).sum(axis=1, keepdims=True) > 0
    other = np.where(told, np.broadcast_to(hosted, (len(read), hosted.shape[-1])), np.float32(0.0))
    return np.concatenate([read * np.float32(np.sqrt(0.5)), other], axis=1).astype(np.float32)


@dataclass
class Ear:
    """Asks the endpoint what a typed text means, quickly or not at all. Safe to share between threads."""

    encoder: HostedEncoder
    patience: Patience
    clock: Callable[[], float] = time.monotonic
    _remembered: OrderedDict[str, Reading] = field(default_factory=OrderedDict, repr=False)
    _asleep_until: float = field(default=float("-inf"), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __call__(self, text: str) -> Reading:
        """What it says; a reading that failed where it does not answer, has just not answered, or may not be
        asked any more today."""
        with self._lock:
            if (known := self._remembered.get(text)) is not None:
                return known
            if self.clock() < self._asleep_until:
                return Reading(failed=True)
        try:
            (row,) = self.encoder.encode_with([text[:MAX_READ]], self.patience)
        except EndpointFailed as error:
            log.warning("a typed text is read by the encoder at hand: %s", error)
            with self._lock:
                self._asleep_until = self.clock() + REST
            return Reading(failed=True)
        reading = Reading.of(row)
        with self._lock:
            self._remembered[text] = reading
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return reading
