"""Context: what is taken at such hours, on such days, and in such circumstances.

For item j and value f (the evening, a Friday, `device` = phone): n_jf events, and E_jf expected of the same
people as they usually come, E_jf = Σ_events of j p_uf with p_uf = (n_uf + c s_f) / (n_u + c) and s_f the share of
all events: who always comes in the evening says nothing about evenings. n_jf ~ Poisson(λ_jf E_jf) and
λ_jf ~ Σ_k w_k Gamma(b_k, b_k) of mean 1, b on a grid from far from usual to as usual, w of the highest marginal
likelihood (the shrinker of DuMouchel 1999, with a grid in place of two components as in Stephens 2017). The score
is Σ_f log of the posterior mean of λ_jf, fields summed as naive Bayes does. Items that nobody took borrow from
those that read alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field, field_validator

from zhiyin.data.circumstances import DAYS, PARTS, UNKNOWN, Codes, calendar, told
from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.data.readers.times import zone_of
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Arrays, Arrivals, Batch, Recipe, Run, best
from zhiyin.models.columns import packed, unpacked
from zhiyin.models.neighbours import Alike, matrix_in, named_parts
from zhiyin.models.sparse import prune, weighted_sum, with_rows

PART, WEEKDAY = "@part", "@weekday"  # no field of a context is called so
HABIT = 10.0  # c: events after which somebody's own habit counts half
SHAPES = np.append(np.exp2(np.arange(-1.0, 12.0)), 1e7)  # b; the last is λ = 1
ROUNDS = 100  # of expectation and maximisation
MOST_ITEMS = 4_000  # at once, and to learn w from
LEAST_EVENTS = 50  # of a value; with fewer it is unknown
DECIDED = 0.5  # kappa from which on a value is of the item and not of the moment
LEAST_LIFT = 0.02  # what is nearer to 0 is nothing
MOST_LIFTS = 50_000  # items of a value, the largest


@dataclass(frozen=True, slots=True)
class Context:
    """Scores are sums of logarithms of how much more often than usual; 0 where nothing is known of the moment."""

    name: ClassVar[str] = "context"
    zone: str  # of the clock
    values: tuple[tuple[str, str], ...]  # (V,) field and value
    lifts: sp.csr_array  # (V, I) log λ̂
    often: sp.csr_array  # (V, I) 1 where an item itself was taken more often than usual: what may be said of it
    later: sp.csr_array  # (L, I): an item that came later is scored as this mixture of fitted ones

    @property
    def n_fitted(self) -> int:
        return int(self.lifts.shape[1])

    @property
    def n_items(self) -> int:
        return self.n_fitted + int(self.later.shape[0])

    @property
    def speaks(self) -> bool:
        """Whether anything is taken at some times rather than at others."""
        return bool(self.lifts.nnz)

    def score(self, batch: Batch) -> Floats:
        own = (self.present(batch) @ self.lifts).toarray()
        return np.hstack([own, (self.later @ own.T).T]) if self.later.shape[0] else own

    def scorer(self, batch: Batch) -> ContextScorer:
        return ContextScorer(self, batch)

    def present(self, batch: Batch) -> sp.csr_array:
        """(B, V) 1 for the values that hold when each asks."""
        place = {value: number for number, value in enumerate(self.values)}
        owners, found = [], []
        for asker, value in _values_of(batch, self.zone):
            if value in place:
                owners.append(asker)
                found.append(place[value])
        ones = np.ones(len(found), np.float32)
        return sp.csr_array((ones, (owners, found)), shape=(len(batch), len(self.values)))

    def extended(self, arrivals: Arrivals) -> Self:
        return replace(self, later=sp.csr_array(sp.vstack([self.later, arrivals.near[:, : self.n_fitted]])))

    def borrowed_again(self, rows: Rows, mixtures: sp.csr_array) -> Self:
        """The same lifts, with these later rows scored through other mixtures (n, I)."""
        return replace(self, later=with_rows(self.later, rows - self.n_fitted, mixtures))

    def arrays(self) -> Arrays:
        fields, values = zip(*self.values, strict=True) if self.values else ((), ())
        return {
            **packed("zone", (self.zone,)),
            **packed("fields", fields),
            **packed("values", values),
            **named_parts("lifts", self.lifts),
            **named_parts("often", self.often),
            **named_parts("later", self.later),
            "n_items": np.array([self.n_fitted]),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        n_items = int(arrays["n_items"][0])
        lifts, often, later = (matrix_in(name, arrays, n_items) for name in ("lifts", "often", "later"))
        (zone,) = unpacked("zone", arrays)
        values = zip(unpacked("fields", arrays), unpacked("values", arrays), strict=True)
        return cls(zone, tuple(values), lifts, often, later)


class ContextScorer:
    """What is taken at a moment such as this."""

    def __init__(self, model: Context, batch: Batch) -> None:
        self._model, self._entries = model, len(batch.rows)
        self._values = model.present(batch).indices
        own = weighted_sum(model.lifts, self._values, np.ones(len(self._values), np.float32))
        self._scores = np.append(own, model.later @ own) if model.later.shape[0] else own

    def retrieve(self, k: int) -> Rows:
        said = np.flatnonzero(self._scores > 0)
        return best(self._scores[said], k, said)

    def score(self, rows: Rows) -> Floats:
        return self._scores[rows]

    def why(self, rows: Rows) -> Floats:
        return np.zeros((self._entries, len(rows)), np.float32)

    def often(self, row: int) -> tuple[str, ...]:
        """Of what holds now, that in which people themselves took this item more often than usual: `friday`,
        `evening`, `device: phone`. Nothing for items that borrow."""
        if row >= self._model.n_fitted:
            return ()
        values = [value for value in self._values.tolist() if self._model.often[value, row]]
        return tuple(_said(*self._model.values[value]) for value in values)


class ContextRecipe(Recipe):
    """Hours, weekdays and what else is known of the moment."""

    time_zone: str | None = Field(
        default=None,
        description="Zone of the clock that people live by, such as Asia/Shanghai; unset: `data.time_zone`.",
    )
    fields: tuple[str, ...] | None = Field(
        default=None,
        description="Fields of the context of events and queries that are known when a list is asked for, such as "
        "device; unset: those with few values that items do not decide.",
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name

    def fit(self, data: Dataset, run: Run, alike: Alike | None = None) -> Context:
        """Items that nobody took borrow from what reads `alike`; without that, they score 0."""
        zone, n_items = self.time_zone or data.time_zone, len(data.items)
        none = sp.csr_array((0, n_items), dtype=np.float32)
        values, lifts, often = list[tuple[str, str]](), [none], [none]
        for field in (*_hours_and_days(data, zone), *self._named(data)):
            seen = field.counted(data)
            if seen is None:
                continue
            found = seen.lifts()
            values += [(field.name, value) for value in seen.values]
            often.append(sp.csr_array((seen.often & (found > LEAST_LIFT)).T.astype(np.float32)))
            if alike is not None:
                bare = np.flatnonzero(seen.expected.sum(axis=1) == 0)
                found[bare] = alike.neighbours[bare] @ found
            lifts.append(prune(_without_little(found.T), MOST_LIFTS))
        return Context(zone, tuple(values), sp.csr_array(sp.vstack(lifts)), sp.csr_array(sp.vstack(often)), none)

    def _named(self, data: Dataset) -> Iterator[_Field]:
        """Those of the fields that are to be learned from."""
        for known in data.context:
            field = _Field(known.name, known.values, known.codes)
            wanted = not field.decided(data) if self.fields is None else field.name in self.fields
            if wanted and field.name not in (PART, WEEKDAY):
                yield field


@dataclass(frozen=True, slots=True)
class _Field:
    """What is known of each event by one name."""

    name: str
    values: tuple[str, ...]
    codes: Codes  # (E,)

    def decided(self, data: Dataset) -> bool:
        """Whether items decide the value, so that nobody can know it before they choose: a department, a price.
        By kappa: how much more often two events of one item agree than two of any."""
        kept = np.flatnonzero((self.codes != UNKNOWN) & (data.weights > 0))
        n = _table(data.item_rows[kept], self.codes[kept], len(data.items), len(self.values))
        each, total = n.sum(axis=1), n.sum()
        pairs = (each * (each - 1)).sum()
        chance = float(((n.sum(axis=0) / max(total, 1)) ** 2).sum())
        agree = float((n * (n - 1)).sum() / max(pairs, 1))
        return agree - chance > DECIDED * (1 - chance)

    def counted(self, data: Dataset) -> _Seen | None:
        """Of the values that are there often enough; None unless there are two."""
        codes = np.where(data.weights > 0, self.codes, UNKNOWN)
        counts = np.bincount(codes[codes != UNKNOWN], minlength=len(self.values))
        usual = np.flatnonzero(counts >= LEAST_EVENTS)
        if len(usual) < 2:
            return None
        renamed = np.append(np.full(len(self.values), UNKNOWN), UNKNOWN)
        renamed[usual] = np.arange(len(usual))
        codes = renamed[codes]
        kept = np.flatnonzero(codes != UNKNOWN)
        seen = _table(data.item_rows[kept], codes[kept], len(data.items), len(usual))
        users = data.user_rows[kept]
        habits = _habits(_table(users, codes[kept], len(data.users), len(usual)))
        took = sp.csr_array(
            (np.ones(len(kept)), (data.item_rows[kept], users)), shape=(len(data.items), len(data.users))
        )
        return _Seen(tuple(self.values[value] for value in usual), seen, took @ habits)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Items by values of one field: how often taken, and how often their people would have by habit."""

    values: tuple[str, ...]  # (F,)
    n: Doubles  # (I, F)
    expected: Doubles  # (I, F)

    @property
    def often(self) -> Mask:
        """(I, F) whether a larger share of the item's events than of all events was there, twice at least."""
        share = self.n.sum(axis=0) / self.n.sum()
        return (self.n > self.n.sum(axis=1, keepdims=True) * share) & (self.n >= 2)

    def lifts(self) -> Floats:
        """(I, F) log of the posterior means of λ; 0 of an item that nobody took."""
        taken = np.flatnonzero(self.expected.sum(axis=1) > 0)
        some = taken[:: -(-len(taken) // MOST_ITEMS) or 1]
        weights = mixture_of(self.n[some].ravel(), self.expected[some].ravel())
        found = np.zeros(self.n.shape, np.float32)
        for start in range(0, len(taken), MOST_ITEMS):
            part = taken[start : start + MOST_ITEMS]
            means = posterior_mean(self.n[part].ravel(), self.expected[part].ravel(), weights)
            found[part] = np.log(means).reshape(len(part), -1)
        return found


def mixture_of(n: Doubles, expected: Doubles) -> Doubles:
    """(K,) the weights of SHAPES under which these counts (C,) are most likely, by expectation-maximisation."""
    likelihood = _likelihoods(n, expected)
    weights = np.full(len(SHAPES), 1.0 / len(SHAPES))
    for _ in range(ROUNDS):
        shares = likelihood * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights


def posterior_mean(n: Doubles, expected: Doubles, weights: Doubles) -> Doubles:
    """(C,) λ as it is expected of items with these counts."""
    shares = _likelihoods(n, expected) * weights
    ratio = (n[:, None] + SHAPES) / (expected[:, None] + SHAPES)
    return np.asarray((shares * ratio).sum(axis=1) / shares.sum(axis=1))


def _likelihoods(n: Doubles, expected: Doubles) -> Doubles:
    """(C, K) of each count by each shape, over that by the best one: negative binomial."""
    from scipy.special import gammaln  # noqa: PLC0415  # a server never learns

    n, expected = n[:, None], expected[:, None]
    total = expected + SHAPES
    found = gammaln(n + SHAPES) - gammaln(SHAPES) + SHAPES * np.log(SHAPES / total) - n * np.log(total)
    likelihood: Doubles = np.exp(found - found.max(axis=1, keepdims=True))
    return likelihood


def _hours_and_days(data: Dataset, zone: str) -> tuple[_Field, _Field]:
    parts, days = calendar(data.at, zone)
    return _Field(PART, PARTS, parts), _Field(WEEKDAY, DAYS, days)


def _values_of(batch: Batch, zone: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Asker, and field and value of what holds when they ask."""
    if len(batch.now):
        for name, words, codes in zip((PART, WEEKDAY), (PARTS, DAYS), calendar(batch.now, zone), strict=True):
            for asker in np.flatnonzero(codes != UNKNOWN).tolist():
                yield asker, (name, words[codes[asker]])
    for asker, context in enumerate(batch.contexts):
        for name, value in context.items():
            if name not in (PART, WEEKDAY) and (said := told(value)) is not None:
                yield asker, (name, said)


def _table(rows: npt.NDArray[np.integer], codes: npt.NDArray[np.integer], n: int, width: int) -> Doubles:
    """(n, width) how often each row has each code."""
    return np.bincount(rows * width + codes, minlength=n * width).reshape(n, width).astype(np.float64)


def _habits(counts: Doubles) -> Doubles:
    """(U, F) p: how people usually come."""
    share = counts.sum(axis=0) / counts.sum()
    return np.asarray((counts + HABIT * share) / (counts.sum(axis=1, keepdims=True) + HABIT))


def _without_little(lifts: Floats) -> sp.csr_array:
    return sp.csr_array(np.where(np.abs(lifts) < LEAST_LIFT, np.float32(0), lifts))


def _said(field: str, value: str) -> str:
    return value if field in (PART, WEEKDAY) else f"{field}: {value}"
