"""An encoder that remembers says what the encoder inside says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.encoders import remembering
from zhiyin.encoders.remembering import Remembering
from zhiyin.testing.encoders import HashEncoder


class Counting(HashEncoder):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return super().encode(texts)


def test_a_text_is_read_once_and_many_together_are_left_alone() -> None:
    inside = Counting()
    encoder = Remembering(inside)
    first, again = encoder.encode(["green tea"]), encoder.encode(["green tea"])
    np.testing.assert_array_equal(first, HashEncoder().encode(["green tea"]))
    np.testing.assert_array_equal(first, again)
    assert inside.asked == ["green tea"]
    encoder.encode(["green tea", "black tea"])
    assert inside.asked == ["green tea", "green tea", "black tea"]
    assert (encoder.dim, encoder.fingerprint, encoder.licence) == (inside.dim, inside.fingerprint, inside.licence)
    with pytest.raises(ValueError, match="read-only"):
        again[0] = 0.0


def test_what_was_read_longest_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "KEPT", 2)
    inside = Counting()
    encoder = Remembering(inside)
    for text in ("a", "b", "a", "c", "a", "b"):
        encoder.encode([text])
    assert inside.asked == ["a", "b", "c", "b"]
