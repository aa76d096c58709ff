"""Vectors of the items' own: alike by them, and no worse off without one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Dataset, Floats, build_dataset
from zhiyin.models.base import Arrivals, Run, history_batch
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.vectors import NEAREST, Vectors, VectorsRecipe, named
from zhiyin.models.words import WordsRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import THEMES, small_pictures
from zhiyin.types import Item

RUN = Run(HashEncoder())
CROSS = {"east": (2.0, 0.0), "north": (0.0, 1.0), "west": (-3.0, 0.0), "south": (0.0, -0.5)}
subsets = st.sets(st.integers(0, 24), max_size=20)


def fitted(items: list[Item], recipe: VectorsRecipe | None = None) -> dict[str, Vectors]:
    data = build_dataset(items, [])
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    return (recipe or VectorsRecipe()).fit(data, RUN, words, meaning)


def cross() -> list[Item]:
    return [Item(name, f"towards the {name}", vectors={"v": vector}) for name, vector in CROSS.items()]


def names_of(items: list[Item]) -> Dataset:
    return build_dataset(items, [])


def scores_of(model: Vectors, items: list[Item], *liked: str) -> dict[str, float]:
    """By item id, of somebody who likes these."""
    rows = names_of(items).items
    asker = history_batch(rows.rows(liked).tolist(), [1.0] * len(liked), [0.0] * len(liked))
    scores = model.score(asker)[0]
    return {item.item_id: float(scores[rows.row(item.item_id)]) for item in items}


def test_the_score_is_the_cosine_to_the_mean_of_what_was_liked() -> None:
    items = cross()
    model = fitted(items, VectorsRecipe(recency=1.0))["vector_v"]
    east, north = 1.0, 0.0  # the mean of unit vectors towards all four is zero, so nothing is moved
    assert scores_of(model, items, "east") == pytest.approx(
        {"east": east, "north": north, "west": -east, "south": north}, abs=1e-6
    )
    half = np.sqrt(0.5)
    assert scores_of(model, items, "east", "north")["south"] == pytest.approx(-half, abs=1e-6)


def test_there_is_one_channel_a_name_and_none_without_vectors() -> None:
    both = [replace(item, vectors={**item.vectors, "sound": (1.0, n, -n)}) for n, item in enumerate(cross())]
    assert list(fitted(both)) == ["vector_sound", "vector_v"]
    assert fitted([Item("a", "tea"), Item("b", "cup")]) == {}
    assert fitted([Item("a", "tea", vectors={"v": (1.0,)}), Item("b", "cup")]) == {}, "one is like nothing"


def test_the_most_common_length_counts_and_others_are_as_if_they_had_none() -> None:
    items = [*cross(), Item("odd", "towards the east", vectors={"v": (1.0, 2.0, 3.0)})]
    assert named(names_of(items)) == [("v", 2)]
    model = fitted(items)["vector_v"]
    assert model.told.sum() == len(CROSS)
    assert not model.told[names_of(items).items.row("odd")]
    assert scores_of(model, items, "east")["odd"] > 0, "it reads like what lies in the east"


def test_only_the_most_common_names_become_channels() -> None:
    items = [
        Item(f"{n}", "tea", vectors={f"v{(n + k) % 12}": (1.0, float(n)) for k in range(8)}) for n in range(12)
    ]
    assert len(named(names_of(items))) == 8
    rare = [*items, *(Item(f"more {n}", "tea", vectors={"often": (1.0, 2.0)}) for n in range(20))]
    assert "often" in [name for name, _ in named(names_of(rare))]


def test_an_item_without_a_vector_scores_the_weighted_mean_of_those_that_read_like_it() -> None:
    items = [Item("bare", "red tea cup"), *(Item(name, "", vectors={"v": v}) for name, v in CROSS.items())]
    titles = {"east": "red tea cup", "north": "red tea", "west": "tea", "south": "none of these words at all"}
    items = [replace(item, title=titles.get(item.item_id, item.title)) for item in items]
    data = names_of(items)
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    alike = words.rows.toarray() @ words.rows.toarray().T + meaning.vectors @ meaning.vectors.T
    weight = np.maximum(alike[data.items.row("bare")], 0.0) ** 2
    near = [data.items.row(name) for name in ("east", "north", "west")]
    assert weight[near].min() >= weight[data.items.row("south")]
    rows = fitted(items)["vector_v"].vectors
    wanted = weight[near] @ rows[near] / weight[near].sum()
    np.testing.assert_allclose(rows[data.items.row("bare")], wanted, atol=1e-5)


@pytest.mark.slow
@given(subsets)
def test_an_item_without_a_vector_scores_among_those_that_read_most_like_it(lacking: set[int]) -> None:
    items = without(lacking)
    data = names_of(items)
    model = fitted(items)["vector_image"]
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    alike = words.rows.toarray() @ words.rows.toarray().T + meaning.vectors @ meaning.vectors.T
    having = np.flatnonzero(model.told)
    scores = model.score(history_batch(having[:3].tolist(), [1.0, 0.5, 0.7], [0.0] * 3))[0]
    for row in np.flatnonzero(~model.told):
        close = np.sort(alike[row, having])[-NEAREST]
        near = scores[having[alike[row, having] >= close - 1e-6]]  # with all that are as near as the last of them
        assert near.min() - 1e-5 <= scores[row] <= near.max() + 1e-5 or alike[row, having].max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("theme", list(THEMES))
def test_an_item_that_loses_its_image_loses_no_place_to_what_is_unlike(theme: str) -> None:
    """Each item of a theme in turn: without its image it still stands above everything of other themes."""
    pictured = [item.item_id for item in small_pictures() if item.vectors and item.item_id.startswith(theme)]
    for target in pictured:
        items = [replace(item, vectors={}) if item.item_id == target else item for item in small_pictures()]
        others = [item.item_id for item in items if not item.item_id.startswith(theme)]
        liked = next(name for name in pictured if name != target)
        scores = scores_of(fitted(items)["vector_image"], items, liked)
        assert scores[target] > max(scores[name] for name in others), target


@given(st.lists(st.floats(1e-6, 1e150), min_size=25, max_size=25))
@pytest.mark.slow
def test_how_long_a_vector_is_says_nothing(lengths: list[float]) -> None:
    plain = small_pictures()
    scaled = [
        replace(item, vectors={name: tuple(x * by for x in vector) for name, vector in item.vectors.items()})
        for item, by in zip(plain, lengths, strict=True)
    ]
    one, other = (fitted(items)["vector_image"] for items in (plain, scaled))
    np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-5)


def test_a_later_item_scores_like_a_fitted_one_with_the_same_vector() -> None:
    items = small_pictures()
    model = fitted(items)["vector_image"]
    twin = next(item for item in items if item.vectors)
    nothing = sp.csr_array((2, len(items)), dtype=np.float32)
    later = [Item("twin", vectors=twin.vectors), Item("odd", vectors={"image": (1.0, 2.0)})]
    longer = model.extended(Arrivals(later, blind(2), nothing))
    row = names_of(items).items.row(twin.item_id)
    np.testing.assert_array_equal(longer.vectors[-2], longer.vectors[row])
    assert longer.told[-2:].tolist() == [True, False]
    assert not longer.vectors[-1].any(), "another length says nothing"


def test_an_item_that_loses_its_vector_borrows_from_others_and_not_from_what_it_was() -> None:
    items = small_pictures()
    model = fitted(items)["vector_image"]
    changed = names_of(items).items.row("music/violin")
    other = names_of(items).items.row("music/drum")
    near = sp.csr_array(([0.75, 0.25], ([0, 0], [changed, other])), shape=(1, len(items)))
    bare = Arrivals([Item("music/violin", "a violin")], blind(1), near)
    again = model.read_again(np.array([changed], np.int32), bare)
    np.testing.assert_allclose(again.vectors[changed], model.vectors[other], atol=1e-6)
    assert not again.told[changed]
    np.testing.assert_array_equal(np.delete(again.vectors, changed, 0), np.delete(model.vectors, changed, 0))


def test_what_later_items_borrow_does_not_depend_on_what_changed_in_between() -> None:
    items = small_pictures()
    model = fitted(items)["vector_image"]
    place = np.array([5], np.int32)
    moved = Arrivals(
        [Item("x", vectors={"image": (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)})], blind(1), empty(1, len(items))
    )
    late = Arrivals([Item("late")], blind(1), sp.csr_array(([1.0], ([0], [5])), shape=(1, len(items))))
    one = model.read_again(place, moved).extended(late)
    other = model.extended(late).read_again(place, moved)
    np.testing.assert_array_equal(one.vectors, other.vectors)


def test_a_recency_of_one_forgets_nothing() -> None:
    items = small_pictures()
    steady = fitted(items, VectorsRecipe(recency=1.0))["vector_image"]
    there, back = (history_batch(rows, [1.0, 1.0], [0.0, 0.0]) for rows in ([3, 7], [7, 3]))
    np.testing.assert_allclose(steady.score(there), steady.score(back), atol=1e-6)


def without(lacking: set[int]) -> list[Item]:
    """The small pictures, of which these lack too; three always stay."""
    items = small_pictures()
    kept = [n for n, item in enumerate(items) if item.vectors][-3:]
    return [replace(item, vectors={}) if n in lacking - set(kept) else item for n, item in enumerate(items)]


def blind(n: int) -> Floats:
    return np.zeros((n, RUN.encoder.dim), np.float32)


def empty(n: int, n_items: int) -> sp.csr_array:
    return sp.csr_array((n, n_items), dtype=np.float32)
