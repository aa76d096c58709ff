"""What gates are worth to held-out events, and which way is up.

Of a held-out event i, with r_i = Σ_j w_j · σ((s_j − s_i) / τ) the soft count of the items above its target, the
gain is 1 / log2(2 + r_i): a smooth NDCG (Qin, Liu & Li 2010, "A General Approximation Framework for Direct
Optimization of Information Retrieval Measures"). A little of the log-likelihood of a conditional logit (McFadden
1974) keeps sight of targets that stand low.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.fusion import BUCKETS
from zhiyin.threads import Hands, hands

TAU = 0.25  # of the soft count: how near below the target an item may be to count a little
MOST = 80.0  # exponent: what lies so far below the target counts nothing
LIKELIHOOD = 0.02  # weight of the log-likelihood beside the gain
MANY, PARTS = 4_000, 4  # contests from which on they are asked in parts, as many on any machine: so are the bits

Losses = tuple[float, Doubles, Doubles]  # a loss, and its slopes by gates and by constants


@dataclass(frozen=True, slots=True)
class Objective:
    """What the gates of N contests of k items are worth, laid out so that L-BFGS may ask a thousand times."""

    features: Floats  # (N, C, k)
    kinds: npt.NDArray[np.int64]  # (K,) those that occur
    of_kind: Floats  # (N, K, k) 1 where an item is of the kind
    stands_for: Floats  # (N, k)
    log_weight: Floats  # (N, k) log of it
    in_bucket: Floats  # (H, N) 1 where a history is in the bucket
    share: Floats  # (N,) of each in the mean, with mean 1

    @classmethod
    def of(cls, met: Contests) -> Self:
        longest = int((met.stands_for > 0).sum(axis=1).max(initial=1))  # lists are filled from the left
        features = np.ascontiguousarray(met.features[:, :longest].transpose(0, 2, 1), np.float32)
        kinds = np.unique(met.kind[:, :longest])
        of_kind = met.kind[:, None, :longest] == kinds[:, None]
        stands_for = met.stands_for[:, :longest].astype(np.float32)
        log_weight = np.log(stands_for, out=np.full_like(stands_for, -np.inf), where=stands_for > 0)
        in_bucket = np.arange(len(BUCKETS))[:, None] == met.bucket[None, :]
        share = met.counts / met.counts.mean() if len(met.counts) else met.counts
        return cls(
            features,
            kinds,
            of_kind.astype(np.float32),
            stands_for,
            log_weight,
            in_bucket.astype(np.float32),
            share.astype(np.float32),
        )

    def __len__(self) -> int:
        """N."""
        return len(self.features)

    @contextmanager
    def shared(self) -> Iterator[Objective | InParts]:
        """The same; where there are many contests, in parts that are asked side by side."""
        if len(self) < MANY:
            yield self
            return
        cuts = [len(self) * part // PARTS for part in range(PARTS + 1)]
        with hands(PARTS) as free:
            yield InParts([self._some(slice(*cut)) for cut in pairwise(cuts)], free)

    def _some(self, lists: slice) -> Objective:
        """Only these of the contests, which weigh as much as before among themselves."""
        rows = self.features, self.of_kind, self.stands_for, self.log_weight, self.share
        features, of_kind, stands_for, log_weight, share = (each[lists] for each in rows)
        return Objective(features, self.kinds, of_kind, stands_for, log_weight, self.in_bucket[:, lists], share)

    def loss(self, gates: Doubles, constants: Doubles) -> Losses:
        """Minus the mean gain and likelihood of the targets, and its gradients by gates (H, C, KINDS) and
        constants (H, KINDS)."""
        scores = self.scores(gates, constants)
        gain, slope = _gain(scores, self.stands_for)
        likelihood, by_likelihood = _likelihood(scores, self.log_weight)
        by_likelihood *= LIKELIHOOD
        slope += by_likelihood
        slope *= (self.share / -len(self))[:, None]
        by_kind = self.of_kind * slope[:, None, :]
        d_gates, d_constants = np.zeros_like(gates), np.zeros_like(constants)
        d_gates[..., self.kinds] = np.tensordot(self.in_bucket, self.features @ by_kind.transpose(0, 2, 1), 1)
        d_constants[:, self.kinds] = self.in_bucket @ by_kind.sum(axis=2)
        return -float((self.share * (gain + LIKELIHOOD * likelihood)).mean(dtype=np.float64)), d_gates, d_constants

    def worth(self, gates: Doubles, constants: Doubles) -> Doubles:
        """(N,) 1 / log2(2 + items above the target), ties at their middle."""
        scores = self.scores(gates, constants)
        mine, others = scores[:, :1], scores[:, 1:]
        above = self.stands_for[:, 1:] * ((others > mine) + 0.5 * (others == mine))
        return 1.0 / np.log2(2.0 + above.sum(axis=1, dtype=np.float64))

    def scores(self, gates: Doubles, constants: Doubles) -> Floats:
        """(N, k) the fused scores."""
        precision, bucket = self.features.dtype, self.in_bucket.argmax(axis=0)
        mine = gates[..., self.kinds].transpose(2, 0, 1).astype(precision)
        by_kind = mine[:, bucket].transpose(1, 0, 2) @ self.features  # (N, K, k)
        by_kind += constants[:, self.kinds].astype(precision)[bucket][:, :, None]
        return np.einsum("ntk,ntk->nk", by_kind, self.of_kind)


@dataclass(frozen=True, slots=True)
class InParts:
    """An objective as the mean of its parts, weighed by how many contests each has."""

    parts: Sequence[Objective]
    hands: Hands

    def loss(self, gates: Doubles, constants: Doubles) -> Losses:
        """As of the whole."""
        found = self.hands.each(lambda part: part.loss(gates, constants), self.parts)
        shares = np.array([len(part) for part in self.parts]) / sum(map(len, self.parts))
        value, d_gates, d_constants = (
            sum(share * told for share, told in zip(shares, each, strict=True))
            for each in zip(*found, strict=True)
        )
        return float(value), np.asarray(d_gates), np.asarray(d_constants)


def _gain(scores: Floats, stands_for: Floats) -> tuple[Floats, Floats]:
    """(N,) 1 / log2(2 + soft count above the target), and its slopes by the scores (N, k)."""
    above = scores[:, :1] - scores
    above /= TAU
    np.minimum(above, MOST, out=above)
    np.exp(above, out=above)
    above += 1.0
    np.reciprocal(above, out=above)
    above[:, 0] = 0.0
    slope = stands_for * above
    rank = 2.0 + slope.sum(axis=1)
    gain = 1.0 / np.log2(rank)
    slope *= (-(gain**2) / (rank * np.log(2.0) * TAU))[:, None]
    slope *= np.subtract(1.0, above, out=above)
    slope[:, 0] = -slope[:, 1:].sum(axis=1)
    return gain, slope


def _likelihood(scores: Floats, log_weight: Floats) -> tuple[Floats, Floats]:
    """(N,) log-probability of the target in its contest, and its slopes by the scores (N, k)."""
    logits = scores + log_weight
    logits -= logits.max(axis=1, keepdims=True)
    mine = logits[:, 0].copy()
    odds = np.exp(logits, out=logits)
    total = odds.sum(axis=1, keepdims=True)
    odds /= -total
    odds[:, 0] += 1.0
    return mine - np.log(total[:, 0]), odds
