"""A classifier that was written and read again says the same."""

from pathlib import Path

import pytest
from small_texts import learned, texts_of

from zhiyin.errors import BrokenBundle
from zhiyin.labels.examples import prepare
from zhiyin.labels.keeping import load_classifier, save_classifier
from zhiyin.labels.model import LabelModel


def test_what_is_read_again_says_the_same(tmp_path: Path) -> None:
    model, _ = learned(prepare(texts_of(10)))
    page = save_classifier(tmp_path / "head.safetensors", model.classifier, model.grams)
    again = LabelModel(*load_classifier(tmp_path / "head.safetensors", page), model.encoders, model.digest)
    texts = [one.text for one in texts_of(5, 3)]
    assert (again.say(texts).probabilities == model.say(texts).probabilities).all()
    assert again.answers(texts) == model.answers(texts)


def test_arrays_that_do_not_fit_the_page_are_refused(tmp_path: Path) -> None:
    model, _ = learned(prepare(texts_of(6)))
    path = tmp_path / "head.safetensors"
    page = save_classifier(path, model.classifier, model.grams)
    with pytest.raises(BrokenBundle, match="zhiyin label train"):
        load_classifier(path, {**page, "parts": [*page["parts"], page["parts"][0]]})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BrokenBundle, match="cannot be read"):
        load_classifier(path, page)
