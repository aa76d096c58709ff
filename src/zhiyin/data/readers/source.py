"""What a file is, found from its bytes and not from its name: compression, format, encoding.

Every text file is read through once before the first row is used, so that a bad byte at its very end, or a
truncated gzip, is refused before anything of it was stored.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from zhiyin.errors import InvalidData, NotFound

Format = Literal["csv", "jsonl", "parquet"]

CHUNK = 1 << 20  # bytes
MOST_COLUMNS = 2_000  # of one file
GB_SHARE = 0.7  # of characters that are common Chinese; UTF-8 or Latin bytes misread as GB18030 stay below 0.5
_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive: save the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"BZh": "bzip2: unpack it, or pack it with gzip",
    b"\xfd7zX": "xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "zstandard: unpack it, or pack it with gzip",
    b"SQLite format 3": "an SQLite database: export its table as CSV",
    b"%PDF": "a PDF: export its table as CSV",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was looked at: `encoding` is a codec name ("" for Parquet), `size` its bytes on disk."""

    path: Path
    format: Format
    gzipped: bool
    encoding: str
    size: int
    notes: tuple[str, ...] = ()

    def open(self) -> ByteStream:
        return ByteStream(self.path, gzipped=self.gzipped)


class ByteStream:
    """The unpacked bytes of a file, and how many bytes of the file itself were taken."""

    def __init__(self, path: Path, *, gzipped: bool) -> None:
        self._raw = path.open("rb")
        self.bytes: BinaryIO = gzip.GzipFile(fileobj=self._raw) if gzipped else self._raw  # type: ignore[assignment]

    def position(self) -> int:
        return self._raw.tell()

    def __enter__(self) -> ByteStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes.close()
        self._raw.close()


def look_at(path: Path) -> Source:
    """What the file is. Raises NotFound without it, InvalidData if it is empty, foreign or not text."""
    if not path.is_file():
        raise NotFound(f"{path} is not a file that is there: check its name in zhiyin.toml")
    size = path.stat().st_size
    gzipped = _starts(path) == b"\x1f\x8b"
    head = next(_chunks(path, gzipped=gzipped), b"")
    if not head.strip(b"\xef\xbb\xbf\r\n\t "):
        raise InvalidData(f"{path} is empty: it needs a header and at least one row")
    if head.startswith(b"PAR1"):
        return Source(path, "parquet", gzipped, "", size)
    _refuse_foreign(path, head)
    encoding, notes = detect_encoding(path, gzipped=gzipped)
    return Source(path, _text_format(path, head, encoding), gzipped, encoding, size, notes)


def check_columns(source: Source, names: Sequence[str]) -> None:
    """Raises InvalidData for a name that comes twice, and for so many that the file is something else."""
    if len(names) > MOST_COLUMNS:
        raise InvalidData(
            f"{source.path} has {len(names):,} columns, and {MOST_COLUMNS:,} are the most that are read: "
            "if columns are items or people, write one row for each pair instead"
        )
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise InvalidData(f"{source.path} has the column {name!r} more than once: rename one of them")


def detect_encoding(path: Path, *, gzipped: bool) -> tuple[str, tuple[str, ...]]:
    """The codec of the whole file and a word about it where it is not plain UTF-8.

    Raises InvalidData with the offset of the first byte that fits neither UTF-8 nor GB18030.
    """
    head = next(_chunks(path, gzipped=gzipped), b"")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _check_all(path, "utf-16", gzipped=gzipped)
        return "utf-16", ("its encoding is UTF-16, by its first two bytes",)
    if head[:4096].count(0) > len(head[:4096]) // 5:
        raise InvalidData(
            f"{path} is full of NUL bytes, as UTF-16 without its first two bytes would be: "
            "write it as UTF-8, for instance with `iconv -f utf-16le -t utf-8`"
        )
    if head.startswith(codecs.BOM_UTF8):
        _check_all(path, "utf-8", gzipped=gzipped)
        return "utf-8-sig", ()
    offset = first_bad_byte(_chunks(path, gzipped=gzipped), "utf-8")
    if offset is None:
        return "utf-8", ()
    if first_bad_byte(_chunks(path, gzipped=gzipped), "gb18030") is None and _is_chinese(path, gzipped=gzipped):
        return "gb18030", ("its encoding is GB18030, not UTF-8: it was read as such",)
    raise InvalidData(_neither(path, offset, gzipped=gzipped))


def first_bad_byte(chunks: Iterator[bytes], encoding: str) -> int | None:
    """Offset of the first byte that does not decode, None when all do."""
    decoder = codecs.getincrementaldecoder(encoding)()
    behind = 0  # bytes before this chunk
    for chunk in chunks:
        held = len(decoder.getstate()[0])  # bytes of a character that the last chunk began
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return behind - held + error.start
        behind += len(chunk)
    held = len(decoder.getstate()[0])
    return behind - held if held else None


def _check_all(path: Path, encoding: str, *, gzipped: bool) -> None:
    offset = first_bad_byte(_chunks(path, gzipped=gzipped), encoding)
    if offset is not None:
        raise InvalidData(
            f"{path} begins as {encoding.upper()} but byte {offset:,} does not fit: write it again as UTF-8"
        )


def _is_chinese(path: Path, *, gzipped: bool) -> bool:
    """Whether the first characters beyond ASCII, read as GB18030, are mostly those of everyday Chinese."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    for chunk in _chunks(path, gzipped=gzipped):
        characters = [c for c in decoder.decode(chunk) if not c.isascii()][:50_000]
        if characters:
            common = len("".join(characters).encode("gb2312", "ignore")) // 2
            return common >= GB_SHARE * len(characters)
    return False


def _neither(path: Path, offset: int, *, gzipped: bool) -> str:
    for start, chunk in _numbered(path, gzipped=gzipped):
        if start <= offset < start + len(chunk):
            break
    byte = f"byte {offset:,} is 0x{chunk[offset - start]:02x}"
    read = chunk.decode("utf-8", "replace")
    broken = read.count("\ufffd")
    if sum(not character.isascii() for character in read) > 2 * broken:
        cure = "`iconv -c -f utf-8 -t utf-8` leaves such bytes out"
        return f"{path} is UTF-8 but for a few bytes that are broken: {byte}, the first of them. {cure}"
    name = _guess(chunk[max(0, offset - start - 2000) : offset - start + 2000])
    return (
        f"{path} is neither UTF-8 nor GB18030: {byte}. It may be {name}: `iconv -f {name} -t utf-8` makes it "
        "readable, look at its accents then"
    )


def _guess(near: bytes) -> str:
    """The likeliest codec of some lines; the most common one where it fits as well as any."""
    from charset_normalizer import from_bytes  # noqa: PLC0415  # heavy, and needed on this road only

    odd = b"\n".join(line for line in near.splitlines() if not line.isascii())
    best, common = from_bytes(odd).best(), from_bytes(odd, cp_isolation=["cp1252"]).best()
    if best is None or (common is not None and common.chaos <= best.chaos):
        return "cp1252"
    return best.encoding


def _numbered(path: Path, *, gzipped: bool) -> Iterator[tuple[int, bytes]]:
    start = 0
    for chunk in _chunks(path, gzipped=gzipped):
        yield start, chunk
        start += len(chunk)


def _text_format(path: Path, head: bytes, encoding: str) -> Format:
    text = head[:CHUNK].decode(encoding, "ignore").lstrip()
    if text.startswith("["):
        raise InvalidData(f"{path} is one JSON array: write one object a line, `jq -c '.[]' {path.name}` does it")
    return "jsonl" if text.startswith("{") else "csv"


def _refuse_foreign(path: Path, head: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InvalidData(f"{path} is not CSV, JSON Lines or Parquet but {what}")


def _starts(path: Path) -> bytes:
    with path.open("rb") as raw:
        return raw.read(2)


def _chunks(path: Path, *, gzipped: bool) -> Iterator[bytes]:
    with ByteStream(path, gzipped=gzipped) as stream:
        try:
            while chunk := stream.bytes.read(CHUNK):
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InvalidData(f"{path} is a broken gzip ({error}): fetch or pack it again") from error
