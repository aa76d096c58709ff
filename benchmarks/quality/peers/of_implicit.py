"""implicit: weighted ALS; everybody is folded in from the history they have when they ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from library import Fitted, Library, Listed, Settings, best_of, pairs
from problem import Problem


def fit(problem: Problem, settings: Settings) -> Fitted:
    model = AlternatingLeastSquares(random_state=0, **settings)
    matrix = pairs(problem.fit_users, problem.fit_items, (problem.n_users, problem.n_items))
    model.fit(matrix, show_progress=False)
    return Folded(model)


@dataclass(frozen=True)
class Folded:
    model: AlternatingLeastSquares

    def best(self, histories: Sequence[np.ndarray], n: int, candidates: np.ndarray) -> Listed:
        owners = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
        matrix = pairs(owners, np.concatenate(histories), (len(histories), len(candidates)))
        factors = self.model.recalculate_user(np.arange(len(histories)), matrix)
        return best_of(factors @ self.model.item_factors.T, n, candidates)


GRID = tuple(
    {"factors": factors, "regularization": reg, "alpha": alpha}
    for factors in (64, 128)
    for alpha in (1.0, 10.0, 40.0)
    for reg in (0.01, 1.0, 10.0)
)
PEERS = {"implicit_als": Library(fit, ({}, *GRID))}
