"""Does the fast path find what the exact one would? The bundle is saved, loaded and asked as a server asks it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from zhiyin.bundle import load_bundle, save_bundle
from zhiyin.data.dataset import Dataset
from zhiyin.data.signals import Signals
from zhiyin.data.splits import Split
from zhiyin.data.store.memory import MemoryStore
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.evaluation.judging import batch_of
from zhiyin.evaluation.posing import sample
from zhiyin.live import Asker, Live
from zhiyin.metrics.ranks import shut, top_rows
from zhiyin.models.base import Batch, Run, union
from zhiyin.policies.greedy import Greedy
from zhiyin.ranking.examples import parts_of
from zhiyin.recipe import DefaultRecipe, Fitted
from zhiyin.recommender import Recommender, Shape
from zhiyin.snapshot import Snapshot
from zhiyin.types import Query

PEOPLE = 200
PLACES = 10
RETRIEVE = 300  # rows that each channel proposes


def online_share(fitted: Fitted, recipe: DefaultRecipe, split: Split, run: Run) -> float:
    """Of the first 10 by `Fitted.score` over the whole catalogue, history masked, the share that is among what
    the channels propose; the mean over at most 200 people."""
    some = sample(split, PEOPLE, run.seed)
    batch = batch_of(some.past)
    exact = top_rows(shut(fitted.score(batch), some.past.seen), PLACES)
    with TemporaryDirectory(prefix="zhiyin-") as folder:
        live = served(Path(folder), fitted, recipe, split.fit, run)
        recommender = Recommender(live, Greedy(), Shape(RETRIEVE, RETRIEVE, 0.0, repeats=False, digest="check"))
        world = live.snapshot()
        found = [
            np.isin(best[best != PAD], _proposed(recommender, world, one)).mean()
            for best, one in zip(exact, parts_of(batch, 1), strict=True)
        ]
    return float(np.mean(found))


def served(folder: Path, fitted: Fitted, recipe: DefaultRecipe, fit: Dataset, run: Run) -> Live:
    """What was fitted on `fit`, saved, loaded and answering, without any event after it."""
    store = MemoryStore()
    store.put_items(fit.catalogue)
    name = save_bundle(folder, fitted, recipe, fit, run, store.position())
    return Live(load_bundle(folder, name, run.encoder), store, Signals())


def _proposed(recommender: Recommender, world: Snapshot, one: Batch) -> Rows:
    asker, query = Asker(one, seen=union([one.rows]), hidden=np.zeros(0, np.int32)), Query(n=PLACES)
    return recommender.retrieve(world, asker, recommender.hear(world, asker, query), query)
