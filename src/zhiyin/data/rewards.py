"""What came of showing an item: one number from -1 to 1 out of several signals.

The weights are those of `zhiyin.data.signals`, the one table of what events say; `rewards` there says otherwise
for answers to lists alone. A history asks how much somebody leans to an item and adds up; a reward asks whether
showing it was right, so of many answers one counts: the best, but once somebody turned the item down, that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from zhiyin.data.signals import WEIGHTS, Signals
from zhiyin.types import EventType

SILENT: frozenset[EventType] = frozenset({"impression", "search", "edit"})  # these answer nothing


def reward_of(signals: Signals, type_: EventType, value: float | None) -> float:
    """What one answer is worth, -1 to 1. `value` is stars of a rating or review, and seconds of a view: of
    these the logarithm counts, log(1 + seconds) / log(1 + dwell_full), as much as a like at the most, so that a
    second too many or few of a long one matters little and a bounce is worth nearly nothing."""
    worth = _worth(signals, type_)
    if type_ in ("rating", "review") and value is not None and signals.rating_threshold is not None:
        return worth if value >= signals.rating_threshold else -worth
    if type_ == "view" and value is not None and worth > 0:
        stayed = math.log1p(max(value, 0.0)) / math.log1p(signals.dwell_full)
        return _worth(signals, "like") * min(stayed, 1.0)
    return worth


def outcome(rewards: Iterable[float]) -> float:
    """Of one exposure: the worst where there is one below 0, else the best; 0 of none."""
    told = list(rewards)
    worst = min(told, default=0.0)
    return worst if worst < 0 else max(told, default=0.0)


def _worth(signals: Signals, type_: EventType) -> float:
    weight = signals.rewards.get(type_, signals.weights.get(type_, WEIGHTS[type_]))
    return min(max(weight, -1.0), 1.0)
