"""The album: which vector was made of which picture, so that only what is new or changed is looked at again.

Vectors lie there by the digest of the file they were made of, and for each item what its picture was called then.
A small SQLite database beside the cache of texts: it may be thrown away at any time, which costs the time to look
at everything again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.types import Item

FILE = "pictures.db"
NAME = "image"  # of the vector among an item's
DECIMALS = 5  # of a number that is kept: cosines stay the same to seven, an item takes half the bytes
BUSY = 30.0  # seconds to wait for another process that writes
DIGEST_BYTES = 16
_TABLES = """
create table if not exists vectors
  (encoder text, digest blob, seal blob, vector blob, primary key (encoder, digest));
create index if not exists vectors_by_seal on vectors (seal);
create table if not exists items (item_id text primary key, encoder text, ref text, tag text, digest blob);
"""

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What an item's picture was when it was looked at."""

    ref: str  # what the item called it
    digest: bytes  # of its content
    tag: str = ""  # what its server calls this content (ETag)


class Album:
    """Open it in the thread that uses it. What is not said to be of all encoders is of the one that it is for."""

    def __init__(self, folder: Path, encoder: str = "") -> None:
        """`encoder`: the fingerprint."""
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._database = sqlite3.connect(folder / FILE, timeout=BUSY, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def digests(self) -> set[bytes]:
        """Of all pictures whose vector is known."""
        rows = self._database.execute("select digest from vectors where encoder = ?", (self._encoder,))
        return {digest for (digest,) in rows}

    def add(self, vectors: Mapping[bytes, Floats]) -> None:
        """(dim,) each, by the digest of the picture."""
        kept = {digest: _rounded(vector).astype("<f4").tobytes() for digest, vector in vectors.items()}
        rows = [(self._encoder, digest, digest_of(row), row) for digest, row in kept.items()]
        with self._writing():
            self._database.executemany("insert or replace into vectors values (?, ?, ?, ?)", rows)

    def vector(self, digest: bytes) -> Vector | None:
        """As items bring it, or None where this picture was never looked at."""
        told = "select vector from vectors where encoder = ? and digest = ?"
        row = self._database.execute(told, (self._encoder, digest)).fetchone()
        return None if row is None else _vector(row[0])

    def note(self, pages: Mapping[str, Page]) -> None:
        """What items' pictures are, by item id."""
        rows = [(item_id, self._encoder, page.ref, page.tag, page.digest) for item_id, page in pages.items()]
        with self._writing():
            self._database.executemany("insert or replace into items values (?, ?, ?, ?, ?)", rows)

    def page(self, item_id: str) -> Page | None:
        """What was noted of an item's picture; None where it was never looked at, or by another encoder."""
        told = "select ref, digest, tag from items where item_id = ? and encoder = ?"
        row = self._database.execute(told, (item_id, self._encoder)).fetchone()
        return None if row is None else Page(*row)

    def made(self, vector: Vector) -> bool:
        """Whether it was made here, of whatever picture and by whatever encoder, and not handed in."""
        seal = digest_of(np.array(vector, "<f4").tobytes())
        return self._database.execute("select 1 from vectors where seal = ?", (seal,)).fetchone() is not None

    def forget(self, item_ids: Sequence[str]) -> None:
        """What was noted of these items."""
        with self._writing():
            self._database.executemany("delete from items where item_id = ?", [(id_,) for id_ in item_ids])

    def restored(self, items: Sequence[Item]) -> list[Item]:
        """The items, those that come without a vector but with the picture of before with that vector again."""
        return [self._restored(item) if item.image and NAME not in item.vectors else item for item in items]

    def _restored(self, item: Item) -> Item:
        told = "select vector from items join vectors using (encoder, digest) where item_id = ? and ref = ?"
        row = self._database.execute(told, (item.item_id, item.image)).fetchone()
        return item if row is None else replace(item, vectors={**item.vectors, NAME: _vector(row[0])})

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._database:
            self._database.execute("begin immediate")
            yield


def digest_of(content: bytes) -> bytes:
    """A name for the content of a picture, or of a vector."""
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _vector(row: bytes) -> Vector:
    return tuple(_rounded(np.frombuffer(row, "<f4")).tolist())


def _rounded(vector: Floats) -> Doubles:
    return np.asarray(np.round(vector.astype(np.float64), DECIMALS), np.float64)
