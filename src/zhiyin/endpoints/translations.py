"""What a model made of texts, kept on disk: nothing is paid for twice, also after a kill.

A file that only grows, a line of JSON a text. A line that was cut short is cut off by the next opening, and a lock
keeps processes from writing at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import orjson

from zhiyin.errors import BrokenStore
from zhiyin.files import alone


class Translations:
    """By a key of whatever the answer depends on; "" for what the model could not translate. Safe to share between
    threads; what another process adds meanwhile is seen by the next opening."""

    def __init__(self, file: Path) -> None:
        """Raises BrokenStore for a file that is none of ours."""
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        with self._alone():
            self._known = dict(self._read())

    def get(self, key: str) -> str | None:
        return self._known.get(key)

    def put(self, found: Mapping[str, str]) -> None:
        """They are in the file when this returns."""
        lines = b"".join(orjson.dumps(pair, option=orjson.OPT_APPEND_NEWLINE) for pair in found.items())
        with self._lock, self._alone():
            with self.file.open("ab") as file:
                file.write(lines)
            self._known.update(found)

    def _read(self) -> Iterator[tuple[str, str]]:
        content = self.file.read_bytes() if self.file.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self.file.open("r+b") as handle:
                handle.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                key, text = orjson.loads(line)
            except ValueError as error:
                raise BrokenStore(
                    f"line {number} of {self.file} cannot be read ({error}): delete the line, or the file, whose "
                    "texts are then translated again"
                ) from error
            yield str(key), str(text)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process at a time; the lock goes when its file is closed, also by a kill."""
        with alone(self.file.with_suffix(".lock")):
            yield
