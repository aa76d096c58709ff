"""House rules, written by hand: who took this lately gets none of that, or less of it.

    [ranking.rules.baby]
    when = 'category = "Baby"'
    avoid = 'category = "Alcohol"'

Both sides are filters (ranking.rules). A rule is set off by the newest items that a person took, so it ends by
itself when they have gone on to other things. What it costs is a part of the score, under the name of the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Batch
from zhiyin.ranking.fusion import Parts
from zhiyin.ranking.rules import compile_filter, passing
from zhiyin.types import Item

Items = Sequence[Item | None]  # by row

PART = "rule:"  # before the name of a rule: its part of a score


@dataclass(frozen=True, slots=True)
class HouseRule:
    """`when` and `avoid` are filters that can be read."""

    name: str
    when: str  # is met by an item of the recent history
    avoid: str  # is met by the items that are then left out, or lowered
    last: int  # different items that are recent
    cost: float | None = None  # taken from the scores of what is to be avoided; None: it is left out

    def cause(self, recent: Rows, items: Items) -> int | None:
        """The newest of the `recent` rows, newest first, that sets the rule off."""
        met = passing(compile_filter(self.when), (items[row] for row in recent[: self.last].tolist()))
        return int(recent[met.index(True)]) if any(met) else None

    def avoids(self, rows: Rows, items: Items) -> Mask:
        """Which of these rows are to be avoided."""
        return np.array(passing(compile_filter(self.avoid), (items[row] for row in rows.tolist())), bool)


def set_off(rules: Iterable[HouseRule], history: Batch, items: Items) -> list[tuple[HouseRule, int]]:
    """The rules that a history (of one) sets off, each with the row that did."""
    recent = taken_lately(history)
    causes = ((rule, rule.cause(recent, items)) for rule in rules)
    return [(rule, cause) for rule, cause in causes if cause is not None]


def taken_lately(history: Batch) -> Rows:
    """The distinct rows that a history (of one) speaks well of, the newest first."""
    liked = history.rows[history.weights > 0][::-1]
    return np.fromiter(dict.fromkeys(liked.tolist()), np.int32)


def allowed(rules: Iterable[HouseRule], history: Batch, rows: Rows, items: Items) -> Rows:
    """Without what the rules leave out."""
    for rule, _ in set_off((rule for rule in rules if rule.cost is None), history, items):
        rows = rows[~rule.avoids(rows, items)]
    return rows


def lowered(parts: Parts, rules: Iterable[HouseRule], history: Batch, rows: Rows, items: Items) -> Parts:
    """With a part for each rule that lowers some of the rows."""
    for rule, _ in set_off((rule for rule in rules if rule.cost is not None), history, items):
        costs = rule.avoids(rows, items) * -float(rule.cost or 0.0)
        parts = Parts((*parts.names, PART + rule.name), np.vstack([parts.values, costs]), parts.gates)
    return parts
