"""Static tables: a text is the sum of its tokens' rows, scaled to length one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.static import StaticEncoder
from zhiyin.encoders.tokens import load_tokenizer
from zhiyin.errors import BrokenBundle, ZhiyinError
from zhiyin.settings import EncoderSettings, Settings
from zhiyin.shop import encoder_of
from zhiyin.testing.tables import PIECES, tiny_table, word_pieces

DIM = 8
TEXTS = ("the iron teapot", "warm tea", "saw", "garden saws of the garden")
SAID = st.lists(st.text("teapots cup 知音é🍵?", max_size=40), min_size=1, max_size=6)


def encoder(folder: Path) -> StaticEncoder:
    return StaticEncoder(find_pretrained(folder.name, folder.parent))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = np.random.default_rng(1).standard_normal((len(PIECES), DIM)).astype(np.float16)
    return tiny_table(tmp_path_factory.mktemp("static") / "table", rows, word_pieces())


def test_three_tokens_by_hand(tmp_path: Path) -> None:
    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "tea", "cup", "pot")
    rows = np.zeros((7, 2), np.float16)
    rows[4:] = [[3, 0], [0, 4], [-3, 0]]
    rows[1] = [9, 9]  # what stands for words that are not known says nothing
    found = encoder(tiny_table(tmp_path / "table", rows, word_pieces(pieces)))
    told = found.encode(["tea", "Tea, cup", "cup cup tea", "tea pot", "lamp", ""])
    diagonal = np.array([3, 8]) / np.sqrt(73)
    np.testing.assert_allclose(told, [[1, 0], [0.6, 0.8], diagonal, [0, 0], [0, 0], [0, 0]], atol=1e-6)
    assert (found.dim, told.dtype) == (2, np.float32)


@pytest.mark.slow
@given(texts=SAID)
def test_a_text_is_read_alike_alone_and_among_others_and_has_length_one_or_none(
    texts: list[str], folder: Path
) -> None:
    found = encoder(folder)
    rows = found.encode(texts)
    lengths = np.linalg.norm(rows, axis=1)
    assert ((np.abs(lengths - 1) < 1e-5) | (lengths == 0)).all()
    for text, row in zip(texts, rows, strict=True):
        np.testing.assert_array_equal(encoder(folder).encode([text])[0], row)


def test_it_is_what_a_plain_loop_says(folder: Path) -> None:
    rows = find_pretrained(folder.name, folder.parent).weights()["embeddings"].astype(np.float64)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    for text, found in zip(TEXTS, encoder(folder).encode(TEXTS), strict=True):
        wanted = np.zeros(DIM)
        for token in tokenizer.encode(text, add_special_tokens=False).ids:
            wanted += rows[token]
        np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-6)


def test_a_published_table_with_weights_and_shared_rows_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    shared = rng.standard_normal((10, DIM)).astype(np.float32)
    places, weights = rng.integers(0, 10, len(PIECES)), rng.random(len(PIECES)).astype(np.float32)
    beside = {"mapping": places.astype(np.int64), "weights": weights}
    found = encoder(tiny_table(tmp_path / "published", shared, word_pieces(), beside, kind="model2vec"))
    plain = encoder(tiny_table(tmp_path / "plain", shared[places] * weights[:, None], word_pieces()))
    np.testing.assert_allclose(found.encode(TEXTS), plain.encode(TEXTS), atol=1e-6)


def test_hostile_texts_are_read_in_no_time(folder: Path) -> None:
    found = encoder(folder)
    rows = found.encode(
        ["tea " * 100_000, "a" * 100_000, "🍵" * 1_000, "知音", "\0\ufffd", "[SEP] [CLS]", " \n\t"]
    )
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[0], found.encode(["tea " * 250])[0])
    assert np.linalg.norm(rows[3]) == pytest.approx(1, abs=1e-6)
    assert not rows[[1, 2, 4, 6]].any(), "a word of more than a hundred letters is none, a picture is not known"
    assert found.encode([]).shape == (0, DIM)


def test_a_shop_names_it_like_any_model(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    settings = Settings(folder=folder.parent, encoder=EncoderSettings(model=folder.name))
    found = encoder_of(settings)
    assert isinstance(found, StaticEncoder)
    assert found.licence == "mit"
    assert found.fingerprint.startswith("table:")
    assert found.fingerprint.endswith(".static")


def test_another_table_is_another_encoder(folder: Path, tmp_path: Path) -> None:
    rows = np.ones((len(PIECES), DIM), np.float16)
    other = encoder(tiny_table(tmp_path / folder.name, rows, word_pieces()))
    assert other.fingerprint != encoder(folder).fingerprint


WHOLE = np.ones((len(PIECES), 2), np.float32)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"other": WHOLE}, "has no 'embeddings' but other"),
        ({"embeddings": WHOLE[:-1]}, "rows for the"),
        ({"embeddings": WHOLE[:, 0].copy()}, "no rows of finite numbers"),
        ({"embeddings": WHOLE.astype(np.int32)}, "no rows of finite numbers but int32"),
        ({"embeddings": WHOLE * np.nan}, "no rows of finite numbers"),
        ({"embeddings": WHOLE[:, :0].copy()}, "no rows of finite numbers"),
        ({"embeddings": WHOLE, "weights": WHOLE}, "weights for"),
        ({"embeddings": WHOLE, "mapping": np.full(len(WHOLE), 999)}, "leads beyond"),
        ({"embeddings": WHOLE, "mapping": WHOLE[:, 0].copy()}, "leads beyond"),
    ],
)
def test_a_table_that_is_none_is_told_with_the_cure(
    arrays: dict[str, np.ndarray], told: str, tmp_path: Path
) -> None:
    made = tiny_table(tmp_path / "table", WHOLE, word_pieces())
    save_file(arrays, made / "model.safetensors")
    with pytest.raises(BrokenBundle, match=rf"{told}.*zhiyin compress --static"):
        encoder(made)


@pytest.mark.parametrize("file", ["tokenizer.json", "model.safetensors", "config.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\0" * 100])
def test_a_broken_folder_raises_an_error_of_ours(file: str, content: bytes | None, tmp_path: Path) -> None:
    made = tiny_table(tmp_path / "table", WHOLE, word_pieces())
    (made / file).unlink()
    if content is not None:
        (made / file).write_bytes(content)
    with pytest.raises(ZhiyinError):
        encoder_of(Settings(folder=tmp_path, encoder=EncoderSettings(model="table")))
