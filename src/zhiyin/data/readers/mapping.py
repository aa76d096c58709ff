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


class ExampleFile(FileColumns):
    """What label models learn from."""

    name: str = Field(default="name", description="Column of the name of the label model.")
    text: str = Field(default="text", description="Column of the text.")
    labels: str = Field(default="labels", description="Column of the list of its labels.")
    source: str = Field(default="source", description="Column of who said so: a file, or `person`.")
    at: str = Field(default="at", description="Column of the time when, ISO 8601.")
    item_id: str | None = Field(
        default=None, description="Column of the item that the text is of, if it is of one."
    )


class AnswerFile(FileColumns):
    """What is answered to labels."""

    name: str = Field(default="name", description="Column of the name of the label model.")
    label: str = Field(default="label", description="Column of the label.")
    answer: str = Field(default="answer", description="Column of the answer.")


class ItemLabelFile(FileColumns):
    """What label models and people said of items."""

    item_id: str = Field(default="item_id", description="Column of the id of the item.")
    name: str = Field(default="name", description="Column of the name of the label model.")
    labels: str = Field(default="labels", description="Column of the list of its labels; empty: unknown.")
    near: str = Field(default="near", description="Column of the list of the likeliest labels.")
    probabilities: str = Field(default="probabilities", description="Column of the list of their probabilities.")
    by: str = Field(default="by", description="Column of who said so: the digest of a model, or `person`.")
    at: str = Field(default="at", description="Column of the time when, ISO 8601.")


class LabelFiles(BaseModel):
    """Labels as `zhiyin export` writes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    examples: ExampleFile | None = Field(default=None, description="What label models learn from.")
    answers: AnswerFile | None = Field(default=None, description="What is answered to their labels.")
    items: ItemLabelFile | None = Field(default=None, description="What they and people said of items.")
