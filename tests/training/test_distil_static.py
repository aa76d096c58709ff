"""A language model becomes a folder with a table, which is read like any model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.static import StaticEncoder
from zhiyin.encoders.towers import free_place, save_tower
from zhiyin.errors import InvalidSettings
from zhiyin.progress import Silent
from zhiyin.testing.tiny_models import DIM, WORDS, tiny_model
from zhiyin.training.distil.static import Bench, drawn, static_tower


def texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS[4:], rng.integers(1, 6))) for _ in range(n)]


def test_a_token_alone_is_the_teachers_row_of_a_text_of_it(tmp_path: Path) -> None:
    teacher = LanguageEncoder(find_pretrained(str(tiny_model(tmp_path / "bert")), Path()), tmp_path, "float32")
    found = teacher.encode_tokens(np.arange(4, len(WORDS), dtype=np.int32))
    np.testing.assert_allclose(found, teacher.encode(WORDS[4:]), atol=1e-6)


@pytest.mark.slow
def test_a_model_becomes_a_table_that_reads_nearly_as_it_does(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "bert")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    model = find_pretrained("bert", tmp_path)
    tower, table = static_tower(model, texts(400), DIM, Bench(tmp_path / "cache", Silent()))
    save_tower(free_place(tmp_path, "small"), tower)
    found = find_pretrained("towers/small", tmp_path)
    assert found.static
    student, teacher = StaticEncoder(found), LanguageEncoder(model, tmp_path / "cache", "float32")
    asked = texts(100, seed=9)
    like = (student.encode(asked) @ table.axes.T * teacher.encode(asked)).sum(axis=1)
    assert like.mean() == pytest.approx(table.cosine, abs=0.05)
    assert like.mean() > 0.9
    assert (student.licence, student.dim) == ("apache-2.0", DIM)
    page = (tmp_path / "towers" / "small" / "README.md").read_text()
    assert model.sha256 in page


def test_what_every_text_begins_with_is_kept(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "bert")
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "warm "}}')
    tower, _ = static_tower(find_pretrained("bert", tmp_path), [], 4, Bench(tmp_path / "cache", Silent()))
    save_tower(tmp_path / "towers" / "small", tower)
    assert find_pretrained("towers/small", tmp_path).prompt == "warm "


def test_a_tower_takes_nobodys_place_and_has_a_plain_name(tmp_path: Path) -> None:
    (tmp_path / "towers" / "mine").mkdir(parents=True)
    with pytest.raises(InvalidSettings, match="is there already"):
        free_place(tmp_path, "mine")
    for name in ("../mine", "a/b", ".hidden", "", ".."):
        with pytest.raises(InvalidSettings, match="plain name"):
            free_place(tmp_path, name)


def test_texts_are_drawn_once_each_in_their_order() -> None:
    told = ["b", "a", "b", " ", "", "c", "d"]
    assert drawn(told, 10, 0) == ["b", "a", "c", "d"]
    assert len(drawn(told, 2, 0)) == 2
    assert drawn(told, 2, 0) == sorted(drawn(told, 2, 0), key=["b", "a", "c", "d"].index)
