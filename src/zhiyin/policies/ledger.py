"""What came of what was shown: joined by recommendation id, however late, in whatever order, however often.

What counts of an exposure is a function of what is known about it and of the clock alone: what was refused within
the window, else the best outcome that happened there; until the window has passed without one, nothing (it is
censored); then a 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from zhiyin.data.rewards import outcome

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
    """What counted of an exposure and what does now; None is nothing yet, or nothing any more."""

    exposure: Exposure
    before: float | None
    after: float | None


@dataclass(slots=True)
class _Line:
    """All that is known of one key, as it comes to be known."""

    exposure: Exposure | None = None
    outcomes: set[tuple[float, float]] = field(default_factory=set)  # at, reward
    counted: float | None = None


def settled(shown: float, outcomes: Iterable[tuple[float, float]], window: float, now: float) -> float | None:
    """What counts of something shown at this moment, of outcomes (at, reward); None while that is open."""
    rewards = [reward for at, reward in outcomes if shown <= at <= shown + window]
    if rewards:
        return outcome(rewards)
    return 0.0 if now > shown + window else None


@dataclass(slots=True)
class Ledger:
    """Feed it exposures and outcomes as they arrive; each call answers what changes by it. Lines are closed for
    good two windows after the exposure: what arrives later than that changes nothing."""

    window: float  # seconds
    now: float = float("-inf")
    _lines: dict[Key, _Line] = field(default_factory=dict)
    _due: list[tuple[float, Key]] = field(default_factory=list)  # a heap of when to look at a line again

    def shown(self, exposure: Exposure) -> list[Change]:
        """A second exposure of the same key is the same one."""
        line = self._lines.get(exposure.key)
        if (line is not None and line.exposure is not None) or self._closed(exposure.at):
            return []
        line = line or self._lines.setdefault(exposure.key, _Line())
        heappush(self._due, (exposure.at + self.window, exposure.key))
        heappush(self._due, (exposure.at + 2.0 * self.window, exposure.key))
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

    def _settled(self, line: _Line) -> list[Change]:
        before, line.counted = line.counted, self._counts(line)
        if line.exposure is None or line.counted == before:
            return []
        return [Change(line.exposure, before, line.counted)]

    def _counts(self, line: _Line) -> float | None:
        """What counts of a line now."""
        if line.exposure is None:
            return None
        return settled(line.exposure.at, line.outcomes, self.window, self.now)

    def _over(self, line: _Line) -> bool:
        """Nothing that may still arrive changes it."""
        moments = [line.exposure.at] if line.exposure else [at for at, _ in line.outcomes]
        return all(self._closed(at) for at in moments)

    def _closed(self, at: float) -> bool:
        return self.now > at + 2.0 * self.window
