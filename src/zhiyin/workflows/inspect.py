"""`zhiyin inspect`: one person's list, and beside it what each channel alone would have shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

from zhiyin.live import Snapshot
from zhiyin.models.base import Batch, Model
from zhiyin.ranking.fusion import READS
from zhiyin.recommender import speaks
from zhiyin.shop import Zhiyin
from zhiyin.types import Query, Recommendation


@dataclass(frozen=True, slots=True)
class Inspected:
    """`fused` is a real answer (not logged); `channels` the first eligible items of each channel, best first."""

    fused: Recommendation
    channels: Mapping[str, tuple[str, ...]]

    def rows(self) -> list[tuple[str, ...]]:
        """Place by place: its number, the item shown, and the item of each channel ("" below its end)."""
        lists = [tuple(place.item_id for place in self.fused.items), *self.channels.values()]
        return [(str(n), *column) for n, column in enumerate(zip_longest(*lists, fillvalue=""), start=1)]


def inspect(shop: Zhiyin, query: Query) -> Inspected:
    """The channels side by side. A channel with nothing to say has an empty list."""
    live = shop.live()
    world = live.snapshot()
    asker = live.asker(query, world, datetime.now(UTC))
    recommender = shop.recommender(live)
    wish = recommender.hear(world, query)
    lists: dict[str, tuple[str, ...]] = {}
    retrieve = shop.settings.ranking.retrieve
    for name, model, batch in _voices(world, asker.history, wish, query):
        eligible = recommender.eligible(model.retrieve(batch, retrieve), world, asker, query)
        lists[name] = tuple(world.vocabulary[row] for row in eligible[: query.n].tolist())
    return Inspected(shop.compute(query), lists)


def _voices(world: Snapshot, history: Batch, wish: Batch | None, query: Query) -> list[tuple[str, Model, Batch]]:
    """Every channel with what it listens to: the history, and a wish if it reads."""
    speaking = [(name, model) for name, model in world.models.items() if speaks(name, query)]
    voices = [(name, model, history) for name, model in speaking]
    if wish is not None:
        voices += [(f"wish_{name}", model, wish) for name, model in speaking if name in READS]
    return voices
