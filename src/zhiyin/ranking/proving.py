"""Which channels earn their place: each is left out in turn, and the gates are learned without it.

Gates are learned on one half of the held-out events and judged on the other, both ways, so a channel that only
fits noise gains nothing by it. The one that gives least goes first, if it gives nothing; then all are asked again,
for of two that say the same only one is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.objective import Objective

Learn = Callable[[Objective, Floats], tuple[Floats, Floats]]  # of contests and the gates to start from

LEAST_EXAMPLES = 200
MOST_EXAMPLES = 3_000


def idle(met: Contests, start: Floats, learn: Learn, groups: Mapping[str, Sequence[int]]) -> tuple[str, ...]:
    """The names of those `groups` of channels (places in the features) without which as much is worth; none with
    few examples. `start` (C,) are the prior gates."""
    if len(met.bucket) < LEAST_EXAMPLES:
        return ()
    met = met.some(np.arange(min(len(met.bucket), MOST_EXAMPLES)))
    kept = np.arange(met.features.shape[2])
    left, gone = dict(groups), []
    best = _crossed(met, kept, start, learn)
    while left:
        tried = {name: np.setdiff1d(kept, places) for name, places in left.items()}
        without = {name: _crossed(met, rest, start, learn) for name, rest in tried.items()}
        name = max(without, key=lambda name: without[name].mean())
        if without[name].mean() < best.mean():
            break
        gone.append(name)
        kept, best = tried[name], without[name]
        del left[name]
    return tuple(gone)


def _crossed(met: Contests, kept: np.ndarray, start: Floats, learn: Learn) -> Doubles:
    """(N,) what each event is worth by gates learned on the others."""
    met = met.hearing(kept)
    worth = np.zeros(len(met.bucket))
    for half in (0, 1):
        mine = np.arange(len(worth)) % 2 == half
        gates, constants = learn(Objective.of(met.some(np.flatnonzero(~mine))), start[kept])
        judged = Objective.of(met.some(np.flatnonzero(mine)))
        worth[mine] = judged.worth(gates.transpose(1, 0, 2).astype(np.float64), constants.astype(np.float64))
    return worth
