"""What the service says: the lists as they go out, with the catalogue's words beside every id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
from fastapi import Response
from pydantic import BaseModel

from zhiyin.data.vocabulary import PAD
from zhiyin.snapshot import Snapshot
from zhiyin.types import Item, Mode, Reason, Recommendation, Scalar, Translation

_OPTIONS = orjson.OPT_UTC_Z


@dataclass(frozen=True, slots=True)
class Metadata:
    """An item as pages show it."""

    title: str
    text: str
    categories: tuple[str, ...]
    brand: str | None
    price: float | None
    url: str | None
    image: str | None
    language: str | None
    published_at: datetime | None
    attributes: Mapping[str, Scalar]
    translations: Mapping[str, Translation]
    labels: Mapping[str, tuple[str, ...]]  # what label models say, by their names


@dataclass(frozen=True, slots=True)
class AnswerItem:
    """One place of a list: `score` is the sum of `parts`."""

    item_id: str
    score: float
    reasons: tuple[Reason, ...]
    parts: Mapping[str, float]
    explored: bool
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Answer:
    """A list. Send `recommendation_id` and the place back with the events that come of it."""

    recommendation_id: str
    items: tuple[AnswerItem, ...]
    mode: Mode
    bundle: str
    variant: str
    missing_ids: tuple[str, ...]
    titles: Mapping[str, str]  # of the items that reasons name
    took_ms: float


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of events: `stored` + `duplicates` = the number sent."""

    stored: int
    duplicates: int
    unknown_items: tuple[str, ...]  # named by these events and not in the catalogue; stored all the same


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of items or users: those sent that were there already, just so, changed nothing."""

    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Merged:
    """Who somebody is from now on."""

    alias: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service runs (healthz) or can answer (readyz)."""

    status: str
    bundle: str | None = None
    mode: str | None = None


def answer(shown: Recommendation, world: Snapshot, took_ms: float) -> Answer:
    """A list with the words of the catalogue as it is now."""
    reasons = [reason for place in shown.items for reason in place.reasons]
    named = dict.fromkeys(id_ for reason in reasons for id_ in (*reason.items, *_passed(reason)))
    return Answer(
        recommendation_id=shown.recommendation_id,
        items=tuple(
            AnswerItem(
                item_id=place.item_id,
                score=place.score,
                reasons=place.reasons,
                parts=place.parts,
                explored=place.explored,
                metadata=metadata(item_in(world, place.item_id)),
            )
            for place in shown.items
        ),
        mode=shown.mode,
        bundle=shown.bundle,
        variant=shown.variant,
        missing_ids=shown.missing_ids,
        titles={id_: item_in(world, id_).title for id_ in named},
        took_ms=round(took_ms, 3),
    )


def _passed(reason: Reason) -> tuple[str, ...]:
    """The item that the path of a reason goes through."""
    return (reason.path.item,) if reason.path and reason.path.item is not None else ()


def item_in(world: Snapshot, item_id: str) -> Item:
    """The item as it is now; a bare one where it has gone since."""
    row = world.vocabulary.row(item_id)
    return (None if row == PAD else world.items[row]) or Item(item_id)


def unknown_in(world: Snapshot, item_ids: Iterable[str]) -> list[str]:
    """Those that are not in the catalogue."""
    rows = ((item_id, world.vocabulary.row(item_id)) for item_id in item_ids)
    return [item_id for item_id, row in rows if row == PAD or world.items[row] is None]


def metadata(item: Item) -> Metadata:
    return Metadata(
        item.title,
        item.text,
        item.categories,
        item.brand,
        item.price,
        item.url,
        item.image,
        item.language,
        item.published_at,
        item.attributes,
        item.translations,
        {name: label.labels for name, label in item.labels.items()},
    )


def json(content: object, status: int = 200) -> Response:
    """Frozen dataclasses as JSON."""
    body = orjson.dumps(content, default=_plain, option=_OPTIONS)
    return Response(body, status, media_type="application/json")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"a {type(value).__name__} is not JSON")
