"""Meaning and quality by hand."""

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.encoders.base import encode_items
from zhiyin.models.base import Run, history_batch
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.quality import QualityRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import SILENT, small_catalogue, small_dataset
from zhiyin.types import Event, Item

ENCODER = HashEncoder()
RUN = Run(ENCODER)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_score_is_the_cosine_of_centred_texts() -> None:
    data = small_dataset()
    model = MeaningRecipe(recency=0.5).fit(data, RUN)
    read = encode_items(ENCODER, data.catalogue)
    told = np.linalg.norm(read, axis=1) > 0
    centred = read - read[told].mean(axis=0)
    first, second, other = np.flatnonzero(told)[[0, 5, 9]]
    unit = [centred[row] / np.linalg.norm(centred[row]) for row in (first, second)]
    profile = 0.5 * 1.0 * unit[0] - 1.0 * unit[1]  # the older one counts half, the newer one was disliked
    score = model.score(history_batch([first, second], [1.0, -1.0], [1.0, 0.0]))[0, other]
    assert score == pytest.approx(cosine(profile, centred[other]), abs=1e-5)


def test_an_item_without_text_is_near_nothing() -> None:
    data = small_dataset()
    model = MeaningRecipe().fit(data, RUN)
    silent = data.items.row(SILENT)
    assert not model.vectors[silent].any()
    assert not model.score(history_batch([silent], [1.0], [0.0])).any()


def test_a_typed_text_is_near_what_says_the_same() -> None:
    data = small_dataset()
    model = MeaningRecipe().fit(data, RUN)
    row = data.items.row("music/violin")
    wish = history_batch([], [], [], "violin")
    assert model.scorer(wish).retrieve(3)[0] == row
    assert not model.scorer(wish).why(np.array([row])).any()


def test_recency_is_off_where_there_is_no_order() -> None:
    assert MeaningRecipe(recency=0.5).fit(small_dataset(timed=False), RUN).recency == 1.0


def test_reworded_items_are_where_their_new_words_are() -> None:
    data = small_dataset()
    model = MeaningRecipe().fit(data, RUN)
    rows = np.array([data.items.row("music/violin")], np.int32)
    again = model.reworded(rows, encode_items(ENCODER, [small_catalogue()[2]]))
    twin = data.items.row(small_catalogue()[2].item_id)
    assert again.vectors[rows[0]] == pytest.approx(again.vectors[twin], abs=1e-6)
    untouched = np.arange(len(data.items)) != rows[0]
    assert np.array_equal(again.vectors[untouched], model.vectors[untouched])


@pytest.mark.parametrize("texts", [[], [""], ["alone"], ["same", "same"]])
def test_catalogues_too_small_to_centre_have_finite_scores(texts: list[str]) -> None:
    data = build_dataset([Item(f"{n}", text) for n, text in enumerate(texts)], ())
    model = MeaningRecipe().fit(data, RUN)
    assert np.isfinite(model.vectors).all()
    assert model.vectors.shape == (len(texts), ENCODER.dim)


def rated(*marks: tuple[str, float]) -> Dataset:
    events = [Event(f"u{n}", item, "rating", value=value, order=n) for n, (item, value) in enumerate(marks)]
    return build_dataset([Item(name, f"text {name}") for name in "abc"], events)


def test_few_ratings_shrink_towards_the_mean_of_all() -> None:
    data = rated(("a", 5.0), ("a", 5.0), ("b", 1.0), ("b", 3.0))  # marks 1, 1, 0, .5: mean .625
    model = QualityRecipe(prior=2.0).fit(data, RUN, MeaningRecipe().fit(data, RUN))
    standing = model.standing[data.items.rows("abc")]
    assert standing == pytest.approx([(2 + 2 * 0.625) / 4, (0.5 + 2 * 0.625) / 4, 0.625])
    assert model.usual == pytest.approx(0.625)


def test_without_ratings_the_share_of_yes_takes_their_place() -> None:
    events = [
        Event("u", "a", "like", order=0),
        Event("u", "a", "hide", order=1),
        Event("v", "b", "click", order=2),
    ]
    data = build_dataset([Item("a"), Item("b")], [*events, Event("v", "b", "impression", order=3)])
    model = QualityRecipe(prior=1.0).fit(data, RUN, MeaningRecipe().fit(data, RUN))
    usual = 2 / 3
    assert model.standing[data.items.rows("ab")] == pytest.approx([(1 + usual) / 3, (1 + usual) / 2])


def test_equal_ratings_and_none_at_all_give_a_finite_standing() -> None:
    for data in (rated(("a", 4.0), ("b", 4.0)), build_dataset([Item("a")], [Event("u", "a", "impression")])):
        model = QualityRecipe().fit(data, RUN, MeaningRecipe().fit(data, RUN))
        assert ((model.standing >= 0) & (model.standing <= 1)).all()
        assert not model.speaks, "nothing is better than anything else"
    data = rated(("a", 5.0), ("b", 1.0))
    assert QualityRecipe().fit(data, RUN, MeaningRecipe().fit(data, RUN)).speaks


def test_quality_is_nearness_times_standing() -> None:
    data = small_dataset()
    meaning = MeaningRecipe().fit(data, RUN)
    model = QualityRecipe().fit(data, RUN, meaning)
    asker = history_batch([3, 7], [1.0, 1.0], [0.0, 0.0])
    assert model.score(asker) == pytest.approx(meaning.score(asker) * model.standing[None, :])
