"""The graph channel by hand: scores, paths, what later items borrow, neighbours."""

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Arrivals, Batch, Run, history_batch
from zhiyin.models.graph import MOST_POSTINGS, Graph, GraphRecipe, GraphScorer, graph_neighbours
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import GraphPath, Item, Relation

RUN = Run(HashEncoder())
FILMS = [
    ("heat", "director", "mann"),
    ("collateral", "director", "mann"),
    ("mann", "name", "Michael Mann"),
    ("heat", "actor", "pacino"),
    ("heat", "actor", "de niro"),
    ("ronin", "actor", "de niro"),
    ("speed", "actor", "reeves"),
    ("speed 2", "sequel_of", "speed"),
    ("remake", "cites", "heat"),
    ("essay", "cites", "heat"),
]
IDS = ("heat", "collateral", "ronin", "speed", "speed 2", "remake", "essay", "alone")


def films(ids: tuple[str, ...] = IDS) -> Dataset:
    return build_dataset([Item(id_) for id_ in ids], (), relations=[Relation(*one) for one in FILMS])


@pytest.fixture(scope="module")
def data() -> Dataset:
    return films()


@pytest.fixture(scope="module")
def graph(data: Dataset) -> Graph:
    return GraphRecipe().fit(data, RUN)


def past(data: Dataset, *ids: str, weights: tuple[float, ...] = ()) -> Batch:
    rows = data.items.rows(ids).tolist()
    return history_batch(rows, list(weights or (1.0,) * len(ids)), [0.0] * len(ids))


def path(graph: Graph, data: Dataset, to: str, batch: Batch) -> tuple[str, GraphPath] | None:
    scorer = graph.scorer(batch)
    assert isinstance(scorer, GraphScorer)
    found = scorer.path(data.items.row(to))
    return None if found is None else (data.items[found[0]], found[1])


def test_a_score_is_the_product_of_links_each_discounted_by_what_shares_it(graph: Graph, data: Dataset) -> None:
    columns = graph.columns
    assert set(columns.relations) == {"director", "actor", "sequel_of", "cites"}
    scores = graph.score(past(data, "collateral"))[0]
    rows = graph.rows.toarray()
    mine = rows[data.items.row("collateral")]
    np.testing.assert_allclose(scores, rows @ (mine / np.linalg.norm(mine)), atol=1e-6)
    assert scores[data.items.row("heat")] == pytest.approx(2 ** (-0.75 / 2)), "one director, shared by two films"
    assert scores[data.items.row("alone")] == 0
    assert scores[data.items.row("ronin")] == 0


def test_a_path_names_what_both_have(graph: Graph, data: Dataset) -> None:
    assert path(graph, data, "collateral", past(data, "speed", "heat")) == (
        "heat",
        GraphPath("director", entity="Michael Mann"),
    )
    assert path(graph, data, "ronin", past(data, "heat")) == ("heat", GraphPath("actor", entity="de niro"))


@pytest.mark.parametrize(
    ("had", "shown", "outward"), [("remake", "heat", True), ("heat", "remake", False), ("speed", "speed 2", False)]
)
def test_a_path_between_two_items_says_which_of_them_speaks(
    graph: Graph, data: Dataset, had: str, shown: str, *, outward: bool
) -> None:
    relation = "sequel_of" if had == "speed" else "cites"
    assert path(graph, data, shown, past(data, had)) == (had, GraphPath(relation, outward=outward))


def test_edges_both_ways_have_no_direction() -> None:
    edges = [Relation("a", "cites", "b"), Relation("b", "cites", "a")]
    data = build_dataset([Item(id_) for id_ in "abc"], (), relations=edges)
    assert path(GraphRecipe().fit(data, RUN), data, "b", past(data, "a")) == ("a", GraphPath("cites"))


def test_a_path_may_go_through_an_item(graph: Graph, data: Dataset) -> None:
    assert path(graph, data, "essay", past(data, "remake")) == ("remake", GraphPath("cites", item="heat"))


def test_an_entity_that_is_called_like_an_item_is_no_item() -> None:
    edges = [Relation("1", "year", "m.3"), Relation("2", "year", "m.3"), Relation("m.3", "name", "3")]
    data = build_dataset([Item(id_) for id_ in "123"], (), relations=edges)
    assert path(GraphRecipe().fit(data, RUN), data, "2", past(data, "1")) == ("1", GraphPath("year", entity="3"))


def test_there_is_no_path_from_what_was_disliked_or_has_nothing_in_common(graph: Graph, data: Dataset) -> None:
    assert path(graph, data, "collateral", past(data, "heat", weights=(-1.0,))) is None
    assert path(graph, data, "alone", past(data, "heat")) is None
    assert path(graph, data, "heat", past(data, "alone")) is None
    assert path(graph, data, "heat", past(data, "heat")) is None, "it is linked to itself, which explains nothing"
    assert path(graph, data, "heat", past(data)) is None


def test_the_path_is_the_one_that_adds_most_and_no_more_than_its_item(graph: Graph, data: Dataset) -> None:
    batch = past(data, "ronin", "speed", "collateral", "remake")
    scorer = graph.scorer(batch)
    assert isinstance(scorer, GraphScorer)
    row = data.items.row("heat")
    why = scorer.why(np.array([row], np.int32))[:, 0]
    found = path(graph, data, "heat", batch)
    assert found is not None
    assert found[0] == ("ronin", "speed", "collateral", "remake")[int(why.argmax())]


def test_a_later_item_borrows_and_has_no_path_of_its_own(graph: Graph, data: Dataset) -> None:
    near = np.zeros((1, len(data.items)), np.float32)
    near[0, data.items.row("heat")] = 1.0
    longer = graph.extended(Arrivals([Item("new")], np.zeros((1, 8), np.float32), sp.csr_array(near)))
    batch = past(data, "collateral")
    assert longer.score(batch)[0, -1] == pytest.approx(longer.score(batch)[0, data.items.row("heat")])
    scorer = longer.scorer(batch)
    assert isinstance(scorer, GraphScorer)
    assert scorer.path(len(data.items)) is None
    other = np.zeros((1, len(data.items)), np.float32)
    other[0, data.items.row("speed")] = 1.0
    changed = longer.borrowed_again(np.array([len(data.items)]), sp.csr_array(other))
    assert changed.score(batch)[0, -1] == 0


def test_without_relations_it_does_not_speak(data: Dataset, graph: Graph) -> None:
    assert graph.speaks
    silent = GraphRecipe().fit(build_dataset([Item("a"), Item("b")], ()), RUN)
    assert not silent.speaks
    assert silent.score(history_batch([0], [1.0], [0.0])).tolist() == [[0.0, 0.0]]


def test_neighbours_share_most_and_their_weights_sum_to_one(graph: Graph, data: Dataset) -> None:
    everything = np.arange(len(data.items), dtype=np.int32)
    near = graph_neighbours(graph, everything, everything, k=2).toarray()
    assert near.shape == (len(data.items), len(data.items))
    assert not near.diagonal().any()
    assert set(np.round(near.sum(axis=1), 5)) == {0.0, 1.0}
    assert not near[data.items.row("alone")].any()
    assert set(np.flatnonzero(near[data.items.row("speed 2")])) == {data.items.row("speed")}
    assert (np.count_nonzero(near, axis=1) <= 2).all()
    few = data.items.rows(["ronin", "collateral"])
    assert set(np.flatnonzero(graph_neighbours(graph, everything, few).toarray().any(axis=0))) <= set(few.tolist())


@pytest.mark.slow
def test_what_very_many_share_is_looked_up_last() -> None:
    n = MOST_POSTINGS // 2 + 10
    ids = [str(number) for number in range(n)]
    edges = [Relation(id_, "sold", "everywhere") for id_ in ids[:-1]]
    edges += [Relation(id_, "made", "anywhere") for id_ in ids[1:]]
    edges += [Relation(id_, "author", "few") for id_ in ("7", "9")]
    data = build_dataset([Item(id_) for id_ in ids], (), relations=edges)
    graph = GraphRecipe().fit(data, RUN)
    found = graph.scorer(past(data, "7")).retrieve(5)
    assert data.items.row("9") in found[:2]
