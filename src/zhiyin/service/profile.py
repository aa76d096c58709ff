"""A person as the log knows them: what they did lately, and which categories and brands that speaks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zhiyin.errors import NotFound
from zhiyin.live import HISTORY, Snapshot
from zhiyin.service.answers import Metadata, item_in, metadata
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, EventType, Item, Scalar, User

TOP = 10


@dataclass(frozen=True, slots=True)
class Did:
    """One event, with the item as it is now."""

    item_id: str
    type: EventType
    at: datetime | None
    value: float | None
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Leaning:
    """A category or brand and the signed weights of the events with its items, summed."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True)
class Profile:
    """`history` is newest first and ends at the events that lists are made from."""

    user_id: str  # the person, whatever id was asked for
    attributes: Mapping[str, Scalar]
    history: tuple[Did, ...]
    categories: tuple[Leaning, ...]
    brands: tuple[Leaning, ...]


def profile(shop: Zhiyin, world: Snapshot, user_id: str) -> Profile:
    """Raises NotFound for somebody of whom nothing is known."""
    person = shop.store.resolve(user_id)
    known = shop.store.user(person)
    events = shop.store.history(person, limit=HISTORY)
    if known is None and not events:
        raise NotFound(f"nothing is known about user {user_id!r}: POST /v1/events says what they do")
    items = [item_in(world, str(event.item_id)) for event in events]
    weights = [shop.settings.data.signals.weight(event.type, event.value) for event in events]
    told = list(zip(items, weights, strict=True))
    return Profile(
        user_id=person,
        attributes=(known or User(person)).attributes,
        history=tuple(_did(event, item) for event, item in zip(reversed(events), reversed(items), strict=True)),
        categories=_leanings((name, weight) for item, weight in told for name in item.categories),
        brands=_leanings((item.brand, weight) for item, weight in told if item.brand),
    )


def _did(event: Event, item: Item) -> Did:
    return Did(item.item_id, event.type, event.at, event.value, metadata(item))


def _leanings(told: Iterable[tuple[str, float]]) -> tuple[Leaning, ...]:
    """The TOP heaviest of those liked at all, ties by name."""
    weights: Counter[str] = Counter()
    for name, weight in told:
        weights[name] += weight  # type: ignore[assignment]  # a Counter counts fractions, too
    heaviest = sorted(weights.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Leaning(name, round(weight, 4)) for name, weight in heaviest[:TOP] if weight > 0)
