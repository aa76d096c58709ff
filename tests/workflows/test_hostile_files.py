"""Files that nobody foresaw: refused in one sentence, or row by row. See docs/hostile-inputs.md."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zhiyin.data.readers.cells import number_of
from zhiyin.data.readers.mapping import VectorFile
from zhiyin.data.readers.source import MOST_COLUMNS
from zhiyin.data.readers.table import open_table
from zhiyin.data.readers.times import guess_times
from zhiyin.data.readers.vectors import load_vectors
from zhiyin.data.store.memory import MemoryStore
from zhiyin.errors import InvalidData, NotFound
from zhiyin.settings import DataSettings, Settings
from zhiyin.workflows.ingest import FileReport, ingest

EVENTS = {"user_id": "u", "item_id": "i", "at": "t"}


def imported(path: Path, mapping: dict[str, str] | None = None) -> tuple[FileReport, MemoryStore]:
    """An events file through the import."""
    store = MemoryStore()
    events = (mapping or EVENTS) | {"path": str(path)}
    data = DataSettings.model_validate({"events": events})
    return ingest(Settings(folder=path.parent, data=data), store).files[0], store


def refused_rows(report: FileReport) -> list[str]:
    assert report.quarantine is not None
    return [json.loads(line)["reason"] for line in report.quarantine.read_text(encoding="utf-8").splitlines()]


def parquet(path: Path, **columns: pa.Array | Sequence[object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("what", ["folder", "pipe", "endless", "nothing", "circle"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, what: str) -> None:
    path = tmp_path / "items.csv"
    match what:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)  # reading it would wait for ever
        case "endless" | "nothing":
            path.symlink_to("/dev/zero" if what == "endless" else "/dev/null")
        case _:
            path.symlink_to(path)
    with pytest.raises(NotFound, match="not a file that is there"):
        open_table(path)


WHOLE = gzip.compress(b"item_id,title\n" + b"1,cup\n" * 5_000, mtime=0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\x1f\x8b", "a broken gzip"),
        (WHOLE[:-20], "a broken gzip"),
        (WHOLE + b"more", "a broken gzip"),
        (b"PAR1", "a broken Parquet file"),
        (b"PAR1" + b"\0" * 100, "a broken Parquet file"),
        (gzip.compress(b"PAR1" + b"\0" * 100, mtime=0), "a broken Parquet file"),
    ],
)
def test_a_container_that_was_cut_or_tampered_with_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InvalidData, match=told):
        open_table(tmp_path / "a.csv")


@pytest.mark.slow
def test_any_flipped_byte_of_a_parquet_file_is_an_error_of_ours_or_none(tmp_path: Path) -> None:
    whole = parquet(
        tmp_path / "a", u=["a", "b"] * 50, i=["c", "d"] * 50, t=["2026-01-01T00:00:00Z"] * 100
    ).read_bytes()
    for place in range(0, len(whole), 7):
        (tmp_path / "a").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(InvalidData):
            assert sum(len(batch) for batch in open_table(tmp_path / "a").batches()) == 100


FAR = [
    pa.array([2**61, 0], pa.timestamp("us")),
    pa.array([-(2**61), 0], pa.timestamp("ms")),
    pa.array([2**30, 0], pa.int32()).cast(pa.date32()),
]


@pytest.mark.parametrize("column", FAR, ids=lambda column: str(column.type))
def test_a_time_after_the_year_9999_is_quarantined_with_what_it_was(tmp_path: Path, column: pa.Array) -> None:
    report, store = imported(parquet(tmp_path / "a", u=["a", "b"], i=["c", "d"], t=column))
    (reason,) = refused_rows(report)
    assert "is not a time" in reason
    assert [event.at for _, event in store.events()] == [datetime(1970, 1, 1, tzinfo=UTC)]


@pytest.mark.parametrize("placeholder", ["9998-12-31", "2096-10-02"])
def test_a_time_of_the_future_is_quarantined_for_else_everything_would_be_old(
    tmp_path: Path, placeholder: str
) -> None:
    (tmp_path / "a.csv").write_text(f"u,i,t\na,c,{placeholder}\nb,c,2026-01-31\n")
    report, store = imported(tmp_path / "a.csv")
    (reason,) = refused_rows(report)
    assert f"'{placeholder}' is more than a year ahead" in reason
    assert [event.user_id for _, event in store.events()] == ["b"]


def test_a_parquet_text_that_is_no_text_does_not_stop_the_file(tmp_path: Path) -> None:
    texts = pa.array([b"\xff\xfe", b"fine"], pa.binary()).view(pa.string())
    report, store = imported(parquet(tmp_path / "a", u=texts, i=["c", "d"], t=pa.array([0, 0], pa.timestamp("s"))))
    assert report.read == 2
    assert sorted(event.user_id for _, event in store.events()) == [r"\xff\xfe", "fine"]


def test_ids_of_bytes_that_are_no_text_stay_different(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a", u=pa.array([b"\xff", b"\xfe"]), i=["c", "c"], t=pa.array([0, 0], pa.timestamp("s"))
    )
    _, store = imported(path)
    assert len({event.user_id for _, event in store.events()}) == 2


def test_an_id_that_was_rounded_is_quarantined_for_another_may_be_rounded_to_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(
        '{"u": 123456789012345678901234567890, "i": 1, "t": 1700000000}\n'
        '{"u": 9007199254740991, "i": 1, "t": 1700000000}\n'
    )
    report, store = imported(tmp_path / "a", EVENTS | {"time_format": "epoch_s"})
    assert "write ids of more than 15 digits as text" in refused_rows(report)[0]
    assert [event.user_id for _, event in store.events()] == ["9007199254740991"]


def test_a_quote_that_is_not_closed_is_told_with_the_lines_that_it_takes_in(tmp_path: Path) -> None:
    lines = "".join(f"u{n},i{n},2026-01-01T00:00:00Z\n" for n in range(400))
    (tmp_path / "a").write_text(f'u,i,t\nu,i,2026-01-01T00:00:00Z\nu,"i,2026-01-01T00:00:00Z\n{lines}')
    report, _ = imported(tmp_path / "a")
    assert (report.read, report.stored) == (2, 1)
    assert "a quote is not closed: it takes in 401 lines" in refused_rows(report)[0]


def test_texts_of_many_lines_with_quotes_inside_are_no_open_quote(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('a,b\n1,"two\nlines, ""quoted"""\n2,5" disk\n3,"x\n"\n')
    (batch,) = open_table(tmp_path / "a").batches()
    assert batch.columns["b"] == ['two\nlines, "quoted"', '5" disk', "x\n"]
    assert batch.bad == []


@pytest.mark.parametrize(
    "text", [" " * 100_000 + "x", "1 " * 50_000 + "x", "$" + " " * 99, "1'" * 40_000, "9" * 99_999]
)
def test_no_cell_takes_long_to_be_no_number(text: str) -> None:
    with pytest.raises(InvalidData, match="number"):
        number_of(text)


TIMES = ["1700000000"] * 97


@pytest.mark.parametrize("odd", ["inf", "-inf", "1e300", "0x10", "²", "9" * 5_000, "soon", "-99999999999999"])
def test_a_cell_that_is_no_time_does_not_hide_the_times_of_its_column(odd: str) -> None:
    guess = guess_times([*TIMES, odd])
    assert guess is not None
    assert guess.format == "epoch_s"
    assert guess.share < 1


def test_dates_without_signs_are_dates_beside_a_cell_that_is_none() -> None:
    guess = guess_times([*(f"202601{day:02d}" for day in range(1, 29)), "soon"])
    assert guess is not None
    assert guess.format == "iso"


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "-001-01-01",
        "0000-00-00",
        "2026-01-01T00:00+99:99",
    ],
)
def test_a_time_that_no_calendar_holds_is_quarantined(tmp_path: Path, at: str) -> None:
    (tmp_path / "a").write_text(f"u,i,t\nu,i,{at}\nu,i,2026-01-01T00:00:00Z\n")
    report, _ = imported(tmp_path / "a")
    assert (report.stored, report.quarantined) == (1, 1)
    assert "is not a time" in refused_rows(report)[0]
    assert guess_times([at, *["2026-01-01T00:00:00Z"] * 20]) is not None


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "1e300"])
def test_a_value_that_is_not_finite_or_beyond_all_measure_is_missing_or_quarantined(
    tmp_path: Path, value: str
) -> None:
    (tmp_path / "a").write_text(f"u,i,v,t\nu,i,{value},2026-01-01T00:00:00Z\n")
    report, store = imported(tmp_path / "a", EVENTS | {"value": "v", "only_type": "rating"})
    assert [event.value for _, event in store.events()] == ([None] if value == "nan" else [])
    assert report.read == 1


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_table_of_very_many_columns_is_refused_at_once(tmp_path: Path, format_: str) -> None:
    names = [f"c{n}" for n in range(50_000 if format_ != "parquet" else MOST_COLUMNS + 1)]
    if format_ == "parquet":
        parquet(tmp_path / "a", **{name: [1] for name in names})
    else:
        csv = f"{','.join(names)}\n{','.join('1' for _ in names)}\n"
        (tmp_path / "a").write_text(csv if format_ == "csv" else json.dumps(dict.fromkeys(names, 1)))
    with pytest.raises(InvalidData, match=f"{len(names):,} columns"):
        open_table(tmp_path / "a")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n1,知音 née\n".encode() * 50 + b"2,\xff\n", "UTF-8 but for a few bytes.* is 0xff.*iconv -c"),
        ("a,b\n1,café crème brûlée, déjà vu\n".encode("cp1252"), "iconv -f cp1252"),
        ("a,b\n1,Привет мир хорошая книга\n".encode("cp1251"), "iconv -f cp1251"),
    ],
)
def test_the_cure_for_a_foreign_encoding_is_the_right_one(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a").write_bytes(b"a,b\n" + b"1,plain text\n" * 100 + content)
    with pytest.raises(InvalidData, match=told):
        open_table(tmp_path / "a")


@pytest.mark.parametrize(
    "matrix",
    [np.ones((3, 0), np.float32), np.ones((3, 2), complex), np.ones(3), np.array([["a"], ["b"], ["c"]])],
    ids=["no width", "complex", "flat", "texts"],
)
def test_a_matrix_that_is_none_of_vectors_is_refused(tmp_path: Path, matrix: np.ndarray) -> None:
    np.save(tmp_path / "v.npy", matrix)
    with pytest.raises(InvalidData, match="vectors are numbers"):
        load_vectors(tmp_path / "v.npy", VectorFile(path="v.npy"), 3)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"\x80\x04\x95pickled"])
def test_a_vector_file_that_is_cut_or_pickled_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.npy").write_bytes(content)
    with pytest.raises(InvalidData, match=r"not a \.npy file"):
        load_vectors(tmp_path / "v.npy", VectorFile(path="v.npy"), 3)


@pytest.mark.parametrize("column", [["a", "b"], [["a"], ["b"]], [{"x": 1.0}, {"x": 2.0}], [1.0, 2.0]], ids=str)
def test_a_column_that_holds_no_vectors_is_refused(tmp_path: Path, column: list[object]) -> None:
    parquet(tmp_path / "v", item_id=["1", "2"], vector=column)
    with pytest.raises(InvalidData, match="vectors are lists of numbers"):
        load_vectors(tmp_path / "v", VectorFile(path="v"), 2)
