"""What may stand where: pins, places closed to some, and at most so many of a kind. -inf is "cannot".

Each wraps what else adjusts the scores, so they are laid over one another and over diversity, and every policy
sees one thing: the adjusted scores of a place. A place where nobody may stand ends the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.policies.base import Adjustment, Walk


@dataclass(frozen=True, slots=True)
class Seats:
    """Candidates that are shut out of places."""

    inner: Adjustment
    closed: Mask  # (N, k) of the first N places; those below are open to all

    @classmethod
    def pinned(cls, inner: Adjustment, n_candidates: int, pins: Mapping[int, int]) -> Seats:
        """`pins`: candidate by place, from 0. It has probability 1 there, and 0 at any other place above."""
        closed = np.zeros((max(pins, default=-1) + 1, n_candidates), bool)
        closed[:, list(pins.values())] = True
        for place, candidate in pins.items():
            closed[place] = True
            closed[place, candidate] = False
        return cls(inner, closed)

    def walk(self) -> Walk:
        return _SeatsWalk(self.inner.walk(), self.closed)


@dataclass(frozen=True, slots=True)
class AtMost:
    """No more than `most` of each kind in a list."""

    inner: Adjustment
    kinds: npt.NDArray[np.int64]  # (k,) of each candidate; below 0: of no kind
    most: int

    def walk(self) -> Walk:
        return _AtMostWalk(self.inner.walk(), self.kinds, self.most)


class _SeatsWalk:
    """Which place is next, and who may not stand there."""

    def __init__(self, inner: Walk, closed: Mask) -> None:
        self._inner, self._closed, self._place = inner, closed, 0

    @property
    def now(self) -> Doubles:
        if self._place >= len(self._closed):
            return self._inner.now
        return np.where(self._closed[self._place], -np.inf, self._inner.now)

    def fill(self, pick: int) -> None:
        self._place += 1
        self._inner.fill(pick)


class _AtMostWalk:
    """How many of each kind stand already."""

    def __init__(self, inner: Walk, kinds: npt.NDArray[np.int64], most: int) -> None:
        self._inner, self._kinds, self._most = inner, kinds, most
        self._full = np.zeros(len(kinds), bool)
        self._stand: dict[int, int] = {}

    @property
    def now(self) -> Doubles:
        return np.where(self._full, -np.inf, self._inner.now)

    def fill(self, pick: int) -> None:
        kind = int(self._kinds[pick])
        if kind >= 0:
            self._stand[kind] = self._stand.get(kind, 0) + 1
            if self._stand[kind] >= self._most:
                self._full |= self._kinds == kind
        self._inner.fill(pick)
