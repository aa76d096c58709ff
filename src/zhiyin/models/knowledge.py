"""Knowledge: the relations of a dataset, read as what items have in common.

A relation and an entity together are a column, and every item that is linked to the entity by it has an entry
there. An item that others are linked to is such an entity too, for them and for itself: a citation is shared by
the paper that cites and the paper that is cited. Edges count both ways. Items are never paired with items here, so
an entity that all of them share costs one column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.columns import Columns
from zhiyin.types import NAME, SAME_AS, Item

THEN = " › "  # joins the relations of two steps
HUB = 1_000  # neighbours from which on a second step does not go through an entity
TIMES = 4  # links by two steps, at most so many times those by one

Pairs = npt.NDArray[np.int64]  # (n, 2) nodes; of links: (row of the item, node)
Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Of each column that two items or more share, and not all: who has it."""

    links: sp.csr_array  # (I, C) 1 / √(links that the item has by the relation)
    columns: Columns


def read_knowledge(data: Dataset, *, hops: int = 2, attributes: bool = False) -> Knowledge:
    """Of relations that say the same (a film's genres, a genre's films) the first is read, one that begins at
    items before others, then by name.

    `hops` 2 also links an item to what its entities are linked to (a film to the country of its director), as
    relations of their own. `attributes`: categories, brand and attributes are relations, too.
    """
    nodes, edges = _read(data, attributes)
    n_items = len(data.items)
    links = {
        name: _links(edges[name], n_items) for name in sorted(edges, key=lambda name: _rank(name, edges, n_items))
    }
    if hops > 1:
        links |= _second_steps(links, {name: _between(pairs, n_items) for name, pairs in edges.items()}, nodes)
    return _columns(_distinct(links), edges, nodes)


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Items are nodes 0 … I - 1 by their rows; entities follow, sorted by id."""

    n_items: int
    names: tuple[str, ...]  # (nodes,)


def _read(data: Dataset, attributes: bool) -> tuple[_Nodes, dict[str, Pairs]]:
    """All nodes, and by relation the distinct edges (head, tail), none to itself."""
    number = {id_: row for row, id_ in enumerate(data.items)}
    triples = {(edge.head, edge.relation, edge.tail) for edge in data.relations}
    called = {head: tail for head, relation, tail in sorted(triples) if relation == NAME and head not in number}
    told = [triple for triple in triples if triple[1] != NAME or triple[0] in number]
    if attributes:
        told += [(item.item_id, *said) for item in data.catalogue for said in _attributes(item)]
    entities = sorted({id_ for head, _, tail in told for id_ in (head, tail)} - number.keys())
    nodes = _Nodes(len(data.items), (*data.items, *(called.get(entity, entity) for entity in entities)))
    number |= {entity: node for node, entity in enumerate(entities, start=nodes.n_items)}
    number |= _same(told, number, nodes.n_items)
    found: dict[str, list[tuple[int, int]]] = {}
    for head, relation, tail in told:
        found.setdefault(relation, []).append((number[head], number[tail]))
    edges = {name: np.unique(np.array(pairs, np.int64), axis=0) for name, pairs in found.items()}
    return nodes, {name: pairs[pairs[:, 0] != pairs[:, 1]] for name, pairs in edges.items()}


def _rank(name: str, edges: Mapping[str, Pairs], n_items: int) -> tuple[float, str]:
    """Relations that begin at items come first."""
    heads = edges[name][:, 0]
    return -float((heads < n_items).sum()) / max(len(heads), 1), name


def _attributes(item: Item) -> Iterator[tuple[str, str]]:
    """What the catalogue says of an item, as relations and entities; measures are none."""
    for category in item.categories:
        yield "category", category
    if item.brand:
        yield "brand", item.brand
    for name, value in item.attributes.items():
        if not isinstance(value, float) and str(value):
            yield name, str(value)


def _same(triples: Iterable[Triple], number: Mapping[str, int], n_items: int) -> dict[str, int]:
    """Entities that are said to be exactly one item, and which."""
    items_of: dict[str, set[int]] = {}
    for head, relation, tail in triples:
        for item, entity in ((head, tail), (tail, head)):
            if relation == SAME_AS and number[item] < n_items <= number[entity]:
                items_of.setdefault(entity, set()).add(number[item])
    return {entity: items.pop() for entity, items in items_of.items() if len(items) == 1}


def _links(edges: Pairs, n_items: int) -> Pairs:
    """(n, 2) distinct links of items to nodes, both ways; an item that is linked to items links to itself."""
    both = np.concatenate([edges, edges[:, ::-1]])
    links = both[both[:, 0] < n_items]
    own = np.unique(links[links[:, 1] < n_items])
    return np.unique(np.concatenate([links, np.stack([own, own], axis=1)]), axis=0)


def _between(edges: Pairs, n_items: int) -> Pairs:
    """The edges between entities, both ways."""
    inner = edges[(edges >= n_items).all(axis=1)]
    return np.concatenate([inner, inner[:, ::-1]])


def _distinct(links: Mapping[str, Pairs]) -> dict[str, Pairs]:
    """Without relations that link just as an earlier one does."""
    first: dict[bytes, str] = {}
    for name, pairs in links.items():
        first.setdefault(pairs.tobytes(), name)
    return {name: links[name] for name in first.values() if len(links[name])}


def _second_steps(links: Mapping[str, Pairs], between: Mapping[str, Pairs], nodes: _Nodes) -> dict[str, Pairs]:
    """Links by two steps, from an item over an entity to another; the smaller relations first, while there is
    room."""
    ways: list[tuple[int, str, Pairs, sp.csr_array]] = []
    for then, edges in between.items():
        step = _matrix(edges, len(nodes.names))
        lengths = np.diff(step.indptr)
        lengths[lengths > HUB] = 0
        for name, pairs in links.items() if len(edges) else ():
            over = pairs[lengths[pairs[:, 1]] > 0]
            ways.append((int(lengths[over[:, 1]].sum()), f"{name}{THEN}{then}", over, step))
    room = TIMES * sum(map(len, links.values()))
    found: dict[str, Pairs] = {}
    for most, name, over, step in sorted(ways, key=lambda way: way[:2]):
        room -= most
        if most and room >= 0:
            found[name] = _reached(over, step)
    return found


def _reached(over: Pairs, step: sp.csr_array) -> Pairs:
    """Distinct links to what one more step leads to, without those that are there already."""
    n_nodes = step.shape[0]
    row, node = (_matrix(over, n_nodes) @ step).tocoo().coords
    keys = np.setdiff1d(row.astype(np.int64) * n_nodes + node, over[:, 0] * n_nodes + over[:, 1])
    return np.stack([keys // n_nodes, keys % n_nodes], axis=1)


def _matrix(pairs: Pairs, n_nodes: int) -> sp.csr_array:
    return sp.csr_array((np.ones(len(pairs), np.float32), (pairs[:, 0], pairs[:, 1])), shape=(n_nodes, n_nodes))


def _columns(links: Mapping[str, Pairs], edges: Mapping[str, Pairs], nodes: _Nodes) -> Knowledge:
    n_nodes, n_relations = len(nodes.names), len(links)
    every = np.concatenate([np.zeros((0, 2), np.int64), *links.values()])
    relation = np.repeat(np.arange(n_relations), [len(pairs) for pairs in links.values()])
    by_relation = every[:, 0] * n_relations + relation
    _, place, degree = np.unique(by_relation, return_inverse=True, return_counts=True)
    key, column, shared_by = np.unique(relation * n_nodes + every[:, 1], return_inverse=True, return_counts=True)
    kept = np.flatnonzero((shared_by > 1) & (shared_by < nodes.n_items))
    matrix = sp.csr_array(
        (degree[place].astype(np.float32) ** np.float32(-0.5), (every[:, 0], column)),
        shape=(nodes.n_items, len(key)),
    )
    node = key[kept] % max(n_nodes, 1)
    names, relation_of = np.unique(key[kept] // max(n_nodes, 1), return_inverse=True)
    relations = tuple(list(links)[name] for name in names.tolist())
    columns = Columns(
        relations=relations,
        weights=np.ones(len(names), np.float32),
        relation_of=relation_of.astype(np.int32),
        ends=tuple(nodes.names[end] for end in node.tolist()),
        item_of=np.where(node < nodes.n_items, node, PAD).astype(np.int32),
        edges=_among_items(relations, edges, nodes.n_items),
    )
    return Knowledge(sp.csr_array(matrix[:, kept]), columns)


def _among_items(relations: Sequence[str], edges: Mapping[str, Pairs], n_items: int) -> Rows:
    """(3, n) number of the relation, head and tail of the edges between items."""
    found = [np.zeros((0, 3), np.int64)]
    for number, name in enumerate(relations):
        pairs = edges.get(name, np.zeros((0, 2), np.int64))  # none by two steps
        pairs = pairs[(pairs < n_items).all(axis=1)]
        found.append(np.column_stack([np.full(len(pairs), number), pairs]))
    return np.ascontiguousarray(np.concatenate(found).T, np.int32)
