"""JSON Lines: one object a line. Bad lines are set aside; a file that is something else is refused."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from zhiyin.data.readers.rows import MOST, BadRow, Cell, RowBatch
from zhiyin.data.readers.source import Source, check_columns
from zhiyin.errors import InvalidData

MAX_LINE = 1 << 20  # bytes
MAX_DEPTH = 16  # objects and lists within each other
_TRIED = 1000  # lines from which the columns are taken


def read_columns(source: Source) -> tuple[str, ...]:
    """The keys of the first lines, in the order met. Raises InvalidData if no line of them is an object."""
    names: dict[str, None] = {}
    tried, reason = 0, ""
    with source.open() as stream:
        for line in _lines(stream.bytes, source.encoding):
            tried += 1
            row, why = _object(line)
            names.update(dict.fromkeys(row or ()))
            reason = reason or why
            if tried == _TRIED:
                break
    if not names:
        raise InvalidData(
            f"{source.path} is not JSON Lines: of its first {tried} lines none is an object with keys "
            f"(the first: {reason or 'no keys'}); write one object a line, `jq -c .` does it"
        )
    check_columns(source, tuple(names))
    return tuple(names)


def read_jsonl(source: Source, columns: tuple[str, ...], size: int) -> Iterator[RowBatch]:
    """All rows in batches. Keys that the first lines did not have are not read."""
    with source.open() as stream:
        numbers: list[int] = []
        rows: list[dict[str, Cell]] = []
        bad: list[BadRow] = []
        full = MOST
        for number, line in enumerate(_lines(stream.bytes, source.encoding), 1):
            row, reason = _object(line)
            if row is None:
                bad.append(BadRow(number, reason, line[:MAX_LINE].decode("utf-8", "replace")))
            else:
                numbers.append(number)
                rows.append(row)
            if len(numbers) + len(bad) == size or stream.bytes.tell() > full:
                yield _batch(numbers, rows, columns, bad, stream.position())
                numbers, rows, bad = [], [], []
                full = stream.bytes.tell() + MOST
        if numbers or bad:
            yield _batch(numbers, rows, columns, bad, stream.position())


def _batch(
    numbers: list[int], rows: list[dict[str, Cell]], columns: tuple[str, ...], bad: list[BadRow], done: int
) -> RowBatch:
    return RowBatch(numbers, {name: [row.get(name) for row in rows] for name in columns}, bad, done)


def _object(line: bytes) -> tuple[dict[str, Cell] | None, str]:
    """The row of a line, or None and why there is none."""
    if len(line) > MAX_LINE:
        return None, f"a line has at most {MAX_LINE:,} bytes"
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return None, f"not JSON: {error.msg}"
    if not isinstance(row, dict):
        return None, f"a line is an object, got {type(row).__name__}"
    if any(isinstance(value, dict | list) for value in row.values()) and _deeper_than(row, MAX_DEPTH):
        return None, f"objects and lists lie within each other more than {MAX_DEPTH} deep"
    return row, ""


def _deeper_than(value: Cell, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if depth == 0:
        return True
    return any(_deeper_than(inner, depth - 1) for inner in (value.values() if isinstance(value, dict) else value))


def _lines(raw: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Lines in UTF-8 without blank ones; of a line beyond MAX_LINE its first MAX_LINE + 1 bytes."""
    for line in _raw_lines(raw) if encoding.startswith("utf-8") else _recoded_lines(raw, encoding):
        text = line.removeprefix(codecs.BOM_UTF8).strip()
        if text:
            yield text


def _raw_lines(raw: BinaryIO) -> Iterator[bytes]:
    while line := raw.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = raw.readline(MAX_LINE + 1)
            if not line:
                return


def _recoded_lines(raw: BinaryIO, encoding: str) -> Iterator[bytes]:
    text = io.TextIOWrapper(raw, encoding, newline="\n")
    try:
        while line := text.readline(MAX_LINE + 1):
            yield line.encode()
            while len(line) > MAX_LINE and not line.endswith("\n"):
                line = text.readline(MAX_LINE + 1)
                if not line:
                    return
    finally:
        text.detach()  # else the stream is closed with it, before its position was asked for
