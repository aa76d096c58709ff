"""CSV: the delimiter is found among , ; tab and |, quotes and line ends inside quotes are honoured.

Memory is bounded by the batch: no line is held beyond MAX_LINE characters and no field beyond the limit of
the csv module, 131,072, which is above the longest text of an item. What is longer goes to the quarantine.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import TextIO

from zhiyin.data.readers.rows import MOST, BadRow, Cell, RowBatch
from zhiyin.data.readers.source import Source, check_columns
from zhiyin.errors import InvalidData

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MAX_LINE = 4 << 20  # characters
CUT = 200_000  # characters kept of a longer line; above the field limit, so that csv refuses it
_SLICE = 1_000  # rows read before the size of the batch is looked at
_SAMPLE = 200  # rows looked at to find the delimiter
_OTHER = re.compile(r"::|[:^~\x01\x1f#]|(?<=\w) +(?=\w)")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")


def find_delimiter(source: Source) -> str:
    """The delimiter that splits the first rows most evenly, in most columns; a comma when nothing splits.

    Raises InvalidData if there is one column and it looks split by something else.
    """
    with source.open() as stream:
        text = io.TextIOWrapper(stream.bytes, source.encoding, newline="")
        lines = [line for line in _take(_bounded(text, []), _SAMPLE) if line.strip()]
    best = max(DELIMITERS, key=lambda delimiter: _evenness(lines, delimiter))
    width = len(next(csv.reader(lines, delimiter=best), []))
    if width == 1 and (other := _OTHER.search(lines[0].strip())):
        raise InvalidData(
            f"{source.path} has one column, {lines[0].strip()[:80]!r}: it seems to be split by {other[0]!r}; "
            f"write it with one of {', '.join(DELIMITERS.values())}"
        )
    return best


def read_header(source: Source, delimiter: str) -> tuple[str, ...]:
    """The column names. Raises InvalidData for duplicates, a first row of numbers, or no row below."""
    with source.open() as stream:
        text = io.TextIOWrapper(stream.bytes, source.encoding, newline="")
        reader = csv.reader(_bounded(text, []), delimiter=delimiter)
        try:
            header = _next_row(reader)
        except csv.Error as error:
            raise InvalidData(f"{source.path} cannot be read as CSV ({error}): quote its texts") from error
        try:
            empty = not _next_row(reader)
        except csv.Error:
            empty = False  # a row there is, though a bad one
    names = tuple(name.strip() or f"column_{place}" for place, name in enumerate(header, 1))
    check_columns(source, names)
    if all(_NUMBER.fullmatch(name) for name in names):
        raise InvalidData(f"{source.path} begins with numbers, {', '.join(names[:5])}: add a row of column names")
    if empty:
        raise InvalidData(f"{source.path} holds a header ({', '.join(names[:8])}) and no row: add rows")
    return names


def read_csv(source: Source, delimiter: str, columns: tuple[str, ...], size: int) -> Iterator[RowBatch]:
    """All rows in batches of `size`, or fewer where they are long. A row of another width than the header, or
    far too long, is bad."""
    with source.open() as stream:
        text = io.TextIOWrapper(stream.bytes, source.encoding, newline="")
        fed: list[str] = []
        reader = csv.reader(_bounded(text, fed), delimiter=delimiter)
        _next_row(reader)  # the header
        number, ended = 0, False
        while not ended:
            rows: list[Row] = []
            bad: list[BadRow] = []
            last, full = number + size, stream.bytes.tell() + MOST
            while not ended and number < last and stream.bytes.tell() < full:
                fed.clear()
                some, worse, ended = _take_rows(reader, fed, (number, min(_SLICE, last - number), len(columns)))
                rows += some
                bad += worse
                number += len(some) + len(worse)
            if rows or bad:
                yield _batch(rows, columns, bad, stream.position())


Row = tuple[int, list[str]]


def _take_rows(
    reader: Iterator[list[str]], fed: list[str], bounds: tuple[int, int, int]
) -> tuple[list[Row], list[BadRow], bool]:
    """Up to `size` rows that follow row `number`: the good, the bad, and whether the file ended."""
    number, size, width = bounds
    rows: list[Row] = []
    bad: list[BadRow] = []
    last = number + size
    while number < last:
        try:
            for row in reader:
                number += bool(row)
                if len(fed) > 1 and "".join(fed).count('"') % 2:
                    bad.append(BadRow(number, _unclosed(len(fed)), "".join(fed)[:CUT]))
                elif len(row) == width:
                    rows.append((number, row))
                elif row:
                    bad.append(BadRow(number, f"{len(row)} fields where the header has {width}", row))
                if number == last:
                    break
                fed.clear()
            else:
                return rows, bad, True
        except csv.Error as error:
            number += 1
            reason = f"{error}: a quote is not closed, or a text is far too long"
            bad.append(BadRow(number, reason, "".join(fed)[:CUT]))
    return rows, bad, False


def _unclosed(n_lines: int) -> str:
    return f"a quote is not closed: it takes in {n_lines:,} lines to the end of the file"


def _batch(rows: list[Row], columns: tuple[str, ...], bad: list[BadRow], done: int) -> RowBatch:
    values: list[list[Cell]] = [list(column) for column in zip(*(row for _, row in rows), strict=True)]
    return RowBatch(
        [number for number, _ in rows],
        dict(zip(columns, values or [[] for _ in columns], strict=True)),
        bad,
        done,
    )


def _bounded(text: TextIO, fed: list[str]) -> Iterator[str]:
    """Lines with their ends, remembered in `fed`; one beyond MAX_LINE as a field that csv refuses."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            line = re.sub(r'[",;|\t\r\n]', " ", line[:CUT])
            while (rest := text.readline(MAX_LINE)) and not rest.endswith(("\n", "\r")):
                pass
        fed.append(line)
        yield line


def _next_row(reader: Iterator[list[str]]) -> list[str]:
    """The next row that is not blank, empty at the end of the file."""
    return next((row for row in reader if row), [])


def _take(lines: Iterator[str], count: int) -> Iterator[str]:
    for _, line in zip(range(count), lines, strict=False):
        yield line


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Share of rows as wide as the header, and that width; (0, 0) when there is one column."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    even = sum(width == widths[0] for width in widths) / len(widths)
    return round(even, 1), widths[0]
