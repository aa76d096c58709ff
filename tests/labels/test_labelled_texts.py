"""What is made of labelled texts before anything is learned from them."""

import pytest

from zhiyin.errors import InvalidData
from zhiyin.labels.examples import MAX_LABEL, Example, prepare


def of(*pairs: tuple[str, str]) -> list[Example]:
    return [Example(text, (label,)) for text, label in pairs]


TWO = of(("one", "a"), ("two", "b"))


def test_a_text_counts_once_and_labels_are_sorted() -> None:
    data = prepare([*of((" two ", "b"), ("one", "a"), ("two", "b"))])
    assert data.texts == ("two", "one")
    assert data.names == ("a", "b")
    assert data.truth.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert not data.multi


def test_of_contradicting_labels_the_most_frequent_is_taken_and_it_is_told() -> None:
    data = prepare([*TWO, *of(("odd", "a"), ("odd", "a"), ("odd", "b"))])
    assert data.truth[data.texts.index("odd")].tolist() == [1.0, 0.0]
    assert any("contradicting labels: the most frequent" in note and "'odd'" in note for note in data.notes)


def test_a_text_whose_labels_contradict_each_other_evenly_is_left_out_and_told() -> None:
    data = prepare([*TWO, *of(("odd", "a"), ("odd", "b"))])
    assert "odd" not in data.texts
    assert any("each as often: left out" in note for note in data.notes)


def test_empty_texts_are_left_out_and_counted() -> None:
    data = prepare([*TWO, *of(("", "a"), (" \n", "b"), ("text", " "))])
    assert data.texts == ("one", "two")
    assert any(note.startswith("3 rows have no text or no label") for note in data.notes)


def test_a_label_with_one_example_is_told() -> None:
    notes = prepare([*of(*((f"text {n}", "a") for n in range(9))), *of(("single", "b"))]).notes
    assert any("1 labels have one example (b)" in note for note in notes)


def test_long_texts_are_told() -> None:
    data = prepare([*TWO, *of(("long " * 20_000, "a"))])
    assert any("longer than 1,000 characters" in note for note in data.notes)


def test_several_labels_of_one_text_stand_alone_and_may_be_none() -> None:
    data = prepare([Example("both", ("a", "b")), Example("none", ()), Example("both", ("c",))])
    assert data.multi
    assert data.truth.tolist() == [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        ([], "no row has a text and a label"),
        (of(("one", "a"), ("two", "a")), "every text has the label 'a'"),
        (of(*((f"text {n}", f"label {n}") for n in range(50))), "is the column of labels an id"),
        (of(("a", "x" * (MAX_LABEL + 1)), ("b", "y")), "columns of texts and labels swapped"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_the_cure(examples: list[Example], told: str) -> None:
    with pytest.raises(InvalidData, match=told):
        prepare(examples)
