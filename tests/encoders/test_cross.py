"""Cross-encoders as they are served: a pair's number is its own, and nothing is served that was not measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin.encoders.bert import Shape, pair_graph
from zhiyin.encoders.cross import LAST, CrossEncoder, Measured, past_text
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.errors import BrokenBundle, InvalidData
from zhiyin.testing.tiny_models import DIM, HEADS, LAYERS, tiny_cross, tiny_model
from zhiyin.types import Item

pytest.importorskip("onnxruntime")
TEXTS = ("tea cup", "iron saw of the garden", "warm", "wood wood wood pot", "tea")


def encoder(folder: Path, threads: int = 1, precision: str = "int8") -> CrossEncoder:
    if not (folder / "cross").is_dir():
        tiny_cross(folder / "cross")
    return CrossEncoder(find_pretrained("cross", folder), folder / "cache", precision, threads)  # type: ignore[arg-type]


def by_hand(folder: Path, asked: str, text: str) -> float:
    """The net in numpy, layer by layer."""
    model = find_pretrained("cross", folder)
    weights = model.weights()
    read = encoder(folder)._tokens.encode(asked, text)

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normed(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        length = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return centred / length * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def gelu(x: np.ndarray) -> np.ndarray:
        from scipy.special import erf

        return x * (1 + erf(x / 2**0.5)) / 2

    table = "embeddings.{}_embeddings.weight"
    x = weights[table.format("word")][read.ids] + weights[table.format("token_type")][read.type_ids]
    x = normed(x + weights[table.format("position")][: len(x)], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        parts = [linear(x, f"{at}attention.self.{name}") for name in ("query", "key", "value")]
        query, key, value = (one.reshape(len(x), HEADS, -1).transpose(1, 0, 2) for one in parts)
        like = np.exp(query @ key.transpose(0, 2, 1) / (DIM / HEADS) ** 0.5)
        mixed = (like / like.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(x), DIM)
        x = normed(x + linear(mixed, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        wide = gelu(linear(x, f"{at}intermediate.dense"))
        x = normed(x + linear(wide, f"{at}output.dense"), f"{at}output.LayerNorm")
    return float(linear(np.tanh(linear(x[0], "pooler.dense")), "classifier")[0])


@pytest.mark.slow
def test_the_graph_of_pairs_says_what_is_counted_by_hand(tmp_path: Path) -> None:
    said = encoder(tmp_path, precision="float32").score("a warm cup", TEXTS)
    assert said == pytest.approx([by_hand(tmp_path, "a warm cup", text) for text in TEXTS], abs=1e-5)


def test_which_of_the_two_texts_a_word_is_in_matters(tmp_path: Path) -> None:
    read = encoder(tmp_path, precision="float32")
    assert abs(read.score("tea cup", ["saw"])[0] - read.score("saw", ["tea cup"])[0]) > 1e-3


def test_a_pair_says_the_same_whoever_else_is_read_and_on_any_number_of_threads(tmp_path: Path) -> None:
    whole = encoder(tmp_path).score("the warm tea", TEXTS)
    alone = [encoder(tmp_path).score("the warm tea", [text])[0] for text in TEXTS]
    many = encoder(tmp_path, threads=4).score("the warm tea", TEXTS[::-1])[::-1]
    assert whole.tolist() == alone == many.tolist()
    again = encoder(tmp_path)
    assert again.score("the warm tea", TEXTS).tolist() == again.score("the warm tea", TEXTS).tolist()


def test_a_pair_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = encoder(tmp_path), []
    real = CrossEncoder._pair

    def counted(self: CrossEncoder, asked: str, text: str) -> float:
        seen.append((asked, text))
        return real(self, asked, text)

    monkeypatch.setattr(CrossEncoder, "_pair", counted)
    monkeypatch.setattr("zhiyin.encoders.cross.KEPT", 3)
    read.score("tea", ["cup", "pot", "cup"])
    read.score("tea", ["cup", "saw"])
    assert seen == [("tea", "cup"), ("tea", "pot"), ("tea", "saw")]
    read.score("tea", ["iron"])  # the oldest goes
    read.score("tea", ["pot"])
    assert seen[-1] == ("tea", "pot")


def test_eight_bits_say_nearly_the_same_of_pairs(tmp_path: Path) -> None:
    exact, short = (encoder(tmp_path, precision=kind).score("tea cup", TEXTS) for kind in ("float32", "int8"))
    assert np.abs(exact - short).max() < 0.3 * exact.std()


def test_long_texts_are_cut_and_empty_ones_read(tmp_path: Path) -> None:
    read = encoder(tmp_path)
    assert np.isfinite(read.score("tea " * 500, ["cup " * 500, "", "茶 \U0001f375"])).all()


def test_a_model_without_an_end_is_no_cross_encoder(tmp_path: Path) -> None:
    model = find_pretrained(tiny_model(tmp_path / "base").name, tmp_path)
    with pytest.raises(InvalidData, match=r"pooler\.dense"):
        pair_graph(Shape.of(model.config), model.weights())


def test_a_changed_file_is_not_what_was_measured(tmp_path: Path) -> None:
    digest = tiny_cross(tmp_path / "cross", typed=0.25, n=7)
    found = Measured.of(tmp_path / "cross")
    assert (found.sha256, found.gates, found.n) == (digest, {"typed": 0.25, "past": 0.5}, 7)
    (tmp_path / "cross" / "config.json").write_text("{}")
    with pytest.raises(BrokenBundle, match=r"config\.json .* is not what was measured"):
        Measured.of(tmp_path / "cross")
    with pytest.raises(BrokenBundle, match="zhiyin train reranker"):
        Measured.of(tmp_path / "nothing")


def test_a_past_in_words_is_its_newest_titles_each_once_with_what_was_written() -> None:
    items = [Item(f"i{n}", title=f"thing {n}") for n in range(9)]
    said = past_text([items[3], items[1], items[3], *items[4:]], {"i1": "  too loud ", "i8": "never read"})
    assert said == "thing 3; thing 1: too loud; thing 4; thing 5; thing 6"
    assert len(said.split("; ")) == LAST
    assert past_text([Item("bare")], {}) == ""
    assert past_text([Item("bare", text="only a text")], {}) == "only a text"
