"""Tasks from what people did: what came next, what goes together, what was typed, what is clicked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zhiyin.data.vocabulary import Rows
from zhiyin.training.examples import NOBODY, Example
from zhiyin.training.past import Past, Refused, Typed
from zhiyin.training.tower_recipe import Task
from zhiyin.training.windows import Histories

REACH = 5  # entries after each that count as going together with it
VAIN = 4  # items not clicked for each that is


@dataclass(frozen=True, slots=True)
class Near:
    """(I, k) items that read like each; the hard rivals are drawn of them."""

    rows: Rows

    def of(self, row: int, n: int, not_these: Rows, rng: np.random.Generator) -> tuple[int, ...]:
        """`n` of them that are none of `not_these`."""
        if not n or not len(self.rows):
            return ()
        able = self.rows[row][~np.isin(self.rows[row], not_these)]
        return tuple(rng.permutation(able)[:n].tolist())


@dataclass(frozen=True, slots=True)
class Next:
    """A history, an older entry counting less, and what came next; each entry of a window but the first is one."""

    histories: Histories
    window: int
    recency: float
    hard: int = 0
    near: Near = field(default_factory=lambda: Near(np.zeros((0, 0), np.int32)))
    task: Task = "next"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        user, place = _entry(self.histories, rng)
        begin, end = int(self.histories.indptr[user]), int(self.histories.indptr[user + 1])
        first = max(begin, place + 1 - self.window)
        rows, own = self.histories.rows[first : place + 1].tolist(), self.histories.rows[begin:end]
        found = []
        for n in range(1, len(rows)):
            asked = tuple((row, self.recency ** (n - 1 - k)) for k, row in enumerate(rows[:n]))
            against = self.near.of(rows[n], self.hard, own, rng)
            found.append(Example(self.task, asked, rows[n], against, own, user))
        return found


@dataclass(frozen=True, slots=True)
class Together:
    """Two items of one history near to one another, either way."""

    histories: Histories
    task: Task = "together"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        user, place = _entry(self.histories, rng)
        begin, end = int(self.histories.indptr[user]), int(self.histories.indptr[user + 1])
        other = int(rng.integers(max(begin, place - REACH), place))
        pair, own = self.histories.rows[[other, place]].tolist(), self.histories.rows[begin:end]
        if pair[0] == pair[1]:
            return []
        return [Example(self.task, ((a, 1.0),), b, (), own) for a, b in (pair, pair[::-1])]


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed, and what was taken then."""

    typed: tuple[Typed, ...]
    histories: Histories
    task: Task = "search"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        one = self.typed[int(rng.integers(len(self.typed)))]
        own = NOBODY
        if one.user >= 0:
            own = self.histories.rows[self.histories.indptr[one.user] : self.histories.indptr[one.user + 1]]
        return [Example(self.task, ((one.text, 1.0),), one.row, (), own)]


@dataclass(frozen=True, slots=True)
class Click:
    """A history, what was clicked next, and what was not: shown in vain, or any other item where nothing was."""

    histories: Histories
    window: int
    recency: float
    vain: dict[int, list[Refused]]  # by person
    popular: npt.NDArray[np.float64]  # (I - 1,) shares of all events, summed up
    task: Task = "click"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        user, place = _entry(self.histories, rng)
        begin, end = int(self.histories.indptr[user]), int(self.histories.indptr[user + 1])
        rows, own = self.histories.rows, self.histories.rows[begin:end]
        before = rows[max(begin, place - self.window + 1) : place].tolist()
        asked = tuple((row, self.recency ** (len(before) - 1 - k)) for k, row in enumerate(before))
        shown = [one.row for one in self.vain.get(user, ()) if begin + one.after >= place]
        others = shown[:VAIN] or np.searchsorted(self.popular, rng.random(VAIN), side="right").tolist()
        against = tuple(dict.fromkeys(row for row in others if row not in own))
        return [Example(self.task, asked, int(rows[place]), against, own)]


def of_histories(past: Past, task: Task, window: int, recency: float) -> Next | Together | Search | Click | None:
    """The task; None where the log has nothing for it."""
    if task == "search":
        return Search(past.typed, past.histories) if past.typed else None
    if not (past.histories.lengths >= 2).any():
        return None
    if task == "next":
        return Next(past.histories, window, recency)
    if task == "together":
        return Together(past.histories)
    vain: dict[int, list[Refused]] = {}
    for one in past.refused:
        vain.setdefault(one.user, []).append(one)
    shares = np.cumsum(past.support / max(past.support.sum(), 1))
    return Click(past.histories, window, recency, vain, shares[:-1])


def _entry(histories: Histories, rng: np.random.Generator) -> tuple[int, int]:
    """A person, and a place in their history that is not the first: each such place is as likely."""
    while True:
        place = int(rng.integers(len(histories.rows)))
        user = int(np.searchsorted(histories.indptr, place, side="right")) - 1
        if place > histories.indptr[user]:
            return user, place
