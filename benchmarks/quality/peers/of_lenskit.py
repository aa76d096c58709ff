"""LensKit: item-kNN and implicit matrix factorisation, asked with the history of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lenskit.als import ImplicitMFScorer
from lenskit.data import ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.training import TrainingOptions
from library import Fitted, Library, Listed, Settings, best_of
from problem import Problem


def fit_item_knn(problem: Problem, settings: Settings) -> Fitted:
    return trained(ItemKNNScorer(feedback="implicit", **settings), problem)


def fit_implicit_mf(problem: Problem, settings: Settings) -> Fitted:
    return trained(ImplicitMFScorer(**settings), problem)


def trained(scorer: ItemKNNScorer | ImplicitMFScorer, problem: Problem) -> Fitted:
    deeds = np.unique(np.stack([problem.fit_users, problem.fit_items], axis=1), axis=0)
    every = np.arange(problem.n_items)
    data = from_interactions_df(pd.DataFrame(deeds, columns=["user_id", "item_id"]), items=every)
    scorer.train(data, TrainingOptions(rng=0))
    return Asked(scorer, ItemList(item_ids=every, vocabulary=data.items))


@dataclass(frozen=True)
class Asked:
    scorer: ItemKNNScorer | ImplicitMFScorer
    items: ItemList  # all

    def best(self, histories: Sequence[np.ndarray], n: int, candidates: np.ndarray) -> Listed:
        scores = np.full((len(histories), len(candidates)), -np.inf, np.float32)
        for row, history in enumerate(histories):
            if len(history):
                had = ItemList(item_ids=np.unique(history), vocabulary=self.items.vocabulary)
                found = self.scorer(RecQuery(user_items=had), self.items).scores("numpy")
                scores[row] = np.nan_to_num(found, nan=-np.inf)  # no opinion: not listed
        return best_of(scores, n, candidates)


KNN_GRID = tuple({"max_nbrs": k, "min_sim": sim} for k in (20, 50, 100, 300) for sim in (1e-6, 0.01))
MF_GRID = tuple(
    {"embedding_size": size, "weight": weight, "regularization": reg}
    for size in (50, 100)
    for weight in (1.0, 5.0, 40.0)
    for reg in (0.1, 1.0, 10.0)
)
PEERS = {
    "lenskit_item_knn": Library(fit_item_knn, KNN_GRID),
    "lenskit_implicit_mf": Library(fit_implicit_mf, ({}, *MF_GRID)),
}
