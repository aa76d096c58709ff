"""A classifier that was written and read again says the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_texts import learned, texts_of

from zhiyin.errors import BrokenBundle
from zhiyin.labels.examples import prepare
from zhiyin.labels.isotonic import Curve
from zhiyin.labels.keeping import load_classifier, save_classifier
from zhiyin.labels.linear import Linear
from zhiyin.labels.model import LabelModel
from zhiyin.labels.perceptron import Perceptron

pytestmark = pytest.mark.slow


def test_what_is_read_again_says_the_same(tmp_path: Path) -> None:
    model, _ = learned(prepare(texts_of(10)))
    page = save_classifier(tmp_path / "head.safetensors", model.classifier, model.grams)
    again = LabelModel(*load_classifier(tmp_path / "head.safetensors", page), model.encoders, model.digest)
    texts = [one.text for one in texts_of(5, 3)]
    assert (again.say(texts).probabilities == model.say(texts).probabilities).all()
    assert again.answers(texts) == model.answers(texts)


def test_a_head_that_bends_and_a_curve_are_kept(tmp_path: Path) -> None:
    model, _ = learned(prepare(texts_of(10)))
    rng = np.random.default_rng(0)
    part = model.classifier.parts[0]
    dim, n_labels = part.head.arrays()["weights"].shape
    inner = Linear(rng.normal(size=(dim, 3)).astype(np.float32), np.ones(3, np.float32))
    head = Perceptron(Linear(*part.head.arrays().values()), inner, np.ones((3, n_labels), np.float32))
    curve = Curve(np.array([0.1, 0.3]), np.array([0.2, 0.7]))
    parts = (replace(part, kind="perceptron", head=head), *model.classifier.parts[1:])
    bent = replace(model, classifier=replace(model.classifier, parts=parts, curve=curve))
    page = save_classifier(tmp_path / "head.safetensors", bent.classifier, bent.grams)
    again = LabelModel(*load_classifier(tmp_path / "head.safetensors", page), model.encoders, model.digest)
    texts = [one.text for one in texts_of(5, 3)]
    assert (again.say(texts).probabilities == bent.say(texts).probabilities).all()
    assert (again.say(texts).probabilities != model.say(texts).probabilities).any()


def test_arrays_that_do_not_fit_the_page_are_refused(tmp_path: Path) -> None:
    model, _ = learned(prepare(texts_of(6)))
    path = tmp_path / "head.safetensors"
    page = save_classifier(path, model.classifier, model.grams)
    with pytest.raises(BrokenBundle, match="zhiyin label train"):
        load_classifier(path, {**page, "parts": [*page["parts"], page["parts"][0]]})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BrokenBundle, match="cannot be read"):
        load_classifier(path, page)
