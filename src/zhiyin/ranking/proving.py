"""Which channels earn their place: each is left out in turn, and the gates are learned without it.

Gates are learned on one half of the held-out events and judged on the other, both ways, so a channel that only
fits noise gains nothing by it. The one that gives least goes first, if it gives nothing, neither to people as they
are now nor to people as they began; then all are asked again, for of two that say the same only one is idle. A
loud one is not asked: gates of half the events make do with fewer channels than gates of all, and would leave it
out too soon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.fusion import WARM_KIND
from zhiyin.ranking.objective import Objective
from zhiyin.threads import side_by_side

Gates = tuple[Floats, Floats]  # (C, H, KINDS) and constants (H, KINDS)
Learn = Callable[[Objective, Floats, Gates], Gates]  # of contests, by prior gates (C,), beginning with some
Places = npt.NDArray[np.integer]

LEAST_EXAMPLES = 200
MOST_EXAMPLES = 3_000
LOUD = 0.1  # of the sum of all gates


def idle(
    met: Contests, start: Floats, found: Gates, learn: Learn, groups: Mapping[str, Sequence[int]]
) -> tuple[str, ...]:
    """The names of those `groups` of channels (places in the features) without which as much is worth; none with
    few examples. `start` (C,) are the prior gates, `found` those learned from all events."""
    if len(met.bucket) < LEAST_EXAMPLES:
        return ()
    left, gone = _quiet(groups, met, found[0]), list[str]()
    met = met.some(np.arange(min(len(met.bucket), MOST_EXAMPLES)))
    crossed = Crossed(met, start, found, learn)
    sides = [side for side in (met.begun, ~met.begun) if side.any()]
    kept = np.arange(met.features.shape[2])
    (best,) = crossed.worth([kept]) if left else (np.zeros(0),)
    while left:
        tried = [np.setdiff1d(kept, places) for places in left.values()]
        without = crossed.worth(tried)
        gains = np.stack([(without - best)[:, side].mean(axis=1) for side in sides]).min(axis=0)
        least = int(np.argmax(gains))
        if gains[least] < 0:
            break
        kept, best = tried[least], without[least]
        gone.append(list(left)[least])
        del left[gone[-1]]
    return tuple(gone)


def _quiet(groups: Mapping[str, Sequence[int]], met: Contests, gates: Floats) -> dict[str, Sequence[int]]:
    """Those that are less than LOUD of the sum of the gates (C, H, KINDS) for people as they are now and an item
    that somebody took."""
    loud = gates[:, met.bucket[~met.begun], WARM_KIND].sum(axis=1)  # (C,)
    total = max(float(loud.sum()), 1e-12)
    return {name: places for name, places in groups.items() if loud[list(places)].sum() < LOUD * total}


@dataclass(frozen=True, slots=True)
class Crossed:
    """What each of N events is worth by gates learned on the others."""

    met: Contests
    start: Floats
    found: Gates  # by all events: where learning begins
    learn: Learn

    def worth(self, sets: Sequence[npt.NDArray[np.int64]]) -> Doubles:
        """(n, N) by these n sets of channels."""
        found = side_by_side(self._of_half, [(kept, half) for kept in sets for half in (0, 1)])
        worth = np.zeros((len(sets), len(self.met.bucket)))
        for n in range(len(sets)):
            worth[n, 0::2], worth[n, 1::2] = next(found), next(found)
        return worth

    def _of_half(self, asked: tuple[npt.NDArray[np.int64], int]) -> Doubles:
        """By these channels, what the events of this half are worth."""
        kept, half = asked
        met = self.met.hearing(kept)
        mine = np.arange(len(met.bucket)) % 2 == half
        begin = self.found[0][kept], self.found[1]
        gates, constants = self.learn(Objective.of(met.some(np.flatnonzero(~mine))), self.start[kept], begin)
        judged = Objective.of(met.some(np.flatnonzero(mine)))
        return judged.worth(gates.transpose(1, 0, 2).astype(np.float64), constants.astype(np.float64))
