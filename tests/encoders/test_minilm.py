"""The published model, whole: what its graph gives for sentences of known likeness. Needs its package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained

pytestmark = pytest.mark.slow

TEXTS = (
    "A young wizard goes to a school of magic",
    "A boy learns spells at a boarding school for wizards",
    "A recipe for tomato soup with basil",
    "How to cook a soup of fresh tomatoes",
    "Stock prices fell after the earnings report",
)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_sentences_of_one_matter_are_nearest(precision: str, tmp_path: Path) -> None:
    reader = LanguageEncoder(find_pretrained("minilm", tmp_path), tmp_path, precision)  # type: ignore[arg-type]
    rows = reader.encode(TEXTS)
    like = rows @ rows.T - 2 * np.eye(len(rows))
    assert like[0].argmax() == 1
    assert like[1].argmax() == 0
    assert like[2].argmax() == 3
    assert like[3].argmax() == 2
    assert like[4].max() < 0.3
    assert reader.licence.startswith("Apache-2.0")
