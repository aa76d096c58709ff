"""What exposures of one item say of it together: sums, so that any of them may be taken out again.

Settled ones are counted apart from those that are only foretold: of these many say less than each says by itself.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from zhiyin.policies.belief_model import BeliefModel
from zhiyin.policies.ledger import Exposure
from zhiyin.policies.progressive import Trace


class Evidence(NamedTuple):
    """Sums over exposures. What is older weighs less by its share; how many there are is not aged."""

    settled: float = 0.0  # of settled ones: Σ share
    total: float = 0.0  # Σ share · (reward − base)
    open: float = 0.0  # the same of those that are foretold
    open_total: float = 0.0
    known: float = 0.0  # of these: Σ ρ²
    doubt: float = 0.0  # Σ ρ² √δ

    @classmethod
    def of(cls, model: BeliefModel, exposure: Exposure, trace: Trace) -> Self:
        """Of one exposure, as it stands; nothing where nothing stands yet."""
        if not trace:
            return cls()
        rest, known, doubt = model.told(trace, exposure.base)
        looked = 1.0 if trace[-1] else exposure.looked
        counted = model.share(exposure.at) * looked * known
        if model.settled(trace):
            return cls(counted, counted * rest)
        return cls(0.0, 0.0, counted, counted * rest, looked * known, looked * known * doubt)

    def moved(self, before: Evidence, after: Evidence) -> Evidence:
        """With one exposure taken out as it stood and taken in as it stands."""
        return Evidence._make(map(_exchanged, self, before, after))

    @property
    def sums(self) -> tuple[float, float]:
        """How many outcomes this is worth, and what they came to beyond what was expected."""
        if self.known <= 0:
            return self.settled, self.total
        heard = 1.0 / (1.0 + self.doubt**2 / self.known)  # n outcomes with a doubt δ in common are n / (1 + δ n)
        return self.settled + heard * self.open, self.total + heard * self.open_total


def _exchanged(mine: float, old: float, new: float) -> float:
    return mine - old + new
