"""`zhiyin label train --tower`: the language model learns the labels itself, and then reads for the head."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from zhiyin._extras import need
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.errors import InvalidData
from zhiyin.labels.choosing import stratified
from zhiyin.labels.examples import Labelled
from zhiyin.recipe import TORCH
from zhiyin.shop import LABELS, OUR_OWN, Zhiyin

TOWERS = "towers"  # within the folder of a label model
ENOUGH = 50  # examples, without which a whole net learns nothing that holds


@dataclass(frozen=True, slots=True)
class Taught:
    """The name of the encoder that came of it, what may judge it, and how it went, in words."""

    view: str
    held: Rows
    note: str


def teach(shop: Zhiyin, name: str, tower: str, data: Labelled, seed: int, minutes: float) -> Taught:
    """Teach `tower` (as `encoder.model` names it) on four fifths of the examples; the rest judges. The same
    examples, model and seed are taught once.

    Raises MissingExtra before anything is read, InvalidData for what cannot be taught.
    """
    need("torch", extra="train", also=TORCH)
    from zhiyin.training.labelling import Lesson, teach_tower  # noqa: PLC0415  # torch is there

    if tower == OUR_OWN:
        raise InvalidData("use cannot be taught: name a model of the BERT family, such as --tower minilm")
    if len(data.texts) < ENOUGH:
        raise InvalidData(
            f"{len(data.texts)} examples are too few to teach a net: bring {ENOUGH}, or go without --tower"
        )
    model = find_pretrained(tower, shop.settings.folder)
    folds = stratified(data.truth, np.random.default_rng(seed))
    held = np.flatnonzero(folds == 0).astype(np.int32)
    told = f"{model.fingerprint} {seed}".encode() + "\n".join(data.texts).encode() + data.truth.tobytes()
    digest = hashlib.sha256(told).hexdigest()[:16]
    view = f"{LABELS}/{name}/{TOWERS}/{digest}"
    target = shop.settings.path(view)
    if target.is_dir():
        return Taught(view, held, f"{tower} was taught on these examples before: read as it is")
    target.parent.mkdir(parents=True, exist_ok=True)
    lesson = Lesson(seed=seed, minutes=minutes)
    found = teach_tower(model, data, held, target, lesson, shop.progress)
    return Taught(
        view,
        held,
        f"{tower} taught on {len(data.texts) - len(held):,} texts in {found.seconds:.0f} s: loss of the held-out "
        f"{len(held):,} from {found.before:.3f} to {found.after:.3f} after epoch {found.epoch} ({found.stopped})",
    )
