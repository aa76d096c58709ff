"""Every store against the contract: a new one is one more line in `STORES`."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from zhiyin.data.store import codec
from zhiyin.data.store.database import Database
from zhiyin.data.store.memory import MemoryStore
from zhiyin.data.store.open import check_store, open_store
from zhiyin.data.store.protocols import Store
from zhiyin.data.store.sqlite import _HISTORY, SqliteStore
from zhiyin.errors import (
    BrokenStore,
    InvalidData,
    InvalidSettings,
    NotFound,
    StoreBusy,
    StoreUnwritable,
    ZhiyinError,
)
from zhiyin.testing.event_log_contract import click
from zhiyin.testing.store_contract import StoreContract, shown
from zhiyin.types import Event, Item

STORES: list[Callable[[Path], Store]] = [
    lambda folder: open_store("memory:"),
    lambda folder: open_store(f"sqlite:///{folder / 'store.db'}"),
]
WRITER = Path(__file__).with_name("store_writer.py")


class TestStores(StoreContract):
    @pytest.fixture(params=STORES, ids=["memory", "sqlite"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
        store = request.param(tmp_path)
        yield store
        store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def writer(path: Path, first: int, batch: int, batches: int) -> "subprocess.Popen[str]":
    command = [sys.executable, str(WRITER), str(path), str(first), str(batch), str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [50, 5_000])
def test_what_was_acknowledged_survives_a_killed_process(path: Path, batch: int) -> None:
    child = writer(path, 0, batch, 1_000_000)
    assert child.stdout is not None
    acknowledged = 0
    with child:
        for line in child.stdout:
            acknowledged = int(line)
            if acknowledged >= 2_000:
                child.kill()  # SIGKILL, in the middle of a later batch; what it still said is read on
    assert child.returncode < 0
    check_store(str(path))
    with closing(open_store(str(path))) as store:
        stored = [int(event.item_id or "") for _, event in store.events()]
        assert len(stored) >= acknowledged
        assert stored == list(range(len(stored)))
        assert len(stored) % batch == 0
        assert store.append([click("u", "after")]).stored == 1


@pytest.mark.slow
def test_four_processes_write_overlapping_batches_and_each_event_is_there_once(path: Path) -> None:
    children = [writer(path, first, 25, 40) for first in (0, 250, 500, 500)]  # all make the file, too
    said = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0] * 4
    assert all(len(lines.splitlines()) == 40 for lines in said)
    with closing(open_store(str(path))) as store:
        assert sorted(int(event.item_id or "") for _, event in store.events()) == list(range(1_500))


def test_a_store_that_is_busy_for_too_long_says_so_and_writes_nothing(path: Path) -> None:
    with closing(SqliteStore(path, timeout=0.05)) as store:
        other = Database(path, timeout=0.05)
        with other.driver_write():
            with pytest.raises(StoreBusy, match="try again"):
                store.append([click("u", "a")])
            with pytest.raises(StoreBusy):
                store.put_items([Item("a")])
            assert store.last_event() == 0  # reading goes on
        other.close()
        assert store.append([click("u", "a")]).stored == 1


def full(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA max_page_count=1")  # that is: not one more than there are
    connection.execute("CREATE TABLE more AS SELECT zeroblob(1000000)")


def forbidden(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute("CREATE TABLE more (number)")


@pytest.mark.parametrize("act", [full, forbidden])
def test_a_store_that_cannot_be_written_says_so_with_the_cure(
    path: Path, act: Callable[[sqlite3.Connection], None]
) -> None:
    with closing(SqliteStore(path)) as store:
        store.append([click("u", "a")])
        database = Database(path, timeout=1.0)
        with (
            pytest.raises(StoreUnwritable, match=r"store\.db cannot be written .*make room"),
            database.driver() as one,
        ):
            act(one)
        database.close()
        assert store.last_event() == 1


def test_a_failed_batch_leaves_nothing_and_the_store_usable(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        with closing(sqlite3.connect(path)) as outside:
            outside.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.item_id = 'bad' "
                "BEGIN SELECT raise(ABORT, 'no'); END"
            )
        with pytest.raises(sqlite3.IntegrityError):
            store.append([click("u", "a"), click("u", "bad")])
        assert store.last_event() == 0
        assert store.append([click("u", "a")]).stored == 1


@pytest.mark.slow
def test_a_large_batch_keeps_its_order_and_counts_every_duplicate(path: Path) -> None:
    events = [click("u", str(number), number) for number in range(11_000)]
    with closing(SqliteStore(path)) as store:
        first = store.append([*events[:6_000], *events[:50], *events[6_000:9_000]])
        assert (first.stored, first.duplicates) == (9_000, 50)
        again = store.append(events)
        assert (again.stored, again.duplicates) == (2_000, 9_000)
        assert again.last == store.last_event()
        assert [event for _, event in store.events()] == events
        assert store.history("u", limit=3) == events[-3:]


@pytest.mark.slow
def test_a_large_batch_that_fails_leaves_nothing(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        with closing(sqlite3.connect(path)) as outside:
            outside.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.item_id = '9000' "
                "BEGIN SELECT raise(ABORT, 'no'); END"
            )
        events = [click("u", str(number), number) for number in range(12_000)]
        with pytest.raises(sqlite3.IntegrityError):
            store.append(events)
        assert store.last_event() == 0
        assert store.append(events[:9_000]).stored == 9_000


def test_items_read_back_share_nothing_that_can_be_changed() -> None:
    one, other = codec.item_of("a", "{}"), codec.item_of("b", "{}")
    for name in ("attributes", "translations", "vectors"):
        assert getattr(one, name) == {}
        assert getattr(one, name) is not getattr(other, name)


def test_every_commit_is_flushed(path: Path) -> None:
    with closing(Database(path, timeout=1)) as database, database.driver() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        with database.driver_write(bulk=True):
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_last_events_of_a_person_are_read_from_the_index_without_sorting(path: Path) -> None:
    with closing(SqliteStore(path)), closing(sqlite3.connect(path)) as outside:
        (step,) = outside.execute(f"EXPLAIN QUERY PLAN {_HISTORY}", ("u", 9, 5)).fetchall()
    assert "USING INDEX events_by_user (user_id=?)" in step[3]


def test_the_bytes_of_an_erased_person_are_gone(path: Path) -> None:
    chance = random.Random(1)  # people in no order split the pages of the index, which leaves copies of ids
    people = [chance.randrange(100) for _ in range(3_000)]
    names = [f"{'other' if person % 7 else 'Jean-Luc'}-{person:05d}" for person in people]
    said = [Event(name, "a", "review", order=n, text=name * chance.randrange(20)) for n, name in enumerate(names)]
    with closing(SqliteStore(path)) as store:
        for first in range(0, len(said), 100):
            store.append(said[first : first + 100])
        for name in {name for name in names if name.startswith("Jean-Luc")}:
            store.merge(name, "Jean-Luc")
        store.log([shown("r1", "Jean-Luc")])
        assert b"Jean-Luc" in _bytes(path)
        store.erase("Jean-Luc")
        assert b"Jean-Luc" not in _bytes(path)
        assert store.counts()["events"] == sum(name.startswith("other") for name in names)


def test_an_erasure_that_cannot_rewrite_the_file_says_what_stays(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SqliteStore(path, timeout=0.05)) as store, closing(sqlite3.connect(path)) as reader:
        store.append([click("u", "a"), click("v", "a")])
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events").fetchone()
        assert store.erase("u").events == 1
        assert "bytes stay" in caplog.text


@pytest.mark.slow
def test_a_backup_while_another_process_writes_is_of_one_moment(path: Path, tmp_path: Path) -> None:
    child = writer(path, 0, 10, 300)
    assert child.stdout is not None
    with child:
        said = int(child.stdout.readline())
        with closing(open_store(str(path))) as store:
            store.backup(str(tmp_path / "copy.db"))
        child.communicate()
    assert child.returncode == 0
    check_store(str(tmp_path / "copy.db"))
    with closing(open_store(str(tmp_path / "copy.db"))) as copy:
        stored = [int(event.item_id or "") for _, event in copy.events()]
    assert len(stored) >= said
    assert stored == list(range(len(stored)))
    assert len(stored) % 10 == 0


def test_a_store_is_opened_by_address_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_store("memory:"), MemoryStore)
    for address in ("sqlite:///near.db", "plain 100%?.db", f"sqlite:///{tmp_path / 'far.db'}"):
        open_store(address).close()
    assert {file.name for file in tmp_path.iterdir()} == {"near.db", "plain 100%?.db", "far.db"}


@pytest.mark.parametrize(
    "address", ["", " ", "sqlite:///", "sqlite://", "postgresql://localhost/shop", "memory://"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings, match="memory:"):
        open_store(address)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        open_store(str(tmp_path / "nowhere" / "store.db"))


def test_a_closed_store_says_so(path: Path) -> None:
    store = open_store(str(path))
    store.close()
    with pytest.raises(ZhiyinError, match="closed"):
        store.last_event()


def test_a_sound_store_passes_the_check(path: Path) -> None:
    with closing(open_store(str(path))) as store:
        store.append([click("u", "a")])
        check_store(str(path))  # also while it is open
    check_store(str(path))
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


def test_the_check_needs_a_file(path: Path) -> None:
    with pytest.raises(NotFound, match=r"store\.db"):
        check_store(str(path))
    assert not path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut", "overwritten", "not a database", "empty"])
def test_a_damaged_file_is_told_from_a_sound_one(path: Path, harm: str) -> None:
    with closing(open_store(str(path))) as store:
        store.append([click(f"user {number}", "a", number) for number in range(3_000)])
    whole = path.read_bytes()
    middle = len(whole) // 2
    harmed = {
        "cut": whole[:middle],
        "overwritten": whole[:middle] + b"\xa5" * 9_000 + whole[middle + 9_000 :],
        "not a database": b"user_id,item_id\n" * 500,
        "empty": b"",
    }
    path.write_bytes(harmed[harm])
    with pytest.raises(BrokenStore):
        check_store(str(path))


def test_a_file_that_is_no_database_is_not_opened_and_not_changed(path: Path) -> None:
    path.write_bytes(b"user_id,item_id\n" * 500)
    with pytest.raises(BrokenStore, match=r"store\.db"):
        open_store(str(path))
    assert path.read_bytes() == b"user_id,item_id\n" * 500


def test_the_database_of_another_programme_is_not_touched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (title)")
    for act in (open_store, check_store):
        with pytest.raises(BrokenStore, match="recipes"):
            act(str(path))


def test_a_backup_that_fails_leaves_no_file(path: Path, tmp_path: Path) -> None:
    store = open_store(str(path))
    store.close()
    with pytest.raises(ZhiyinError, match="closed"):
        store.backup(str(tmp_path / "copy.db"))
    assert not list(tmp_path.glob("copy*"))
    with pytest.raises(InvalidData, match="exists"):
        store.backup(str(path))


def _bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))
