"""RecTools: SASRec, asked with the history of the moment as its session."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from library import Fitted, Library, Listed, Settings
from problem import PAD, Problem
from pytorch_lightning import Trainer, seed_everything
from rectools.dataset import Dataset
from rectools.models import SASRecModel

LONGEST = (10, 200)  # bounds of the places that it looks back, else as many as 95 % of people have
warnings.filterwarnings("ignore")  # of lightning, about this machine
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)


def fit(problem: Problem, settings: Settings) -> Fitted:
    """Without `epochs` in the settings nothing is learned yet."""
    usual = {name: value for name, value in settings.items() if name != "epochs"}
    longest = np.quantile(np.bincount(problem.fit_users), 0.95)
    model = SASRecModel(session_max_len=int(np.clip(longest, *LONGEST)), get_trainer_func=quiet, **usual)
    fitted = Sessions(model, problem)
    if "epochs" in settings:
        fitted.more(settings["epochs"])
    return fitted


def quiet() -> Trainer:
    seed_everything(0, verbose=False)
    return Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@dataclass(frozen=True)
class Sessions:
    model: SASRecModel
    problem: Problem

    def more(self, epochs: int) -> None:
        """So many epochs on top of those that were made."""
        data = interactions(self.problem.fit_users, self.problem.fit_items)
        self.model.fit_partial(data, min_epochs=epochs, max_epochs=epochs)

    def best(self, histories: Sequence[np.ndarray], n: int, candidates: np.ndarray) -> Listed:
        lengths = [len(history) for history in histories]
        known = np.flatnonzero(candidates & np.isin(np.arange(len(candidates)), self.problem.fit_items))
        rows = np.full((len(histories), n), PAD, np.int32)
        scores = np.full((len(histories), n), -np.inf, np.float32)
        if not (any(lengths) and len(known)):
            return rows, scores
        found = self.model.recommend(
            np.flatnonzero(lengths),
            interactions(np.repeat(np.arange(len(histories)), lengths), np.concatenate(histories)),
            k=n,
            filter_viewed=False,
            items_to_recommend=known,
            on_unsupported_targets="ignore",
        )
        owner, place = found["user_id"].to_numpy(), found["rank"].to_numpy() - 1
        rows[owner, place], scores[owner, place] = found["item_id"], found["score"]
        return rows, scores


def interactions(users: np.ndarray, items: np.ndarray) -> Dataset:
    """These events in this order; one second lies between two."""
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(users)), unit="s")
    return Dataset.construct(pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": at}))


USUAL = {"n_factors": 64, "n_heads": 2, "loss": "softmax"}  # else the library's: two blocks, dropout .2
PEERS = {"rectools_sasrec": Library(fit, (USUAL,), epochs=True)}
