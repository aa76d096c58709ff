"""A person as the log knows them: what they did lately, which categories and brands that speaks for, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zhiyin.errors import NotFound
from zhiyin.live import Live
from zhiyin.service.answers import Metadata, item_in, metadata
from zhiyin.shop import Zhiyin
from zhiyin.types import Event, EventType, Scalar, User
from zhiyin.workflows.profile import Asked, Told, diary_of, told_lines

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
    diary = diary_of(shop, person)
    lines, events = told_lines(shop, live, asked, diary), diary.events
    known = shop.store.user(person)
    if known is None and not events and not lines:
        raise NotFound(f"nothing is known about user {user_id!r}: POST /v1/events says what they do")
    known_items = {id_: item_in(world, id_) for id_ in {str(event.item_id) for event in events}}
    items = [known_items[str(event.item_id)] for event in events]
    shown = {id_: metadata(item) for id_, item in known_items.items()}
    weights = [shop.settings.data.signals.weight(event.type, event.value) for event in events]
    told = list(zip(items, weights, strict=True))
    return Profile(
        user_id=person,
        attributes=(known or User(person)).attributes,
        history=tuple(_did(event, shown[str(event.item_id)]) for event in reversed(events)),
        categories=_leanings((name, weight) for item, weight in told for name in item.categories),
        brands=_leanings((item.brand, weight) for item, weight in told if item.brand),
        lines=lines,
        titles={id_: item_in(world, id_).title for line in lines for id_ in line.evidence.items},
    )


def _did(event: Event, item: Metadata) -> Did:
    return Did(str(event.item_id), event.type, event.at, event.value, item)


def _leanings(told: Iterable[tuple[str, float]]) -> tuple[Leaning, ...]:
    """The TOP heaviest of those liked at all, ties by name."""
    weights: dict[str, float] = {}
    for name, weight in told:
        weights[name] = weights.get(name, 0.0) + weight
    heaviest = sorted(weights.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Leaning(name, round(weight, 4)) for name, weight in heaviest[:TOP] if weight > 0)
