"""What came of what was shown: joined by recommendation id, however late, in whatever order, however often.

What stands of an exposure is a function of what is known about it and of the clock alone: after each stage that
has passed, what was refused by then, else the best outcome that happened by then, else a 0. The last stage is the
window: its number is the reward. An answer counts at once, as what stands at the end of the stage it came in. With
one stage nothing counts until there is an answer, or the window has passed (it is censored).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from zhiyin.data.rewards import outcome
from zhiyin.policies.progressive import Trace

Key = tuple[str, str]  # recommendation id, item id


@dataclass(frozen=True, slots=True)
class Exposure:
    """An item that was shown in a list."""

    key: Key
    at: float  # seconds
    base: float  # what was expected of it before the belief
    looked: float = 1.0  # how much it counts that nothing was done with it: somebody has to have looked


@dataclass(frozen=True, slots=True)
class Change:
    """What stood of an exposure and what does now; () is nothing yet, or nothing any more."""

    exposure: Exposure
    before: Trace
    after: Trace


@dataclass(slots=True)
class _Line:
    """All that is known of one key, as it comes to be known."""

    exposure: Exposure | None = None
    outcomes: set[tuple[float, float]] = field(default_factory=set)  # at, reward
    stands: Trace = ()


def trace_of(shown: float, outcomes: Iterable[tuple[float, float]], stages: Sequence[float], now: float) -> Trace:
    """What stands of something shown at this moment, of outcomes (at, reward): a number for every stage that has
    passed, and for that of the last answer."""
    ends = [shown + stage for stage in stages]
    came = [(at, reward) for at, reward in outcomes if shown <= at <= ends[-1]]
    passed = bisect_left(ends, now)
    if not came:
        return (0.0,) * passed
    told = max(passed, 1 + bisect_left(ends, max(at for at, _ in came)))
    return tuple(outcome(reward for at, reward in came if at <= end) for end in ends[:told])


@dataclass(slots=True)
class Ledger:
    """Feed it exposures and outcomes as they arrive; each call answers what changes by it. Lines are closed for
    good two windows after the exposure: what arrives later than that changes nothing."""

    stages: Sequence[float]  # seconds, rising; the last is the window
    now: float = float("-inf")
    _lines: dict[Key, _Line] = field(default_factory=dict)
    _due: list[tuple[float, Key]] = field(default_factory=list)  # a heap of when to look at a line again

    def shown(self, exposure: Exposure) -> list[Change]:
        """A second exposure of the same key is the same one."""
        line = self._lines.get(exposure.key)
        if (line is not None and line.exposure is not None) or self._closed(exposure.at):
            return []
        line = line or self._lines.setdefault(exposure.key, _Line())
        for after in (*self.stages, 2.0 * self.window):
            heappush(self._due, (exposure.at + after, exposure.key))
        line.exposure = exposure
        return self._settled(line)

    def came(self, key: Key, at: float, reward: float) -> list[Change]:
        """An outcome, also before its exposure is known of."""
        if self._closed(at):
            return []
        line = self._lines.get(key) or self._lines.setdefault(key, _Line())
        heappush(self._due, (at + 2.0 * self.window, key))
        line.outcomes.add((at, reward))
        return self._settled(line)

    def passed(self, now: float) -> list[Change]:
        """The clock moves on; it never goes back."""
        self.now = max(self.now, now)
        changes = []
        while self._due and self._due[0][0] < self.now:
            _, key = heappop(self._due)
            line = self._lines.get(key)
            if line is not None:
                changes += self._settled(line)
                if self._over(line):
                    del self._lines[key]
        return changes

    @property
    def window(self) -> float:
        return self.stages[-1]

    def _settled(self, line: _Line) -> list[Change]:
        if line.exposure is None:
            return []
        before, line.stands = line.stands, trace_of(line.exposure.at, line.outcomes, self.stages, self.now)
        return [] if line.stands == before else [Change(line.exposure, before, line.stands)]

    def _over(self, line: _Line) -> bool:
        """Nothing that may still arrive changes it."""
        moments = [line.exposure.at] if line.exposure else [at for at, _ in line.outcomes]
        return all(self._closed(at) for at in moments)

    def _closed(self, at: float) -> bool:
        return self.now > at + 2.0 * self.window
