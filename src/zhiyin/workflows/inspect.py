"""`zhiyin inspect`: one person's list, and beside it what each channel alone would have shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

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
    heard = recommender.hear(world, asker, query)
    lists: dict[str, tuple[str, ...]] = {}
    retrieve = shop.settings.ranking.retrieve
    for name, scorer in (*heard.past.items(), *((f"wish_{name}", one) for name, one in heard.wished.items())):
        eligible = recommender.eligible(scorer.retrieve(retrieve), world, asker, query)
        lists[name] = tuple(world.vocabulary[row] for row in eligible[: query.n].tolist())
    return Inspected(shop.compute(query), lists)
