"""Where rows go that cannot be used: a JSON Lines file a source file, with row number, reason and the row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import orjson

from zhiyin.data.readers.rows import BadRow

FOLDER = "quarantine"
_SHOWN = 5  # kinds of reasons told in the report
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d,.]*")


class Quarantine:
    """The bad rows of one source file. Written anew at each import, so it never holds rows of an earlier one;
    without bad rows there is no file."""

    def __init__(self, folder: Path, kind: str, source: Path) -> None:
        self.path = folder / FOLDER / f"{kind}-{source.name}.jsonl"
        self.count = 0
        self._source = source
        self._reasons: dict[str, tuple[int, str]] = {}  # by what they have in common: how many, the first
        self._file: BinaryIO | None = None
        self.path.unlink(missing_ok=True)

    def add(self, rows: Iterable[BadRow]) -> None:
        for row in rows:
            line = {"file": str(self._source), "row": row.number, "reason": row.reason, "raw": row.raw}
            self._opened().write(orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE))
            self.count += 1
            key = _VARYING.sub("…", row.reason)
            count, first = self._reasons.get(key, (0, f"row {row.number:,}: {row.reason}"))
            self._reasons[key] = (count + 1, first)

    def notes(self) -> list[str]:
        """The most frequent kinds of reasons, each with its first row."""
        if not self.count:
            return []
        worst = sorted(self._reasons.values(), key=lambda reason: -reason[0])
        more = f" and {len(worst) - _SHOWN:,} more kinds of reasons" if len(worst) > _SHOWN else ""
        told = [f"{count:,} rows quarantined like {first}" for count, first in worst[:_SHOWN]]
        return [*told, f"all {self.count:,} quarantined rows are in {self.path}{more}"]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        return self._file
