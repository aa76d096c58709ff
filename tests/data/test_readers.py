from __future__ import annotations

import csv
import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.readers.delimited import MAX_LINE
from zhiyin.data.readers.source import first_bad_byte
from zhiyin.data.readers.table import Table, open_table
from zhiyin.errors import InvalidData, NotFound

ROWS = [{"id": "1", "name": "知音 “friend”"}, {"id": "2", "name": "two\nlines, and a comma"}]


def rows_of(table: Table, size: int = 10_000) -> list[dict[str, object]]:
    return [row for batch in table.batches(size) for _, row in batch.rows()]


def write_csv(path: Path, rows: list[dict[str, str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_reads_back_whatever_its_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [{**row, "name": row["name"].replace("“friend”", "朋友") * 3} for row in ROWS]
    table = open_table(write_csv(tmp_path / "a.txt", rows, encoding, delimiter))
    assert table.delimiter == delimiter
    assert rows_of(table, 1) == rows
    said = {"gb18030": "GB18030", "utf-16": "UTF-16"}.get(encoding)
    assert said in " ".join(table.notes) if said else table.notes == ()


def test_the_format_is_found_by_content_and_not_by_name(tmp_path: Path) -> None:
    plain = "\n".join(json.dumps(row) for row in ROWS).encode()
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "p")
    (tmp_path / "items.csv").write_bytes(plain)
    (tmp_path / "items").write_bytes(gzip.compress(plain))
    (tmp_path / "items.json").write_bytes(gzip.compress((tmp_path / "p").read_bytes()))
    for name, format_ in (
        ("items.csv", "jsonl"),
        ("items", "jsonl"),
        ("items.json", "parquet"),
        ("p", "parquet"),
    ):
        table = open_table(tmp_path / name)
        assert table.source.format == format_
        assert rows_of(table) == ROWS


def test_json_lines_read_back_in_gb18030(tmp_path: Path) -> None:
    rows = [{"id": 1, "name": "高山流水遇知音"}]
    (tmp_path / "a").write_bytes("\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode("gb18030"))
    assert rows_of(open_table(tmp_path / "a")) == rows


@given(
    st.lists(
        st.fixed_dictionaries({"id": st.integers(1).map(str), "a": st.text(), "b": st.text(max_size=3)}),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_was_written_as_csv_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], delimiter: str
) -> None:
    rows = [{name: text.encode("utf-8", "ignore").decode() for name, text in row.items()} for row in rows]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    assert rows_of(open_table(write_csv(path, rows, delimiter=delimiter)), 3) == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        (b"a,b\n", "header"),
        (b"a,b,a\n1,2,3\n", "'a' more than once"),
        (b"a::b::c\n1::2::3\n", "split by '::'"),
        (b"196\t242\t3\n186\t302\t3\n", "add a row of column names"),
        (b'[{"a": 1}]', "JSON array"),
        (b'{\n  "a": 1\n}', "not JSON Lines"),
        (b"PK\x03\x04rest", "Excel"),
        ("a,b\n1,café crème\n".encode("latin-1"), "byte 9 is 0xe9"),
        ("a,b\n1,Zürich naïvement\n".encode("latin-1"), "byte 7 is 0xfc"),
        (b"a,b\n1," + "知".encode()[:2], "byte 6 is 0xe7"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL bytes"),
        ("a,b\n1,2\n".encode("utf-16") + b"x", "begins as UTF-16"),
        (gzip.compress(b"a,b\n1,2\n" * 100, mtime=0)[:-9], "broken gzip"),
        (b"PAR1 but not really", "broken Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_the_door(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(InvalidData, match=said) as refused:
        open_table(tmp_path / "bad")
    assert str(tmp_path / "bad") in str(refused.value)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        open_table(tmp_path / "nothing.csv")


def test_a_bad_byte_at_the_very_end_is_found_before_any_row_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a,b\n" + b"1,2\n" * 600_000 + b"3,\xff\n")
    with pytest.raises(InvalidData, match="byte 2,400,006 is 0xff"):
        open_table(tmp_path / "a")


def test_a_character_broken_between_two_chunks_is_found_where_it_begins() -> None:
    assert first_bad_byte(iter([b"ab\xe7\x9f", b"x", b"y"]), "utf-8") == 2
    assert first_bad_byte(iter([b"ab\xe7\x9f", b"\xa5\xff"]), "utf-8") == 5
    assert first_bad_byte(iter([b"ab\xe7\x9f", b"\xa5"]), "utf-8") is None


@pytest.mark.slow
def test_utf8_characters_across_the_chunks_of_the_scan_are_fine(tmp_path: Path) -> None:
    lines = ["a,b\n", *(f"{'知' * 9},音音\n" for _ in range(40_000))]  # 1.4 MB, and 35 bytes a line
    (tmp_path / "a").write_text("".join(lines), encoding="utf-8")
    assert rows_of(open_table(tmp_path / "a"))[-1] == {"a": "知" * 9, "b": "音音"}


def test_a_missing_column_is_named_with_the_columns_there_are_and_the_delimiter_seen(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a;b\n1;2\n")
    with pytest.raises(
        InvalidData, match=r"no column 'sku' for item_id; its columns \(split by semicolon\): a, b"
    ):
        open_table(tmp_path / "a").need("sku", "item_id")


def test_ragged_rows_are_set_aside_with_their_number(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a,b\n1,2\n\n3\n4,5,6\n7,8\n")
    (batch,) = open_table(tmp_path / "a").batches()
    assert list(batch.numbers) == [1, 4]
    assert [(bad.number, bad.reason) for bad in batch.bad] == [
        (2, "1 fields where the header has 2"),
        (3, "3 fields where the header has 2"),
    ]
    assert len(batch) == 4


@pytest.mark.parametrize("length", [200_000, 1_000_000, MAX_LINE + 1, 2 * MAX_LINE])
def test_a_field_or_line_far_too_long_is_one_bad_row_and_the_next_is_fine(tmp_path: Path, length: int) -> None:
    (tmp_path / "a").write_text("a,b\n1,x\n2," + "y" * length + "\n3,z\n")
    (batch,) = open_table(tmp_path / "a").batches()
    assert list(batch.numbers) == [1, 3]
    (bad,) = batch.bad
    assert bad.number == 2
    assert "131072" in bad.reason
    assert str(bad.raw).startswith("2")


def test_a_quote_that_is_never_closed_costs_bounded_memory_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('a,b\n1,x\n2,"y\n' + "3,z\n" * 100_000)
    batches = list(open_table(tmp_path / "a").batches())
    assert sum(len(batch.bad) for batch in batches) >= 1
    assert sum(len(batch.numbers) for batch in batches) > 1_000


def test_json_lines_set_aside_what_is_no_object_too_long_or_too_deep(tmp_path: Path) -> None:
    deep = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    nested = '{"a": ' + "[" * 17 + "]" * 17 + "}"
    lines = ['{"a": 1}', "[1]", "{", deep, nested, '{"a": "' + "x" * (1 << 20) + '"}', "", '{"a": 2}']
    (tmp_path / "a").write_text("\n".join(lines))
    (batch,) = open_table(tmp_path / "a").batches()
    assert list(batch.numbers) == [1, 7]
    assert [bad.number for bad in batch.bad] == [2, 3, 4, 5, 6]
    assert "list" in batch.bad[0].reason
    assert "16 deep" in batch.bad[3].reason
    assert "1,048,576 bytes" in batch.bad[4].reason


def test_parquet_gives_times_lists_and_numbers_as_they_are(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2, 3, tzinfo=UTC)
    table = pa.table(
        {
            "at": pa.array([at, None], pa.timestamp("ns", "UTC")),
            "tags": pa.array([["a", "b"], []]),
            "n": pa.array([1.5, None]),
        }
    )
    pq.write_table(table, tmp_path / "a")
    first, second = rows_of(open_table(tmp_path / "a"))
    assert first == {"at": at, "tags": ["a", "b"], "n": 1.5}
    assert second == {"at": None, "tags": [], "n": None}


@pytest.mark.slow
def test_memory_is_bounded_by_the_batch_and_not_by_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b"id,text\n" + b"12345,some words of a review\n" * 60_000))
    table = open_table(tmp_path / "a")
    tracemalloc.start()
    rows = sum(len(batch) for batch in table.batches(1_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 60_000
    assert peak < 2_000_000  # bytes; the rows at once are 12 MB


def test_progress_counts_the_bytes_of_the_file_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 50_000))
    table = open_table(tmp_path / "a")
    done = [batch.bytes_done for batch in table.batches(5_000)]
    assert done == sorted(done)
    assert done[-1] == table.source.size


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_batch_of_long_rows_ends_early_and_no_row_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    module = "delimited" if kind == "csv" else "jsonlines"
    monkeypatch.setattr(f"zhiyin.data.readers.{module}.MOST", 1 << 20)
    texts = [f"{number} " + "x" * 500 for number in range(9_000)]
    lines = [f"{text},0" for text in texts] if kind == "csv" else [f'{{"a": "{text}", "b": 0}}' for text in texts]
    (tmp_path / "a").write_text("\n".join(["a,b", *lines] if kind == "csv" else lines))
    batches = list(open_table(tmp_path / "a").batches(7_500))
    assert [text for batch in batches for text in batch.columns["a"]] == texts
    assert [number for batch in batches for number in batch.numbers] == list(range(1, 9_001))
    assert all(1_000 < len(batch) < 4_000 for batch in batches[:-1])
