"""A cross-encoder as a folder: what transformers reads (of BERT itself), and the served graph says the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import orjson
from safetensors.numpy import save_file

from zhiyin.encoders.cross import CrossEncoder
from zhiyin.encoders.pretrained import Pretrained, find_pretrained
from zhiyin.encoders.published import CONFIG, SENTENCE_CONFIG, TOKENS, WEIGHTS
from zhiyin.errors import BrokenBundle
from zhiyin.training.cross import Cross, Lesson
from zhiyin.training.cross_groups import BETWEEN
from zhiyin.training.cross_net import model_places
from zhiyin.training.tower_export import ALSO, figures_of

CLOSE = 1e-4  # between a number of the served float32 graph and of torch, where numbers are about 1
ASKED = 24  # pairs by which they are compared


def write_cross(draft: Path, lesson: Lesson, cross: Cross) -> Pretrained:
    """The model into an empty folder: it has no story yet, so nobody serves it. Raises BrokenBundle if what is
    served of it would say something else than what was learned."""
    model, longest = lesson.asked.model, min(lesson.recipe.longest, model_places(lesson.asked.model))
    save_file(cross.weights, draft / WEIGHTS, {"format": "pt"})
    config = dict(model.config) | {"num_labels": 1, "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    if config.get("model_type") == "bert":
        config["architectures"] = ["BertForSequenceClassification"]
    _put(draft / CONFIG, config)
    shutil.copyfile(model.tokens, draft / TOKENS)
    for name in ALSO:
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, draft / name)
    _put(draft / SENTENCE_CONFIG, {"max_seq_length": longest, "do_lower_case": False})
    licence = model.licence.split()[0].rstrip(":")
    told = f"license: {licence.lower()}\n" if licence != "unknown" else ""
    (draft / "README.md").write_text(
        f"---\n{told}base_model: {model.name}\n---\n# {lesson.recipe.name}\n\nA cross-encoder from {model.name} "
        f"(sha256 of its weights {model.sha256}, licence: {model.licence}): {cross.told}.\n",
        "utf-8",
    )
    written = find_pretrained(draft.name, draft.parent)
    gap = gap_of(written, lesson, cross)
    if not gap <= CLOSE:
        raise BrokenBundle(
            f"the exported model differs from the learned one by {gap:.2g}: the folder was not written; say so to "
            "the makers of this package, and take another cross.method meanwhile"
        )
    return written


def story_of(lesson: Lesson, cross: Cross) -> dict[str, object]:
    """From what, on what, how."""
    asked = lesson.asked
    return {
        "base": asked.model.name,
        "base_sha256": asked.model.sha256,
        "licence": asked.model.licence,
        "data": asked.digest(),
        "recipe": lesson.recipe.model_dump(mode="json"),
        "tasks": list(cross.tasks),
        "seed": asked.seed,
        "learning_rate": cross.learning_rate,
        "parameters_learned": cross.n_learned,
        "seconds": round(cross.seconds, 1),
        "told": cross.told,
        "before": figures_of(cross.before),
        "after": figures_of(cross.after),
        "hidden_items": int(asked.past.hidden.sum()),
        "loss": [list(one) for one in cross.curve.steps],
        "judged": [list(one) for one in cross.curve.judged],
    }


def gap_of(written: Pretrained, lesson: Lesson, cross: Cross) -> float:
    """The largest difference of a number between what is served, in float32, and torch."""
    texts = [text for text in lesson.asked.past.texts if text]
    some = texts[:: max(1, len(texts) // ASKED)][:ASKED]
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
        served = CrossEncoder(written, Path(cache), "float32").score(some[0], some)
    learned = cross.net.cpu().scores([f"{some[0]}{BETWEEN}{text}" for text in some])
    return float(np.abs(served - learned).max(initial=0.0))


def _put(path: Path, what: object) -> None:
    path.write_bytes(orjson.dumps(what, option=orjson.OPT_INDENT_2) + b"\n")
