"""How good a tower is while it learns: by what some people took next, ranked by their history's texts alone.

As the channel of meaning does it: items centred, a history the sum of its items, older ones counting less. What
decides is a mean without a cut, since ten places of a few hundred people say little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import unit
from zhiyin.metrics.ranking import metric
from zhiyin.metrics.ranks import Ranks
from zhiyin.models.dense import centre_of
from zhiyin.training.past import HeldOut, Past

REMEMBERED = 8  # newest entries of a history that are read
RECENCY = 0.8

Encode = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Judged:
    """What held-out entries say: NDCG@10 and the mean of 1 / log2(1 + rank), of known and of hidden items. NaN
    where there was nobody to ask."""

    ndcg: float
    ndcg_hidden: float
    worth_known: float
    worth_hidden: float

    @property
    def worth(self) -> float:
        """What decides: both kinds of items count as much."""
        told = [one for one in (self.worth_known, self.worth_hidden) if np.isfinite(one)]
        return float(np.mean(told)) if told else 0.0


@dataclass(frozen=True, slots=True)
class Panel:
    """Items that are ranked, and people who are asked."""

    texts: tuple[str, ...]  # (n,) of the items
    hidden: Mask  # (n,)
    pasts: tuple[Rows, ...]  # of each person, rows of `texts`, oldest first
    targets: Rows

    @classmethod
    def of(cls, past: Past, most: int, seed: int) -> Self:
        """At most about so many texts: as many people of either kind of item as that allows, then others."""
        chosen: dict[int, None] = {}
        people: list[tuple[list[int], int]] = []
        pairs = [list(_askers(past, held)) for held in (past.held, past.held_hidden)]
        for n in range(max(map(len, pairs))):
            for some in pairs:
                if n < len(some) and len(chosen) < 0.9 * most:
                    people.append(some[n])
                    chosen |= dict.fromkeys([*some[n][0], some[n][1]])
        able = [row for row, text in enumerate(past.texts) if text]
        for row in np.random.default_rng([seed, 3]).permutation(able).tolist():
            if len(chosen) >= most:
                break
            chosen[row] = None
        place = {row: n for n, row in enumerate(chosen)}
        return cls(
            tuple(past.texts[row] for row in chosen),
            past.hidden[list(chosen)] if chosen else np.zeros(0, bool),
            tuple(np.array([place[row] for row in history], np.int32) for history, _ in people),
            np.array([place[target] for _, target in people], np.int32),
        )

    def judge(self, encode: Encode) -> Judged:
        """Of an encoder of texts."""
        if not len(self.targets):
            return Judged(*[float("nan")] * 4)
        ranks = self.ranks(encode(self.texts))
        hidden = self.hidden[self.targets]
        found, worth = metric("ndcg@10", ranks), _without_cut(ranks)
        means = [_mean(values[which]) for values in (found, worth) for which in (~hidden, hidden)]
        return Judged(*means)

    def ranks(self, read: Floats) -> Ranks:
        """Of the targets, among the items that the person did not have."""
        return ranks_of(read, self.pasts, self.targets)


def ranks_of(read: Floats, pasts: Sequence[Rows], targets: Rows) -> Ranks:
    """Of (n, dim) rows of items: what each past, oldest first, says of its one target."""
    vectors = unit(read - centre_of(read[np.abs(read).sum(axis=1) > 0]))
    above, tied = np.zeros(len(targets), np.int64), np.zeros(len(targets), np.int64)
    for n, (past, target) in enumerate(zip(pasts, targets, strict=True)):
        newest = past[-REMEMBERED:]
        weights = np.float32(RECENCY) ** np.arange(len(newest) - 1, -1, -1, dtype=np.float32)
        scores = vectors @ (weights @ vectors[newest])
        own = scores[target]
        scores[past] = -np.inf
        scores[target] = own
        above[n], tied[n] = (scores > own).sum(), (scores == own).sum()
    return Ranks(np.arange(len(targets) + 1), above, tied, np.full(len(targets), len(vectors)))


def _askers(past: Past, held: HeldOut) -> list[tuple[list[int], int]]:
    """Histories without hidden items, and what was taken next."""
    found = []
    for user, known, target in zip(held.users.tolist(), held.known.tolist(), held.targets.tolist(), strict=True):
        begin = int(past.whole.indptr[user])
        rows = past.whole.rows[begin : begin + known]
        rows = rows[~past.hidden[rows] & (rows != target)][-REMEMBERED:]
        if len(rows):
            found.append((rows.tolist(), target))
    return found


def _without_cut(ranks: Ranks) -> Doubles:
    return np.asarray(1.0 / np.log2(1.0 + ranks.expected))


def _mean(values: Doubles) -> float:
    return float(values.mean()) if len(values) else float("nan")
