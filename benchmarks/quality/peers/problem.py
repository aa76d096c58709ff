"""What another library is told and what it answers: arrays in files, so that nothing of ours is imported there.

A problem holds what may be known and whom to ask, never what they wanted; an answer is lists of items with scores.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

PAD = -1  # no item


@dataclass(frozen=True)
class Problem:
    """What may be fitted on, and who asks."""

    n_users: int
    n_items: int
    ordered: bool  # histories are in order of time; else they are sets
    fit_users: np.ndarray  # (E,) person by person, oldest first
    fit_items: np.ndarray  # (E,)
    asked: np.ndarray  # (U,) rows of people, PAD for those that the fit does not know
    past_indptr: np.ndarray  # (U + 1,) what each of them has when they ask, oldest first
    past_items: np.ndarray
    masked_indptr: np.ndarray  # (U + 1,) what may not be shown to each
    masked_items: np.ndarray
    candidates: np.ndarray  # (I,) what may be shown

    def histories(self) -> list[np.ndarray]:
        return np.split(self.past_items, self.past_indptr[1:-1])

    def masks(self) -> list[np.ndarray]:
        return np.split(self.masked_items, self.masked_indptr[1:-1])

    def write(self, path: Path) -> None:
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def read(cls, path: Path) -> Problem:
        with np.load(path, allow_pickle=False) as found:
            kept = {field.name: found[field.name] for field in fields(cls)}
        scalars = {name: int(kept[name]) for name in ("n_users", "n_items")} | {"ordered": bool(kept["ordered"])}
        return cls(**{**kept, **scalars})


@dataclass(frozen=True)
class Rehearsal:
    """The same kind of problem made of its own fit: some people ask for the one item that was held out."""

    problem: Problem
    targets: np.ndarray  # (U,)


def rehearsal(problem: Problem, people: int, seed: int) -> Rehearsal:
    """The last event of so many people held out, of sets one at random. All others stay to be fitted on."""
    rng = np.random.default_rng(seed)
    borders = np.searchsorted(problem.fit_users, np.arange(problem.n_users + 1))
    able = np.flatnonzero(np.diff(borders) >= 2)
    asked = np.sort(rng.choice(able, min(people, len(able)), replace=False))
    held = borders[asked + 1] - 1 if problem.ordered else rng.integers(borders[asked], borders[asked + 1])
    keep = np.ones(len(problem.fit_users), bool)
    keep[held] = False
    users, items = problem.fit_users[keep], problem.fit_items[keep]
    borders = np.searchsorted(users, np.arange(problem.n_users + 1))
    pasts = [items[borders[user] : borders[user + 1]] for user in asked]
    targets = problem.fit_items[held]
    filtered = len(problem.masked_items) > 0
    shown = [past[past != target] if filtered else past[:0] for past, target in zip(pasts, targets, strict=True)]
    return Rehearsal(
        replace(
            problem,
            fit_users=users,
            fit_items=items,
            asked=asked,
            past_indptr=_borders(pasts),
            past_items=np.concatenate(pasts),
            masked_indptr=_borders(shown),
            masked_items=np.concatenate(shown),
            candidates=np.ones(problem.n_items, bool),
        ),
        targets,
    )


def _borders(lists: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(rows) for rows in lists])])
