"""Relations become columns: who is linked to what, by which relation, in how many steps."""

from collections.abc import Iterable

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.columns import Columns
from zhiyin.models.knowledge import HUB, Knowledge, read_knowledge
from zhiyin.types import Item, Relation

Triples = Iterable[tuple[str, str, str]]


def world(ids: str, triples: Triples) -> Dataset:
    return build_dataset([Item(id_) for id_ in ids.split()], (), relations=[Relation(*one) for one in triples])


def told(data: Dataset, known: Knowledge) -> dict[tuple[str, str], set[str]]:
    """Items by relation and end."""
    columns, by_column = known.columns, sp.csr_array(known.links.T)
    return {
        (columns.relations[columns.relation_of[c]], columns.ends[c]): {
            data.items[row] for row in by_column.indices[by_column.indptr[c] : by_column.indptr[c + 1]]
        }
        for c in range(len(columns))
    }


def read(ids: str, triples: Triples, **options: bool | int) -> dict[tuple[str, str], set[str]]:
    data = world(ids, triples)
    return told(data, read_knowledge(data, **options))  # type: ignore[arg-type]


def test_items_share_an_entity_whichever_way_the_edge_points() -> None:
    found = read(
        "a b c",
        [
            ("a", "director", "Mann"),
            ("b", "director", "Mann"),
            ("Mann", "director", "c"),
            ("a", "director", "Bay"),
        ],
    )
    assert found == {}, "what all items share says nothing, what one has alone neither"
    found = read("a b c d", [("a", "director", "Mann"), ("Mann", "director", "c"), ("a", "director", "Bay")])
    assert found == {("director", "Mann"): {"a", "c"}}


def test_an_edge_between_items_is_shared_by_both_ends() -> None:
    found = read("a b c d", [("a", "cites", "b"), ("c", "cites", "b")])
    assert found == {
        ("cites", "a"): {"a", "b"},
        ("cites", "b"): {"a", "b", "c"},
        ("cites", "c"): {"b", "c"},
    }


def test_a_link_counts_less_the_more_links_an_item_has_by_the_relation() -> None:
    data = world(
        "a b c", [("a", "tag", "x"), ("b", "tag", "x"), ("b", "tag", "y"), ("b", "tag", "z"), ("b", "by", "w")]
    )
    known = read_knowledge(data)
    values = {
        data.items[row]: value for row, value in zip(*known.links.nonzero()[:1], known.links.data, strict=True)
    }
    assert values == {"a": 1.0, "b": pytest.approx(3**-0.5)}


def test_self_loops_duplicates_and_edges_between_strangers_change_nothing() -> None:
    plain = [("a", "by", "x"), ("b", "by", "x")]
    more = [*plain, *plain, ("b", "by", "b"), ("x", "by", "x"), ("nobody", "by", "nothing")]
    assert read("a b c", more) == read("a b c", plain)


def test_an_entity_that_is_one_item_is_that_item() -> None:
    found = read(
        "a b c",
        [("a", "same_as", "m.1"), ("m.1", "genre", "noir"), ("noir", "genre", "b"), ("m.9", "same_as", "m.8")],
    )
    assert found == {("genre", "noir"): {"a", "b"}}


def test_an_entity_that_two_items_claim_to_be_is_neither() -> None:
    found = read("a b c", [("a", "same_as", "m.1"), ("b", "same_as", "m.1"), ("m.1", "sequel", "c")], hops=1)
    assert found == {("same_as", "m.1"): {"a", "b"}}


def test_an_entity_is_called_by_its_name() -> None:
    found = read("a b c", [("a", "by", "m.7"), ("b", "by", "m.7"), ("m.7", "name", "Michael Mann")])
    assert found == {("by", "Michael Mann"): {"a", "b"}}


def test_relations_that_say_the_same_are_read_once_as_said_of_items() -> None:
    found = read(
        "a b c",
        [("x", "a_directed", "a"), ("x", "a_directed", "b"), ("a", "director", "x"), ("b", "director", "x")],
    )
    assert found == {("director", "x"): {"a", "b"}}


def test_two_steps_lead_to_what_entities_have_in_common() -> None:
    edges = [("a", "by", "x"), ("b", "by", "y"), ("x", "born", "Oslo"), ("Oslo", "born", "y")]
    assert read("a b c", edges, hops=1) == {}
    assert read("a b c", edges) == {("by \u203a born", "Oslo"): {"a", "b"}}


def test_no_second_step_goes_over_an_entity_that_has_too_many() -> None:
    edges = [("a", "by", "x"), ("b", "by", "y"), ("x", "in", "hub"), ("y", "in", "hub")]
    assert ("by \u203a in", "hub") in read("a b c", edges)
    crowd = [("x", "in", f"town {n}") for n in range(HUB)]
    assert ("by \u203a in", "hub") not in read("a b c", edges + crowd)


def test_second_steps_are_fewer_than_would_drown_the_first() -> None:
    items = " ".join(f"i{n}" for n in range(20))
    edges = [(f"i{n}", "by", f"x{n}") for n in range(20)]
    fans = [(f"x{n}", "likes", f"y{m}") for n in range(20) for m in range(50)]
    assert read(items, edges + fans) == {}
    few = [(f"x{n}", "lives", f"town {n % 5}") for n in range(20)]
    assert len(read(items, edges + fans + few)) == 5


def test_what_the_catalogue_says_counts_when_asked_for() -> None:
    items = [
        Item(
            "a",
            categories=("Film", "Noir"),
            brand="Acorn",
            attributes={"year": 1995, "length": 1.5, "dubbed": True},
        ),
        Item("b", categories=("Film",), brand="Acorn", attributes={"year": 1995, "length": 1.5}),
        Item("c", categories=("Noir",), attributes={"dubbed": True}),
    ]
    data = build_dataset(items, ())
    assert told(data, read_knowledge(data)) == {}
    assert told(data, read_knowledge(data, attributes=True)) == {
        ("category", "Film"): {"a", "b"},
        ("category", "Noir"): {"a", "c"},
        ("brand", "Acorn"): {"a", "b"},
        ("year", "1995"): {"a", "b"},
        ("dubbed", "True"): {"a", "c"},
    }


def test_hostile_ids_are_ids() -> None:
    odd = "\U0001f3ac/\u202e ../../etc \u203a <script>"
    found = read("a b c", [("a", odd, odd), ("b", odd, odd), ("a", "by", "same_as"), ("b", "by", "same_as")])
    assert found == {(odd, odd): {"a", "b"}, ("by", "same_as"): {"a", "b"}}


@pytest.mark.parametrize("ids", ["", "a", "a b"])
def test_without_relations_there_is_nothing_to_know(ids: str) -> None:
    known = read_knowledge(world(ids, []))
    assert known.links.shape == (len(ids.split()), 0)
    assert known.columns.relations == ()


def test_columns_come_back_equal() -> None:
    author, name = "\u4f5c\u8005", "\u5317\u5c9b"
    known = read_knowledge(world("a b c", [("a", author, name), ("b", author, name), ("c", "cites", "b")]))
    again = Columns.of_arrays(known.columns.arrays())
    assert (again.relations, again.ends) == (known.columns.relations, known.columns.ends)
    assert np.array_equal(again.relation_of, known.columns.relation_of)
    assert np.array_equal(again.edges, known.columns.edges)
    assert again.edges.shape == (3, 1), "only c is linked to an item"
    empty = read_knowledge(world("a", [])).columns
    assert Columns.of_arrays(empty.arrays()).ends == ()
