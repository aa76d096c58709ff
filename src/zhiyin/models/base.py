"""The seam of the channels: Recipe → Model, what they are asked (Batch) and what they answer (Candidates).

B askers in a batch, H history entries of all of them together, I items, k candidates an asker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.data.dataset import Dataset, Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.data.written import Written
from zhiyin.encoders.base import Encoder
from zhiyin.progress import Progress, Silent
from zhiyin.types import Item, Scalar

Arrays = Mapping[str, npt.NDArray[np.generic]]
Choices = Mapping[str, Sequence[float]]
FADES = "How an event counts less with each newer one; unset: chosen on held-out events."


def unknown() -> Doubles:
    """The time of nobody."""
    return np.zeros(0)


def unread() -> Floats:
    """What no endpoint read."""
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Batch:
    """B askers: their histories, oldest first, and what each typed ("" for nothing)."""

    indptr: npt.NDArray[np.int64]  # (B + 1,): the history of asker b is indptr[b]:indptr[b + 1]
    rows: Rows  # (H,) item rows
    weights: Floats  # (H,) signed
    ages: Floats  # (H,) days before now, 0 where unknown
    texts: tuple[str, ...] = ()  # (B,) or empty when nobody typed anything
    now: Doubles = field(default_factory=unknown)  # (B,) epoch seconds of asking, NaN where unknown; or empty
    contexts: tuple[Mapping[str, Scalar], ...] = ()  # (B,) what else is known of the moment; or empty
    readings: Floats = field(default_factory=unread)  # (B, its dim) how an endpoint read the texts; or empty
    written: Written = field(default_factory=Written.nothing)  # what they wrote before, beside their histories

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(B,) number of history entries."""
        return np.diff(self.indptr)

    @property
    def askers(self) -> Rows:
        """(H,) whose entry it is."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    @property
    def back(self) -> npt.NDArray[np.int64]:
        """(H,) how many entries of the same history are newer."""
        return np.repeat(self.indptr[1:], self.lengths) - 1 - np.arange(len(self.rows))

    def matrix(self, n_items: int, values: Floats) -> sp.csr_array:
        """(B, n_items) the `values` (H,) of the histories, repeats summed, newer items than n_items left out."""
        known = self.rows < n_items
        return sp.csr_array(
            (values[known], (self.askers[known], self.rows[known])),
            shape=(len(self), n_items),
            dtype=np.float32,
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """The one currency between stages: rows padded with -1, scores with -inf, best first."""

    rows: Rows  # (B, k)
    scores: Floats  # (B, k)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Items that came after fitting: their text, and the fitted items whose text is nearest."""

    items: Sequence[Item]
    vectors: Floats  # (n, dim) rows of the sentence encoder, as `Meaning.joined` gives them
    near: sp.csr_array  # (n, I) rows of weights that sum to one; empty for an item without text


@dataclass(frozen=True, slots=True)
class Run:
    """How to fit: nothing here changes what is fitted, except the seed."""

    encoder: Encoder
    seed: int = 0
    progress: Progress = field(default_factory=Silent)
    keep: Path | None = None  # folder for what a fit that is killed goes on from; None: it begins anew


class Recipe(BaseModel):
    """What to fit. Subclasses add their settings and `fit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    choices: ClassVar[Choices] = MappingProxyType({})
    """Of settings that may be left out (None): what is tried on held-out events, the usual value first."""

    @property
    def open(self) -> tuple[str, ...]:
        """The settings that were left out."""
        return tuple(name for name in self.choices if getattr(self, name) is None)

    def usual(self) -> Self:
        """With the usual values for what was left out."""
        return self.model_copy(update={name: self.choices[name][0] for name in self.open})


class Fading(Recipe):
    """A recipe of a channel in which a past fades."""

    recency: float | None = Field(default=None, gt=0, le=1, description=FADES)

    def fades(self, data: Dataset) -> float:
        """What an entry of a history counts with each newer one; all the same where there is no order."""
        return self.usual().recency or 1.0 if data.ordered else 1.0


class Scorer(Protocol):
    """What a channel says to one asker: made once for a query, then asked as often as needed."""

    def retrieve(self, k: int) -> Rows:
        """At most k rows that score highest, best first; only rows with something to say."""
        ...

    def score(self, rows: Rows) -> Floats:
        """(k,) scores of these rows: the same numbers as `Model.score`."""
        ...

    def why(self, rows: Rows) -> Floats:
        """(H, k) what each history entry adds to the scores of these rows: columns sum to the scores, less what
        the asker's own texts add where a channel reads them, or are all zero where a score does not come from the
        history."""
        ...


class Model(Protocol):
    """A fitted channel. Scores are on one scale for all askers; an item it knows nothing about scores 0."""

    name: ClassVar[str]

    @property
    def n_items(self) -> int: ...

    def score(self, batch: Batch) -> Floats:
        """(B, I): everything. For evaluation and small catalogues."""
        ...

    def scorer(self, batch: Batch) -> Scorer:
        """The online path, for a batch of one."""
        ...

    def extended(self, arrivals: Arrivals) -> Self:
        """The same model with rows for items that came later."""
        ...

    def arrays(self) -> Arrays:
        """All there is to save."""
        ...


def history_batch(
    rows: Sequence[int],
    weights: Sequence[float],
    ages: Sequence[float],
    text: str = "",
    now: float | None = None,
    context: Mapping[str, Scalar] = MappingProxyType({}),
) -> Batch:
    """One asker."""
    return Batch(
        indptr=np.array([0, len(rows)], np.int64),
        rows=np.asarray(rows, np.int32),
        weights=np.asarray(weights, np.float32),
        ages=np.asarray(ages, np.float32),
        texts=(text,) if text else (),
        now=unknown() if now is None else np.array([now]),
        contexts=(context,) if context else (),
    )


def best(scores: Floats | Doubles, k: int, among: npt.NDArray[np.integer] | None = None) -> Rows:
    """The rows of the k highest scores, best first, ties by row; `among` names the row of each score."""
    if len(scores) > k > 0:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]  # the k-th highest; its ties go by row
        above, tied = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
        top = np.concatenate([above, tied[: k - len(above)]])
        top = top[np.lexsort((top, -scores[top]))]
    else:
        top = np.argsort(-scores, kind="stable")[:k]
    return (top if among is None else among[top]).astype(np.int32)


def union(lists: Sequence[Rows]) -> Rows:
    """The distinct rows of all lists, ascending."""
    rows = np.sort(np.concatenate([np.zeros(0, np.int32), *lists]))
    first = np.ones(len(rows), bool)
    first[1:] = rows[1:] != rows[:-1]
    return rows[first]
