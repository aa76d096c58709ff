"""Filters: expressions over an item's fields, such as `category = "Garden" and price < 20`.

Read with Python's own parser and a short list of allowed nodes; nothing is ever evaluated as code. A field
an item lacks makes a comparison false, so `!=` and `not in` are true of it. `category` matches any of the
item's categories. What a label model says of an item is read by the model's name like an attribute, `topic = "x"`,
where the item has none of that name; `topic.probability` is how sure it is. A field that no item has and nobody
declared is a typing error (`check_fields`): the list would be empty, and nobody could see why.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache

from zhiyin.errors import InvalidQuery
from zhiyin.types import Item

MAX_FILTER = 2_000  # characters
FIELDS = ("item_id", "title", "category", "brand", "price", "language", "available", "published_at")
FIRST = 1_000  # items that are looked at first: most fields are had by one of them
MOST_TOLD = 20  # attributes that an error names

Test = Callable[[Item], bool]
Value = str | float | int | bool | tuple[str, ...] | None

_SINGLE_EQUALS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<![<>=!])=(?!=)""")
_ORDERED = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}


@lru_cache(maxsize=256)
def compile_filter(expression: str) -> Test:
    """A test of one item. Raises InvalidQuery if the expression cannot be read."""
    if len(expression) > MAX_FILTER:
        raise InvalidQuery(f"a filter has at most {MAX_FILTER} characters, got {len(expression)}")
    try:
        return _test(_parsed(expression))
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, InvalidQuery):
            raise
        raise _unreadable(expression) from error


@lru_cache(maxsize=256)
def fields_of(expression: str) -> tuple[str, ...]:
    """What a filter compares, as it is written: `colour`, `attributes.colour`, `topic.probability`. Raises
    InvalidQuery if it cannot be read."""
    compile_filter(expression)
    compared = (node.left for node in ast.walk(_parsed(expression)) if isinstance(node, ast.Compare))
    return tuple(dict.fromkeys(ast.unparse(field) for field in compared))


def check_fields(
    expression: str, now: Sequence[Item | None], before: Sequence[Item | None] = (), declared: Collection[str] = ()
) -> None:
    """Every field that a filter compares is one of FIELDS, `declared`, or had by an item, now or `before`: a field
    whose last item just went was not mistyped. Of a shop without items nothing is known, and all is allowed.
    Raises InvalidQuery, with what there is and the cure."""
    if not any(item is not None for item in now):
        return
    for field in fields_of(expression):
        name = field.removeprefix("attributes.").removesuffix(".probability")
        if field in (*FIELDS, "categories") or name in declared:
            continue
        if not any(_Names.of(items).hold(field) for items in (now[:FIRST], now, before)):
            there = _Names.of((*now, *before))
            raise _nobody_has(field, sorted(there.attributes | there.labels | {*declared}))


@dataclass(frozen=True, slots=True)
class _Names:
    """Of the attributes and labels of items."""

    attributes: Set[str]
    labels: Set[str]

    @classmethod
    def of(cls, items: Sequence[Item | None]) -> _Names:
        there = [item for item in items if item is not None]
        attributes = set[str]().union(*[item.attributes for item in there])
        return cls(attributes, set[str]().union(*[item.labels for item in there]))

    def hold(self, field: str) -> bool:
        first, _, rest = field.partition(".")
        if first == "attributes" and rest:
            return rest in self.attributes
        return first in self.labels or (not rest and first in self.attributes)


def _nobody_has(field: str, named: Sequence[str]) -> InvalidQuery:
    near = get_close_matches(field, (*FIELDS, *named, *(f"attributes.{name}" for name in named)), 1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    more = f" and {len(named) - MOST_TOLD:,} more" if len(named) > MOST_TOLD else ""
    told = f"attributes are {', '.join(named[:MOST_TOLD])}{more}" if named else "there are no attributes"
    return InvalidQuery(
        f"the filter compares {field[:80]!r}, which no item has{meant}: fields are {', '.join(FIELDS)}; {told}; "
        "one that items will have later is to be named in data.attributes of zhiyin.toml"
    )


def _parsed(expression: str) -> ast.expr:
    python = _SINGLE_EQUALS.sub(lambda found: found.group(1) or "==", expression)
    return ast.parse(python.strip(), mode="eval").body


def _test(node: ast.expr) -> Test:
    match node:
        case ast.BoolOp(op=op, values=values):
            tests = [_test(value) for value in values]
            join = all if isinstance(op, ast.And) else any
            return lambda item: join(test(item) for test in tests)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            test = _test(operand)
            return lambda item: not test(item)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _comparison(_field(left), op, _constant(right))
        case ast.Name(id="available"):
            return lambda item: item.available
    raise _unreadable(ast.unparse(node))


def _comparison(read: Callable[[Item], Value], op: ast.cmpop, wanted: object) -> Test:
    if isinstance(wanted, tuple):
        match op:
            case ast.In():
                return lambda item: any(_same(read(item), one) for one in wanted)
            case ast.NotIn():
                return lambda item: not any(_same(read(item), one) for one in wanted)
        raise _unreadable(f"{type(op).__name__} {wanted!r}")
    match op:
        case ast.Eq():
            return lambda item: _same(read(item), wanted)
        case ast.NotEq():
            return lambda item: not _same(read(item), wanted)
        case _ if type(op) in _ORDERED:
            return _ordered(read, _ORDERED[type(op)], wanted)
    raise _unreadable(f"{type(op).__name__} {wanted!r}")


def _ordered(read: Callable[[Item], Value], compare: Callable[..., bool], wanted: object) -> Test:
    def test(item: Item) -> bool:
        got = read(item)
        if isinstance(got, str) != isinstance(wanted, str) or got is None or isinstance(got, tuple):
            return False
        return bool(compare(got, wanted))

    return test


def _same(got: Value, wanted: object) -> bool:
    return wanted in got if isinstance(got, tuple) else got == wanted


def _field(node: ast.expr) -> Callable[[Item], Value]:
    match node:
        case ast.Name(id="category" | "categories"):
            return lambda item: item.categories
        case ast.Name(id="published_at"):
            return lambda item: _iso(item.published_at)
        case ast.Name(id=name) if name in FIELDS:
            return operator.attrgetter(name)
        case ast.Name(id=name):
            return lambda item: _told(item, name)
        case ast.Attribute(value=ast.Name(id=name), attr="probability") if name != "attributes":
            return lambda item: item.labels[name].probability if name in item.labels else None
        case ast.Attribute(value=ast.Name(id="attributes"), attr=name):
            return lambda item: item.attributes.get(name)
    raise _unreadable(ast.unparse(node))


def _told(item: Item, name: str) -> Value:
    """The owner's attribute, or else what a label model of that name says."""
    if name in item.attributes:
        return item.attributes[name]
    return item.labels[name].labels if name in item.labels else None


def _constant(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=str() | int() | float() | bool() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(_constant(element) for element in elements)
    raise _unreadable(ast.unparse(node))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _unreadable(expression: str) -> InvalidQuery:
    return InvalidQuery(
        f"cannot read the filter at {expression[:80]!r}: compare a field ({', '.join(FIELDS)} or an attribute) "
        'with a text or number, joined by and, or, not; for example: category = "Garden" and price < 20'
    )


def passing(test: Test, items: Iterable[Item | None]) -> list[bool]:
    """Which items pass; a place without an item does not."""
    return [item is not None and test(item) for item in items]
