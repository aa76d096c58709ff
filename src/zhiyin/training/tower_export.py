"""A tower as a folder that others read: the layout of sentence-transformers, and the story of how it came about.

What the served encoder says of it is compared with what torch said before anything is kept.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import orjson
from safetensors.numpy import save_file

from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import DENSE
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.published import CONFIG, TOKENS, WEIGHTS
from zhiyin.endpoints.rewording import Reworded
from zhiyin.errors import BrokenBundle
from zhiyin.files import drafted, flush
from zhiyin.training.tower import Assignment, Tower
from zhiyin.training.tower_judging import Judged

STORY = "tower.json"
ALSO = ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "sentencepiece.bpe.model",
        "config_sentence_transformers.json")  # fmt: skip
CLOSE = 1e-4  # between a number of the served float32 graph and of torch
MOST = 10_000  # towers of one name
ASKED = 32  # texts by which they are compared
_MODULES = (
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
)
_DENSE = (
    {"idx": 3, "name": "3", "path": "3_Dense", "type": "sentence_transformers.models.Dense"},
    {"idx": 4, "name": "4", "path": "4_Normalize", "type": "sentence_transformers.models.Normalize"},
)


def write_tower(towers: Path, asked: Assignment, tower: Tower) -> Path:
    """The folder towers/NAME, or NAME-2 and so on: one that is there may be what reads now, and is never touched.
    The same weights are written once. Raises BrokenBundle if what is served of them would say something else than
    what was learned."""
    with drafted(towers) as draft:
        _write(draft, asked, tower)
        folder = _place(towers / asked.recipe.name, draft)
        if folder.exists():
            return folder
        gap = _gap(draft, asked, tower)
        if not gap <= CLOSE:
            raise BrokenBundle(
                f"the exported model differs from the learned one by {gap:.2g}: the folder was not written; say "
                "so to the makers of this package, and take another tower.method meanwhile"
            )
        _put(draft / STORY, story_of(asked, tower) | {"difference_when_served": gap})
        for path in draft.rglob("*"):
            flush(path)
        draft.chmod(0o755)
        draft.rename(folder)
        flush(towers)
        return folder


def _place(wanted: Path, draft: Path) -> Path:
    """A free one, or the one that has these weights."""
    digest = _sha256(draft / WEIGHTS)
    names = (wanted, *(wanted.with_name(f"{wanted.name}-{number}") for number in range(2, MOST)))
    return next(one for one in names if not one.exists() or _sha256(one / WEIGHTS) == digest)


def _sha256(path: Path) -> str:
    """Nothing where there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def story_of(asked: Assignment, tower: Tower) -> dict[str, object]:
    """From what, on what, how, and what it is worth."""
    return {
        "base": asked.model.name,
        "base_sha256": asked.model.sha256,
        "licence": asked.model.licence,
        "data": asked.digest(),
        "recipe": asked.recipe.told(),
        "tasks": list(tower.tasks),
        "language": asked.language,
        "seed": asked.seed,
        "learning_rate": tower.learning_rate,
        "parameters_learned": tower.n_learned,
        "seconds": round(tower.seconds, 1),
        "told": tower.told,
        "before": figures_of(tower.before),
        "after": figures_of(tower.after),
        "reworded": None if asked.reworded is None else _reworded(asked.reworded),
        "hidden_items": int(asked.past.hidden.sum()),
        "loss": [list(one) for one in tower.curve.steps],
        "judged": [list(one) for one in tower.curve.judged],
    }


def _reworded(found: Reworded) -> dict[str, object]:
    """What was sent, and what came of it; the wordings themselves are texts of the shop."""
    return {
        "items": len(found.wordings),
        "fates": dict(found.fates),
        "characters": found.characters,
        "requests": found.requests,
        "why_it_ended_early": found.why,
    }


def figures_of(judged: Judged | None) -> Mapping[str, float | None]:
    found = {} if judged is None else asdict(judged)
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def _write(draft: Path, asked: Assignment, tower: Tower) -> None:
    model = asked.model
    save_file(tower.weights, draft / WEIGHTS, {"format": "pt"})
    for name in (CONFIG, TOKENS, *ALSO):
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, draft / name)
    _put(draft / "modules.json", [*_MODULES, *(_DENSE if tower.net.dense is not None else ())])
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
    if tower.net.dense is not None:
        _write_dense(draft, tower.weights)
    (draft / "README.md").write_text(_page(asked, tower), "utf-8")


def _write_dense(draft: Path, weights: Mapping[str, Floats]) -> None:
    """Once more where others look for it."""
    layer = {name.removeprefix("dense."): one for name, one in weights.items() if name.startswith(DENSE)}
    for name in ("3_Dense", "4_Normalize"):
        (draft / name).mkdir()
    _put(draft / "4_Normalize" / CONFIG, {})
    save_file(layer, draft / "3_Dense" / WEIGHTS, {"format": "pt"})
    dim = len(layer["linear.bias"])
    told = {"in_features": dim, "out_features": dim, "bias": True}
    _put(draft / "3_Dense" / CONFIG, told | {"activation_function": "torch.nn.modules.linear.Identity"})


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
            "\nIt has keys and values in front of every text (prefix_key, prefix_value in model.safetensors), "
            "which zhiyin reads and sentence-transformers does not.\n"
        )
    reworded = ""
    if asked.reworded is not None:
        said = asked.recipe.back_translation
        reworded = f"\nIt read items in other words, too, as {said.model} at {said.url} had them by "
        reworded += f"{', '.join(said.languages)}: {asked.reworded.told()}.\n"
    return (
        f"---\n{told}base_model: {asked.model.name}\n---\n# {asked.recipe.name}\n\n"
        f"{asked.model.name} (sha256 of its weights {asked.model.sha256}, licence: {asked.model.licence}), "
        f"adapted by {asked.recipe.method} to {', '.join(tower.tasks)}, seed {asked.seed}: {tower.told}."
        f"\n\n{figures}{reworded}{prefix}"
        f"\nAll of how it came about is in {STORY}.\n"
    )


def _gap(draft: Path, asked: Assignment, tower: Tower) -> float:
    """The largest difference of a number between what is served, in float32, and torch."""
    texts = _some([text for text in asked.past.texts if text])
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
        served = LanguageEncoder(find_pretrained(draft.name, draft.parent), Path(cache), "float32")
        said = served.encode(texts)
    tower.net.below = None  # it rounds
    tower.net.tokens.tokenizer.enable_truncation(asked.model.longest)
    learned: Floats = tower.net.encode(texts)
    return float(np.abs(said - learned).max(initial=0.0))


def _some(texts: Sequence[str]) -> list[str]:
    return list(texts[:: max(1, len(texts) // ASKED)][:ASKED])


def _put(path: Path, what: object) -> None:
    path.write_bytes(orjson.dumps(what, option=orjson.OPT_INDENT_2) + b"\n")
