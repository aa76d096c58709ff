"""What gates are worth to held-out events, and which way is up.

Of a held-out event i, with r_i = Σ_j w_j · σ((s_j − s_i) / τ) the soft count of the items above its target, the
gain is 1 / log2(2 + r_i): a smooth NDCG (Qin, Liu & Li 2010, "A General Approximation Framework for Direct
Optimization of Information Retrieval Measures"). A little of the log-likelihood of a conditional logit (McFadden
1974) keeps sight of targets that stand low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.fusion import BUCKETS, KINDS

TAU = 0.25  # of the soft count: how near below the target an item may be to count a little
MOST = 500.0  # exponent: what lies so far below the target counts nothing
LIKELIHOOD = 0.02  # weight of the log-likelihood beside the gain


@dataclass(frozen=True, slots=True)
class Objective:
    """What the gates of N contests of k items are worth, laid out so that L-BFGS may ask a thousand times."""

    features: Doubles  # (N, C, k)
    of_kind: Doubles  # (N, KINDS, k) 1 where an item is of the kind
    stands_for: Doubles  # (N, k)
    log_weight: Doubles  # (N, k) log of it
    in_bucket: Doubles  # (H, N) 1 where a history is in the bucket

    @classmethod
    def of(cls, met: Contests) -> Self:
        features = np.ascontiguousarray(met.features.transpose(0, 2, 1), np.float64)
        of_kind = met.kind[:, None, :] == np.arange(KINDS)[:, None]
        log_weight = np.log(met.stands_for, out=np.full_like(met.stands_for, -np.inf), where=met.stands_for > 0)
        in_bucket = np.arange(len(BUCKETS))[:, None] == met.bucket[None, :]
        return cls(
            features,
            of_kind.astype(np.float64),
            met.stands_for,
            log_weight,
            in_bucket.astype(np.float64),
        )

    def __len__(self) -> int:
        """N."""
        return len(self.features)

    def loss(self, gates: Doubles, constants: Doubles) -> tuple[float, Doubles, Doubles]:
        """Minus the mean gain and likelihood of the targets, and its gradients by gates (H, C, KINDS) and
        constants (H, KINDS)."""
        scores = self.scores(gates, constants)
        gain, by_gain = _gain(scores, self.stands_for)
        likelihood, by_likelihood = _likelihood(scores, self.log_weight)
        slope = (by_gain + LIKELIHOOD * by_likelihood) / -len(self)
        by_kind = self.of_kind * slope[:, None, :]
        d_gates = np.tensordot(self.in_bucket, self.features @ by_kind.transpose(0, 2, 1), 1)
        d_constants = self.in_bucket @ by_kind.sum(axis=2)
        return -float((gain + LIKELIHOOD * likelihood).mean()), d_gates, d_constants

    def worth(self, gates: Doubles, constants: Doubles) -> Doubles:
        """(N,) 1 / log2(2 + items above the target), ties at their middle."""
        scores = self.scores(gates, constants)
        mine, others = scores[:, :1], scores[:, 1:]
        above = self.stands_for[:, 1:] * ((others > mine) + 0.5 * (others == mine))
        return 1.0 / np.log2(2.0 + above.sum(axis=1))

    def scores(self, gates: Doubles, constants: Doubles) -> Doubles:
        """(N, k) the fused scores."""
        mine, bucket = gates.transpose(2, 0, 1), self.in_bucket.argmax(axis=0)
        by_kind = mine[:, bucket].transpose(1, 0, 2) @ self.features  # (N, KINDS, k)
        by_kind += constants[bucket][:, :, None]
        return np.einsum("ntk,ntk->nk", by_kind, self.of_kind)


def _gain(scores: Doubles, stands_for: Doubles) -> tuple[Doubles, Doubles]:
    """(N,) 1 / log2(2 + soft count above the target), and its slopes by the scores (N, k)."""
    above = 1.0 / (1.0 + np.exp(np.minimum((scores[:, :1] - scores) / TAU, MOST)))
    above[:, 0] = 0.0
    counted = stands_for * above
    rank = 2.0 + counted.sum(axis=1)
    gain = 1.0 / np.log2(rank)
    by_rank = -(gain**2) / (rank * np.log(2.0))
    slope = by_rank[:, None] * counted * (1.0 - above) / TAU
    slope[:, 0] = -slope[:, 1:].sum(axis=1)
    return gain, slope


def _likelihood(scores: Doubles, log_weight: Doubles) -> tuple[Doubles, Doubles]:
    """(N,) log-probability of the target in its contest, and its slopes by the scores (N, k)."""
    logits = scores + log_weight
    logits -= logits.max(axis=1, keepdims=True)
    odds = np.exp(logits)
    total = odds.sum(axis=1, keepdims=True)
    slope = -odds / total
    slope[:, 0] += 1.0
    return logits[:, 0] - np.log(total[:, 0]), slope
