"""`zhiyin images`: the pictures of the items into their vectors `image`, which the next `zhiyin train` fuses.

A chunk at a time: read (and fetched) by a few threads, what was never looked at encoded, noted in the album,
stored. So a second run looks only at what is new or changed, and one after a kill goes on. A picture that cannot
be used is told and never stops the run: its item has no vector, for which it is not below any other.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Literal

import numpy as np
import orjson

from zhiyin.data.fetching import Fetcher
from zhiyin.data.picture_files import PictureFiles
from zhiyin.encoders.album import NAME, Album, Page, digest_of
from zhiyin.encoders.images import ImageEncoder
from zhiyin.encoders.pictures import MAX_BYTES, Pixels
from zhiyin.errors import InvalidData, NotFound
from zhiyin.shop import Zhiyin
from zhiyin.types import Item

CHUNK = 64  # pictures in memory, 10 MB unpacked, and in one transaction
READERS = 4  # threads that read, fetch and unpack
SHOWN = 10  # of each kind of trouble


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures are looked at."""

    folder: Path | None = None  # of the files; the shop's folder if not given
    fetch: bool = False  # also what lies on the web
    again: bool = False  # also what was looked at before, and in place of vectors that items brought
    fetcher: Fetcher = field(default_factory=lambda: Fetcher(MAX_BYTES))


@dataclass(frozen=True, slots=True)
class Trouble:
    """A picture that could not be used, why, and what to do."""

    item_id: str
    picture: str
    kind: Literal["missing", "broken"]  # of a missing one the item keeps the vector that it had
    reason: str


@dataclass(slots=True)
class Pictured:
    """What became of the items that have a picture: the counts and the troubles sum to `n_items`."""

    n_items: int = 0
    given: int = 0  # their vector is new or another one
    unchanged: int = 0
    brought: int = 0  # their vector was handed in, and stays
    unfetched: int = 0  # on the web, which was not to be asked
    troubles: list[Trouble] = field(default_factory=list)
    n_encoded: int = 0  # different pictures
    seconds: float = 0.0  # of all: reading, encoding, storing

    def sentences(self) -> list[str]:
        """The same in words."""
        missing, broken = (self.of_kind(kind) for kind in ("missing", "broken"))
        said = [
            f"{self.n_items:,} items with a picture = {self.given:,} given a vector + {self.unchanged:,} "
            f"unchanged + {self.brought:,} with a vector of their own + {len(missing):,} missing "
            f"+ {len(broken):,} broken + {self.unfetched:,} on the web and not fetched"
        ]
        if self.n_encoded:
            speed = self.n_encoded / max(self.seconds, 1e-9)
            said.append(f"{self.n_encoded:,} pictures encoded, {speed:,.0f} a second")
        if self.unfetched:
            said.append("`zhiyin images --fetch` asks for those on the web, too")
        for troubles in (missing, broken):
            said += [f"{one.kind}: the picture of {one.item_id!r}: {one.reason}" for one in troubles[:SHOWN]]
            if len(troubles) > SHOWN:
                said.append(f"{troubles[0].kind}: {len(troubles) - SHOWN:,} more; --out FILE writes all of them")
        return said

    def to_json(self) -> bytes:
        """All of it."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2) + b"\n"

    def of_kind(self, kind: str) -> list[Trouble]:
        """All troubles of a kind."""
        return [one for one in self.troubles if one.kind == kind]


def encode_images(shop: Zhiyin, encoder: ImageEncoder, wanted: Wanted | None = None) -> Pictured:
    """Look at the pictures of all items. Raises NotFound if there is no folder of that name."""
    wanted, began = wanted or Wanted(), perf_counter()
    folder = wanted.folder or shop.settings.folder
    if not folder.is_dir():
        raise NotFound(f"{folder} is no folder: --dir names the one where the pictures are")
    files = PictureFiles(folder, MAX_BYTES, wanted.fetcher if wanted.fetch else None)
    ids = [item.item_id for item in shop.store.items() if item.image]
    done = Pictured()
    with Album(shop.settings.path("cache"), encoder.fingerprint) as album, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about pictures that can be read all the same
        eye = _Eye(shop, album, encoder, files, again=wanted.again)
        shop.progress.start("looking at pictures", len(ids))
        with ThreadPoolExecutor(READERS) as readers:
            for chunk in _chunks(ids):
                eye.look(chunk, readers, done)
                shop.progress.advance(done.n_items, f"{done.n_encoded:,} encoded")
        shop.progress.done()
    done.seconds = perf_counter() - began
    return done


@dataclass(frozen=True, slots=True)
class _Seen:
    """A picture that was read. `pixels`: None where its vector is known already."""

    page: Page
    pixels: Pixels | None


class _Eye:
    """One run: what all chunks share."""

    def __init__(
        self, shop: Zhiyin, album: Album, encoder: ImageEncoder, files: PictureFiles, *, again: bool
    ) -> None:
        self._store, self._album, self._encoder, self._files = shop.store, album, encoder, files
        self._again = again
        self._known = set() if again else album.digests()

    def look(self, ids: Sequence[str], readers: ThreadPoolExecutor, done: Pictured) -> None:
        """Read, encode, note and store what these items show; counted in `done`."""
        found = [item for id_ in ids if (item := self._store.item(id_)) is not None and item.image]
        items = [item for item in found if self._again or self._ours(item)]
        done.n_items += len(found)
        before = len(done.troubles)
        done.brought += len(found) - len(items)
        looks = list(readers.map(self._read, items, [self._page(item) for item in items]))
        seen = {item.item_id: look for item, look in zip(items, looks, strict=True) if isinstance(look, _Seen)}
        done.n_encoded += self._encode(list(seen.values()))
        self._album.note({item_id: one.page for item_id, one in seen.items()})
        changed = [self._settled(item, look, done) for item, look in zip(items, looks, strict=True)]
        self._album.forget([one.item_id for one in done.troubles[before:] if one.kind == "broken"])
        self._store.put_items([item for item in changed if item is not None])

    def _ours(self, item: Item) -> bool:
        """Whether its vector, if it has one, was made here."""
        return NAME not in item.vectors or self._album.made(item.vectors[NAME])

    def _page(self, item: Item) -> Page | None:
        """What is known of the same picture, where that is worth asking its server about."""
        page = self._album.page(item.item_id)
        known = page is not None and page.ref == item.image and page.digest in self._known
        return page if known else None

    def _read(self, item: Item, page: Page | None) -> _Seen | Trouble | None:
        """In a thread. None: on the web, which is not to be asked."""
        ref = item.image or ""
        try:
            fetched = self._files.read(ref, page.tag if page else "")
            if fetched is None:
                return None
            if fetched.content is None and page is not None:
                return _Seen(page, None)
            content = fetched.content or b""
            digest = digest_of(content)
            pixels = None if digest in self._known else self._encoder.look(content)
            return _Seen(Page(ref, digest, fetched.tag), pixels)
        except NotFound as error:
            return Trouble(item.item_id, ref, "missing", str(error))
        except InvalidData as error:
            return Trouble(item.item_id, ref, "broken", str(error))

    def _encode(self, seen: Sequence[_Seen]) -> int:
        """Every picture once, into the album; how many."""
        new = {one.page.digest: one.pixels for one in seen if one.pixels is not None}
        if new:
            rows = self._encoder.encode(np.stack(list(new.values())))
            self._album.add(dict(zip(new, rows, strict=True)))
            self._known |= new.keys()
        return len(new)

    def _settled(self, item: Item, look: _Seen | Trouble | None, done: Pictured) -> Item | None:
        """The item as it has become, None where nothing has changed."""
        if look is None:
            done.unfetched += 1
            return None
        vector = () if isinstance(look, Trouble) else self._album.vector(look.page.digest) or ()
        if not any(vector):
            nothing = Trouble(item.item_id, item.image or "", "broken", "nothing is seen in it: replace it")
            done.troubles.append(look if isinstance(look, Trouble) else nothing)
            return _without(item) if done.troubles[-1].kind == "broken" and NAME in item.vectors else None
        if vector == item.vectors.get(NAME):
            done.unchanged += 1
            return None
        done.given += 1
        return replace(item, vectors={**item.vectors, NAME: vector})


def _without(item: Item) -> Item:
    return replace(item, vectors={name: vector for name, vector in item.vectors.items() if name != NAME})


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
