"""Nouns to rows and back, so that what goes into a store comes out equal.

Both stores keep these rows. What JSON cannot carry (a NaN, an integer past 64 bits, half a character in an
attribute) is refused here, before anything is written. Rows were checked on their way in, so events and items,
which are read by the million, are rebuilt without a second check.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import isfinite
from typing import Any

import orjson

from zhiyin.errors import InvalidData
from zhiyin.texts import check_id
from zhiyin.types import (
    AsOf,
    Event,
    GraphPath,
    Item,
    ItemLabel,
    Place,
    Query,
    Reason,
    Recommendation,
    Scalar,
    Translation,
    utc,
)

Row = tuple[Any, ...]  # what a driver takes and gives

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_LABELS = '"labels":{'
_COMPRESSION = 1  # level 6 takes three times as long for a tenth fewer bytes
_BARE = Item("-")
_ITEM_FIELDS = tuple(field.name for field in fields(Item) if field.name != "item_id")
_BARE_FIELDS = {field.name: getattr(_BARE, field.name) for field in fields(Item)}

_ITEM_SETTERS = tuple(getattr(Item, field.name).__set__ for field in fields(Item))  # frozen, but not to us
_SETTERS = tuple(getattr(Event, field.name).__set__ for field in fields(Event))
_AT, _CONTEXT = (Event.__slots__.index(name) for name in ("at", "context"))
_put_at, _put_context = _SETTERS[_AT], _SETTERS[_CONTEXT]


def event_row(event: Event) -> Row:
    """(digest, user_id … context): the digest is the event's identity, of its id or else of its content."""
    content = (
        event.user_id,
        event.item_id,
        event.type,
        None if event.at is None else micros(event.at),
        event.order if event.order is None else _whole("order", event.order),
        None if event.value is None else float(event.value),
        event.text,
        event.event_id,
        event.session_id,
        event.recommendation_id,
        event.position if event.position is None else _whole("position", event.position),
        scalars_json("context", event.context) if event.context else None,
    )
    identity = _dumps("an event", content) if event.event_id is None else b"id " + event.event_id.encode()
    return blake2b(identity, digest_size=16).digest(), *content


def event_of(row: Row) -> Event:
    """The event of (user_id … context), a row without its digest."""
    event = object.__new__(Event)
    for put, value in zip(_SETTERS, row, strict=True):
        put(event, value)
    at, context = row[_AT], row[_CONTEXT]
    if at is not None:
        _put_at(event, moment(at))
    _put_context(event, {} if context is None else orjson.loads(context))
    return event


def item_json(item: Item) -> str:
    """Canonical: equal items give equal text. Fields at their default are left out, so that a field added
    later does not make every stored item look changed."""
    _check_scalars("attributes", item.attributes)
    _check_finite("vectors", (value for vector in item.vectors.values() for value in vector))
    given = {name: value for name in _ITEM_FIELDS if (value := getattr(item, name)) != getattr(_BARE, name)}
    return _canonical(given) if item.labels else _dumps(f"item {item.item_id!r}", given).decode()


def item_of(item_id: str, body: str) -> Item:
    given = orjson.loads(body)
    if "categories" in given:
        given["categories"] = tuple(given["categories"])
    if "translations" in given:
        given["translations"] = {
            language: Translation(**words) for language, words in given["translations"].items()
        }
    if "vectors" in given:
        given["vectors"] = {name: tuple(vector) for name, vector in given["vectors"].items()}
    if "labels" in given:
        given["labels"] = {name: _label_of(label) for name, label in given["labels"].items()}
    if "published_at" in given:
        given["published_at"] = datetime.fromisoformat(given["published_at"])
    item = object.__new__(Item)
    values = {
        **_BARE_FIELDS,
        "item_id": item_id,
        "attributes": {},
        "translations": {},
        "vectors": {},
        "labels": {},
        **given,
    }
    for put, value in zip(_ITEM_SETTERS, values.values(), strict=True):
        put(item, value)
    return item


def keeping_labels(body: str, before: str | None) -> str:
    """An item's JSON with the labels that it had, unless it brings some: whoever puts an item in knows nothing of
    them."""
    if before is None or _LABELS not in before:
        return body
    given, kept = orjson.loads(body), orjson.loads(before).get("labels")
    return body if kept is None or "labels" in given else _dumps("an item", {**given, "labels": kept}).decode()


def relabelled(body: str, name: str, label: ItemLabel | None) -> str:
    """An item's JSON with this label under a name; None takes it away."""
    given = orjson.loads(body)
    labels = {key: value for key, value in given.pop("labels", {}).items() if key != name}
    if label is not None:
        _check_finite("labels", label.probabilities.values())
        labels[name] = label
    return _canonical({**given, "labels": labels} if labels else given)


def _canonical(given: object) -> str:
    """Read and written once more: then every name is sorted, those within labels and translations too."""
    return _dumps("an item", orjson.loads(_dumps("an item", given))).decode()


def _label_of(given: dict[str, Any]) -> ItemLabel:
    at = datetime.fromisoformat(given["at"])
    return ItemLabel(tuple(given["labels"]), given["probabilities"], given["by"], at)


def recommendation_row(recommendation: Recommendation) -> Row:
    """(recommendation_id, at, user_id, bundle, body): the body holds all of it, compressed."""
    id_, at = recommendation.recommendation_id, micros(recommendation.at)
    check_id("recommendation_id", id_)
    return id_, at, recommendation.query.user_id, recommendation.bundle, _body(recommendation)


def recommendation_of(body: bytes) -> Recommendation:
    given = orjson.loads(zlib.decompress(body))
    given["at"] = datetime.fromisoformat(given["at"])
    given["query"] = _query_of(given["query"])
    given["as_of"] = AsOf(**given["as_of"])
    given["items"] = tuple(_place_of(place) for place in given["items"])
    given["candidates"] = tuple((item_id, score) for item_id, score in given["candidates"])
    given["missing_ids"] = tuple(given["missing_ids"])
    return Recommendation(**given)


def scalars_json(name: str, scalars: Mapping[str, Scalar]) -> str:
    """Canonical JSON of an item's, a user's or an event's free fields."""
    _check_scalars(name, scalars)
    return _dumps(name, scalars).decode()


def scalars_of(body: str) -> dict[str, Scalar]:
    scalars: dict[str, Scalar] = orjson.loads(body)
    return scalars


def micros(at: datetime) -> int:
    """Microseconds since 1970, exact. Raises InvalidData outside of the years 1 to 9999 in UTC."""
    since = (at if at.tzinfo is UTC else _utc(at)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(0, 0, microseconds)


def _body(recommendation: Recommendation) -> bytes:
    _check_scalars("context", recommendation.query.context)
    _check_finite("candidates", (score for _, score in recommendation.candidates))
    for place in recommendation.items:
        shares = (reason.share for reason in place.reasons)
        _check_finite("items", (place.score, place.log_propensity, *place.parts.values(), *shares))
    return zlib.compress(_dumps("a recommendation", recommendation), _COMPRESSION)


def _query_of(given: dict[str, Any]) -> Query:
    lists = {name: tuple(given[name]) for name in ("session", "like", "unlike", "exclude")}
    return Query(**(given | lists))


def _place_of(given: dict[str, Any]) -> Place:
    return Place(**(given | {"reasons": tuple(map(_reason_of, given["reasons"]))}))


def _reason_of(given: dict[str, Any]) -> Reason:
    """Lists of before there was a graph have no path."""
    path = given.get("path")
    lists = {"items": tuple(given["items"]), "words": tuple(given["words"])}
    return Reason(**(given | lists | {"path": None if path is None else GraphPath(**path)}))


def _dumps(what: str, value: object) -> bytes:
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        if isinstance(error.__cause__, InvalidData):  # said by _plain
            raise error.__cause__ from None
        raise InvalidData(f"{what} cannot be stored: {error}; use texts, numbers and true/false") from error


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return _utc(value).isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _utc(at: datetime) -> datetime:
    try:
        return utc(at)
    except OverflowError as error:
        raise InvalidData(f"time {at.isoformat()} is outside of the years 1 to 9999 in UTC") from error


def _whole(name: str, number: int) -> int:
    if not -_LARGEST <= number <= _LARGEST:
        raise InvalidData(f"{name} is a whole number of at most 64 bits, got {number}")
    return number


def _check_scalars(name: str, scalars: Mapping[str, Scalar]) -> None:
    for key, value in scalars.items():
        if not isinstance(value, str | int | float):
            kind = type(value).__name__
            raise InvalidData(f"{name}[{key!r}] is a text, a number or true/false, got a {kind}: flatten it")
        if isinstance(value, float) and not isfinite(value):
            raise InvalidData(f"{name}[{key!r}] is a finite number, got {value}: leave it out when unknown")


def _check_finite(name: str, numbers: Iterable[float] | Sequence[float]) -> None:
    if not all(map(isfinite, numbers)):
        raise InvalidData(f"{name} holds NaN or an infinite number, which no log can keep: mend its source")
