"""A person as the log knows them: what they did lately, which categories and brands that speaks for, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zhiyin.errors import NotFound
from zhiyin.live import HISTORY, Live
from zhiyin.service.answers import Metadata, item_in, metadata
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, EventType, Item, Scalar, User
from zhiyin.workflows.profile import Asked, Told, told_lines

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
    lines: tuple[Told, ...]  # in words: what the person said first, then what stands out
    titles: Mapping[str, str]  # of the items that are evidence


def profile(shop: Zhiyin, live: Live, asked: Asked) -> Profile:
    """Raises NotFound for somebody of whom nothing is known."""
    world, user_id = live.snapshot(), asked.user_id
    person = shop.store.resolve(user_id)
    lines = told_lines(shop, live, asked)
    known = shop.store.user(person)
    events = shop.store.history(person, limit=HISTORY)
    if known is None and not events and not lines:
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
        lines=lines,
        titles={id_: item_in(world, id_).title for line in lines for id_ in line.evidence.items},
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
