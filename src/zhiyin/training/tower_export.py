"""A tower as a folder that others can read: the layout of sentence-transformers, and the story of how it came about.

What the served encoder says of it is compared with what torch said before anything is kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import orjson
from safetensors.numpy import save_file

from zhiyin.data.dataset import Floats
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import CONFIG, TOKENS, WEIGHTS, find_pretrained
from zhiyin.errors import BrokenBundle
from zhiyin.files import flush
from zhiyin.training.tower import Assignment, Tower
from zhiyin.training.tower_judging import Judged

STORY = "tower.json"
ALSO = ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "sentencepiece.bpe.model",
        "config_sentence_transformers.json")  # fmt: skip
CLOSE = 1e-4  # between a number of the served float32 graph and of torch
ASKED = 32  # texts by which they are compared
_MODULES = (
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
)


def write_tower(towers: Path, asked: Assignment, tower: Tower) -> Path:
    """The folder towers/NAME, in place of one of that name. Raises BrokenBundle if what is served of it would say
    something else than what was learned."""
    towers.mkdir(parents=True, exist_ok=True)
    folder = towers / asked.recipe.name
    draft = Path(tempfile.mkdtemp(prefix=f".{asked.recipe.name}-", dir=towers))
    try:
        _write(draft, asked, tower)
        gap = _gap(draft, asked, tower)
        if not gap <= CLOSE:
            raise BrokenBundle(
                f"the exported model differs from the learned one by {gap:.2g}: the folder was not written; say so "
                "to the makers of this package, and take another tower.method meanwhile"
            )
        _put(draft / STORY, story_of(asked, tower) | {"difference_when_served": gap})
        for path in draft.rglob("*"):
            flush(path)
        _replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def story_of(asked: Assignment, tower: Tower) -> dict[str, object]:
    """From what, on what, how, and what it is worth."""
    return {
        "base": asked.model.name,
        "base_sha256": asked.model.sha256,
        "licence": asked.model.licence,
        "data": asked.digest(),
        "recipe": asked.recipe.model_dump(mode="json"),
        "tasks": list(tower.tasks),
        "language": asked.language,
        "seed": asked.seed,
        "learning_rate": tower.learning_rate,
        "parameters_learned": tower.n_learned,
        "seconds": round(tower.seconds, 1),
        "told": tower.told,
        "before": _figures(tower.before),
        "after": _figures(tower.after),
        "hidden_items": int(asked.past.hidden.sum()),
        "loss": [list(one) for one in tower.curve.steps],
        "judged": [list(one) for one in tower.curve.judged],
    }


def _figures(judged: Judged | None) -> Mapping[str, float | None]:
    found = {} if judged is None else asdict(judged)
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def _write(draft: Path, asked: Assignment, tower: Tower) -> None:
    model = asked.model
    save_file(tower.weights, draft / WEIGHTS, {"format": "pt"})
    for name in (CONFIG, TOKENS, *ALSO):
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, draft / name)
    _put(draft / "modules.json", list(_MODULES))
    _put(draft / "sentence_bert_config.json", {"max_seq_length": model.longest, "do_lower_case": False})
    pooling = draft / "1_Pooling"
    pooling.mkdir()
    _put(
        pooling / CONFIG,
        {
            "word_embedding_dimension": int(tower.net.words.shape[1]),
            "pooling_mode_cls_token": model.pooling == "cls",
            "pooling_mode_mean_tokens": model.pooling == "mean",
        },
    )
    (draft / "2_Normalize").mkdir()
    _put(draft / "2_Normalize" / CONFIG, {})
    (draft / "README.md").write_text(_page(asked, tower), "utf-8")


def _page(asked: Assignment, tower: Tower) -> str:
    licence = asked.model.licence.split()[0].rstrip(":")
    told = f"license: {licence.lower()}\n" if licence != "unknown" else ""
    before, after = tower.before, tower.after
    figures = "Nobody could be asked how good it is.\n"
    if before is not None and after is not None:
        figures = (
            "Ranking by texts alone, NDCG@10 of what held-out people took next, before and after: "
            f"{before.ndcg:.4f} and {after.ndcg:.4f}; of items that it learned nothing of: "
            f"{before.ndcg_hidden:.4f} and {after.ndcg_hidden:.4f}.\n"
        )
    prefix = ""
    if asked.recipe.method == "prefix":
        prefix = (
            "\nIt has keys and values in front of every text (prefix_key, prefix_value in model.safetensors), which "
            "zhiyin reads and sentence-transformers does not.\n"
        )
    return (
        f"---\n{told}base_model: {asked.model.name}\n---\n# {asked.recipe.name}\n\n"
        f"{asked.model.name} (sha256 of its weights {asked.model.sha256}, licence: {asked.model.licence}), adapted "
        f"by {asked.recipe.method} to {', '.join(tower.tasks)}, seed {asked.seed}: {tower.told}.\n\n{figures}{prefix}"
        f"\nAll of how it came about is in {STORY}.\n"
    )


def _gap(draft: Path, asked: Assignment, tower: Tower) -> float:
    """The largest difference of a number between what is served, in float32, and torch."""
    texts = _some([text for text in asked.past.texts if text])
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
        served = LanguageEncoder(find_pretrained(draft.name, draft.parent), Path(cache), "float32")
        said = served.encode(texts)
    tower.net.tokens.tokenizer.enable_truncation(asked.model.longest)
    learned: Floats = tower.net.encode(texts)
    return float(np.abs(said - learned).max(initial=0.0))


def _some(texts: Sequence[str]) -> list[str]:
    return list(texts[:: max(1, len(texts) // ASKED)][:ASKED])


def _replace(draft: Path, folder: Path) -> None:
    """The new in the place of the old; a kill between the two leaves the old beside it."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    draft.chmod(0o755)
    os.replace(draft, folder)
    flush(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _put(path: Path, what: object) -> None:
    path.write_bytes(orjson.dumps(what, option=orjson.OPT_INDENT_2) + b"\n")
