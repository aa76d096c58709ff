"""How far to trust what a text predicts: pseudo-observations, counted kind by kind on items it was not fitted on.

A language model's guess is a gift where it is right and a debt where it misleads (a debt that exploration pays).
So it counts as κ observations, fitted where the guess can be held against what came, 0 where that does not pay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import Rows

LADDER = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
SURE = 1.0  # standard errors of the gain below which a guess counts nothing


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Items that the guess was not fitted on: what was guessed of each, and what came."""

    guesses: Doubles  # (n,) of b_i
    means: Doubles  # (n,) of the outcomes, less base
    counts: Doubles  # (n,) of outcomes, > 0
    kinds: Rows  # (n,)


def pseudo_observations(held: HeldOut, n_kinds: int, noise: float, spread: float) -> Doubles:
    """(kinds,) κ of the largest likelihood of what came, from LADDER; 0 unless the gain over none is SURE standard
    errors away from nothing. κ observations with this noise on top of N(0, spread) are the item's prior."""
    out = np.zeros(n_kinds)
    for kind in range(n_kinds):
        of_kind = held.kinds == kind
        if np.count_nonzero(of_kind) > 1:
            out[kind] = _of_kind(held, of_kind, noise, spread)
    return out


def _of_kind(held: HeldOut, of_kind: Mask, noise: float, spread: float) -> float:
    told = LADDER[:, None]
    heeded = told * spread / (told * spread + noise)
    doubt = 1.0 / (1.0 / spread + told / noise) + noise / held.counts[of_kind]
    missed = held.means[of_kind] - heeded * held.guesses[of_kind]
    log_likelihood = -0.5 * (np.log(doubt) + missed**2 / doubt)  # (rungs, n), less a constant
    best = int(log_likelihood.sum(axis=1).argmax())
    gain = log_likelihood[best] - log_likelihood[0]
    sure = gain.sum() > SURE * gain.std(ddof=1) * np.sqrt(len(gain))
    return float(LADDER[best]) if sure else 0.0
