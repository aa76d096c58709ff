from __future__ import annotations

import gc
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.store.memory import MemoryStore
from zhiyin.data.store.open import open_store
from zhiyin.data.store.protocols import Appended, Store
from zhiyin.errors import InvalidData, StoreBusy, ZhiyinError
from zhiyin.settings import FILE
from zhiyin.settings_file import load_settings
from zhiyin.types import Event, Item, Translation
from zhiyin.workflows.ingest import FileReport, ImportReport, ingest
from zhiyin.workflows.init import Files, init_project

ITEMS = "sku,title,title_zh,genres,price\nA,Tea,茶,Drink|Hot,$3.50\nB,Cup,杯,Ware,4\n"
EVENTS = "user,sku,event,timestamp\nu1,A,view,1769860800\nu1,B,buy,1769860900\nu2,C,addtocart,1769861000\n"


def shop(folder: Path, **texts: str) -> Path:
    """A folder with files and the zhiyin.toml that init makes of them."""
    paths = {}
    for name, text in texts.items():
        paths[name] = folder / f"{name}.csv"
        paths[name].write_bytes(text.encode())
    init_project(
        folder, Files(paths.get("items"), paths.get("events"), paths.get("users"), paths.get("relations"))
    )
    return folder


def imported(folder: Path, store: Store, batch_size: int = 10_000) -> ImportReport:
    return ingest(load_settings(folder), store, batch_size=batch_size)


def counts(report: FileReport) -> tuple[int, int, int, int]:
    return report.read, report.stored, report.duplicates, report.quarantined


def quarantined(report: FileReport) -> list[dict[str, object]]:
    assert report.quarantine is not None
    return [json.loads(line) for line in report.quarantine.read_text(encoding="utf-8").splitlines()]


def test_files_become_items_people_relations_and_events(tmp_path: Path) -> None:
    store = MemoryStore()
    shop(
        tmp_path,
        items=ITEMS,
        events=EVENTS,
        users="user_id,age\nu1,30\n",
        relations="head,rel,tail\nA,goes with,B\n",
    )
    report = imported(tmp_path, store)
    assert [(file.kind, *counts(file)) for file in report.files] == [
        ("users", 1, 1, 0, 0),
        ("items", 2, 2, 0, 0),
        ("relations", 1, 1, 0, 0),
        ("events", 3, 3, 0, 0),
    ]
    assert (report.unknown_items, report.unknown_examples) == (1, ("C",))
    assert store.item("A") == Item(
        "A", "Tea", categories=("Drink", "Hot"), price=3.5, translations={"zh": Translation("茶")}
    )
    assert [event for _, event in store.events()][1] == Event(
        "u1", "B", "purchase", datetime(2026, 1, 31, 12, 1, 40, tzinfo=UTC)
    )
    user = store.user("u1")
    assert user is not None
    assert user.attributes == {"age": 30}


@pytest.mark.parametrize("url", ["memory:", "sqlite:///a.db"])
def test_importing_twice_changes_nothing(tmp_path: Path, url: str) -> None:
    shop(tmp_path, items=ITEMS + "A,Tea,茶,Drink|Hot,$3.50\n", events=EVENTS, relations="head,tail\nA,B\nA,B\n")
    store = open_store(url.replace("a.db", str(tmp_path / "a.db")))
    imported(tmp_path, store)
    position, held = store.position(), dict(store.counts())
    again = imported(tmp_path, store)
    assert [counts(file) for file in again.files] == [(3, 0, 3, 0), (2, 0, 2, 0), (3, 0, 3, 0)]
    assert (store.position(), dict(store.counts())) == (position, held)
    store.close()


def test_bad_rows_are_kept_with_number_reason_and_what_they_were(tmp_path: Path) -> None:
    shop(tmp_path, items=ITEMS, events=EVENTS)
    with (tmp_path / "events.csv").open("a") as file:
        file.write("u3,A,zap,1769860800\nu3,A\n,A,view,1769860800\nu3,A,view,soon\nu\x003,A,view,1\nu3,,view,1\n")
    report = imported(tmp_path, MemoryStore()).files[-1]
    assert counts(report) == (9, 3, 0, 6)
    lines = {line["row"]: line for line in quarantined(report)}
    assert set(lines) == {4, 5, 6, 7, 8, 9}
    assert lines[4]["raw"] == {"user": "u3", "sku": "A", "event": "zap", "timestamp": "1769860800"}
    for row, said in (
        (4, "unknown event type 'zap'"),
        (4, "[data.events.types]"),
        (5, "2 fields"),
        (6, "user_id"),
        (7, "'soon' is not a time"),
        (8, "control character"),
        (9, "needs an item_id"),
    ):
        assert said in str(lines[row]["reason"])
    assert any("1 rows quarantined like row 4" in note for note in report.notes)


def test_the_quarantine_of_an_earlier_import_does_not_stay(tmp_path: Path) -> None:
    shop(tmp_path, items=ITEMS)
    good = (tmp_path / "items.csv").read_bytes()
    (tmp_path / "items.csv").write_bytes(good + b"C\n")
    bad = imported(tmp_path, MemoryStore()).files[0].quarantine
    assert bad is not None
    assert bad.exists()
    (tmp_path / "items.csv").write_bytes(good)
    assert imported(tmp_path, MemoryStore()).files[0].quarantine is None
    assert not bad.exists()


def test_two_rows_that_disagree_about_an_item_are_told(tmp_path: Path) -> None:
    shop(tmp_path, items=ITEMS)
    with (tmp_path / "items.csv").open("a") as file:
        file.write("A,Coffee,,Drink,9\n")
    store = MemoryStore()
    report = imported(tmp_path, store, batch_size=1).files[0]
    assert counts(report) == (3, 2, 0, 1)
    assert "row 1 already, with other content" in str(quarantined(report)[0]["reason"])
    item = store.item("A")
    assert item is not None
    assert item.title == "Tea"


@pytest.mark.slow
def test_a_title_of_a_megabyte_is_quarantined_and_the_limit_named(tmp_path: Path) -> None:
    lines = [{"sku": "A", "title": "T"}, {"sku": "B", "title": "x" * 1_000_000}, {"sku": "C", "title": "y" * 3000}]
    (tmp_path / "items.csv").write_text("\n".join(map(json.dumps, lines)))
    init_project(tmp_path, Files(tmp_path / "items.csv"))
    report = imported(tmp_path, MemoryStore()).files[0]
    assert counts(report) == (3, 1, 0, 2)
    assert all("at most 2,000 characters" in str(line["reason"]) for line in quarantined(report))
    shop_of_csv = "sku,title\nA,T\nB," + "x" * 1_000_000 + "\n"
    (tmp_path / "items.csv").write_text(shop_of_csv)
    report = imported(tmp_path, MemoryStore()).files[0]
    assert counts(report) == (2, 1, 0, 1)
    assert "131072" in str(quarantined(report)[0]["reason"])


def test_control_characters_leave_texts_and_are_counted(tmp_path: Path) -> None:
    shop(tmp_path, items=ITEMS)
    with (tmp_path / "items.csv").open("a") as file:
        file.write("C,Te\x00a\x1b,,D\x07,1\n")
    store = MemoryStore()
    report = imported(tmp_path, store).files[0]
    assert (report.cleaned, report.quarantined) == (1, 0)
    item = store.item("C")
    assert item is not None
    assert (item.title, item.categories) == ("Te a ", ("D ",))
    assert any("control characters" in note for note in report.notes)


def test_ids_of_any_script_with_slashes_emoji_and_spaces_are_kept(tmp_path: Path) -> None:
    ids = ["a/b c", "🍵", "知音#1?", "x" * 512, "..", "0", "007"]
    rows = "\n".join(f"{id_},T" for id_ in ids)
    store = MemoryStore()
    report = imported(shop(tmp_path, items=f"sku,title\n{rows}\n{'x' * 513},T\n"), store).files[0]
    assert counts(report) == (8, 7, 0, 1)
    assert sorted(item.item_id for item in store.items()) == sorted(ids)


def test_every_zone_is_honoured_and_times_without_one_are_told(tmp_path: Path) -> None:
    events = "user,item,time\nu,A,2026-01-31T20:00:00+08:00\nu,B,2026-01-31T12:00:00Z\nu,C,2026-01-31 12:00:00\n"
    store = MemoryStore()
    report = imported(shop(tmp_path, events=events), store).files[0]
    assert {event.at for _, event in store.events()} == {datetime(2026, 1, 31, 12, tzinfo=UTC)}
    assert any("1 times have no zone: they were taken as UTC" in note for note in report.notes)
    assert "mixed (+00:00, +08:00, none)" in " ".join((tmp_path / FILE).read_text().replace("\n# ", " ").split())


def test_with_events_only_items_are_bare_ids_and_known_items_stay_as_they_are(tmp_path: Path) -> None:
    store = MemoryStore()
    store.put_items([Item("B", "Cup")])
    report = imported(shop(tmp_path, events=EVENTS), store, batch_size=2)
    assert report.unknown_items == 0
    assert list(store.items()) == [Item("A"), Item("B", "Cup"), Item("C")]


def test_gb18030_gzip_and_parquet_are_imported_with_a_word(tmp_path: Path) -> None:
    text = "商品编号,标题\n1,高山流水\n2,知音茶壶\n"
    (tmp_path / "items.csv").write_bytes(gzip.compress(text.encode("gb18030")))
    table = pa.table({"user": ["u"], "商品编号": [1.0], "time": [datetime(2026, 1, 1, tzinfo=UTC)]})
    pq.write_table(table, tmp_path / "events")
    init_project(tmp_path, Files(tmp_path / "items.csv", tmp_path / "events"))
    store = MemoryStore()
    report = imported(tmp_path, store)
    assert any("GB18030" in note for note in report.files[0].notes)
    assert [item.title for item in store.items()] == ["高山流水", "知音茶壶"]
    assert (report.unknown_items, report.files[1].stored) == (0, 1)


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_vectors_become_the_items_own(tmp_path: Path, kind: str) -> None:
    (tmp_path / "items.csv").write_text(ITEMS)
    path = tmp_path / f"image.{kind}"
    if kind == "npy":
        np.save(path, np.array([[1, 2], [3, 4]], np.float32))
    else:
        pq.write_table(pa.table({"id": ["B", "A"], "v": [[3.0, 4.0], [1.0, 2.0]]}), path)
    init_project(tmp_path, Files(tmp_path / "items.csv", vectors=path))
    store = MemoryStore()
    imported(tmp_path, store)
    assert [item.vectors for item in store.items()] == [{"image": (1.0, 2.0)}, {"image": (3.0, 4.0)}]


def test_vectors_that_do_not_follow_the_items_are_refused_before_anything_is_stored(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(ITEMS)
    np.save(tmp_path / "v.npy", np.zeros((3, 2)))
    init_project(tmp_path, Files(tmp_path / "items.csv", vectors=tmp_path / "v.npy"))
    store = MemoryStore()
    with pytest.raises(InvalidData, match="has 3 rows and the items file 2"):
        imported(tmp_path, store)
    assert list(store.items()) == []


def test_a_column_that_is_gone_is_named(tmp_path: Path) -> None:
    shop(tmp_path, items=ITEMS)
    (tmp_path / "items.csv").write_text("sku,name\nA,Tea\n")
    with pytest.raises(InvalidData, match="no column 'title' for title"):
        imported(tmp_path, MemoryStore())


def test_counts_that_do_not_reconcile_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZhiyinError, match="5 rows read are not 1 stored"):
        FileReport("items", tmp_path, 5, 1, 1, 1, 0, ())


class FullStore(MemoryStore):
    """Has room for one batch of events."""

    def append(self, events: Sequence[Event]) -> Appended:
        if self.last_event():
            raise StoreBusy("no room")
        return super().append(events)


def test_what_a_store_refuses_ends_the_import_and_what_it_took_stays(tmp_path: Path) -> None:
    store = FullStore()
    shop(tmp_path, items=ITEMS, events=EVENTS)
    with pytest.raises(StoreBusy, match="no room"):
        imported(tmp_path, store, batch_size=1)
    assert store.counts()["events"] == 1
    assert gc.isenabled()


CELL = st.sampled_from(
    ["u1", "A", "", "view", "zap", "5", "soon", "1769860800", '"', "\x00", "知", "a,b", "x" * 600]
)


@pytest.mark.slow
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=6).map(",".join), max_size=25), size=st.integers(1, 9))
def test_under_any_garbage_every_row_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], size: int
) -> None:
    folder = shop(tmp_path_factory.mktemp("garbage"), events=EVENTS)
    with (folder / "events.csv").open("a", newline="") as file:
        file.write("\n".join(rows))
    store = MemoryStore()
    report = imported(folder, store, batch_size=size).files[0]
    assert report.read == report.stored + report.duplicates + report.quarantined
    assert report.stored == store.counts()["events"] == len(list(store.events()))
    assert report.quarantined == (len(quarantined(report)) if report.quarantine else 0)
    again = imported(folder, store, batch_size=7).files[0]
    assert (again.stored, again.quarantined, again.read) == (0, report.quarantined, report.read)


CHILD = """
import sys
from pathlib import Path
from zhiyin.data.store.open import open_store
from zhiyin.settings_file import load_settings
from zhiyin.workflows.ingest import ingest

class Told:
    batches = 0
    def start(self, title, total): pass
    def done(self): pass
    def advance(self, done, note=""):
        self.batches += 1
        print(self.batches, flush=True)
        if self.batches == int(sys.argv[2]):
            sys.stdin.read()

settings = load_settings(Path(sys.argv[1]))
ingest(settings, open_store(settings.store_url()), progress=Told(), batch_size=500)
"""


@pytest.mark.slow
@pytest.mark.parametrize("waits_at", [3, 0])
def test_an_import_that_is_killed_goes_on_where_it_was(tmp_path: Path, waits_at: int) -> None:
    """Killed between two batches (it waits after the third), and somewhere after the third (it does not wait)."""
    rows = "\n".join(f"u{n % 97},i{n % 31},view,{1769860800 + n}" for n in range(20_000))
    shop(tmp_path, events=f"user,item,event,timestamp\n{rows}\n")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), str(waits_at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        while child.stdout.readline() != "3\n":
            assert child.poll() is None
        os.kill(child.pid, signal.SIGKILL)
    store = open_store(load_settings(tmp_path).store_url())
    held = store.counts()["events"]
    assert 1_500 <= held < 20_000
    report = imported(tmp_path, store).files[0]
    assert counts(report) == (20_000, 20_000 - held, held, 0)
    assert store.counts()["events"] == 20_000
    assert (store.unknown_items()[0], store.counts()["items"]) == (0, 31)
    store.close()
