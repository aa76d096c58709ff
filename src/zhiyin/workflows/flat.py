"""Nouns as flat rows: what `zhiyin export` writes, column by column, and the mapping that reads them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

import orjson

from zhiyin.data.readers.labels import Answer, Labelled
from zhiyin.data.store.protocols import Publication
from zhiyin.types import Event, Item, LabelExample, Recommendation, Relation, Scalar, User

T = TypeVar("T")
Kind = Literal["text", "texts", "number", "numbers", "whole", "truth"]
Value = str | float | int | bool | Sequence[str] | Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of a file: what it is called, what is in it, and how it is read off a noun."""

    name: str
    kind: Kind
    read: Callable[[T], Value]
    free: bool = False  # one of the noun's own free fields: an attribute, or context


def item_columns(items: Iterable[Item]) -> tuple[list[Column[Item]], list[str]]:
    """Fixed columns, then titles and texts in other languages, then one an attribute; and those languages."""
    languages: set[str] = set()
    found = Kinds()
    for item in items:
        languages |= set(item.translations)
        found.add(item.attributes)
    columns: list[Column[Item]] = [
        Column("item_id", "text", lambda item: item.item_id),
        Column("title", "text", lambda item: item.title or None),
        Column("text", "text", lambda item: item.text or None),
        Column("categories", "texts", lambda item: list(item.categories) or None),
        Column("brand", "text", lambda item: item.brand),
        Column("price", "number", lambda item: item.price),
        Column("url", "text", lambda item: item.url),
        Column("image", "text", lambda item: item.image),
        Column("language", "text", lambda item: item.language),
        Column("available", "truth", lambda item: item.available),
        Column("published_at", "text", lambda item: iso(item.published_at)),
    ]
    for code in sorted(languages):
        columns += [_title_in(code), _text_in(code)]
    return [*columns, *found.columns(lambda item: item.attributes, columns)], sorted(languages)


def event_columns(events: Iterable[Event]) -> list[Column[Event]]:
    found = Kinds()
    for event in events:
        found.add(event.context)
    columns: list[Column[Event]] = [
        Column("user_id", "text", lambda event: event.user_id),
        Column("item_id", "text", lambda event: event.item_id),
        Column("type", "text", lambda event: event.type),
        Column("at", "text", lambda event: iso(event.at)),
        Column("order", "whole", lambda event: event.order),
        Column("value", "number", lambda event: event.value),
        Column("text", "text", lambda event: event.text),
        Column("event_id", "text", lambda event: event.event_id),
        Column("session_id", "text", lambda event: event.session_id),
        Column("recommendation_id", "text", lambda event: event.recommendation_id),
        Column("position", "whole", lambda event: event.position),
    ]
    return [*columns, *found.columns(lambda event: event.context, columns)]


def user_columns(users: Iterable[User]) -> list[Column[User]]:
    found = Kinds()
    for user in users:
        found.add(user.attributes)
    columns: list[Column[User]] = [Column("user_id", "text", lambda user: user.user_id)]
    return [*columns, *found.columns(lambda user: user.attributes, columns)]


RELATION_COLUMNS: Sequence[Column[Relation]] = (
    Column("head", "text", lambda edge: edge.head),
    Column("relation", "text", lambda edge: edge.relation),
    Column("tail", "text", lambda edge: edge.tail),
)
PUBLICATION_COLUMNS: Sequence[Column[Publication]] = (
    Column("seq", "whole", lambda entry: entry.seq),
    Column("bundle", "text", lambda entry: entry.bundle),
    Column("at", "text", lambda entry: iso(entry.at)),
    Column("reason", "text", lambda entry: entry.reason),
)
RECOMMENDATION_COLUMNS: Sequence[Column[Recommendation]] = (
    Column("recommendation_id", "text", lambda shown: shown.recommendation_id),
    Column("at", "text", lambda shown: iso(shown.at)),
    Column("user_id", "text", lambda shown: shown.query.user_id),
    Column("query", "text", lambda shown: orjson.dumps(shown.query, default=dict).decode()),
    Column("bundle", "text", lambda shown: shown.bundle),
    Column("settings", "text", lambda shown: shown.settings),
    Column("as_of_event", "whole", lambda shown: shown.as_of.event),
    Column("as_of_item", "whole", lambda shown: shown.as_of.item),
    Column("policy", "text", lambda shown: shown.policy),
    Column("variant", "text", lambda shown: shown.variant),
    Column("mode", "text", lambda shown: shown.mode),
    Column("items", "texts", lambda shown: [place.item_id for place in shown.items]),
    Column("scores", "numbers", lambda shown: [place.score for place in shown.items]),
    Column("log_propensities", "numbers", lambda shown: [place.log_propensity for place in shown.items]),
    Column("candidates", "texts", lambda shown: [item_id for item_id, _ in shown.candidates]),
    Column("candidate_scores", "numbers", lambda shown: [score for _, score in shown.candidates]),
)


EXAMPLE_COLUMNS: Sequence[Column[LabelExample]] = (
    Column("name", "text", lambda example: example.name),
    Column("text", "text", lambda example: example.text),
    Column("labels", "texts", lambda example: list(example.labels)),
    Column("source", "text", lambda example: example.source),
    Column("at", "text", lambda example: iso(example.at)),
    Column("item_id", "text", lambda example: example.item_id),
)
ANSWER_COLUMNS: Sequence[Column[Answer]] = (
    Column("name", "text", lambda one: one.name),
    Column("label", "text", lambda one: one.label),
    Column("answer", "text", lambda one: one.answer),
)
ITEM_LABEL_COLUMNS: Sequence[Column[Labelled]] = (
    Column("item_id", "text", lambda one: one.item_id),
    Column("name", "text", lambda one: one.name),
    Column("labels", "texts", lambda one: list(one.label.labels)),
    Column("near", "texts", lambda one: list(one.label.probabilities)),
    Column("probabilities", "numbers", lambda one: list(one.label.probabilities.values())),
    Column("by", "text", lambda one: one.label.by),
    Column("at", "text", lambda one: iso(one.label.at)),
)


def vector_columns(name: str) -> Sequence[Column[Item]]:
    """Ids and the vectors of one name."""
    return (
        Column("item_id", "text", lambda item: item.item_id),
        Column("vector", "numbers", lambda item: list(item.vectors[name])),
    )


class Kinds:
    """Which free fields there are, and what is in them; grows while nouns are looked at."""

    def __init__(self) -> None:
        self._types: dict[str, set[type]] = {}

    def add(self, scalars: Mapping[str, Scalar]) -> None:
        for name, value in scalars.items():
            self._types.setdefault(name, set()).add(type(value))

    def columns(self, scalars: Callable[[T], Mapping[str, Scalar]], taken: Sequence[Column[T]]) -> list[Column[T]]:
        """One a field, in order of the name; a name that is taken already gets `own_` in front."""
        names = {column.name for column in taken}
        return [
            _free(f"own_{name}" if name in names else name, name, _kind(types), scalars)
            for name, types in sorted(self._types.items())
        ]


def iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _free(column: str, name: str, kind: Kind, scalars: Callable[[T], Mapping[str, Scalar]]) -> Column[T]:
    def read(noun: T) -> Value:
        value = scalars(noun).get(name)
        if kind != "text" or value is None or isinstance(value, str):
            return value
        return str(value).lower() if isinstance(value, bool) else str(value)

    return Column(column, kind, read, free=True)


def _kind(types: set[type]) -> Kind:
    """The narrowest kind that holds all values."""
    if types == {bool}:
        return "truth"
    if types == {int}:
        return "whole"
    return "number" if types <= {int, float} else "text"


def _title_in(code: str) -> Column[Item]:
    def read(item: Item) -> Value:
        return item.translations[code].title or None if code in item.translations else None

    return Column(f"title_{code}", "text", read)


def _text_in(code: str) -> Column[Item]:
    def read(item: Item) -> Value:
        return item.translations[code].text or None if code in item.translations else None

    return Column(f"text_{code}", "text", read)
