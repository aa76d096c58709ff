"""Which column means what: written by `zhiyin init`, corrected by people, obeyed by the import.

Every field with a description is documented in docs/reference/settings.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from zhiyin.data.readers.times import check_format
from zhiyin.types import EventType

TimeFormat = Annotated[str, AfterValidator(check_format)]
_TIME = (
    "How the times of that column are written: iso, epoch_s, epoch_ms, epoch_us, epoch_ns, "
    "excel (day numbers), year_first, month_first, day_first, or a pattern such as `%d %b %Y`."
)
_COMMA = "Whether a comma marks decimals (3,50) in the numbers of this file."


class FileColumns(BaseModel):
    """A file and its columns: what all mappings share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="CSV, JSON Lines or Parquet, also gzipped; relative to this folder.")

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column that the mapping names, and for what."""
        for role in type(self).model_fields:
            if role not in _NO_COLUMNS:
                yield from ((column, role) for column in _named(getattr(self, role)))


_NO_COLUMNS = {
    "path",
    "list_separator",
    "time_format",
    "decimal_comma",
    "only_type",
    "types",
    "only_relation",
}


def _named(value: object) -> Iterator[str]:
    """The names within a field: one, several, or those of translations."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, TextColumns):
        yield from _named((value.title, value.text))
    elif isinstance(value, Mapping):
        yield from _named(tuple(value.values()))
    elif isinstance(value, tuple):
        for inner in value:
            yield from _named(inner)


class TextColumns(BaseModel):
    """Where an item's title and text in one more language are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str | None = Field(default=None, description="Column of the title in this language.")
    text: str | None = Field(default=None, description="Column of the text in this language.")


class ItemFile(FileColumns):
    """The catalogue."""

    item_id: str = Field(description="Column of the id of an item.")
    title: str | None = Field(default=None, description="Column of the title.")
    text: tuple[str, ...] = Field(default=(), description="Columns that are joined to the text, in this order.")
    categories: tuple[str, ...] = Field(default=(), description="Columns of categories.")
    list_separator: str = Field(
        default="|", description="What splits the categories within a cell; empty: nothing."
    )
    brand: str | None = Field(default=None, description="Column of the brand, maker, author or director.")
    price: str | None = Field(default=None, description="Column of the price; currency signs are read past.")
    url: str | None = Field(default=None, description="Column of the address of the item's page.")
    image: str | None = Field(default=None, description="Column of the address of the item's picture.")
    language: str | None = Field(default=None, description="Column of the language code of the title and text.")
    available: str | None = Field(default=None, description="Column of yes or no, or of the stock.")
    published_at: str | None = Field(default=None, description="Column of the time of publication.")
    time_format: TimeFormat = Field(default="iso", description=_TIME)
    decimal_comma: bool = Field(default=False, description=_COMMA)
    translations: dict[str, TextColumns] = Field(
        default_factory=dict, description="Title and text columns in more languages, by language code."
    )
    attributes: tuple[str, ...] = Field(
        default=(), description="Columns kept as attributes, to filter and explain by."
    )


class EventFile(FileColumns):
    """Behaviour."""

    user_id: str = Field(
        description="Column of the id of the person, or of the session where there are no people."
    )
    item_id: str = Field(description="Column of the id of the item.")
    type: str | None = Field(default=None, description="Column of the event type; unset: all are `only_type`.")
    only_type: EventType = Field(
        default="click", description="The type of all events where there is no column of it."
    )
    types: dict[str, EventType] = Field(
        default_factory=dict,
        description="What the event types of the file mean in ours, such as addtocart = cart.",
    )
    at: str | None = Field(default=None, description="Column of the time.")
    time_format: TimeFormat = Field(default="iso", description=_TIME)
    order: str | None = Field(default=None, description="Column of a number that orders events without a time.")
    value: str | None = Field(
        default=None, description="Column of stars (rating, review), seconds (view) or units (purchase)."
    )
    decimal_comma: bool = Field(default=False, description=_COMMA)
    text: str | None = Field(default=None, description="Column of the review's text or of the words searched for.")
    event_id: str | None = Field(default=None, description="Column of an id of the event itself.")
    session_id: str | None = Field(default=None, description="Column of the visit.")
    recommendation_id: str | None = Field(default=None, description="Column of the id of the list that was shown.")
    position: str | None = Field(default=None, description="Column of the place in that list.")
    context: tuple[str, ...] = Field(default=(), description="Columns kept as context of the event.")


class UserFile(FileColumns):
    """What is known about people."""

    user_id: str = Field(description="Column of the id of the person.")
    attributes: tuple[str, ...] = Field(default=(), description="Columns kept as attributes.")


class RelationFile(FileColumns):
    """Edges of a knowledge graph."""

    head: str = Field(description="Column of the item or entity the edge starts from.")
    relation: str | None = Field(
        default=None, description="Column of the name of the edge; unset: `only_relation`."
    )
    only_relation: str = Field(default="related", description="The name of all edges without a column of it.")
    tail: str = Field(description="Column of the item or entity the edge leads to.")


class VectorFile(FileColumns):
    """Vectors of items made elsewhere."""

    path: str = Field(description="The .npy or Parquet file; relative to this folder.")
    item_id: str | None = Field(
        default=None,
        description="Column of the item id in a Parquet file; a .npy file follows the rows of the items.",
    )
    vector: str = Field(default="vector", description="Column of the list of numbers in a Parquet file.")
