"""multilingual-e5-small, whole: what transformers says of the written folder, and both languages in one space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.written import written

pytestmark = pytest.mark.slow

TEXTS = (
    "A young wizard goes to a school of magic",
    "一个年轻的巫师去上魔法学校",
    "A recipe for tomato soup with basil",
    "番茄罗勒汤的做法",
    "Stock prices fell after the earnings report",
)


def by_transformers(folder: Path) -> Floats:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    net = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    given = tokens([f"query: {text}" for text in TEXTS], padding=True, return_tensors="pt")
    with torch.no_grad():
        found = net(**given).last_hidden_state
    there = given["attention_mask"][..., None]
    rows = (found * there).sum(dim=1) / there.sum(dim=1)
    return (rows / rows.norm(dim=1, keepdim=True)).numpy()


def test_transformers_reads_the_written_folder_as_the_graph_reads_the_package(tmp_path: Path) -> None:
    model = find_pretrained("e5", tmp_path)
    folder = written(model, tmp_path / "e5", "float16").folder
    rows = LanguageEncoder(model, tmp_path, "float32").encode(TEXTS)
    np.testing.assert_allclose(by_transformers(folder), rows, atol=2e-3)  # of float16
    again = LanguageEncoder(find_pretrained("e5", tmp_path), tmp_path, "float32")  # the folder, now
    np.testing.assert_allclose(again.encode(TEXTS), rows, atol=2e-3)
    assert again.licence == "mit"


def test_a_text_is_nearest_to_its_translation(tmp_path: Path) -> None:
    reader = LanguageEncoder(find_pretrained("e5", tmp_path), tmp_path, "int8")
    rows = reader.encode(TEXTS)
    like = rows @ rows.T - 2 * np.eye(len(rows))
    assert [int(row.argmax()) for row in like[:4]] == [1, 0, 3, 2]
    assert reader.dim == 384
    assert reader.licence.startswith("MIT")
