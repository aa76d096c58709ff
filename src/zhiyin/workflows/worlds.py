"""From a shop to a world: its items as they read, and what comes to it as new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.errors import InvalidData
from zhiyin.models.popular import Popular
from zhiyin.policies.whitening import Whitening
from zhiyin.shop import Zhiyin
from zhiyin.simulation.world import Hints, World
from zhiyin.snapshot import Snapshot
from zhiyin.types import Item
from zhiyin.workflows.courses import Scene
from zhiyin.workflows.scratch import scratch_copy

AXES = 16  # main axes of what was read that tastes lie along
PART = 10_000  # vectors that are whitened at once, and that the axes are made of, at most
ARRIVED_BY = 0.6  # share of the rounds after which nothing that was held back comes


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An item that nobody has yet, and the truth about it."""

    round: int  # in which it is there
    item: Item
    quality: float  # logits that it is better than others, whatever its text says


@dataclass(frozen=True, slots=True)
class Arrival:
    """An item that comes as a new one."""

    round: int  # in which it is there
    item: Item  # under an id that nobody knows
    held_back: str | None  # its id in the catalogue, if it was there before


def world_of(shop: Zhiyin, scene: Scene, newcomers: Sequence[Newcomer] = ()) -> tuple[World, tuple[Arrival, ...]]:
    """The items that can be shown now, by the vectors by which they are read and the past that they have; and what
    arrives: those of them that are held back and come under a new id, and the newcomers. Raises InvalidData where
    there is no item."""
    snapshot = shop.live().snapshot()
    rows = np.flatnonzero(snapshot.available).astype(np.int32)
    if not len(rows):
        raise InvalidData("there is no item that can be shown: zhiyin import, or POST /v1/items, adds some")
    rng = np.random.default_rng([scene.seed, 3])
    held = np.sort(rng.permutation(len(rows))[: round(scene.arriving * len(rows))]).astype(np.int32)
    items = [item for row in rows.tolist() if (item := snapshot.items[row]) is not None]
    ids = [item.item_id for item in items]
    arrivals = list(_held_back(items, held.tolist(), scene.rounds))
    for place, arrival in zip(held.tolist(), arrivals, strict=True):
        ids[place] = arrival.item.item_id
    vectors = snapshot.vectors[rows]
    whitening = Whitening.of(vectors[:: -(-len(vectors) // PART)], min(AXES, max(1, len(rows) - 1)))
    world = World.drawn(scene.nature, ids, _whitened(whitening, vectors), rng, _hints(snapshot, rows, held))
    if newcomers:
        read = whitening(_read(shop, [one.item for one in newcomers]))
        world = world.with_items([one.item.item_id for one in newcomers], read, [one.quality for one in newcomers])
        arrivals += [Arrival(one.round, one.item, None) for one in newcomers]
    return world, tuple(arrivals)


def _hints(snapshot: Snapshot, rows: Rows, held: Rows) -> Hints:
    """Nobody has taken what is new; every other text of these misleads."""
    popular = snapshot.models.get("popular")
    taken = np.log1p(popular.counts[rows]) if isinstance(popular, Popular) else np.zeros(len(rows))
    taken[held] = taken.mean()
    misleads = np.zeros(len(rows), bool)
    misleads[held[1::2]] = True
    return Hints(taken, misleads)


def _whitened(whitening: Whitening, vectors: Floats) -> Doubles:
    """(I, dim), a part at a time: a large catalogue is not held twice."""
    return np.concatenate([whitening(vectors[start : start + PART]) for start in range(0, len(vectors), PART)])


def _read(shop: Zhiyin, items: Sequence[Item]) -> Floats:
    """(n, D) as the shop would read them once they are there."""
    with scratch_copy(shop) as copy:
        copy.put_items(items)
        snapshot = copy.live().snapshot()
        return snapshot.vectors[snapshot.vocabulary.rows([item.item_id for item in items])]


def _held_back(items: Sequence[Item], held: Sequence[int], rounds: int) -> Iterator[Arrival]:
    last = max(1.0, ARRIVED_BY * rounds)
    for number, row in enumerate(held):
        item = items[row]
        after = int(last * number / len(held))
        yield Arrival(1 + after, replace(item, item_id=f"simulated-new-{number + 1}"), item.item_id)
