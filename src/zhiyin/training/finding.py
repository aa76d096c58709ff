"""A learning rate by trying (Smith 2017): it rises step by step until the loss is lost; where it fell fastest is
where learning is quick and safe."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.training.craft import Craft, clipped, copied, put
from zhiyin.training.methods import learned
from zhiyin.training.tower_net import TowerNet

TRIED = 24  # steps
RANGE = {"full": (1e-6, 2e-3), "other": (1e-5, 5e-2)}
SMOOTH = 0.7  # of a mean of the losses so far
LOST = 1.5  # times the lowest loss so far
SAFER = 0.5  # of the rate of the steepest fall


def found_rate(net: TowerNet, add: Callable[[int], float], craft: Craft, method: str) -> float:
    """The rate; the net is as it was. `add` adds the gradient of a batch and gives its loss."""
    own = learned(net)
    before, optimizer = copied(own), craft.optimizer_of(own)
    low, high = RANGE.get(method, RANGE["other"])
    rates, losses = np.geomspace(low, high, TRIED), []
    mean = 0.0
    for n, rate in enumerate(rates.tolist()):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = add(n)
        mean = SMOOTH * mean + (1 - SMOOTH) * loss
        losses.append(mean / (1 - SMOOTH ** (n + 1)))
        if not math.isfinite(loss) or losses[-1] > LOST * min(losses):
            losses.pop()
            break
        clipped(own.values())
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    optimizer.zero_grad(set_to_none=True)
    put(own, before)
    return chosen(rates[: len(losses)], np.array(losses))


def chosen(rates: Doubles, losses: Doubles) -> float:
    """Of rising rates and the losses that were seen at them: below the one at which the loss fell fastest."""
    if len(losses) < 3:
        return float(rates[0]) if len(rates) else RANGE["full"][0]
    lowest = int(losses.argmin())
    if lowest < 2:
        return float(rates[0])
    slopes = np.gradient(losses, np.log(rates))[: lowest + 1]
    return float(SAFER * rates[int(slopes.argmin())])
