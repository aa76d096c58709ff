"""An encoder that remembers the short texts it read last: lines of a profile are read again for every list.

Only what is asked for by itself is remembered: read together, texts may differ in the last bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import Encoder

KEPT = 2_048  # texts


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
