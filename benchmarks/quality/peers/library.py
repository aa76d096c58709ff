"""What every library is wrapped into, so that one search and one way to list does for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from problem import PAD, Problem
from scipy.sparse import csr_matrix

Settings = Mapping[str, Any]
Listed = tuple[np.ndarray, np.ndarray]  # (B, n) rows, PAD where there is none, and their scores


class Fitted(Protocol):
    def best(self, histories: Sequence[np.ndarray], n: int, candidates: np.ndarray) -> Listed:
        """The n best of the candidates for each history, what is in the history among them."""
        ...


@dataclass(frozen=True)
class Library:
    """How a peer is fitted, and the settings that are tried while time is left, its usual ones first.

    `epochs`: it learns by epochs, and as many are made as help within the time.
    """

    fit: Callable[[Problem, Settings], Fitted]
    settings: tuple[Settings, ...]
    epochs: bool = False


def best_of(scores: np.ndarray, n: int, candidates: np.ndarray) -> Listed:
    """The n highest of each row of (B, I) scores, best first; what has no finite score is not listed."""
    scores = np.where(candidates, scores, -np.inf)
    n = min(n, scores.shape[1])
    rows = np.argpartition(-scores, n - 1, axis=1)[:, :n]
    found = np.take_along_axis(scores, rows, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    rows, found = np.take_along_axis(rows, order, axis=1), np.take_along_axis(found, order, axis=1)
    return np.where(np.isfinite(found), rows, PAD).astype(np.int32), found.astype(np.float32)


def pairs(owners: np.ndarray, items: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    """(people, items) with 1 for every pair, however often it occurs."""
    summed = csr_matrix((np.ones(len(owners), np.float32), (owners, items)), shape)
    summed.data[:] = 1.0
    return summed
