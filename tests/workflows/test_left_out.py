"""A value that an item may lack costs that value where it cannot be read, and never the item."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.store.memory import MemoryStore
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item
from zhiyin.workflows.doctor import examine
from zhiyin.workflows.ingest import FileReport, ingest

TOML = """[data.items]
path = "items.csv"
item_id = "id"
title = "title"
price = "price"
available = "stock"
published_at = "date"
"""


def imported(folder: Path, *rows: str, more: str = "") -> tuple[FileReport, dict[str, Item]]:
    (folder / "items.csv").write_text("id,title,price,stock,date\n" + "".join(f"{row}\n" for row in rows))
    (folder / FILE).write_text(TOML + more)
    store = MemoryStore()
    (report,) = ingest(load_settings(folder), store).files
    return report, {item.item_id: item for item in store.items()}


def values(folder: Path) -> list[tuple[int, str, str]]:
    lines = (folder / "quarantine" / "items-items.csv.values.jsonl").read_text().splitlines()
    return [(line["row"], line["left_out"], line["reason"]) for line in map(json.loads, lines)]


@pytest.mark.parametrize(
    ("row", "name", "reason"),
    [
        ("a,Tea,call us,yes,2026-01-31", "price", "'call us' is not a number"),
        ("a,Tea,-5,yes,2026-01-31", "price", "price is a number from 0 up, got -5.0: leave it out when unknown"),
        ("a,Tea,1e999,yes,2026-01-31", "price", "'1e999' is not a finite number"),
        ("a,Tea,5,perhaps,2026-01-31", "available", "'perhaps' is neither yes nor no"),
        ("a,Tea,5,yes,soon", "published_at", "'soon' is not a time of the form iso"),
    ],
)
def test_an_item_is_kept_without_the_value_and_the_reason_is_told(
    tmp_path: Path, row: str, name: str, reason: str
) -> None:
    report, found = imported(tmp_path, row, "b,Cup,4,no,2026-01-30")
    assert (report.stored, report.quarantined, report.left_out, report.quarantine) == (2, 0, 1, None)
    assert values(tmp_path) == [(1, name, reason)]
    assert f"1 rows kept without their `{name}`, like row 1: {reason}" in " ".join(report.notes)
    whole = imported(tmp_path, "a,Tea,5,yes,2026-01-31")[1]["a"]
    assert getattr(found["a"], name) == getattr(Item("-"), name)
    told = {"title", "price", "available", "published_at"} - {name}
    assert all(getattr(found["a"], one) == getattr(whole, one) for one in told)
    assert found["b"].price == 4.0


def test_what_an_item_is_is_not_left_out(tmp_path: Path) -> None:
    report, found = imported(tmp_path, f"a,{'x' * 3_000},call us,yes,", ",Tea,call us,yes,", "b,Cup,call us,yes,")
    assert (list(found), report.quarantined, report.left_out) == (["b"], 2, 1)
    assert values(tmp_path) == [(3, "price", "'call us' is not a number")]


def test_a_row_that_says_otherwise_of_an_item_is_quarantined_and_nothing_of_it_is_left_out(tmp_path: Path) -> None:
    report, found = imported(tmp_path, "a,Tea,5,yes,", "a,Tea,call us,yes,")
    assert (report.stored, report.quarantined, report.left_out) == (1, 1, 0)
    assert found["a"].price == 5.0


def test_a_vector_that_says_nothing_is_left_out(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([[0, 0], [np.nan, 4], [1, 2]]))
    rows = ("a,Tea,5,yes,", "b,Cup,5,yes,", "c,Pot,5,yes,")
    report, found = imported(tmp_path, *rows, more='[data.vectors.image]\npath = "v.npy"\n')
    assert [item.vectors for item in found.values()] == [{}, {}, {"image": (1.0, 2.0)}]
    (first, second) = values(tmp_path)
    assert first[:2] == (1, "vector image")
    assert "all zeros" in first[2]
    assert "not finite" in second[2]
    assert report.left_out == 2


def test_values_of_an_earlier_import_do_not_stay(tmp_path: Path) -> None:
    imported(tmp_path, "a,Tea,call us,yes,")
    assert imported(tmp_path, "a,Tea,5,yes,")[1]["a"].price == 5.0
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_the_doctor_tells_rows_and_values_apart(tmp_path: Path) -> None:
    imported(tmp_path, "a,Tea,call us,perhaps,soon", ",Cup,4,yes,")
    with Zhiyin.open(tmp_path) as shop:
        (found,) = [one for one in examine(shop) if one.about == "quarantine"]
    assert found.light == "amber"
    assert "1 rows could not be used and 3 values of items could not be read and were left out" in found.told


CELL = st.sampled_from(["", "5", "yes", "no", "soon", "-1", "2026-01-31", "nan", "x" * 600, "9999-12-31", "\x00"])


@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=12))
def test_no_value_that_an_item_may_lack_ever_costs_the_item(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    told = [f"i{n},Tea,{','.join(row)}" for n, row in enumerate(rows)]
    folder = tmp_path_factory.mktemp("any")
    report, found = imported(folder, "first,Tea,,,", *told)
    assert list(found) == sorted(["first", *(f"i{n}" for n in range(len(rows)))])
    assert report.quarantined == 0
    assert report.left_out == (len(values(folder)) if report.left_out else 0)
