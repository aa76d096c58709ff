"""The factors channel: what it learns, what it lends to cold items, and how a history is folded in."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.als import Fixed, Lists, solved
from zhiyin.models.base import Run, history_batch
from zhiyin.models.factors import Factors, FactorsRecipe
from zhiyin.models.index import CellIndex, build_cells
from zhiyin.models.neighbours import Alike
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.model_contract import alone, arrivals, askers
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

RUN = Run(HashEncoder())


def two_circles(n_users: int = 40) -> Dataset:
    """Ten items, of which each person takes four of the first five or of the last five."""
    rng = np.random.default_rng(4)
    events = [
        Event(f"u{user}", f"i{item + 5 * (user % 2)}", "purchase")
        for user in range(n_users)
        for item in rng.permutation(5)[:4].tolist()
    ]
    return build_dataset([Item(f"i{n}") for n in range(10)], events)


def test_what_a_circle_takes_is_what_its_people_have_not() -> None:
    data = two_circles()
    mine, others = data.items.rows([f"i{n}" for n in range(5)]), data.items.rows([f"i{n}" for n in range(5, 10)])
    model = FactorsRecipe(dim=2, unobserved=0.3).fit(data, RUN)
    scores = model.score(history_batch(mine[:4].tolist(), [1.0] * 4, [0.0] * 4))[0]
    assert scores[mine[4]] > 0.6
    assert np.abs(scores[others]).max() < 0.1


def test_a_history_is_folded_in_as_fitting_solves_it() -> None:
    """Of one that likes all it has once, the same equations as of the person it was fitted on."""
    data = two_circles()
    recipe = FactorsRecipe(dim=3)
    model, taken = recipe.fit(data, RUN), data.interactions()
    lists = Lists.of(taken)
    fitted = solved(
        Fixed(model.vectors, model.spread), lists, recipe.weights(taken).ridge(lists.counts, taken.shape[1])
    )
    for user in (0, 7):
        rows = data.item_rows[data.indptr[user] : data.indptr[user + 1]].tolist()
        asked = history_batch(rows, [1.0] * len(rows), [0.0] * len(rows))
        np.testing.assert_allclose(model.profiles(asked)[0], fitted[user], atol=1e-6)


def test_what_is_said_more_often_counts_more_but_no_product_passes_one() -> None:
    model = FactorsRecipe(dim=2, unobserved=0.3).fit(two_circles(), RUN)
    said = [model.score(history_batch([0] * n, [1.0] * n, [0.0] * n))[0, 0] for n in (1, 3, 300)]
    assert said == sorted(said)
    assert 0.8 < said[-1] <= 1.0


def test_a_past_fades() -> None:
    data = replace(two_circles(), ordered=True)
    old, new = data.items.rows(["i0", "i5"]).tolist()
    same, later = data.items.rows(["i1", "i6"]).tolist()
    asked = history_batch([old, new], [1.0, 1.0], [0.0, 0.0])
    faded, whole = (FactorsRecipe(dim=2, recency=by).fit(data, RUN).score(asked)[0] for by in (0.5, 1.0))
    assert faded[same] / faded[later] == pytest.approx(0.5 * whole[same] / whole[later], rel=0.1)
    unordered = FactorsRecipe(dim=2, recency=0.5).fit(replace(data, ordered=False), RUN)
    assert unordered.recency == 1.0


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_ridge_of_the_mean_does_not_depend_on_the_power(power: float) -> None:
    taken = sp.csr_array(np.ones((7, 7), np.float32))  # everybody is the mean
    weights = FactorsRecipe(reg=0.2, unobserved=3.0, power=power).weights(taken)
    assert weights.unobserved == pytest.approx(3.0)
    np.testing.assert_allclose(weights.ridge(np.array([7.0]), 7), 0.2 * (7 + 3 * 7), rtol=1e-6)


def test_an_item_nobody_took_is_as_those_that_read_like_it() -> None:
    data = two_circles()
    near = np.zeros((10, 10), np.float32)
    near[9, [0, 1]] = 0.25, 0.75
    kept = data.keep(data.item_rows != 9)
    plain = FactorsRecipe(dim=2, trust=6.0).fit(kept, RUN)
    assert not plain.vectors[9].any()
    mixed = FactorsRecipe(dim=2, trust=6.0).fit(kept, RUN, Alike(sp.csr_array(near), kept.support))
    np.testing.assert_allclose(mixed.vectors[9], 0.25 * plain.vectors[0] + 0.75 * plain.vectors[1], atol=1e-6)
    np.testing.assert_array_equal(mixed.vectors[:9], plain.vectors[:9])


def test_a_later_item_scores_as_the_mixture_of_its_text_neighbours_and_speaks_like_it() -> None:
    data = small_dataset()
    model = FactorsRecipe(dim=6).fit(data, RUN)
    one, other = np.argsort(-data.support)[:2].tolist()
    near = sp.csr_array((np.array([0.75, 0.25], np.float32), ([0, 0], [one, other])), shape=(2, len(data.items)))
    longer = model.extended(replace(arrivals(data), near=near))
    own = model.score(alone(askers(data), 4))[0]
    later = longer.score(alone(askers(data), 4))[0][len(data.items) :]
    np.testing.assert_allclose(later, [0.75 * own[one] + 0.25 * own[other], 0.0], atol=1e-6)
    assert abs(later[0]) > 0.01
    assert longer.score(history_batch([len(data.items)], [1.0], [0.0])).max() > 0
    assert not longer.score(history_batch([len(data.items) + 1], [1.0], [0.0])).any()


def test_a_later_item_that_reads_otherwise_borrows_anew() -> None:
    data = small_dataset()
    model = FactorsRecipe(dim=6).fit(data, RUN).extended(arrivals(data))
    n = len(data.items)
    near = sp.csr_array((np.ones(1, np.float32), ([0], [8])), shape=(1, n))
    again = model.borrowed_again(np.array([n], np.int32), near)
    np.testing.assert_array_equal(again.vectors[n], model.vectors[8])
    np.testing.assert_array_equal(again.vectors[n + 1 :], model.vectors[n + 1 :])
    assert again.index.search(again.vectors[8], 5).tolist().count(n) == 1


@pytest.mark.slow
def test_a_large_catalogue_is_looked_through_by_cells_that_a_bundle_keeps() -> None:
    rng = np.random.default_rng(2)
    few = FactorsRecipe(dim=8).fit(small_dataset(), RUN)
    vectors = rng.normal(size=(3_000, 8)).astype(np.float32)
    model = replace(few, vectors=vectors, n_fitted=3_000, index=build_cells(vectors, seed=0))
    again = Factors.of_arrays(model.arrays())
    assert isinstance(again.index, CellIndex)
    asked = history_batch([5, 9], [1.0, 1.0], [0.0, 0.0])
    found = again.scorer(asked).retrieve(20)
    best = np.argsort(-model.score(asked)[0])[:20]
    assert len(np.intersect1d(found, best)) >= 18
    np.testing.assert_array_equal(found, model.scorer(asked).retrieve(20))
