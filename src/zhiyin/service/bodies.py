"""Bodies of requests: strict JSON, then the nouns themselves; nothing in between.

JSON is read by orjson (no NaN, no half characters, no endless depth) and made into frozen dataclasses by
pydantic, strictly: "5" and true are no numbers, 1 is no true, 1700000000 is no time. What would be guessed from
them is guessed differently by whoever reads the log next. 5.0 is the whole number 5, as in JSON Schema. A field
that nobody knows is refused: a misspelt `user_id` must not become an answer for nobody.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from difflib import get_close_matches
from typing import Generic, TypeVar, get_args, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from zhiyin.errors import NotFound
from zhiyin.service.problems import BadBody
from zhiyin.texts import check_id
from zhiyin.types import MAX_N, MAX_TEXT, Query, Scalar

T = TypeVar("T")

MAX_BATCH = 10_000  # things in one request
MOST_TEXTS = 1_000  # to be labelled in one request
MOST_EXACT = 2**53  # below it every whole number has a float of its own
MAX_TOLD = 10  # errors of one body in its answer

_DATE = re.compile(r"\d{4}-\d\d")  # what a time begins with


@dataclass(frozen=True, slots=True)
class Similar:
    """Items like one item. `user_id` says in the log for whom; it does not change the list."""

    item_id: str
    user_id: str | None = None
    n: int = 10
    filter: str | None = None
    exclude: tuple[str, ...] = ()
    context: Mapping[str, Scalar] = field(default_factory=dict)

    def query(self) -> Query:
        return Query(
            user_id=self.user_id,
            like=(self.item_id,),
            n=self.n,
            scenario="similar",
            filter=self.filter,
            exclude=tuple(dict.fromkeys((self.item_id, *self.exclude))),
            context=self.context,
        )


@dataclass(frozen=True, slots=True)
class Search:
    """Items for a wish in words, and for a person where `user_id` is given."""

    text: str
    user_id: str | None = None
    n: int = 10
    filter: str | None = None
    exclude: tuple[str, ...] = ()
    context: Mapping[str, Scalar] = field(default_factory=dict)

    def query(self) -> Query:
        return Query(
            user_id=self.user_id,
            text=self.text,
            n=self.n,
            scenario="search",
            filter=self.filter,
            exclude=self.exclude,
            context=self.context,
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """Given items, to be ordered for a query. All of them come back; the query's `n` says nothing here."""

    item_ids: tuple[str, ...]
    query: Query = field(default_factory=Query)

    def __post_init__(self) -> None:
        if not 1 <= len(self.item_ids) <= MAX_N:
            raise BadBody(f"item_ids holds 1 to {MAX_N} ids, got {len(self.item_ids)}")
        for item_id in self.item_ids:
            check_id("item_ids", item_id)


@dataclass(frozen=True, slots=True)
class Merge:
    """From now on, what `alias` (an anonymous session) does and did is `user_id`'s."""

    alias: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts to be told what they are."""

    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.texts) <= MOST_TEXTS:
            raise BadBody(f"texts holds 1 to {MOST_TEXTS:,} texts, got {len(self.texts):,}")
        if (longest := max(map(len, self.texts))) > MAX_TEXT:
            raise BadBody(f"a text has at most {MAX_TEXT:,} characters, got {longest:,}: its beginning is enough")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says that an item is."""

    item_id: str
    label: str

    def __post_init__(self) -> None:
        check_id("item_id", self.item_id)
        check_id("label", self.label)


class Form(Generic[T]):
    """What a body must hold."""

    def __init__(self, noun: type[T], *, many: str = "", inner: Mapping[str, type] | None = None) -> None:
        """`many`: the name around a list of them, {"events": […]}; a bare list and a single one do as well.
        `inner`: fields that hold a noun themselves."""
        self.noun, self.many = noun, many
        self._one: TypeAdapter[T] = TypeAdapter(noun)
        self._all: TypeAdapter[list[T]] = TypeAdapter(list[noun])  # type: ignore[valid-type]
        self._shape = _Shape.of(noun)
        self._inner = {name: _Shape.of(kind) for name, kind in (inner or {}).items()}

    def schema(self) -> dict[str, object]:
        """JSON Schema of a body, its definitions under $defs."""
        return self._one.json_schema()

    def read(self, body: bytes) -> T:
        """Raises BadBody."""
        raw = decode(body)
        self._settle(raw, "body")
        try:
            return self._one.validate_json(_encoded(raw), strict=True)
        except ValidationError as error:
            raise _refused(error, "body") from None

    def read_all(self, body: bytes) -> list[T]:
        """One or many. Raises BadBody, and then none of them was taken."""
        raw = decode(body)
        if isinstance(raw, dict) and list(raw) == [self.many]:
            raw = raw[self.many]
        given = raw if isinstance(raw, list) else [raw]
        if len(given) > MAX_BATCH:
            raise BadBody(f"one request holds at most {MAX_BATCH:,} {self.many}, got {len(given):,}: send several")
        for place, one in enumerate(given):
            self._settle(one, f"body[{place}]")
        try:
            return self._all.validate_json(_encoded(given), strict=True)
        except ValidationError as error:
            raise _refused(error, "body") from None

    def _settle(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            return
        self._shape.settle(raw, where)
        for name, shape in self._inner.items():
            if isinstance(inner := raw.get(name), dict):
                shape.settle(inner, f"{where}.{name}")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is known of a noun before it is read: the names of its fields, and which are whole numbers or times."""

    known: frozenset[str]
    whole: frozenset[str]
    times: frozenset[str]

    @classmethod
    def of(cls, noun: type) -> _Shape:
        hints = get_type_hints(noun)
        kinds = {one.name: {hints[one.name], *get_args(hints[one.name])} for one in fields(noun)}
        whole = (name for name, kind in kinds.items() if int in kind)
        times = (name for name, kind in kinds.items() if datetime in kind)
        return cls(frozenset(kinds), frozenset(whole), frozenset(times))

    def settle(self, raw: dict[str, object], where: str) -> None:
        """5.0 becomes 5. Raises BadBody for an unknown field, and for a time in digits alone, of which nobody can
        know whether these are seconds."""
        if not raw.keys() <= self.known:
            raise _unknown(raw, self.known, where)
        for name in self.whole & raw.keys():
            if isinstance(value := raw[name], float) and value.is_integer() and abs(value) < MOST_EXACT:
                raw[name] = int(value)
        for name in self.times & raw.keys():
            if isinstance(value := raw[name], str) and not _DATE.match(value):
                raise BadBody(f"{where}.{name}: a time is written 2026-01-31T12:00:00Z, got {_got(value)}")


def decode(body: bytes) -> object:
    """Strict JSON. Raises BadBody (400)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        got = body[:40].decode("utf-8", "replace") if body else "nothing"
        raise BadBody(f"the body is not JSON that can be read: {error}; got {got!r}", status=400) from None


def _encoded(raw: object) -> bytes:
    """For pydantic, whose strict reading of JSON alone knows that a list may become a tuple, and a text a time.
    Raises BadBody for what is nested deeper than any noun."""
    try:
        return orjson.dumps(raw)
    except orjson.JSONEncodeError as error:
        raise BadBody(f"the body is nested deeper than anything known here: {error}") from None


def path_id(name: str, value: str) -> str:
    """An id that stands in an address. Raises NotFound for what can be none: nothing has that name."""
    try:
        check_id(name, value)
    except ValueError as error:
        raise NotFound(str(error)) from None
    return value


def _unknown(raw: Mapping[str, object], known: frozenset[str], where: str) -> BadBody:
    name = next(name for name in raw if name not in known)
    near = get_close_matches(name, known, 1)
    cure = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
    return BadBody(f"unknown field {name[:80]!r} in {where}: {cure}")


def _refused(error: ValidationError, where: str) -> BadBody:
    details = error.errors(include_url=False)
    said = [_said(one, where) for one in details[:MAX_TOLD]]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return BadBody(f"{said[0]['at']}: {said[0]['detail']}, got {said[0]['got']}{more}", said)


def _said(error: ErrorDetails, where: str) -> Mapping[str, str]:
    message = error["msg"].removeprefix("Value error, ")
    return {"at": where + _path(error["loc"]), "detail": message, "got": _got(error["input"])}


def _path(place: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def _got(value: object) -> str:
    """Short, however deep or long the value is, and always a text that JSON can hold."""
    return reprlib.repr(value)[:80].encode("utf-8", "replace").decode()
