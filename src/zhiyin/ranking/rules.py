"""Filters: expressions over an item's fields, such as `category = "Garden" and price < 20`.

Read with Python's own parser and a short list of allowed nodes; nothing is ever evaluated as code. A field
an item lacks makes a comparison false, so `!=` and `not in` are true of it. `category` matches any of the
item's categories. What a label model says of an item is read by the model's name like an attribute, `topic = "x"`,
where the item has none of that name; `topic.probability` is how sure it is.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache

from zhiyin.errors import InvalidQuery
from zhiyin.types import Item

MAX_FILTER = 2_000  # characters
FIELDS = ("item_id", "title", "category", "brand", "price", "language", "available", "published_at")

Test = Callable[[Item], bool]
Value = str | float | int | bool | tuple[str, ...] | None

_SINGLE_EQUALS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<![<>=!])=(?!=)""")
_ORDERED = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}


@lru_cache(maxsize=256)
def compile_filter(expression: str) -> Test:
    """A test of one item. Raises InvalidQuery if the expression cannot be read."""
    if len(expression) > MAX_FILTER:
        raise InvalidQuery(f"a filter has at most {MAX_FILTER} characters, got {len(expression)}")
    python = _SINGLE_EQUALS.sub(lambda found: found.group(1) or "==", expression)
    try:
        return _test(ast.parse(python.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, InvalidQuery):
            raise
        raise _unreadable(expression) from error


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
