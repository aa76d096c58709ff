"""Embeddings from an endpoint that speaks as OpenAI's does: `POST URL/embeddings`, a list of texts to rows.

What is sent is counted before it is sent; what comes back is looked at before it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ, unit
from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.endpoints.portions import portions, tokens_of
from zhiyin.errors import EndpointFailed

LARGEST = 1e30  # a number of a row that anything can be counted with


@dataclass(frozen=True, slots=True)
class HostedModel:
    """Which rows are asked for, and how many at once."""

    name: str
    dim: int
    shortened: bool = False  # whether the endpoint is told `dim`, as models that can be cut short want
    batch: int = 64  # texts
    batch_characters: int = 100_000
    price: float | None = None  # of a million tokens


class HostedEncoder:
    """Safe to share between threads. A text that is there twice is sent twice: see CachedEncoder."""

    def __init__(self, endpoint: Endpoint, model: HostedModel, budget: Budget, patience: Patience) -> None:
        self._endpoint, self.model, self.budget, self._patience = endpoint, model, budget, patience

    @property
    def dim(self) -> int:
        return self.model.dim

    @property
    def fingerprint(self) -> str:
        told = f"{self._endpoint.url}\n{self.model.name}\n{self.model.dim}"
        return f"hosted:{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    @property
    def licence(self) -> str:
        return f"hosted: {self._endpoint.url} {self.model.name}"

    def encode(self, texts: Sequence[str]) -> Floats:
        """Raises EndpointFailed, BudgetSpent."""
        return self.encode_with(texts, self._patience)

    def encode_with(self, texts: Sequence[str], patience: Patience) -> Floats:
        """The same with as much patience as whoever waits has."""
        out = np.zeros((len(texts), self.dim), np.float32)
        filled = [n for n, text in enumerate(texts) if text.strip()]
        sizes = [min(len(texts[n]), MAX_READ) for n in filled]
        for some in portions(sizes, self.model.batch, self.model.batch_characters):
            places = [filled[n] for n in some]
            out[places] = self._rows([texts[n][:MAX_READ] for n in places], patience)
        return out

    def estimate(self, texts: Sequence[str]) -> str:
        """What reading these would send, and what may be sent."""
        read = [text[:MAX_READ] for text in texts if text.strip()]
        characters, tokens = sum(map(len, read)), sum(map(tokens_of, read))
        cost = "" if self.model.price is None else f", about {tokens * self.model.price / 1e6:.2g} at your price"
        left = self.budget.left
        short = "; the budget ends before that" if characters > left else ""
        return (
            f"{len(read):,} texts, {characters:,} characters (about {tokens:,} tokens{cost}), go to "
            f"{self._endpoint.url}; {left:,} characters may be sent today{short}"
        )

    def _rows(self, texts: Sequence[str], patience: Patience) -> Floats:
        self.budget.take(sum(map(len, texts)))
        body: dict[str, object] = {"model": self.model.name, "input": list(texts), "encoding_format": "float"}
        if self.model.shortened:
            body["dimensions"] = self.dim
        return rows_of(self._endpoint.ask(body, patience), len(texts), self.dim)


def rows_of(answer: Mapping[str, Any], n: int, dim: int) -> Floats:
    """(n, dim) unit rows in the order of the texts, which `index` tells. Raises EndpointFailed for any other
    answer."""
    data = answer.get("data")
    if not isinstance(data, list) or len(data) != n or not all(isinstance(one, dict) for one in data):
        got = f"{len(data)} rows" if isinstance(data, list) else "no rows"
        raise EndpointFailed(f"the endpoint gave {got} for {n} texts: is encoder.hosted.url one for embeddings?")
    indexes = [one.get("index") for one in data]
    if sorted(indexes, key=str) != sorted(range(n), key=str):
        raise EndpointFailed("the endpoint does not say which row is of which text: take another endpoint")
    out = np.zeros((n, dim), np.float32)
    for one in data:
        out[one["index"]] = _row(one.get("embedding"), dim)
    return unit(out)


def _row(found: object, dim: int) -> Floats:
    if not isinstance(found, list) or len(found) != dim:
        got = f"{len(found)} numbers" if isinstance(found, list) else f"a {type(found).__name__}"
        raise EndpointFailed(f"the endpoint gives {got} for a text, expected {dim}: mend encoder.hosted.dim")
    try:
        row = np.array(found, np.float64)
    except (TypeError, ValueError) as error:
        raise EndpointFailed(f"the endpoint gives what is no number ({error}): take another endpoint") from error
    if row.ndim != 1 or not (np.abs(row) < LARGEST).all() or not row.any():
        raise EndpointFailed("the endpoint gives a row that is not finite, or zero: take another model")
    return (row / np.linalg.norm(row)).astype(np.float32)
