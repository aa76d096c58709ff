"""Which places of a list were looked at, where only a click tells: the cascade, with people who leave.

Lists are read from the top, a click ends the reading (Craswell et al. 2008). Who clicks nothing has looked at the
places in sight; whether they went on below is not known, and to count it as known, either way, is wrong: counted
as never, an item below is known only from lists in which something below was clicked, and looks better than it
is. So it is inferred: some go on, with a probability that all lists tell together (Guo, Liu & Wang 2009).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles

ROUNDS = 5  # of EM over one batch
NOT_CLICKED = -1


@dataclass(frozen=True, slots=True)
class Sight:
    """How many go on of those who clicked nothing in sight: a count and what it is out of, fading."""

    places: int  # in sight at once
    memory: float = 0.9  # share of their weight that counts keep with each new batch
    went: float = 1.0
    out_of: float = 2.0

    @property
    def goes_on(self) -> float:
        """The probability that somebody goes on."""
        return self.went / self.out_of

    def looked(self, rates: Doubles, clicked: npt.NDArray[np.int64]) -> Doubles:
        """(B, N) the probability that each place was looked at. `rates`: (B, N) of clicks expected there;
        `clicked`: (B,) the place that was, or NOT_CLICKED."""
        n = rates.shape[1]
        none = clicked == NOT_CLICKED
        certain = np.arange(n) <= np.where(none, min(self.places, n) - 1, clicked)[:, None]
        below = _stayed(self.goes_on, self._ignored(rates))
        return np.where(certain, 1.0, (none * below)[:, None])

    def seen(self, rates: Doubles, clicked: npt.NDArray[np.int64]) -> Sight:
        """After a batch of lists: EM over it and what is remembered of those before."""
        none, later = clicked == NOT_CLICKED, float(np.count_nonzero(clicked >= self.places))
        before = self.memory * self.went, self.memory * self.out_of
        ignored, went, out_of = self._ignored(rates)[none], self.went, self.out_of
        for _ in range(ROUNDS):
            stayed = float(_stayed(went / out_of, ignored).sum())
            went, out_of = before[0] + later + stayed, before[1] + later + len(ignored)
        return replace(self, went=went, out_of=out_of)

    def _ignored(self, rates: Doubles) -> Doubles:
        """(B,) the probability to click nothing below for who goes on."""
        return np.prod(1.0 - rates[:, self.places :], axis=1)


def _stayed(goes_on: float, ignored: Doubles) -> Doubles:
    """(B,) the probability to have gone on and clicked nothing, of those without a click."""
    return goes_on * ignored / (1.0 - goes_on + goes_on * ignored)
