"""How good a net is while it learns: by entries that were held out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Batch
from zhiyin.models.causal import Causal
from zhiyin.models.sequence import askers

AT_ONCE = 256  # askers that are ranked together


@dataclass(frozen=True, slots=True)
class Held:
    """N askers, and what each took next."""

    batch: Batch
    targets: Rows  # (N,)
    taken: Mask  # (I,) the items that are ranked: what somebody took

    def worth(self, net: Causal, vectors: Floats) -> float:
        """Of a net and the vectors of items (I, D): the mean of 1 / log2(2 + rank) among all that the asker did
        not have (NDCG without a cut), ties at their middle."""
        states = askers(net, vectors, self.batch)
        found = np.zeros(len(self.targets))
        for start in range(0, len(found), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            scores = states[some] @ vectors.T
            own = scores[np.arange(len(scores)), self.targets[some]]
            scores[:, ~self.taken] = -np.inf
            low, high = self.batch.indptr[start], self.batch.indptr[min(start + AT_ONCE, len(found))]
            scores[self.batch.askers[low:high] - start, self.batch.rows[low:high]] = -np.inf
            scores[np.arange(len(scores)), self.targets[some]] = -np.inf
            above = (scores > own[:, None]).sum(axis=1) + 0.5 * (scores == own[:, None]).sum(axis=1)
            found[some] = 1.0 / np.log2(2.0 + above)
        return float(found.mean()) if len(found) else 0.0
