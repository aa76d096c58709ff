"""Where rows go that cannot be used, and values that rows were used without: a JSON Lines file a source file, with
row number, reason and the row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import orjson

from zhiyin.data.readers.rows import BadRow, LeftOut

FOLDER = "quarantine"
VALUES = ".values"  # in the name of a file of values that were left out
_SHOWN = 5  # kinds of reasons told in the report
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d[\d,.]*")


class Quarantine:
    """The bad rows of one source file, and the values that others lack. Written anew at each import, so it never
    holds rows of an earlier one; without bad rows there is no file."""

    def __init__(self, folder: Path, kind: str, source: Path) -> None:
        self._rows = _Sheet(folder / FOLDER / f"{kind}-{source.name}.jsonl", source)
        self._values = _Sheet(folder / FOLDER / f"{kind}-{source.name}{VALUES}.jsonl", source)

    @property
    def path(self) -> Path:
        """Of the bad rows."""
        return self._rows.path

    @property
    def count(self) -> int:
        """Of the bad rows."""
        return self._rows.count

    def add(self, rows: Iterable[BadRow], values: Iterable[LeftOut] = ()) -> None:
        for row in rows:
            self._rows.add(row, "rows quarantined")
        for value in values:
            self._values.add(value.row, f"rows kept without their `{value.name}`,", value.name)

    def notes(self) -> list[str]:
        """The most frequent kinds of reasons, each with its first row."""
        return [*self._rows.notes("quarantined rows"), *self._values.notes("values that were left out")]

    def close(self) -> None:
        self._rows.close()
        self._values.close()


class _Sheet:
    """One file, made when there is something to write, and the kinds of reasons in it."""

    def __init__(self, path: Path, source: Path) -> None:
        self.path, self.count = path, 0
        self._source = source
        self._reasons: dict[
            tuple[str, str], tuple[int, str]
        ] = {}  # by what they have in common: how many, the first
        self._file: BinaryIO | None = None
        path.unlink(missing_ok=True)

    def add(self, row: BadRow, fate: str, value: str | None = None) -> None:
        line = {"file": str(self._source), "row": row.number, "reason": row.reason, "raw": row.raw}
        line |= {} if value is None else {"left_out": value}
        self._opened().write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))
        self.count += 1
        key = fate, _VARYING.sub("…", row.reason)
        count, first = self._reasons.get(key, (0, f"row {row.number:,}: {row.reason}"))
        self._reasons[key] = (count + 1, first)

    def notes(self, what: str) -> list[str]:
        if not self.count:
            return []
        worst = sorted(self._reasons.items(), key=lambda reason: -reason[1][0])
        more = f" and {len(worst) - _SHOWN:,} more kinds of reasons" if len(worst) > _SHOWN else ""
        told = [f"{count:,} {fate} like {first}" for (fate, _), (count, first) in worst[:_SHOWN]]
        return [*told, f"all {self.count:,} {what} are in {self.path}{more}"]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        return self._file
