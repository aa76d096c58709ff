"""Relations are weighed by what people take together."""

from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.graph import Graph, GraphRecipe
from zhiyin.models.knowledge import read_knowledge
from zhiyin.models.relation_weights import draw, learned, relation_weights, shared_by
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event, Item, Relation

pytestmark = pytest.mark.slow

N_ITEMS, N_THEMES = 120, 6
RUN = Run(HashEncoder())


def world(n_users: int, seed: int = 3) -> Dataset:
    """People take items of one theme. `theme` tells it, `printer` is drawn at random, `sold` is of nearly all."""
    rng = np.random.default_rng(seed)
    ids = [f"i{n}" for n in range(N_ITEMS)]
    relations = [Relation(id_, "theme", f"theme {n % N_THEMES}") for n, id_ in enumerate(ids)]
    relations += [Relation(id_, "printer", f"printer {rng.integers(N_THEMES)}") for id_ in ids]
    relations += [Relation(id_, "sold", "everywhere") for id_ in ids[1:]]
    events = [
        Event(f"u{user}", f"i{user % N_THEMES + N_THEMES * int(n)}", "like")
        for user in range(n_users)
        for n in rng.choice(N_ITEMS // N_THEMES, 6, replace=False)
    ]
    return build_dataset([Item(id_) for id_ in ids], events, relations=relations)


def fitted(data: Dataset) -> Graph:
    return GraphRecipe(n_examples=500).fit(data, RUN)


def test_the_relation_that_people_follow_weighs_most() -> None:
    weights = fitted(world(300)).weights
    assert weights["theme"] == 1.0
    assert weights["printer"] < 0.15, "three deviations of what 300 people teach by chance"
    assert weights["sold"] < 0.15


def test_without_enough_people_all_relations_weigh_the_same() -> None:
    assert fitted(world(0)).weights == {"printer": 1.0, "sold": 1.0, "theme": 1.0}
    assert fitted(world(9)).weights == {"printer": 1.0, "sold": 1.0, "theme": 1.0}
    assert fitted(world(10)).weights != {"printer": 1.0, "sold": 1.0, "theme": 1.0}


def test_the_same_seed_draws_the_same_lists() -> None:
    data = world(50)
    one, again, other = (draw(data.interactions(), 30, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.items, again.items)
    assert not np.array_equal(one.items, other.items)


def test_nobody_is_tested_on_what_they_are_known_by() -> None:
    matrix = world(50).interactions()
    lists = draw(matrix, 1_000, np.random.default_rng(1))
    assert len(lists.items) == 50, "each person is asked once"
    had = lists.histories.toarray() > 0
    assert not np.take_along_axis(had, lists.items[:, :1].astype(np.int64), axis=1).any()
    assert not (np.take_along_axis(had, lists.items.astype(np.int64), axis=1) & lists.free).any()
    assert lists.free[:, 0].all()


def test_what_is_shared_is_the_product_of_the_rows() -> None:
    data = world(40)
    known = read_knowledge(data)
    lists = draw(data.interactions(), 20, np.random.default_rng(1))
    group = np.array([0, 1, 1], np.int32)
    links = known.links.toarray()
    for g in (0, 1):
        columns = group[known.columns.relation_of] == g
        whole = lists.histories.toarray() @ links[:, columns] @ links[:, columns].T
        wanted = np.take_along_axis(whole, lists.items.astype(np.int64), axis=1)
        np.testing.assert_allclose(shared_by(known, lists, group)[:, :, g], wanted, rtol=1e-5, atol=1e-6)


def test_weights_are_those_of_the_highest_likelihood() -> None:
    rng = np.random.default_rng(4)
    shared = rng.random((400, 30, 3)).astype(np.float32) ** 4
    told = np.log1p(shared @ np.array([4.0, 1.0, 0.0]))
    chosen = (8.0 * told + rng.gumbel(size=told.shape)).argmax(axis=1)
    shared[np.arange(400), chosen], shared[:, 0] = shared[:, 0].copy(), shared[np.arange(400), chosen].copy()
    weights = learned(shared, np.ones((400, 30), bool))
    assert weights[1] / weights[0] == pytest.approx(0.25, abs=0.15)
    assert weights[2] / weights[0] < 0.08


def test_what_may_not_be_drawn_changes_nothing() -> None:
    rng = np.random.default_rng(4)
    shared = rng.random((60, 8, 2)).astype(np.float32)
    free = np.ones((60, 8), bool)
    free[:, 5:] = False
    other = shared.copy()
    other[:, 5:] = other[:, 5:][:, ::-1]
    np.testing.assert_allclose(learned(shared, free), learned(other, free), rtol=1e-3)


def test_very_many_relations_share_a_weight() -> None:
    data = world(100)
    many = [Relation(f"i{n}", f"r{n // 2}", "x") for n in range(N_ITEMS)]
    known = read_knowledge(replace(data, relations=[*data.relations, *many]))
    weights = dict(zip(known.columns.relations, relation_weights(known, data, 100, 0).tolist(), strict=True))
    assert len(weights) == 63
    known = read_knowledge(
        replace(
            data, relations=[*data.relations, *many, *(Relation(f"i{n}", f"q{n // 2}", "y") for n in range(10))]
        )
    )
    weights = dict(zip(known.columns.relations, relation_weights(known, data, 100, 0).tolist(), strict=True))
    assert len(weights) == 68
    assert weights["theme"] == max(weights.values())
    assert len({weight for name, weight in weights.items() if name != "theme"}) < 65
