"""Language models of a few thousand numbers, drawn at random: the same files as published ones have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
from safetensors.numpy import save_file

from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import HEAD, Names
from zhiyin.encoders.cross import STORY, seal, sha256_of

DIM, HEADS, LAYERS, WIDE, PLACES = 16, 4, 2, 32, 40
WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "tea",
    "cup",
    "iron",
    "pot",
    "garden",
    "saw",
    "wood",
    "warm",
    "the",
    "of",
)
PAD = 0


def tiny_model(folder: Path, kind: str = "bert", seed: int = 0, prefix: str = "") -> Path:
    """A folder with a model of the family: config.json, tokenizer.json, model.safetensors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(orjson.dumps(config_of(kind)))
    (folder / "tokenizer.json").write_bytes(orjson.dumps(_tokenizer()))
    weights = {f"{prefix}{name}": value for name, value in tiny_weights(kind, seed).items()}
    save_file(weights, folder / "model.safetensors")
    return folder


def tiny_cross(folder: Path, typed: float = 0.5, past: float = 0.5, n: int = 10, seed: int = 0) -> str:
    """A folder with a cross-encoder of BERT as it is served, with these gates; the digest that names it."""
    tiny_model(folder, seed=seed)
    rng, weights = np.random.default_rng([seed, 1]), tiny_weights("bert", seed)
    for name, shape in zip(HEAD, ((DIM, DIM), (DIM,), (1, DIM), (1,)), strict=True):
        weights[name] = rng.standard_normal(shape).astype(np.float32)
    save_file(weights, folder / "model.safetensors")
    seal(folder, {"gates": {"typed": typed, "past": past}, "n": n, "precision": "int8"})
    return sha256_of(folder / STORY)


def config_of(kind: str) -> dict[str, object]:
    common: dict[str, object] = {
        "model_type": kind,
        "pad_token_id": PAD,
        "max_position_embeddings": PLACES + _behind(kind),
    }
    common["vocab_size"] = len(WORDS)
    if kind == "distilbert":
        named = {"n_layers": LAYERS, "n_heads": HEADS, "dim": DIM, "hidden_dim": WIDE, "activation": "gelu"}
        return {**common, **named}
    named = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "hidden_size": DIM, "hidden_act": "gelu"}
    sizes = {"intermediate_size": WIDE, "type_vocab_size": 2, "layer_norm_eps": 1e-5}
    return {**common, **named, **sizes}


def tiny_weights(kind: str, seed: int) -> dict[str, Floats]:
    rng, names = np.random.default_rng(seed), Names.of(kind)
    found: dict[str, Floats] = {}

    def draw(name: str, *shape: int, around: float = 0.0) -> None:
        found[name] = (around + 0.3 * rng.standard_normal(shape)).astype(np.float32)

    draw("embeddings.word_embeddings.weight", len(WORDS), DIM)
    draw("embeddings.position_embeddings.weight", PLACES + _behind(kind), DIM)
    if kind != "distilbert":
        draw("embeddings.token_type_embeddings.weight", 2, DIM)
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        at = names.layer.format(layer)
        for name, (wide, narrow) in {
            **dict.fromkeys((names.query, names.key, names.value, names.mixed), (DIM, DIM)),
            names.wide: (WIDE, DIM),
            names.narrow: (DIM, WIDE),
        }.items():
            draw(f"{at}{name}.weight", wide, narrow)
            draw(f"{at}{name}.bias", wide)
        norms += [at + names.mixed_norm, at + names.last_norm]
    for norm in norms:
        draw(f"{norm}.weight", DIM, around=1.0)
        draw(f"{norm}.bias", DIM)
    return found


def _behind(kind: str) -> int:
    """Places of the table that stand before the first."""
    return PAD + 1 if kind in ("roberta", "xlm-roberta") else 0


def _tokenizer() -> dict[str, object]:
    numbers = {word: number for number, word in enumerate(WORDS)}
    special = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    text, second = {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special[0], text, special[1]],
            "pair": [special[0], text, special[1], second, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {
                name: {"id": name, "ids": [numbers[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": "[UNK]"},
    }
