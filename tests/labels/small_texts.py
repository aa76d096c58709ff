"""Texts of made-up subjects, with words of their own and words that all have."""

from __future__ import annotations

import numpy as np

from zhiyin.labels.examples import Example, Labelled, prepare
from zhiyin.labels.fitting import Fitted, Way, fit
from zhiyin.labels.model import GRAMS, LabelModel, grams_of, read_texts
from zhiyin.testing.encoders import HashEncoder

SUBJECTS = {
    "garden": "spade rake seed pot hose lawn fern soil",
    "kitchen": "knife pan whisk bowl oven kettle plate spoon",
    "music": "piano violin drum flute harp cello guitar song",
    "sea": "boat sail anchor harbour wave tide reef shell",
    "sky": "cloud star moon comet sun rain wind snow",
    "winter": "ski sledge ice frost scarf mitten skate fire",
}
COMMON = ["the", "a", "of", "for", "with", "and", "I", "want", "my", "new", "old", "where", "is", "can", "you"]


def texts_of(n_each: int, seed: int = 0, subjects: tuple[str, ...] = tuple(SUBJECTS)) -> list[Example]:
    """Five words each, two or three of them of the subject."""
    rng = np.random.default_rng(seed)
    found = []
    for subject in subjects:
        for _ in range(n_each):
            own = rng.choice(SUBJECTS[subject].split(), int(rng.integers(2, 4)), replace=False)
            words = [*own, *rng.choice(COMMON, 3)]
            found.append(Example(" ".join(rng.permutation(words).tolist()), (subject,)))
    return found


def learned(data: Labelled, seed: int = 0) -> tuple[LabelModel, Fitted]:
    """A model of hashed words and of pieces of words."""
    grams, readers = grams_of(data.texts, len(data.names)), {"hash": HashEncoder()}
    fitted = fit(data, read_texts(data.texts, readers, grams), Way(seed))
    kept = grams if GRAMS in fitted.classifier.views else None
    return LabelModel(fitted.classifier, kept, readers, "f" * 64), fitted


def model_of(n_each: int = 12, seed: int = 0) -> LabelModel:
    return learned(prepare(texts_of(n_each, seed)), seed)[0]
