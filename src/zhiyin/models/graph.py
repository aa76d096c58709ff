"""Graph: what is linked to what the person took, by the relations of a knowledge graph or between items.

An item is a row over entities, with √w_r · d_i^-½ · d_e^-q/2 for an entity e that it is linked to by the relation
r: d_i links of the item by r, d_e items that share e. The product of two rows sums over all ways from item to
entity to item, as a walker takes them from either end: personalised PageRank cut at the first return to an item,
and made symmetric (Zhou, Huang & Schölkopf 2006, "Learning with Hypergraphs": entities are the hyperedges, w_r
their weights, q = 1; our weights are learned, and what many share counts a little more).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.encoders.lexical import unit_sparse
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Recipe, Run
from zhiyin.models.columns import Columns
from zhiyin.models.knowledge import Knowledge, read_knowledge
from zhiyin.models.profiles import SparseRows, SparseScorer, among
from zhiyin.models.relation_weights import relation_weights
from zhiyin.models.sparse import entries, prune, with_rows
from zhiyin.types import GraphPath

MOST_POSTINGS = 50_000  # entries that retrieval walks through
MOST_NUMBERS = 10_000_000  # products of rows in memory
MOST_SHARE = 1_000  # items: what more have in common makes none of them a neighbour


@dataclass(frozen=True, slots=True)
class Graph(SparseRows):
    """Items that came later are the mean of those fitted ones whose text is nearest."""

    name: ClassVar[str] = "graph"
    columns: Columns
    n_fitted: int

    @property
    def speaks(self) -> bool:
        """Whether there is anything that two items share: a matter of the relations, whatever their weights."""
        return len(self.columns.relations) > 0

    @property
    def weights(self) -> dict[str, float]:
        """Of each relation that two items share something by; the largest is 1."""
        return dict(zip(self.columns.relations, self.columns.weights.tolist(), strict=True))

    def score(self, batch: Batch) -> Floats:
        return self.products(self.profiles(batch))

    def scorer(self, batch: Batch) -> GraphScorer:
        return GraphScorer(self, batch)

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, rows=sp.csr_array(sp.vstack([self.rows, self._borrowed(arrivals.near)])))

    def borrowed_again(self, rows: Rows, mixtures: sp.csr_array) -> Self:
        """The same items, these later ones read through other mixtures (n, I)."""
        return replace(self, rows=with_rows(self.rows, rows, self._borrowed(mixtures)))

    def arrays(self) -> Arrays:
        return {
            **self.columns.arrays(),
            "indptr": self.rows.indptr,
            "indices": self.rows.indices,
            "data": self.rows.data,
            "shape_of_use": np.array([self.recency, self.n_fitted]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        columns = Columns.of_arrays(arrays)
        recency, n_fitted = (float(x) for x in arrays["shape_of_use"])
        shape = (len(arrays["indptr"]) - 1, len(columns))
        rows = sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        return cls(rows, sp.csr_array(rows[: int(n_fitted)].T), recency, columns, int(n_fitted))

    def salient(self, columns: Rows, weights: Floats) -> Rows:
        """The places of the columns to look up: what few share first, as many as MOST_POSTINGS allow."""
        lengths = np.diff(self.postings.indptr)[columns]
        order = np.argsort(-weights / np.sqrt(np.maximum(lengths, 1)), kind="stable")
        enough = int(np.searchsorted(np.cumsum(lengths[order]), MOST_POSTINGS, side="right"))
        return order[: max(enough, 1)].astype(np.int32)

    def _borrowed(self, mixtures: sp.csr_array) -> sp.csr_array:
        return sp.csr_array(mixtures[:, : self.n_fitted] @ self.rows[: self.n_fitted])


class GraphScorer(SparseScorer):
    """One asker's profile over entities."""

    def __init__(self, model: Graph, batch: Batch) -> None:
        super().__init__(model, batch, model.salient)
        self._graph, self._rows = model, batch.rows

    def path(self, row: int) -> tuple[int, GraphPath] | None:
        """The path that adds most to the score of a row, and the row of the history that it begins at. None where
        nothing adds to it, and for an item that came later: it only borrows."""
        graph = self._graph
        if row >= graph.n_fitted:
            return None
        _, shared, data = entries(graph.rows, np.array([row]))
        told = np.flatnonzero((self._rows < graph.n_fitted) & (self._rows != row))
        heard = among(entries(graph.rows, self._rows[told]), len(told), shared)
        added = heard * data * self.shares[told][:, None]  # (H, columns of the row)
        entry, place = np.nonzero(added)
        return self._largest(row, self._rows[told][entry], shared[place], added[entry, place])

    def _largest(self, row: int, source: Rows, column: Rows, added: Floats) -> tuple[int, GraphPath] | None:
        """Of (n,) ways from a source over a column to the row. An edge between items is two: over the column of
        either."""
        told = self._graph.columns
        direct = (told.item_of[column] == row) | (told.item_of[column] == source)
        keys = np.stack([source, told.relation_of[column], np.where(direct, PAD, column)], axis=1)
        paths, path_of = np.unique(keys, axis=0, return_inverse=True)
        total = np.bincount(path_of.ravel(), added, minlength=1)
        if total.max() <= 0:
            return None
        begin, relation, through = paths[int(total.argmax())].tolist()
        if through == PAD:
            return begin, GraphPath(told.relations[relation], outward=told.outward(relation, begin, row))
        return begin, GraphPath(told.relations[relation], *told.end(through))


class GraphRecipe(Recipe):
    """Relations between items and entities, each with a weight learned from behaviour."""

    choices: ClassVar[Choices] = MappingProxyType({"lends": (0.0, 0.5, 0.75, 1.0)})
    discount: float = Field(
        default=0.75, ge=0, le=2, description="How strongly what many items share is discounted."
    )
    hops: int = Field(
        default=2, ge=1, le=2, description="Steps from an item to the farthest entity it is linked to."
    )
    attributes: bool = Field(default=False, description="Whether categories, brand and attributes are relations.")
    recency: float = Field(default=0.9, gt=0, le=1, description="How an event counts less with each newer one.")
    lends: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Of what an item borrows: the share from items it is linked to; unset: chosen.",
    )
    n_examples: int = Field(
        default=1_500, gt=0, description="People that the relations' weights are learned from."
    )

    def fit(self, data: Dataset, run: Run) -> Graph:
        """Without any usable relation it says nothing (`Graph.speaks`)."""
        known = read_knowledge(data, hops=self.hops, attributes=self.attributes)
        weights = relation_weights(known, data, self.n_examples, run.seed)
        return self._graph(known, weights, self.recency if data.ordered else 1.0)

    def _graph(self, known: Knowledge, weights: Floats, recency: float) -> Graph:
        columns = known.columns
        shared_by = np.bincount(known.links.indices, minlength=len(columns)).astype(np.float32)
        scale = np.sqrt(weights[columns.relation_of]) * np.maximum(shared_by, 1) ** np.float32(-self.discount / 2)
        kept = np.flatnonzero(scale > 0)
        rows = sp.csr_array(known.links @ sp.diags_array(scale.astype(np.float32)))[:, kept]
        rows.sort_indices()
        columns = replace(columns, weights=weights).take(kept)
        return Graph(rows, sp.csr_array(rows.T), recency, columns, rows.shape[0])


def graph_neighbours(graph: Graph, rows: Rows, others: Rows, k: int = 20) -> sp.csr_array:
    """(n, I): for each of the n `rows` the k of the rows `others` with the largest cosine in the graph, weighted
    by it; weights sum to one. Never the item itself. An item that shares nothing has an empty row. What more than
    MOST_SHARE share makes no neighbours.
    """
    out = [sp.csr_array((0, graph.n_items), dtype=np.float32)]
    telling = np.flatnonzero(np.diff(graph.postings.indptr) <= MOST_SHARE)
    unit = unit_sparse(sp.csr_array(graph.rows[:, telling]))
    among = sp.csr_array(unit[others].T)
    size = max(1, MOST_NUMBERS // max(len(others), 1))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        alike = sp.coo_array(unit[block] @ among)
        at, columns = alike.coords[0], others[alike.coords[1]]
        data = np.where(columns == block[at], 0.0, alike.data)
        lent = prune(sp.csr_array((data, (at, columns)), shape=(len(block), graph.n_items)), k)
        total = np.asarray(lent.sum(axis=1)).ravel()
        lent = sp.csr_array(sp.diags_array(1.0 / np.maximum(total, 1e-12)) @ lent, dtype=np.float32)
        lent.eliminate_zeros()
        out.append(lent)
    return sp.csr_array(sp.vstack(out))
