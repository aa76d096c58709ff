"""An encoder that remembers the short texts it read last: lines of a profile are read again for every list.

Only what is asked for by itself is remembered: read together, texts may differ in the last bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import Encoder

KEPT = 8_192  # texts


class Remembering:
    """The same vectors as those of the encoder inside, to the last bit."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._read: OrderedDict[str, Floats] = OrderedDict()
        self._lock = Lock()

    @property
    def dim(self) -> int:
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    @property
    def licence(self) -> str:
        return self._encoder.licence

    def encode(self, texts: Sequence[str]) -> Floats:
        if len(texts) != 1:
            return self._encoder.encode(texts)
        (text,) = texts
        with self._lock:
            found = self._read.get(text)
            if found is not None:
                self._read.move_to_end(text)
        return found if found is not None else self._remember(text)

    def _remember(self, text: str) -> Floats:
        read = self._encoder.encode([text])
        read.flags.writeable = False  # several askers share it
        with self._lock:
            self._read[text] = read
            if len(self._read) > KEPT:
                self._read.popitem(last=False)
        return read


@dataclass(frozen=True, slots=True)
class Known:
    """An encoder beside the rows of texts that it has read already, in memory alone: what people wrote is in no
    file but the log, so that it is gone when the log forgets it."""

    encoder: Encoder
    rows: Mapping[str, Floats]  # (dim,) by text

    @property
    def dim(self) -> int:
        return self.encoder.dim

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    @property
    def licence(self) -> str:
        return self.encoder.licence

    def encode(self, texts: Sequence[str]) -> Floats:
        missing = [text for text in dict.fromkeys(texts) if text not in self.rows]
        rows = dict(zip(missing, self.encoder.encode(missing), strict=True)) if missing else {}
        found = np.zeros((len(texts), self.dim), np.float32)
        for n, text in enumerate(texts):
            found[n] = rows[text] if text in rows else self.rows[text]
        return found
