"""The whole of learning: what is chosen, how sure it is, and what is unknown."""

import numpy as np
import pytest
from small_texts import SUBJECTS, learned, texts_of

from zhiyin.errors import InvalidData
from zhiyin.labels.choosing import NEVER, stratified
from zhiyin.labels.examples import Example, prepare
from zhiyin.labels.fitting import best_bound
from zhiyin.labels.pool import pool_weights, pooled
from zhiyin.labels.report import report
from zhiyin.metrics.classes import auroc


@pytest.mark.slow
def test_texts_that_were_not_learned_from_are_told() -> None:
    model, fitted = learned(prepare(texts_of(20)))
    asked = texts_of(10, seed=9)
    said = model.answers([one.text for one in asked])
    right = [one.labels == answer.near[0][:1] for one, answer in zip(asked, said, strict=True)]
    assert np.mean(right) > 0.9
    assert {part.view for part in fitted.classifier.parts} <= {"hash", "grams"}


@pytest.mark.slow
def test_probabilities_are_what_they_say() -> None:
    data = prepare(texts_of(30))
    _, fitted = learned(data)
    found = report(fitted.classifier, fitted.held_out, data.truth[fitted.checked])
    assert found.calibration_error < 0.1
    assert found.accuracy > 0.9
    assert found.missed == pytest.approx(0.05, abs=0.02)
    assert sum(one.support for one in found.labels) == 180


@pytest.mark.slow
def test_a_subject_nobody_heard_of_looks_stranger_than_a_known_one() -> None:
    known = tuple(SUBJECTS)[:5]
    model, fitted = learned(prepare(texts_of(20, subjects=known)))
    ours = model.say([one.text for one in texts_of(20, 5, known)])
    others = model.say([one.text for one in texts_of(20, 5, ("winter",))])
    assert fitted.classifier.gate.auroc is not None
    assert auroc(ours.known, others.known) > 0.8
    assert ours.unknown.mean() < 0.25 < others.unknown.mean()


@pytest.mark.slow
def test_an_empty_text_is_unknown() -> None:
    model, _ = learned(prepare(texts_of(8)))
    (answer,) = model.answers([" \n"])
    assert answer.unknown
    assert answer.labels == ()


@pytest.mark.slow
def test_the_only_example_of_a_label_is_learned_from_and_never_asked() -> None:
    data = prepare([*texts_of(8), Example("zeppelin zeppelin zeppelin", ("single",))])
    folds = stratified(data.truth, np.random.default_rng(0))
    assert folds[data.texts.index("zeppelin zeppelin zeppelin")] == NEVER
    model, fitted = learned(data)
    assert len(fitted.checked) == len(data.texts) - 1
    assert model.answers(["zeppelin zeppelin zeppelin"])[0].near[0][0] == "single"


def test_folds_hold_each_label_evenly() -> None:
    data = prepare(texts_of(10))
    folds = stratified(data.truth, np.random.default_rng(0))
    for label in range(len(data.names)):
        assert np.bincount(folds[data.truth[:, label] > 0], minlength=5).tolist() == [2] * 5


@pytest.mark.slow
def test_labels_that_stand_alone_are_told_together() -> None:
    garden, sea = texts_of(25, 1, ("garden",)), texts_of(25, 1, ("sea",))
    both = [Example(f"{one.text} {other.text}", ("garden", "sea")) for one, other in zip(garden, sea, strict=True)]
    neither = [Example(one.text, ()) for one in texts_of(25, 1, ("sky",))]
    model, _ = learned(prepare([*garden, *sea, *both, *neither]))
    said = model.say(["spade rake seed soil boat sail anchor tide", "cloud star moon of the"])
    assert (said.probabilities > 0.5).tolist() == [[True, True], [False, False]]


def test_the_bound_of_labels_that_stand_alone_is_that_of_the_largest_f1() -> None:
    said = np.array([[0.9, 0.4], [0.3, 0.2]])
    assert best_bound(said, np.array([[True, True], [False, False]])) == 0.4
    assert best_bound(said, np.array([[True, False], [False, False]])) == 0.9


@pytest.mark.slow
def test_hundreds_of_labels_can_be_learned() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 7)) for _ in range(400)]
    data = prepare(Example(f"{word} {end}", (word,)) for word in words for end in ("one", "two", "three"))
    model, _ = learned(data)
    assert len(model.classifier.names) == 400
    said = model.say([f"{word} two" for word in words[:50]])
    assert (
        np.mean([data.names[n] == word for n, word in zip(said.probabilities.argmax(1), words, strict=False)])
        > 0.9
    )


def test_two_texts_of_two_labels_are_too_few_to_check_and_it_is_said() -> None:
    with pytest.raises(InvalidData, match="nothing can be held out"):
        learned(prepare([Example("one", ("a",)), Example("two", ("b",))]))


def test_a_head_that_knows_nothing_gets_no_weight() -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(3, dtype=np.float32)[np.arange(90) % 3]
    knows = (truth * 3 + rng.normal(size=truth.shape)).astype(np.float32)
    weights = pool_weights([knows, rng.normal(size=truth.shape).astype(np.float32)], truth, multi=False)
    assert weights[0] > 0.5
    assert weights[1] == 0.0


def test_a_head_that_adds_next_to_nothing_is_left_out() -> None:
    rng = np.random.default_rng(3)
    truth = np.eye(3, dtype=np.float32)[np.arange(600) % 3]
    knows = (truth * 3 + rng.normal(size=truth.shape)).astype(np.float32)
    hardly = (truth * 0.15 + rng.normal(size=truth.shape) * 4).astype(np.float32)
    weights = pool_weights([knows, hardly], truth, multi=False)
    assert weights[0] > 3
    assert weights[1] == 0.0


def test_pooled_scores_are_the_weighted_sum_of_log_probabilities() -> None:
    one = np.log(np.array([[0.5, 0.5]], np.float32))
    other = np.log(np.array([[0.9, 0.1]], np.float32))
    assert pooled([one, other], np.array([1.0, 2.0]), multi=False) == pytest.approx(one + 2 * other)
