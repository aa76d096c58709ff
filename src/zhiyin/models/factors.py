"""Factors: everybody and everything as short vectors, by implicit alternating least squares.

Nothing is kept of the people: the vector of whoever asks is solved from the history that is handed in, in closed
form, as fitting would have solved it. For a given history that is linear in its entries' values, so each entry's
contribution is one addend. Items are mixed with what reads alike, as links are, and so are items that come later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.models.als import Fixed, Lists, Plan, Weights, addends, alternate, solved
from zhiyin.models.base import Arrays, Arrivals, Batch, Choices, Fading, Run
from zhiyin.models.index import ExactIndex, VectorIndex, build_index, index_of
from zhiyin.models.neighbours import Alike


@dataclass(frozen=True, slots=True)
class Factors:
    """An asker's vector is (Σ |value| v vᵀ + spread + ridge)⁻¹ Σ value v over their history; a score is its
    product with an item's."""

    name: ClassVar[str] = "factors"
    vectors: Floats  # (I, D), of items mixed with what reads alike
    spread: Floats  # (D,) α · diagonal of the Gram matrix of the items as they were fitted
    weights: Weights
    n_fitted: int
    recency: float
    index: VectorIndex  # over `vectors`

    @property
    def n_items(self) -> int:
        return len(self.vectors)

    def score(self, batch: Batch) -> Floats:
        return self.profiles(batch) @ self.vectors.T

    def scorer(self, batch: Batch) -> FactorScorer:
        return FactorScorer(self, batch)

    def extended(self, arrivals: Arrivals) -> Self:
        lent = _lent(arrivals.near, self.vectors)
        rows = np.arange(self.n_items, self.n_items + len(lent), dtype=np.int32)
        return self._with_rows(np.concatenate([self.vectors, lent]), rows)

    def borrowed_again(self, rows: Rows, mixtures: sp.csr_array) -> Self:
        """With these later rows as other mixtures (n, I) of the fitted ones."""
        vectors = self.vectors.copy()
        vectors[rows] = _lent(mixtures, self.vectors)
        return self._with_rows(vectors, rows)

    def arrays(self) -> Arrays:
        return {
            "vectors": self.vectors,
            "spread": self.spread,
            "shape_of_use": np.array(
                [self.weights.unobserved, self.weights.reg, self.weights.power, self.n_fitted, self.recency]
            ),
            **self.index.arrays(),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        unobserved, reg, power, n_fitted, recency = (float(x) for x in arrays["shape_of_use"])
        vectors = np.asarray(arrays["vectors"], np.float32)
        return cls(
            vectors,
            np.asarray(arrays["spread"], np.float32),
            Weights(unobserved, reg, power),
            int(n_fitted),
            recency,
            index_of(vectors, arrays),
        )

    def values(self, batch: Batch) -> Floats:
        """(H,) what each entry counts."""
        return (batch.weights * np.float32(self.recency) ** batch.back).astype(np.float32)

    def profiles(self, batch: Batch) -> Floats:
        """(B, D) the vector of each asker."""
        return solved(Fixed(self.vectors, self.spread), *self.asked(batch))

    def asked(self, batch: Batch) -> tuple[Lists, Floats]:
        """The histories as equations, and the ridge (B,) of each."""
        lists = Lists(batch.indptr, batch.rows, self.values(batch))
        return lists, self.weights.ridge(lists.counts, self.n_fitted)

    def _with_rows(self, vectors: Floats, rows: Rows) -> Self:
        return replace(self, vectors=vectors, index=self.index.with_rows(vectors, rows))


class FactorScorer:
    """One asker's vector (D,), and what each entry of the history adds to it."""

    def __init__(self, model: Factors, batch: Batch) -> None:
        self._model = model
        lists, ridge = model.asked(batch)
        fixed = Fixed(model.vectors, model.spread)
        self._addends = addends(fixed, lists.rows, lists.values, float(ridge[0]))  # (H, D)
        self._profile: Floats = self._addends.sum(axis=0)

    def retrieve(self, k: int) -> Rows:
        return self._model.index.search(self._profile, k)

    def score(self, rows: Rows) -> Floats:
        return self._model.vectors[rows] @ self._profile

    def why(self, rows: Rows) -> Floats:
        return self._addends @ self._model.vectors[rows].T


@dataclass(frozen=True, slots=True)
class Solution:
    """The items of some events, each for itself, and the weights they were solved with."""

    items: Fixed
    weights: Weights


class FactorsRecipe(Fading):
    """Matrix factorisation of who took what."""

    choices: ClassVar[Choices] = MappingProxyType(
        {
            "dim": (64, 32, 128),
            "reg": (0.01, 0.003, 0.03),
            "unobserved": (10.0, 3.0, 30.0),
            "recency": (1.0, 0.85, 0.7, 0.5),
            "trust": (5.0, 0.5, 2.0, 20.0),
        }
    )
    dim: int | None = Field(default=None, gt=0, description="Numbers in a vector; unset: chosen.")
    reg: float | None = Field(default=None, gt=0, description="Ridge, in events: more = smoother; unset: chosen.")
    unobserved: float | None = Field(
        default=None,
        gt=0,
        description="What all that nobody took weighs, as a multiple of all that was taken; unset: chosen.",
    )
    power: float = Field(
        default=1.0, ge=0, le=1, description="The ridge of a person or item grows as their events to this power."
    )
    epochs: int = Field(default=6, gt=0, description="How often both sides are solved.")
    trust: float | None = Field(
        default=None,
        ge=0,
        description="Events at which an item is half itself, half as those that read like it; unset: chosen.",
    )

    def fit(
        self, data: Dataset, run: Run, alike: Alike | None = None, solution: Solution | None = None
    ) -> Factors:
        """Mixed with what reads `alike`; without that, every item for itself. `solution`: where it is known."""
        model = self.model(self.solve(data, run) if solution is None else solution, data, alike)
        return replace(model, index=build_index(model.vectors, run.seed))

    def solve(self, data: Dataset, run: Run, part: Solution | None = None) -> Solution:
        """The items of these events; where they are solved of a `part` of these already, half of the epochs do."""
        taken = data.interactions()
        epochs, begin = (self.epochs, None) if part is None else (-(-self.epochs // 2), part.items.vectors)
        plan = Plan(self.usual().dim or 1, epochs, self.weights(taken), run.seed)
        return Solution(alternate(taken, plan, run.progress, begin), plan.weights)

    def weights(self, taken: sp.csr_array) -> Weights:
        """Of the terms of the loss, for people and items of (U, I) ones. Who weighs as much as all do in the mean
        has the ridge `reg` times that, whatever the power."""
        usual, (n_users, n_items) = self.usual(), taken.shape
        unobserved = (usual.unobserved or 0.0) * taken.nnz / max(n_users * n_items, 1)
        mean = 2 * (taken.nnz + unobserved * n_users * n_items) / max(n_users + n_items, 1)
        return Weights(unobserved, (usual.reg or 0.0) * max(mean, 1e-12) ** (1 - self.power), self.power)

    def model(self, solution: Solution, data: Dataset, alike: Alike | None = None) -> Factors:
        """The channel of what was solved, which looks at every item."""
        items = solution.items
        vectors = items.vectors if alike is None else alike.mixture(self.usual().trust or 0.0) @ items.vectors
        fades, index = self.fades(data), ExactIndex(vectors)
        return Factors(vectors, items.spread, solution.weights, len(vectors), fades, index)


def _lent(mixtures: sp.csr_array, vectors: Floats) -> Floats:
    """(n, D) mixtures (n, I) of the first I rows."""
    return np.asarray(mixtures @ vectors[: mixtures.shape[1]], np.float32)
