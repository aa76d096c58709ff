"""Static tables: a row a token, a text is their sum. Nothing is run, so ten thousand titles take a second.

Such a table is distilled from a language model (zhiyin.training.table), or was published: the layout is that of
Model2Vec (Tulkens & van Dongen 2024), whose tables are read as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import orjson
import scipy.sparse as sp

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ, unit
from zhiyin.encoders.pretrained import About, Pretrained
from zhiyin.encoders.published import TOKENS, WEIGHTS
from zhiyin.encoders.tokens import TokenReader
from zhiyin.errors import BrokenBundle

VERSION = 1  # counts up when other rows come out of the same file
TABLE, LOUDNESS, PLACES = "embeddings", "weights", "mapping"  # of the file; the last two may lack
CURE = "copy the model again, or make it anew: zhiyin compress --static"


class StaticEncoder:
    """Unit rows of one table. Safe to share between threads."""

    def __init__(self, model: Pretrained, about: About | None = None) -> None:
        """`about`: what a bundle says of a table that it carries.

        Raises MissingExtra without the package tokenizers, BrokenBundle for a table that is none."""
        self.model, self.about = model, about or model.about(f"{VERSION}.static")
        self._tokens = TokenReader(model.folder / TOKENS)
        self._table = _table(model, self._tokens.size)
        self._prompt = self.about.prompt
        self.dim = self._table.shape[1]
        self.licence, self.fingerprint = self.about.licence, self.about.fingerprint

    def encode(self, texts: Sequence[str]) -> Floats:
        read = self._tokens.read([self._prompt + text[:MAX_READ] if text.strip() else "" for text in texts])
        once = np.ones(len(read.rows), np.float32)
        # scipy adds the rows of a text one by one in the order of the text: what else is read changes nothing
        counts = sp.csr_matrix((once, read.rows, read.indptr), shape=(len(texts), len(self._table)))
        summed: Floats = counts @ self._table
        return unit(summed)


def _table(model: Pretrained, n_tokens: int) -> Floats:
    """(tokens, dim) as they are summed: what is not known to the table says nothing."""
    weights = model.weights()
    if TABLE not in weights:
        raise _broken(model, f"has no {TABLE!r} but {', '.join(sorted(weights)[:3]) or 'nothing'}")
    rows = weights[TABLE]
    if rows.ndim != 2 or not rows.size or rows.dtype.kind != "f" or not np.isfinite(rows).all():
        raise _broken(model, f"holds no rows of finite numbers but {rows.dtype} of shape {rows.shape}")
    table = _placed(model, rows, weights).astype(np.float32)
    if len(table) < n_tokens:
        raise _broken(model, f"has {len(table):,} rows for the {n_tokens:,} tokens of {TOKENS}")
    if LOUDNESS in weights:
        if weights[LOUDNESS].shape != (len(table),):
            raise _broken(model, f"has {weights[LOUDNESS].shape} weights for {len(table):,} rows")
        table = table * weights[LOUDNESS].astype(np.float32)[:, None]
    if (unknown := _unknown(model)) is not None and unknown < len(table):
        table[unknown] = 0.0
    return np.ascontiguousarray(table)


def _placed(model: Pretrained, rows: Floats, weights: Mapping[str, Floats]) -> Floats:
    """The row of each token, where several share one."""
    if PLACES not in weights:
        return rows
    places = weights[PLACES]
    whole = places.dtype.kind in "iu" and places.ndim == 1
    if not whole or not ((places >= 0) & (places < len(rows))).all():
        raise _broken(model, f"has a {PLACES!r} that leads beyond its {len(rows):,} rows")
    return rows[places]


def _unknown(model: Pretrained) -> int | None:
    """The token that stands for what the tokenizer does not know."""
    told = orjson.loads((model.folder / TOKENS).read_bytes()).get("model", {})
    if told.get("unk_id") is not None:
        return int(told["unk_id"])
    vocabulary, name = told.get("vocab"), told.get("unk_token")
    return vocabulary.get(name) if isinstance(vocabulary, dict) and name is not None else None


def _broken(model: Pretrained, what: str) -> BrokenBundle:
    return BrokenBundle(f"{model.folder / WEIGHTS} {what}: {CURE}")
