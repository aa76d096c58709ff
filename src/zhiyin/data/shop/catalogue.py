"""The made-up items and wishes, as they were written: plain files beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import orjson

HALVES = ("home", "life")
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Good:
    """One made-up item: what the simulation needs to know of it, and its whole row."""

    item_id: str
    department: str
    aisle: str
    price: float
    attributes: Mapping[str, str]
    published: str  # ISO
    row: Row


@dataclass(frozen=True, slots=True)
class Wish:
    """Something people might type, in two languages, and the items that a good shop assistant would show."""

    wish_id: str
    en: str
    zh: str
    answers: frozenset[str]


def read_goods() -> list[Good]:
    """All 300, in the order of the files."""
    return [_good(row) for half in HALVES for row in _lines(f"items_{half}.jsonl")]


def read_wishes() -> list[Wish]:
    rows = [row for half in HALVES for row in _lines(f"wishes_{half}.jsonl")]
    return [Wish(str(row["wish_id"]), str(row["en"]), str(row["zh"]), _ids(row["answers"])) for row in rows]


def _good(row: Row) -> Good:
    categories, attributes = row["categories"], row["attributes"]
    if not (isinstance(categories, list) and isinstance(attributes, dict)):
        raise TypeError(f"the shipped item {row['item_id']} is damaged")
    price = float(str(row["price"]))
    told = {str(name): str(value) for name, value in attributes.items()}
    return Good(str(row["item_id"]), categories[0], categories[-1], price, told, str(row["published_at"]), row)


def _ids(answers: object) -> frozenset[str]:
    if not isinstance(answers, list):
        raise TypeError(f"the answers of a shipped wish are a list, got {answers!r}")
    return frozenset(map(str, answers))


def _lines(name: str) -> list[dict[str, object]]:
    text = files(__package__).joinpath(name).read_bytes()
    return [orjson.loads(line) for line in text.splitlines()]
