"""What `zhiyin train` learns of the temperature, C = 1 / temperature, from lists that were shown.

The older half says which step from the temperature that stands would have earned most for sure, the newer whether
that is so; only then it is taken, one step a training. Both by the gain of whole lists over what stands, doubly
robust, the errors of a person's lists taken as hanging together. Lists are asked as each would have been drawn: at
the temperature times its own mixing coefficient, where the policy is adaptive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zhiyin.errors import NotFound
from zhiyin.metrics.bounds import NORMAL, normal
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.policies.softmax import Softmax
from zhiyin.policies.tempering import STEPS, Tempering
from zhiyin.ranking.learned import SILENT
from zhiyin.shop import Zhiyin
from zhiyin.workflows.asking import Asked, asked, people_of
from zhiyin.workflows.shown_lists import Shown, Space, Worth, shown_lists
from zhiyin.workflows.ways import cascade_way, worst_place

NEWEST = 3_000  # lists that are asked
LEAST = 300  # of them, before anything is concluded
LEARNED = 0.5  # share of them, the oldest, that are learned from


def learn_tempering(shop: Zhiyin) -> Tempering | None:
    """None where the settings do not ask for it; else what stands, or a step from it."""
    said = shop.settings.policy
    if said.name != "softmax" or not said.tempered:
        return None
    world = shop.live().snapshot()
    before = world.bundle.fitted.tempering
    stands = said.temperature if before is None else before.standing(said.temperature)
    space, worth = Space.of(world), Worth(shop.settings.data.signals, newest=NEWEST)
    try:
        found, _ = shown_lists(shop, worth, space)
    except NotFound:
        found = []
    shown = [one for one in found if one.scenario not in SILENT]
    return tempered(shown, space, Softmax(stands, said.floor, said.adaptive), said.temperature)


def tempered(shown: Sequence[Shown], space: Space, stands: Softmax, start: float) -> Tempering:
    """By lists in the order of time; `start`: the temperature of the settings."""
    if len(shown) < LEAST:
        return Tempering(start, stands.temperature, stands.temperature, 0.0, 0.0, 0)
    edge = round(LEARNED * len(shown))
    teach, judge = shown[:edge], shown[edge:]
    others = [replace(stands, temperature=stands.temperature * step) for step in STEPS]
    sure = [(gain.low + gain.value) / 2.0 for gain in _gains(teach, space, stands, others)]  # one error below
    best = int(np.argmax(sure))
    if not sure[best] > 0:
        return Tempering(start, stands.temperature, stands.temperature, 0.0, 0.0, 0)
    (gain,) = _gains(judge, space, stands, [others[best]])
    tried = others[best].temperature
    taken = tried if gain.low > 0 else stands.temperature
    return Tempering(start, taken, tried, gain.value, (gain.value - gain.low) / NORMAL, len(shown))


def _gains(shown: Sequence[Shown], space: Space, stands: Softmax, others: Sequence[Softmax]) -> list[Interval]:
    """Of a list over what stands, by each; nothing is sure of one of which the log cannot tell."""
    people = people_of(shown)
    usual = _addends(asked(shown, stands, space))
    gains = []
    for other in others:
        then = asked(shown, other, space)
        more = _addends(then) - usual
        gain = normal(Estimate(more, np.zeros(len(more)), np.ones(len(more))), people=people)
        dark = worst_place(cascade_way(then), people).light == "red"
        gains.append(replace(gain, low=-np.inf) if dark else gain)
    return gains


def _addends(lists: Asked) -> np.ndarray:
    """(n,) what each list says of what one earns."""
    return cascade_way(lists).found.addends
