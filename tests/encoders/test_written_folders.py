"""A model written as a folder of its own reads as before, and says where it came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from zhiyin.encoders.bert import FAMILY
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.written import written
from zhiyin.errors import InvalidData
from zhiyin.testing.tiny_models import tiny_model

TEXTS = ("the iron pot", "warm tea")


@pytest.mark.parametrize("kind", FAMILY)
def test_the_written_folder_reads_as_the_model(kind: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "first", kind)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "warm "}}')
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    before = find_pretrained("first", tmp_path)
    after = written(before, tmp_path / "out" / "second")
    rows = [LanguageEncoder(one, tmp_path / "cache", "float32").encode(TEXTS) for one in (before, after)]
    assert np.array_equal(*rows)
    assert (after.licence, after.prompt, after.pooling) == ("apache-2.0", "warm ", "cls")
    assert after.longest == before.longest
    assert find_pretrained("out/second", tmp_path).fingerprint.startswith("second:")
    steps = orjson.loads((after.folder / "modules.json").read_bytes())
    assert [step["path"] for step in steps] == ["", "1_Pooling", "2_Normalize"]
    assert all((after.folder / step["path"]).is_dir() for step in steps)


def test_numbers_are_as_large_as_asked_for(tmp_path: Path) -> None:
    tiny_model(tmp_path / "first")
    model = find_pretrained("first", tmp_path)
    sizes = [written(model, tmp_path / kind, kind).weights_file.stat().st_size for kind in ("float32", "float16")]  # type: ignore[arg-type]
    assert sizes[1] < 0.7 * sizes[0]
    assert orjson.loads((tmp_path / "float16" / "config.json").read_bytes())["dtype"] == "float16"


def test_a_folder_that_is_there_is_taken_and_a_failed_one_leaves_nothing(tmp_path: Path) -> None:
    model = find_pretrained(str(tiny_model(tmp_path / "first")), tmp_path)
    assert written(model, tmp_path / "second").sha256 == written(model, tmp_path / "second").sha256
    model.tokens.unlink()
    with pytest.raises(FileNotFoundError):
        written(model, tmp_path / "third")
    model.weights_file.unlink()
    with pytest.raises(InvalidData, match=r"no model\.safetensors"):
        written(model, tmp_path / "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
