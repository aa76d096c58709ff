"""Where the wanted items stand in a full ranking, when scores may tie.

A rank is kept as two counts: how many candidates score higher (`above`) and how many score the same, the item
itself included (`tied`). With ties broken at random the item stands at above + 1 … above + tied with equal
probability, and every metric of `ranking` is the exact expectation over that. No order of items, no id and
no float noise can then buy a better number: an all-zero model gets what a random list gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.ragged import Pointers, Ragged, pointers
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.errors import InvalidData

NOWHERE = 2**40  # `above` of a target that may not be shown: below every place there is
FEW = 6  # targets of one user up to which counting beats sorting (measured: 12,101 items)


@dataclass(frozen=True, slots=True)
class Ranks:
    """The targets of user u are the entries indptr[u]:indptr[u + 1]."""

    indptr: Pointers  # (U + 1,)
    above: Pointers  # (T,) candidates with a higher score; NOWHERE for a target that is no candidate
    tied: Pointers  # (T,) candidates with the same score, itself included: >= 1
    n_candidates: Pointers  # (U,) how many items were ranked

    def __len__(self) -> int:
        return len(self.n_candidates)

    @property
    def n_targets(self) -> Pointers:
        """(U,)"""
        return np.diff(self.indptr)

    @property
    def owners(self) -> Pointers:
        """(T,) the user of each target."""
        return np.repeat(np.arange(len(self)), self.n_targets)

    @property
    def expected(self) -> Doubles:
        """(T,) the mean rank over random tie-breaking, above + (tied + 1) / 2, from 1 up; inf for NOWHERE."""
        return np.where(self.above == NOWHERE, np.inf, self.above + (self.tied + 1) / 2)

    def where(self, keep: Mask) -> Ranks:
        """The same users with only the targets where `keep` (T,) is true: a bucket, such as cold items."""
        counts = np.bincount(self.owners[keep], minlength=len(self))
        return Ranks(pointers(counts), self.above[keep], self.tied[keep], self.n_candidates)

    @classmethod
    def joined(cls, parts: Iterable[Ranks]) -> Ranks:
        """Users one part after another."""
        kept = [cls.none(), *parts]
        return cls(
            pointers(np.concatenate([part.n_targets for part in kept])),
            np.concatenate([part.above for part in kept]),
            np.concatenate([part.tied for part in kept]),
            np.concatenate([part.n_candidates for part in kept]),
        )

    @classmethod
    def none(cls) -> Ranks:
        """Of no users."""
        nothing = np.zeros(0, np.int64)
        return cls(np.zeros(1, np.int64), nothing, nothing, nothing)


def ranks_of_targets(
    scores: Floats, targets: Ragged, masked: Ragged | None = None, candidates: Mask | None = None
) -> Ranks:
    """Ranks of the `targets` in (B, I) `scores`, higher is better.

    `masked` rows of a user and items outside `candidates` (I,) do not count; a target among them is NOWHERE.
    -inf is a score like another. Raises InvalidData for NaN scores and for shapes that do not fit.
    """
    return ranks_in(shut(scores, masked, candidates), targets)


def shut(scores: Floats, masked: Ragged | None = None, candidates: Mask | None = None) -> Floats:
    """A copy of (B, I) `scores` with NaN, which compares false with everything, where none may stand."""
    if scores.size and np.isnan(scores.max()):
        raise InvalidData(f"{int(np.isnan(scores).sum())} scores are NaN: a channel must give a number or -inf")
    if masked is not None and len(masked) != len(scores):
        raise InvalidData(
            f"scores are for {len(scores)} users, masked rows for {len(masked)}: give both for the same"
        )
    if candidates is not None and candidates.shape != scores.shape[1:]:
        raise InvalidData(f"scores are for {scores.shape[1]} items, candidates for {len(candidates)}")
    opened = np.array(scores, np.float32)
    if candidates is not None and not candidates.all():
        opened[:, ~candidates] = np.nan
    if masked is not None:
        opened[masked.owners, masked.rows] = np.nan
    return opened


def ranks_in(opened: Floats, targets: Ragged) -> Ranks:
    """As `ranks_of_targets`, of scores that went through `shut`."""
    if len(targets) != len(opened):
        raise InvalidData(
            f"scores are for {len(opened)} users, targets for {len(targets)}: give both for the same"
        )
    wanted = opened[targets.owners, targets.rows]
    above = np.full(len(wanted), NOWHERE, np.int64)
    tied = np.ones(len(wanted), np.int64)
    n_candidates = np.zeros(len(opened), np.int64)
    for user, row in enumerate(opened):
        n_candidates[user] = np.count_nonzero(~np.isnan(row))
        mine = np.arange(targets.indptr[user], targets.indptr[user + 1])
        mine = mine[~np.isnan(wanted[mine])]
        above[mine], tied[mine] = _counted(row, wanted[mine], n_candidates[user])
    return Ranks(targets.indptr, above, tied, n_candidates)


def _counted(row: Floats, wanted: Floats, n_candidates: int) -> tuple[Pointers, Pointers]:
    """How many of the `n_candidates` numbers in `row` are above, and how many equal, each wanted score."""
    if len(wanted) <= FEW:
        above = [np.count_nonzero(row > score) for score in wanted]
        tied = [np.count_nonzero(row == score) for score in wanted]
        return np.array(above, np.int64), np.array(tied, np.int64)
    ascending = np.sort(row)[:n_candidates]  # NaN is sorted to the end
    left, right = (np.searchsorted(ascending, wanted, side) for side in ("left", "right"))
    return n_candidates - right, right - left


def top_rows(opened: Floats, k: int) -> Rows:
    """(B, k) the best rows, best first, ties by row (rows are in hash order); PAD where none are left."""
    best = np.full((len(opened), k), PAD, np.int32)
    for user, row in enumerate(opened):
        chosen = _best(-row, k)
        best[user, : len(chosen)] = chosen
    return best


def _best(cost: Floats, k: int) -> Rows:
    """The rows of the k smallest costs in order; NaN is never chosen."""
    last = np.partition(cost, k - 1)[k - 1] if k < len(cost) else np.float32(np.nan)
    if np.isnan(last):  # fewer than k candidates
        rows = np.flatnonzero(~np.isnan(cost))
    else:
        better = np.flatnonzero(cost < last)
        rows = np.concatenate([better, np.flatnonzero(cost == last)[: k - len(better)]])
    return rows[np.argsort(cost[rows], kind="stable")][:k].astype(np.int32)
