"""What to ask somebody new: the items whose answer tells most, among those that people can have an opinion of.

An answer about item i turns S, the doubt about a person's taste, into S − S z zᵀ S / (zᵀ S z + σ²). How much less
in doubt that leaves what they think of everything is the trace of that change over the catalogue (A-optimal
design; Rubens et al. 2015 review it for recommendations); times the share of people who know the item, for a shrug
tells nothing. Taken one after the other, each as if those before had been answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.policies.gaussian import Gaussian


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """The items that may be asked about."""

    rows: Rows  # (q,) ascending
    z: Doubles  # (q, d) what they read like
    known: Doubles  # (q,) share of people who can be expected to know each
    spread: Doubles  # (d, d) of z over what people know

    @classmethod
    def of(cls, rows: Rows, z: Doubles, counts: Doubles) -> Self:
        """`counts` (q,) of people who took each; where nobody took anything all are as good."""
        usual = float(np.median(counts[counts > 0])) if (counts > 0).any() else 1.0
        known = counts / (counts + usual) if (counts > 0).any() else np.ones(len(rows))
        weight = known / known.sum()
        return cls(rows, z, known, (z * weight[:, None]).T @ z)

    def worth(self, person: Gaussian, noise: float, may: Mask, n: int) -> Doubles:
        """(q,) what asking about each is worth, as a share of all doubt: of the first n in the order in which they
        are to be asked, never rising; of the rest after these. -inf where it may not be asked (`may` is false)."""
        whole = max(float(np.sum(self.spread * person.covariance)), 1e-300)
        left, out, at_most = may.copy(), np.full(len(self.rows), -np.inf), np.inf
        for _ in range(min(n, int(np.count_nonzero(may)))):
            gains = np.where(left, self._gains(person, noise), -np.inf)
            pick = int(gains.argmax())
            out[pick] = at_most = min(at_most, float(gains[pick]) / whole)
            left[pick] = False
            weight = float(self.known[pick]) / noise
            person = person.shifted(self.z[pick], weight, weight * float(self.z[pick] @ person.mean))
        out[left] = np.minimum(self._gains(person, noise)[left] / whole, at_most)
        return out

    def _gains(self, person: Gaussian, noise: float) -> Doubles:
        """(q,) by how much less in doubt everything would be."""
        told = self.z @ person.covariance  # (q, d)
        return self.known * ((told @ self.spread) * told).sum(axis=1) / ((told * self.z).sum(axis=1) + noise)
