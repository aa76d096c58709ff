"""The nouns: item, user, relation, event, query, candidates, recommendation.

Frozen slots dataclasses, checked once when they are made (bytes enter here, through readers and HTTP
bodies) and trusted afterwards. `Query` and `Event` travel unchanged from the HTTP body to the log.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, NewType, get_args

from zhiyin.errors import InvalidData, InvalidQuery
from zhiyin.texts import check_id, check_length, encodable

ItemId = NewType("ItemId", str)
UserId = NewType("UserId", str)

EventType = Literal[
    "impression",
    "view",
    "click",
    "like",
    "dislike",
    "hide",
    "cart",
    "purchase",
    "rating",
    "review",
    "share",
    "search",
    "edit",
]
Stance = Literal["more", "less", "never", "unsaid"]  # what a person says of a line of their profile
Mode = Literal["zero_shot", "trained", "popular", "fallback"]
FALLBACK: Mode = "fallback"  # an endpoint was to read the typed text and did not answer: the encoder at hand did
SplitName = Literal["auto", "time", "last", "new-users", "new-items"]  # how an evaluation hides what it asks for
IntervalName = Literal["bootstrap", "normal", "bernstein", "anytime"]  # how an off-policy answer tells its doubt
WatchSource = Literal["events", "items"]  # whose texts are watched
WatchPeriod = Literal["day", "week", "month"]
Scalar = str | float | int | bool

EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
STANCES: tuple[Stance, ...] = get_args(Stance)
# Scenarios with a way of their own; any other name is a place on a page, of the person's past and wish.
SIMILAR, TRENDING, LATEST = "similar", "trending", "latest"  # in the first the past is silent
QUESTIONS = "questions"  # what to ask somebody of whom little is known
WITHOUT_ITEM: frozenset[EventType] = frozenset({"search", "edit"})
MAX_TITLE = 2_000  # characters
MAX_TEXT = 100_000  # characters
MAX_ATTRIBUTES = 100
MAX_LABELS = 20  # label models that speak of one item
MAX_VECTORS = 8  # named vectors of an item, and channels of them
MAX_DIM = 8_192  # numbers of one vector
MAX_VALUE = 1e9  # stars, seconds, units: more is a mistake, and would outweigh all others
MAX_N = 1_000  # places of one list
MAX_SCENARIO = 200  # characters
MAX_QUERY_TEXT = 2_000  # characters
MAX_LINE = 300  # characters of a line of a profile
MAX_HISTORY = 1_000  # item ids in session, like or unlike of one query
PERSON = "person"  # who labelled, where it was no model
SAME_AS, NAME = "same_as", "name"  # relations that say which item an entity is, and what it is called

_VECTOR_NAME = re.compile(r"[\w-]{1,40}")  # it stands in the names of channels and files
_LABEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # it stands in filters


@dataclass(frozen=True, slots=True)
class Translation:
    """An item's title and text in one more language."""

    title: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ItemLabel:
    """What a label model said of an item, or a person in its place; an attribute of the same name wins over it."""

    labels: tuple[str, ...]  # empty: unknown, or none applies
    probabilities: Mapping[str, float]  # of the likeliest labels
    by: str  # digest of the model, or PERSON
    at: datetime

    def __post_init__(self) -> None:
        if not all(0 <= value <= 1 for value in self.probabilities.values()):
            raise InvalidData("the probability of a label is a number from 0 to 1: leave it out when unknown")
        _check_aware("at", self.at)

    @property
    def probability(self) -> float:
        """Of the likeliest label."""
        return max(self.probabilities.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class LabelExample:
    """A text of which somebody said what it is; the newest word of a PERSON on a text or an item counts."""

    name: str  # of the label model
    text: str
    labels: tuple[str, ...]
    source: str  # a file's name, an attribute, or PERSON
    at: datetime
    item_id: str | None = None

    def __post_init__(self) -> None:
        check_label_name(self.name)
        check_length("text", self.text, MAX_TEXT)
        if self.item_id is not None:
            check_id("item_id", self.item_id)
        _check_aware("at", self.at)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the catalogue. Only `item_id` must be given; text is what makes it findable at once."""

    item_id: str
    title: str = ""
    text: str = ""
    categories: tuple[str, ...] = ()
    brand: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    price: float | None = None
    url: str | None = None
    image: str | None = None
    language: str | None = None
    translations: Mapping[str, Translation] = field(default_factory=dict)
    vectors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    labels: Mapping[str, ItemLabel] = field(default_factory=dict)  # by the label model's name
    available: bool = True
    published_at: datetime | None = None

    def __post_init__(self) -> None:
        check_id("item_id", self.item_id)
        check_length("title", self.title, MAX_TITLE)
        check_length("text", self.text, MAX_TEXT)
        if len(self.attributes) > MAX_ATTRIBUTES:
            raise InvalidData(f"an item has at most {MAX_ATTRIBUTES} attributes, got {len(self.attributes)}")
        check_price(self.price)
        if len(self.vectors) > MAX_VECTORS:
            raise InvalidData(f"an item has at most {MAX_VECTORS} vectors, got {len(self.vectors)}")
        for name, vector in self.vectors.items():
            check_vector(name, vector)
        if len(self.labels) > MAX_LABELS:
            raise InvalidData(f"an item has labels of at most {MAX_LABELS} models, got {len(self.labels)}")
        for name in self.labels:
            check_label_name(name)
        _check_aware("published_at", self.published_at)


@dataclass(frozen=True, slots=True)
class User:
    """What is known about a person beside what they did."""

    user_id: str
    attributes: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id("user_id", self.user_id)


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge of the knowledge graph: (head, relation, tail); heads and tails are item ids or entities.

    Two relations mean something themselves: SAME_AS says which item an entity is, NAME what an entity is called.
    """

    head: str
    relation: str
    tail: str

    def __post_init__(self) -> None:
        for name in ("head", "relation", "tail"):
            check_id(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody did something with an item: the append-only truth.

    `at` is aware UTC; imported history may lack it, then recency goes by `order`, and without either the
    history is a set. `value` is seconds of dwell for a view, stars for a rating or review, units for a
    purchase. A search has a `text` and no item. An edit is what the person says of a line of their profile: its
    value in `text`, its `field` and a `stance` in the context (zhiyin.profile.edits). `event_id` makes sending
    twice harmless; without one the content is the identity.
    """

    user_id: str
    item_id: str | None
    type: EventType
    at: datetime | None = None
    order: int | None = None
    value: float | None = None
    text: str | None = None
    event_id: str | None = None
    session_id: str | None = None
    recommendation_id: str | None = None
    position: int | None = None
    context: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id("user_id", self.user_id)
        if self.type not in EVENT_TYPES:
            raise InvalidData(f"unknown event type {self.type!r}: one of {', '.join(EVENT_TYPES)}")
        if self.item_id is not None:
            check_id("item_id", self.item_id)
        elif self.type not in WITHOUT_ITEM:
            raise InvalidData(f"a {self.type} event needs an item_id; only a search and an edit have none")
        if self.type == "edit":
            _check_edit(self)
        _check_ids_of(self)
        if self.position is not None and self.position < 0:
            raise InvalidData(f"position is a place of a list, counted from 0, got {self.position}: leave it out")
        if self.value is not None and not abs(self.value) <= MAX_VALUE:
            raise InvalidData(f"value is a number up to {MAX_VALUE:.0e}, got {self.value}: leave it out")
        if self.text is not None:
            check_length("text", self.text, MAX_TEXT)
        _check_aware("at", self.at)

    def dated(self, now: datetime) -> Event:
        """The same; without a time and an order of its own it happens now."""
        return self if self.at is not None or self.order is not None else replace(self, at=now)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: for whom, near what, how many. The same object from the HTTP body to the log.

    `session` are items touched just now (oldest first) that the log may not hold yet, `like` and `unlike`
    are explicit examples, `text` is a typed wish. `filter` is an expression over item fields, such as
    `category = "Garden" and price < 20` (zhiyin.ranking.rules).
    """

    user_id: str | None = None
    session: tuple[str, ...] = ()
    text: str | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    n: int = 10
    scenario: str = "for_you"
    filter: str | None = None
    exclude: tuple[str, ...] = ()
    context: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.n) is not int or not 1 <= self.n <= MAX_N:
            raise InvalidQuery(f"n is a number of places from 1 to {MAX_N}, got {self.n!r}")
        if self.user_id is not None:
            check_id("user_id", self.user_id)
        for name in ("session", "like", "unlike", "exclude"):
            _check_ids(name, getattr(self, name))
        if self.text is not None and len(self.text) > MAX_QUERY_TEXT:
            raise InvalidQuery(f"text has at most {MAX_QUERY_TEXT} characters, got {len(self.text)}")
        if len(self.scenario) > MAX_SCENARIO:
            raise InvalidQuery(f"scenario has at most {MAX_SCENARIO} characters, got {len(self.scenario)}")
        for name in ("text", "scenario", "filter"):
            if not encodable(getattr(self, name) or ""):
                raise InvalidQuery(f"{name} holds half a character: send whole ones, as UTF-8")


@dataclass(frozen=True, slots=True)
class GraphPath:
    """How an item of the history and an item are linked: both by `relation` to an entity or to an item; without
    these, to each other."""

    relation: str
    entity: str | None = None  # by its name
    item: str | None = None  # by its id
    outward: bool | None = None  # of items linked to each other: the one of the history is the head, or the tail


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item stands where it stands, from exact arithmetic: `share` of the score comes from `channel`,
    through these items of the history or these words."""

    channel: str
    share: float  # of the sum of positive parts, 0..1
    items: tuple[str, ...] = ()  # ids of the history items that contributed most
    words: tuple[str, ...] = ()  # matching words; of the moment (friday, device: phone); lines of a profile; or
    # what the person wrote themselves
    path: GraphPath | None = None  # from the first of `items`: the one that added most


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a list. `score` is the sum of `parts`; `log_propensity` the log-probability with which
    this item was chosen here, given the places before it."""

    item_id: str
    score: float
    parts: Mapping[str, float]
    log_propensity: float
    explored: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class AsOf:
    """The position in the two logs that a list was made from: nothing later was seen."""

    event: int = 0  # sequence number of the last event
    item: int = 0  # sequence number of the last change of the catalogue


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A list as it was shown, with everything needed to explain, replay and evaluate it."""

    recommendation_id: str
    at: datetime
    query: Query
    bundle: str
    settings: str  # digest of the settings that shape a list
    as_of: AsOf
    policy: str
    variant: str
    mode: Mode
    items: tuple[Place, ...]
    candidates: tuple[tuple[str, float], ...] = ()  # the top M item ids with their scores, best first
    missing_ids: tuple[str, ...] = ()  # ids in the query that the catalogue does not know
    reading: str = ""  # the row that an endpoint made of the typed text, as encoders.pair.Reading has it
    mixing: float | None = None  # what an adaptive policy multiplies its temperature by; None: nothing is believed


def check_label_name(name: str) -> None:
    """The name of a label model stands in filters and folders: letters, digits and _, as `topic`."""
    if not _LABEL_NAME.fullmatch(name):
        raise InvalidData(
            f"a label model's name has 1 to 40 small letters, digits and _, a letter first, got {name[:60]!r}"
        )


def check_price(price: float | None) -> None:
    """Unknown, free, or anything above."""
    if price is not None and not 0 <= price < math.inf:
        raise InvalidData(f"price is a number from 0 up, got {price}: leave it out when unknown")


def check_vector(name: str, vector: tuple[float, ...]) -> None:
    if not _VECTOR_NAME.fullmatch(name):
        raise InvalidData(f"a vector's name has 1 to 40 letters, digits, _ or -, got {name[:60]!r}: rename it")
    if not 1 <= len(vector) <= MAX_DIM:
        raise InvalidData(f"the vector {name} has 1 to {MAX_DIM:,} numbers, got {len(vector):,}")
    length = math.hypot(*vector)
    if not math.isfinite(length):
        raise InvalidData(f"the vector {name} holds numbers that are not finite: leave it out")
    if length < 1e-12:
        raise InvalidData(f"the vector {name} is all zeros, which points nowhere: leave it out")


def utc(moment: datetime) -> datetime:
    """The same instant in UTC. Raises InvalidData if it has no zone."""
    if moment.tzinfo is None:
        raise InvalidData(f"time {moment.isoformat()} has no zone: write 2026-01-31T12:00:00Z or +08:00")
    return moment.astimezone(UTC)


def _check_ids(name: str, ids: tuple[str, ...]) -> None:
    if len(ids) > MAX_HISTORY:
        raise InvalidQuery(f"{name} holds at most {MAX_HISTORY} item ids, got {len(ids)}")
    for id_ in ids:
        check_id(name, id_)


def _check_ids_of(event: Event) -> None:
    for name in ("event_id", "session_id", "recommendation_id"):
        if (value := getattr(event, name)) is not None:
            check_id(name, value)


def _check_edit(event: Event) -> None:
    stance, field_ = event.context.get("stance"), event.context.get("field")
    if event.item_id is not None:
        raise InvalidData(f"an edit of a profile has no item_id, got {event.item_id!r}: like or dislike the item")
    if stance not in STANCES:
        raise InvalidData(f"an edit has a stance in its context, one of {', '.join(STANCES)}, got {stance!r}")
    if not isinstance(field_, str) or not 1 <= len(field_) <= MAX_LINE:
        raise InvalidData(f"an edit has a field in its context, such as category, got {str(field_)[:60]!r}")
    if event.text is None or not event.text.strip() or len(event.text) > MAX_LINE:
        got = "nothing" if event.text is None else f"{len(event.text):,}"
        raise InvalidData(f"an edit has a text of 1 to {MAX_LINE} characters, the value of the line, got {got}")


def _check_aware(name: str, moment: datetime | None) -> None:
    if moment is None:
        return
    if moment.tzinfo is None:
        raise InvalidData(f"{name} {moment.isoformat()} has no zone: write 2026-01-31T12:00:00Z or +08:00")
    if moment.tzinfo is not UTC and moment.year in (1, 9999):
        try:
            moment.astimezone(UTC)
        except OverflowError:
            raise InvalidData(f"{name} {moment.isoformat()} is not within the years 1 to 9999 in UTC") from None
