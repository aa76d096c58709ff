"""A world in which only order tells anything: everybody goes around a circle of items, all equally popular."""

import numpy as np

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.sequence import SequenceRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.types import Event, Item

N_ITEMS = 24
SMALL = SequenceRecipe(dim=16, length=8, batch=4, negatives=12, epochs=8, dropout=0.1, learning_rate=0.01)


def cycle_dataset(n_users: int = 240, seed: int = 1) -> Dataset:
    """Each begins anywhere and takes what stands seven places on, now and then something else."""
    rng = np.random.default_rng(seed)
    items = [Item(f"item {n:02}", title=f"thing {'abcdefghijkl'[n % 12]}") for n in range(N_ITEMS)]
    events = []
    for user in range(n_users):
        at = int(rng.integers(N_ITEMS))
        for place in range(int(rng.integers(5, 14))):
            at = int(rng.integers(N_ITEMS)) if rng.random() < 0.1 else (at + 7) % N_ITEMS
            events.append(Event(f"user {user}", f"item {at:02}", "click", order=place, event_id=f"{user}-{place}"))
    return build_dataset(items, events)


def following(data: Dataset, row: int) -> int:
    """The row of the item that comes next."""
    number = int(data.items[row].split()[1])
    return data.items.row(f"item {(number + 7) % N_ITEMS:02}")


def run_of(seed: int = 0) -> Run:
    return Run(HashEncoder(), seed)


def meaning_of(data: Dataset) -> Meaning:
    return MeaningRecipe().fit(data, run_of())
