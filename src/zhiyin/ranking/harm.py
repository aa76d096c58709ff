"""Harm: what a label model, or a person after it, says is not to be shown costs score, or is in no list at all.

    [labels.harmful]
    harmful = ["scam", "dangerous"]
    penalty = 3.0
    block = 0.9

An item's harm is the probability of these labels together. The penalty is a part of the score of its own,
`harmful`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Rows
from zhiyin.ranking.fusion import Parts
from zhiyin.types import Item

PART = "harmful"


@dataclass(frozen=True, slots=True)
class HarmRule:
    """Of the label model `name`."""

    name: str
    labels: frozenset[str]
    penalty: float  # at certain harm
    block: float  # harm from which on an item is left out
    least: float = 0.0  # harm below which it costs nothing

    def harm(self, item: Item | None) -> float:
        """0 where nothing was said of the item."""
        label = None if item is None else item.labels.get(self.name)
        if label is None:
            return 0.0
        return min(sum(value for name, value in label.probabilities.items() if name in self.labels), 1.0)

    def harms(self, rows: Rows, items: Sequence[Item | None]) -> Doubles:
        """(k,)"""
        return np.fromiter((self.harm(items[row]) for row in rows.tolist()), np.float64, len(rows))

    def costs(self, rows: Rows, items: Sequence[Item | None]) -> Doubles:
        """(k,) what it takes from scores."""
        harms = self.harms(rows, items)
        return np.where(harms >= self.least, self.penalty * harms, 0.0)


def harmless(rules: Iterable[HarmRule], rows: Rows, items: Sequence[Item | None]) -> Rows:
    """Without what is blocked."""
    for rule in rules:
        rows = rows[rule.harms(rows, items) < rule.block]
    return rows


def penalised(parts: Parts, rules: Iterable[HarmRule], rows: Rows, items: Sequence[Item | None]) -> Parts:
    """With what harm costs, one part for all rules; none where nothing costs."""
    costs = [rule.costs(rows, items) for rule in rules if rule.penalty]
    if not costs or not np.any(costs):
        return parts
    return Parts((*parts.names, PART), np.vstack([parts.values, -np.sum(costs, axis=0)]), parts.gates)
