"""Texts that nobody labelled: learned from where that helps, left alone where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from small_texts import COMMON, SUBJECTS, texts_of

from zhiyin.labels.examples import prepare
from zhiyin.labels.fitting import Fitted, Way, fit
from zhiyin.labels.model import GRAMS, LabelModel, grams_of, read_texts
from zhiyin.labels.unlabelled import FEW, SURE, Pool, _counted, sure_from
from zhiyin.testing.encoders import HashEncoder

KNOWN = tuple(SUBJECTS)[:3]


def learned(n_each: int, more: list[str]) -> tuple[LabelModel, Fitted]:
    data, readers = prepare(texts_of(n_each, 0, KNOWN)), {"hash": HashEncoder()}
    grams = grams_of(data.texts, len(data.names))
    fitted = fit(data, read_texts(data.texts, readers, grams), Way(), more=read_texts(more, readers, grams))
    return LabelModel(fitted.classifier, grams if GRAMS in fitted.classifier.views else None, readers, ""), fitted


def right(model: LabelModel) -> float:
    asked = texts_of(60, 9, KNOWN)
    said = model.say([one.text for one in asked]).probabilities.argmax(axis=1).tolist()
    return float(np.mean([model.classifier.names[n] == one.labels[0] for n, one in zip(said, asked, strict=True)]))


@pytest.mark.slow
def test_few_examples_and_many_texts_tell_more_than_the_examples_alone() -> None:
    plain, _ = learned(12, ["the"])
    model, fitted = learned(12, [one.text for one in texts_of(60, 5, KNOWN)])
    gained = fitted.gained
    assert gained is not None
    assert 0 < gained.n_sure <= gained.n_texts == 180
    assert gained.after < gained.before
    assert right(model) >= right(plain)
    assert f"of {gained.n_texts:,} texts without labels" in gained.sentence()


@pytest.mark.slow
def test_texts_of_other_subjects_are_not_taken_for_known_ones() -> None:
    rng = np.random.default_rng(0)
    strange = [" ".join(rng.choice([*SUBJECTS["winter"].split(), *COMMON], 4)) for _ in range(60)]
    plain, _ = learned(12, ["the"])
    model, fitted = learned(12, strange)
    assert fitted.gained is not None
    assert fitted.gained.after <= fitted.gained.before
    assert right(model) >= right(plain) - 0.05


@pytest.mark.slow
def test_what_does_not_help_leaves_the_heads_as_they_were() -> None:
    data, readers = prepare(texts_of(12, 0, KNOWN)), {"hash": HashEncoder()}
    grams = grams_of(data.texts, len(data.names))
    alone = fit(data, read_texts(data.texts, readers, grams), Way())
    _, fitted = learned(12, ["zzz"])
    assert alone.gained is None
    assert fitted.gained is not None
    assert fitted.gained.counts == 0
    assert "nothing was learned" in fitted.gained.sentence()
    for one, other in zip(alone.classifier.parts, fitted.classifier.parts, strict=True):
        assert (one.head.arrays()["weights"] == other.head.arrays()["weights"]).all()


@pytest.mark.parametrize("wrong", [0, 1, 10])
def test_sure_is_from_where_enough_of_the_held_out_examples_are_right(wrong: int) -> None:
    """100 examples, surer and surer; `wrong` of the 50 least sure are told wrong."""
    scores = np.zeros((100, 2), np.float32)
    scores[:, 0] = np.linspace(0.1, 5, 100)
    truth = np.eye(2, dtype=np.float32)[(np.arange(100) < wrong).astype(int)]
    least = sure_from(Pool((), np.ones(1), (scores,)), truth)
    assert least is not None
    sure = 1 / (1 + np.exp(-scores[:, 0]))
    told = sure >= least - 1e-6
    assert truth[told, 0].mean() >= SURE
    assert told.sum() == (100 if wrong <= 5 else int(90 / SURE))


def test_of_too_few_sure_ones_nothing_is_sure() -> None:
    scores = np.zeros((FEW + 10, 2), np.float32)
    scores[:, 0] = np.linspace(5, 0.1, FEW + 10)
    truth = np.eye(2, dtype=np.float32)[(np.arange(FEW + 10) >= FEW - 2).astype(int)]
    assert sure_from(Pool((), np.ones(1), (scores,)), truth) is None


def test_texts_of_a_label_count_together_as_its_examples_and_each_no_more_than_one() -> None:
    truth = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    labels = np.array([0] * 30 + [1], np.int32)
    counted = _counted(labels, truth, 2.0)
    assert counted.sum(axis=0) == pytest.approx([2.0 * 3, 1.0])
    assert counted.max() == 1.0
    assert (counted.argmax(axis=1) == labels).all()
