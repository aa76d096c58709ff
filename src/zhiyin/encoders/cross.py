"""Cross-encoders: what somebody asks with and one item's text, read together as one, give one number.

A vector of a text is made before anybody asks; here every word of the one sees every word of the other, which says
more and must be done anew for each pair. So it is for a few candidates only. Each pair is read by itself, in a
batch of one and by one thread: its number depends on nothing but the pair, whoever else is read and on however
many threads, to the last bit.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
import orjson

from zhiyin._extras import need
from zhiyin.data.dataset import Doubles
from zhiyin.encoders.base import MAX_READ, documents
from zhiyin.encoders.bert import Shape, pair_graph
from zhiyin.encoders.language import Precision, in_eight_bits
from zhiyin.encoders.onnx_graph import kept
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.tokens import load_tokenizer
from zhiyin.errors import BrokenBundle
from zhiyin.types import Item

VERSION = 1  # of the graph: counts up when other numbers come out
STORY = "cross.json"
FOLDER = "rerankers"  # of a shop
KEPT = 20_000  # pairs remembered
LAST = 5  # things taken last that stand for a past
TITLE, WROTE = 80, 120  # characters of each that are read, and of what was written about it

Kind = Literal["typed", "past"]
KINDS: tuple[Kind, ...] = ("typed", "past")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks with: what they typed, or else their past in words; "" where there is neither."""

    kind: Kind
    text: str


NOTHING = Asked("past", "")


def past_text(taken: Iterable[Item], wrote: Mapping[str, str]) -> str:
    """A past in words: titles of what was taken last, the newest first, each once, with what the person `wrote`
    about it, by item id."""
    said: dict[str, None] = {}
    for item in taken:
        title = (item.title.strip() or documents(item)[0])[:TITLE]
        own = wrote.get(item.item_id, "").strip()[:WROTE]
        if title or own:
            said[f"{title}: {own}" if title and own else title or own] = None
        if len(said) == LAST:
            break
    return "; ".join(said)


class CrossEncoder:
    """One number a pair. Safe to share between threads; remembers the pairs that it read last."""

    def __init__(self, model: Pretrained, cache: Path, precision: Precision = "int8", threads: int = 1) -> None:
        """`cache`: folder where the graph is kept; `threads` read different pairs side by side.

        Raises MissingExtra where a package is missing, InvalidData for a model that is none.
        """
        runtime = need("onnxruntime", extra="text")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = _graph_in(cache, model, precision)
        self._session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokens = pair_tokenizer(model, model.longest)
        self._threads = threads
        self._read: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = Lock()

    def score(self, asked: str, texts: Sequence[str]) -> Doubles:
        """(n,) how well each of the texts answers; each a number of its own, on no scale."""
        known = {text: self._known(asked, text) for text in dict.fromkeys(texts)}
        missing = [text for text, value in known.items() if value is None]
        if len(missing) < 2 or self._threads == 1:
            found = [self._pair(asked, text) for text in missing]
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                found = list(pool.map(self._pair, [asked] * len(missing), missing))
        known |= dict(zip(missing, found, strict=True))
        self._remember(asked, dict(zip(missing, found, strict=True)))
        return np.array([known[text] for text in texts], np.float64)

    def _pair(self, asked: str, text: str) -> float:
        read = self._tokens.encode(asked[:MAX_READ], text[:MAX_READ])
        ids, types = np.array([read.ids], np.int64), np.array([read.type_ids], np.int64)
        (found,) = self._session.run(None, {"ids": ids, "types": types, "mask": np.ones_like(ids)})
        return float(found[0])

    def _known(self, asked: str, text: str) -> float | None:
        with self._lock:
            found = self._read.get((asked, text))
            if found is not None:
                self._read.move_to_end((asked, text))
            return found

    def _remember(self, asked: str, found: Mapping[str, float]) -> None:
        with self._lock:
            self._read.update(((asked, text), value) for text, value in found.items())
            while len(self._read) > KEPT:
                self._read.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a folder's own story says of it: how loud it may be, of how many candidates, which was measured."""

    sha256: str  # of the story, which has the digests of all other files
    gates: Mapping[Kind, float]  # 0 where it was not shown to be better
    n: int  # candidates that were read
    precision: Precision

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Raises BrokenBundle where the folder has no such story, or a file is not the one that it tells of."""
        try:
            content = (folder / STORY).read_bytes()
            told = orjson.loads(content)
            gates = {kind: float(told["gates"][kind]) for kind in KINDS}
            found = cls(hashlib.sha256(content).hexdigest(), gates, int(told["n"]), told["precision"])
            files = dict(told["files"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BrokenBundle(
                f"{folder} is no measured reranker, its {STORY} cannot be read ({error!r}): zhiyin train reranker "
                'makes one, or reranker.model = "" does without'
            ) from error
        for name, digest in files.items():
            if not (folder / name).is_file() or sha256_of(folder / name) != digest:
                raise BrokenBundle(
                    f"{name} of {folder} is not what was measured: zhiyin train reranker makes another, or "
                    'reranker.model = "" does without'
                )
        return found


def seal(folder: Path, told: Mapping[str, object]) -> None:
    """Write the story of a folder, with the digests of all files that are there: it is served as it is, or not."""
    files = {
        str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    (folder / STORY).write_bytes(orjson.dumps({**told, "files": files}, option=orjson.OPT_INDENT_2) + b"\n")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pair_tokenizer(model: Pretrained, longest: int) -> Any:  # of a package that is optional
    """That makes one row of tokens of two texts, cutting the longer one where both do not fit."""
    found = load_tokenizer(model.tokens)
    found.enable_truncation(longest, strategy="longest_first")
    return found


def _graph_in(cache: Path, model: Pretrained, precision: Precision) -> bytes:
    """The graph that is kept there, if its digest is the noted one; else it is made, and kept."""
    path = cache / f"{model.fingerprint.replace(':', '-')}.pairs.{VERSION}.{precision}.onnx"
    told = {"model": model.name, "weights": model.sha256, "licence": model.licence}
    return kept(path, lambda: _made(model, in_bytes=precision == "int8"), told)


def _made(model: Pretrained, *, in_bytes: bool) -> bytes:
    graph = pair_graph(Shape.of(model.config), model.weights(), bytes_for_words=in_bytes)
    return in_eight_bits(graph, ["MatMul"]) if in_bytes else graph
