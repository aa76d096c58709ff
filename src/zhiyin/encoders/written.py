"""A model written as a folder that sentence-transformers and transformers read: what a fine-tuning begins with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import orjson

from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.published import CONFIG, PROMPTS, SENTENCE_CONFIG, TOKENS, TOKENS_CONFIG, WEIGHTS
from zhiyin.errors import InvalidData
from zhiyin.files import drafted, flush

PAGE, MODULES = "README.md", "modules.json"
_TOLD = (CONFIG, TOKENS_CONFIG, "special_tokens_map.json", SENTENCE_CONFIG, PROMPTS)
_TYPES = {"float16": np.float16, "float32": np.float32}
_STEPS = ("Transformer", "Pooling", "Normalize")

Kind = Literal["float16", "float32"]


def written(model: Pretrained, folder: Path, kind: Kind = "float32") -> Pretrained:
    """The model as a folder of its own, its numbers as `kind`; the folder appears whole or not at all, and one
    that is there already is taken as it is.

    Raises InvalidData for a model that is a graph alone: there is nothing to be learned on.
    """
    if folder.is_dir():
        return Pretrained.of_folder(model.name, folder)
    if not model.weights_file.is_file():
        raise InvalidData(f"{model.name} brings a graph and no {WEIGHTS}: take a model with its weights")
    with drafted(folder.parent) as draft:
        _write(model, draft, kind)
        for file in draft.rglob("*.*"):
            flush(file)
        draft.chmod(0o755)
        draft.rename(folder)
    return Pretrained.of_folder(model.name, folder)


def _write(model: Pretrained, folder: Path, kind: Kind) -> None:
    from safetensors.numpy import save_file  # noqa: PLC0415  # only where a model is written

    dtype = _TYPES[kind]
    arrays = {
        name: value.astype(dtype) if value.dtype.kind == "f" else value for name, value in model.weights().items()
    }
    save_file(arrays, folder / WEIGHTS, {"format": "pt"})
    shutil.copyfile(model.tokens, folder / TOKENS)
    told = {name: model.json(name) for name in _TOLD}
    for name, content in told.items():
        if content:
            _write_json(folder / name, {**content, "dtype": kind} if name == CONFIG else content)
    _write_json(folder / SENTENCE_CONFIG, {**told[SENTENCE_CONFIG], "max_seq_length": model.longest})
    _write_steps(folder, model)
    (folder / PAGE).write_text(_page(model), encoding="utf-8")


def _write_steps(folder: Path, model: Pretrained) -> None:
    """The net, how tokens become one row, and that the row has length 1."""
    steps: list[dict[str, int | str]] = [
        {
            "idx": n,
            "name": str(n),
            "path": f"{n}_{step}" if n else "",
            "type": f"sentence_transformers.models.{step}",
        }
        for n, step in enumerate(_STEPS)
    ]
    (folder / MODULES).write_bytes(orjson.dumps(steps, option=orjson.OPT_INDENT_2))
    for step in steps[1:]:
        (folder / str(step["path"])).mkdir()
    pooling = {
        "word_embedding_dimension": model.json(CONFIG).get("hidden_size", model.json(CONFIG).get("dim")),
        "pooling_mode_cls_token": model.pooling == "cls",
        "pooling_mode_mean_tokens": model.pooling == "mean",
    }
    _write_json(folder / str(steps[1]["path"]) / CONFIG, pooling)


def _write_json(path: Path, content: object) -> None:
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _page(model: Pretrained) -> str:
    """With the licence where hubs look for it: a single word, then all of it."""
    if (model.folder / PAGE).is_file() and not model.told:
        return (model.folder / PAGE).read_text("utf-8", errors="replace")
    word = model.licence.split()[0].rstrip(":").lower()
    source = f"Licence: {model.licence}\n\nsha256 of the weights that this was written from: {model.sha256}"
    return f"---\nlicense: {word}\n---\n\n# {model.name}\n\n{source}\n"
