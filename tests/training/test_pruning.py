"""Less of a model is the model that would have been built with less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from zhiyin.encoders.bert import FAMILY, Shape, bert_graph
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.tokens import load_tokenizer
from zhiyin.errors import InvalidData, InvalidSettings
from zhiyin.testing.tables import PIECES, tiny_table, word_pieces
from zhiyin.testing.tiny_models import DIM, LAYERS, WORDS, config_of, tiny_model, tiny_weights
from zhiyin.training.pruning.layers import chosen_layers, with_layers
from zhiyin.training.pruning.model import LooseModel
from zhiyin.training.pruning.sparsity import sparsified, zeros
from zhiyin.training.pruning.vocabulary import divided_otherwise, with_used_tokens

TEXTS = ("the iron pot", "warm tea", "saw", "wood of the garden saw")


def loose(folder: Path, kind: str = "bert", prefix: str = "") -> LooseModel:
    tiny_model(folder / kind, kind, prefix=prefix)
    return LooseModel.of(find_pretrained(kind, folder))


def rows_of(model: LooseModel, folder: Path, texts: tuple[str, ...] = TEXTS) -> np.ndarray:
    saved = model.saved(folder)
    return LanguageEncoder(saved, folder.with_name(f"{folder.name}-graphs"), "float32").encode(texts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("prefix", ["", "bert."])
def test_what_is_taken_apart_and_put_together_says_the_same(kind: str, prefix: str, tmp_path: Path) -> None:
    model = loose(tmp_path, kind, prefix)
    plain = LanguageEncoder(find_pretrained(kind, tmp_path), tmp_path / "graphs", "float32").encode(TEXTS)
    np.testing.assert_array_equal(rows_of(model, tmp_path / "again"), plain)


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("kept", [0, 1])
def test_a_model_with_a_layer_less_is_one_that_was_built_with_that_layer_alone(
    kind: str, kept: int, tmp_path: Path
) -> None:
    weights = tiny_weights(kind, 0)
    at = "transformer.layer." if kind == "distilbert" else "encoder.layer."
    alone = {name: one for name, one in weights.items() if at not in name}
    alone |= {
        name.replace(f"{at}{kept}.", f"{at}0."): one for name, one in weights.items() if f"{at}{kept}." in name
    }
    config = config_of(kind) | {"n_layers" if kind == "distilbert" else "num_hidden_layers": 1}
    found = with_layers(loose(tmp_path, kind), [kept])
    assert found.config == config
    assert bert_graph(found.shape, found.weights) == bert_graph(Shape.of(config), alone)


def test_the_layer_goes_whose_loss_costs_least(tmp_path: Path) -> None:
    model = loose(tmp_path)
    marks = {one: model.weights[f"encoder.layer.{one}.output.dense.weight"] for one in range(LAYERS)}

    def prefers(layer: int) -> tuple[int, ...]:
        def told(rest: LooseModel) -> float:
            return float(np.array_equal(rest.weights["encoder.layer.0.output.dense.weight"], marks[layer]))

        return chosen_layers(model, 1, told)

    assert (prefers(0), prefers(1)) == ((0,), (1,))
    assert chosen_layers(model, 1, lambda _: 0.0) == (0,), "where it is all the same the last goes"


@pytest.mark.parametrize("n", [0, LAYERS, 9, -1])
def test_layers_that_cannot_be_kept_are_refused(n: int, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="keep 1 to 1"):
        chosen_layers(loose(tmp_path), n, lambda _: 0.0)
    with pytest.raises(InvalidSettings, match="layers 0 to 1"):
        with_layers(loose(tmp_path), [LAYERS])


def test_the_smallest_numbers_of_each_matrix_become_zero_and_nothing_else(tmp_path: Path) -> None:
    model = loose(tmp_path)
    found = sparsified(model, 0.75)
    assert zeros(found) == pytest.approx(0.75)
    for name, before in model.weights.items():
        after = found.weights[name]
        if name.startswith("encoder.") and before.ndim == 2:
            wanted = np.where(
                np.abs(before) >= np.sort(np.abs(before), axis=None)[before.size * 3 // 4], before, 0
            )
            np.testing.assert_array_equal(after, wanted)
        else:
            np.testing.assert_array_equal(after, before)
    assert zeros(model) == 0
    np.testing.assert_array_equal(
        rows_of(sparsified(model, 0.0), tmp_path / "all"), rows_of(model, tmp_path / "b")
    )
    for share in (-0.1, 1.0):
        with pytest.raises(InvalidSettings, match="share"):
            sparsified(model, share)


@pytest.mark.parametrize("kind", FAMILY)
def test_texts_whose_tokens_all_stay_have_exactly_the_vectors_of_before(kind: str, tmp_path: Path) -> None:
    model = loose(tmp_path, kind)
    pruned = with_used_tokens(model, TEXTS[:2], 0, np.random.default_rng(0))
    used = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", *" ".join(TEXTS[:2]).split()}
    assert [WORDS[one] for one in pruned.kept] == [word for word in WORDS if word in used]
    assert pruned.model.config["vocab_size"] == len(pruned.kept) < len(WORDS)
    before, after = (rows_of(one, tmp_path / name) for one, name in ((model, "b"), (pruned.model, "a")))
    np.testing.assert_array_equal(before[:2], after[:2])
    assert divided_otherwise(model, pruned, TEXTS[:2]) == 0
    assert divided_otherwise(model, pruned, TEXTS) == 0.5
    assert pruned.model.n_numbers < model.n_numbers


def with_tokenizer(model: LooseModel, tokenizer: dict[str, object], n: int) -> LooseModel:
    """The same net with as many rows of tokens as this tokenizer has."""
    rows = np.random.default_rng(3).standard_normal((n, DIM)).astype(np.float32)
    weights = {**model.weights, model.words: rows}
    return LooseModel(model.config, tokenizer, weights, model.beside, model.licence)


def unigram() -> dict[str, object]:
    pieces = [
        ["<s>", 0.0],
        ["<pad>", 0.0],
        ["</s>", 0.0],
        ["<unk>", 0.0],
        ["▁", -9.0],
        ["▁tea", -2.0],
        ["pot", -3.0],
    ]
    pieces += [["▁teapot", -4.0], ["s", -4.5], ["▁cup", -3.0], *([letter, -8.0] for letter in "acdeioprtu茶")]
    frame = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "decoder": None,
        "added_tokens": [
            {"id": number, "content": piece, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} for number, (piece, _) in enumerate(pieces[:4])
        ],
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {**frame, "trim_offsets": True, "add_prefix_space": True},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": pieces, "byte_fallback": False},
    }  # fmt: skip


def pairs() -> dict[str, object]:
    letters = ["<unk>", *"acdeioprstu"]
    merges = [
        ["t", "e"],
        ["te", "a"],
        ["p", "o"],
        ["po", "t"],
        ["tea", "pot"],
        ["c", "u"],
        ["cu", "p"],
        ["i", "r"],
    ]
    pieces = [*letters, *("".join(one) for one in merges)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "decoder": None,
        "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
        "model": {
            "type": "BPE", "unk_token": "<unk>", "merges": merges, "dropout": None, "fuse_unk": False,
            "continuing_subword_prefix": None, "end_of_word_suffix": None, "byte_fallback": False,
            "vocab": {piece: number for number, piece in enumerate(pieces)},
        },
    }  # fmt: skip


TOKENIZERS = {"WordPiece": (word_pieces(), len(PIECES)), "Unigram": (unigram(), 21), "BPE": (pairs(), 20)}
SHOP = ("teapots and a cup", "a teapot", "cup cups")


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_every_kind_of_tokenizer_divides_as_before_what_it_was_pruned_by(kind: str, tmp_path: Path) -> None:
    model = with_tokenizer(loose(tmp_path), *TOKENIZERS[kind])
    pruned = with_used_tokens(model, SHOP, 0, np.random.default_rng(0))
    assert len(pruned.kept) < TOKENIZERS[kind][1]
    assert divided_otherwise(model, pruned, SHOP) == 0
    before, after = (rows_of(one, tmp_path / name, SHOP) for one, name in ((model, "b"), (pruned.model, "a")))
    np.testing.assert_array_equal(before, after)
    new = rows_of(pruned.model, tmp_path / "new", ("iron saw", "茶 🍵", "x" * 100_000, ""))
    assert np.isfinite(new).all()
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), [1, 1, 1, 0], atol=1e-5)


@pytest.mark.slow
@given(
    texts=st.lists(st.text("teapots cup茶 ironsaw", max_size=20), max_size=5),
    others=st.text("teaposcup ", max_size=9),
)
def test_whatever_a_vocabulary_is_pruned_by_is_read_as_before(texts: list[str], others: str) -> None:
    rows = np.ones((len(PIECES), 2), np.float32)
    weights = {"embeddings.word_embeddings.weight": rows}
    model = LooseModel(config_of("bert"), word_pieces(), weights, {}, "mit")
    pruned = with_used_tokens(model, texts, 0, np.random.default_rng(0))
    assert np.nan_to_num(divided_otherwise(model, pruned, texts)) == 0
    pieces = np.array(PIECES)[pruned.kept]
    vocabulary = pruned.model.tokenizer["model"]["vocab"]
    assert {piece: number for number, piece in enumerate(pieces.tolist())} == vocabulary
    assert 0 <= np.nan_to_num(divided_otherwise(model, pruned, [others])) <= 1


def test_a_word_that_went_is_divided_into_its_letters(tmp_path: Path) -> None:
    model = with_tokenizer(loose(tmp_path), *TOKENIZERS["WordPiece"])
    pruned = with_used_tokens(model, ["cup"], 0, np.random.default_rng(0))
    saved = pruned.model.saved(tmp_path / "small")
    read = load_tokenizer(saved.folder / "tokenizer.json").encode("Saw, cup 茶", add_special_tokens=False)
    assert read.tokens == ["s", "##a", "##w", ",", "cup", "茶"]


def test_what_is_common_stays_and_the_cost_is_that_of_texts_that_were_not_asked(tmp_path: Path) -> None:
    model = with_tokenizer(loose(tmp_path), *TOKENIZERS["WordPiece"])
    same = with_used_tokens(model, ["garden saw"] * 40, 0, np.random.default_rng(0))
    assert same.changed == 0
    alone = [f"{word} cup" for word in ("tea", "pot", "iron", "garden", "saw", "warm", "the")]
    assert with_used_tokens(model, [*alone, "of", "saw", "the"], 0, np.random.default_rng(0)).changed in (0, 1)
    everything = with_used_tokens(model, ["saw"], len(PIECES), np.random.default_rng(0))
    assert len(everything.kept) == len(PIECES)
    assert np.isnan(with_used_tokens(model, ["saw"], 0, np.random.default_rng(0)).changed)


def test_what_cannot_be_made_smaller_is_told(tmp_path: Path) -> None:
    rows = np.ones((len(PIECES), 2), np.float32)
    tiny_table(tmp_path / "table", rows, word_pieces())
    with pytest.raises(InvalidData, match="static table already"):
        LooseModel.of(find_pretrained("table", tmp_path))
    tiny_model(tmp_path / "graph")
    (tmp_path / "graph" / "onnx").mkdir()
    (tmp_path / "graph" / "onnx" / "model.onnx").write_bytes(b"")
    (tmp_path / "graph" / "model.safetensors").unlink()
    with pytest.raises(InvalidData, match=r"a graph and no model\.safetensors"):
        LooseModel.of(find_pretrained("graph", tmp_path))
    folder = tiny_model(tmp_path / "odd")
    told = orjson.loads((folder / "tokenizer.json").read_bytes())
    odd = LooseModel.of(find_pretrained("odd", tmp_path))
    kind = LooseModel(odd.config, {**told, "model": {"type": "Odd"}}, odd.weights, {}, "mit")
    with pytest.raises(InvalidData, match="kind 'Odd' cannot be made smaller"):
        with_used_tokens(kind, TEXTS, 0, np.random.default_rng(0))
    save_file({"other": rows}, folder / "model.safetensors")
    with pytest.raises(InvalidData, match="not of a bert net"):
        _ = LooseModel.of(find_pretrained("odd", tmp_path)).words
