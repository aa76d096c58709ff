"""What gates are worth to held-out events, and which way is up.

Of a held-out event i, with r_i = Σ_j w_j · σ((s_j − s_i) / τ) the soft count of the items above its target, the
gain is 1 / log2(2 + r_i): a smooth NDCG (Qin, Liu & Li 2010, "A General Approximation Framework for Direct
Optimization of Information Retrieval Measures"). A little of the log-likelihood of a conditional logit (McFadden
1974) keeps sight of targets that stand low.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from zhiyin.data.dataset import Doubles
from zhiyin.ranking.contest import Contests
from zhiyin.ranking.fusion import KINDS

TAU = 0.25  # of the soft count: how near below the target an item may be to count a little
LIKELIHOOD = 0.02  # weight of the log-likelihood beside the gain


@dataclass(frozen=True, slots=True)
class Objective:
    """What the gates of some contests are worth."""

    met: Contests

    def loss(self, gates: Doubles, constants: Doubles) -> tuple[float, Doubles, Doubles]:
        """Minus the mean gain and likelihood of the targets, and its gradients by gates (H, C, KINDS) and
        constants (H, KINDS)."""
        met = self.met
        scores = self.scores(gates, constants)
        gain, by_gain = _gain(scores, met.stands_for)
        likelihood, by_likelihood = _likelihood(scores, met.stands_for)
        slope = -(by_gain + LIKELIHOOD * by_likelihood) / len(met.bucket)
        d_gates, d_constants = np.zeros_like(gates), np.zeros_like(constants)
        for kind in range(KINDS):
            of_kind = slope * (met.kind == kind)
            np.add.at(d_gates[:, :, kind], met.bucket, np.einsum("nk,nkc->nc", of_kind, met.features))
            np.add.at(d_constants[:, kind], met.bucket, of_kind.sum(axis=1))
        return -float((gain + LIKELIHOOD * likelihood).mean()), d_gates, d_constants

    def worth(self, gates: Doubles, constants: Doubles) -> Doubles:
        """(N,) 1 / log2(2 + items above the target), ties at their middle."""
        scores = self.scores(gates, constants)
        mine, others = scores[:, :1], scores[:, 1:]
        above = self.met.stands_for[:, 1:] * ((others > mine) + 0.5 * (others == mine))
        return 1.0 / np.log2(2.0 + above.sum(axis=1))

    def scores(self, gates: Doubles, constants: Doubles) -> Doubles:
        """(N, k) the fused scores."""
        met, by_kind = self.met, gates[self.met.bucket]  # (N, C, KINDS)
        scores = np.take_along_axis(constants[met.bucket], met.kind, axis=1)
        for kind in range(KINDS):
            part = np.einsum("nkc,nc->nk", met.features, by_kind[:, :, kind])
            scores = scores + np.where(met.kind == kind, part, 0.0)
        return scores


def _gain(scores: Doubles, stands_for: Doubles) -> tuple[Doubles, Doubles]:
    """(N,) 1 / log2(2 + soft count above the target), and its slopes by the scores (N, k)."""
    above = expit((scores - scores[:, :1]) / TAU)
    above[:, 0] = 0.0
    rank = 2.0 + (stands_for * above).sum(axis=1)
    gain = 1.0 / np.log2(rank)
    by_rank = -(gain**2) / (rank * np.log(2.0))
    slope = by_rank[:, None] * stands_for * above * (1.0 - above) / TAU
    slope[:, 0] = -slope[:, 1:].sum(axis=1)
    return gain, slope


def _likelihood(scores: Doubles, stands_for: Doubles) -> tuple[Doubles, Doubles]:
    """(N,) log-probability of the target in its contest, and its slopes by the scores (N, k)."""
    log_weight = np.log(stands_for, out=np.full_like(stands_for, -np.inf), where=stands_for > 0)
    logits = scores + log_weight
    log_probability = logits - logsumexp(logits, axis=1, keepdims=True)
    slope = -np.exp(log_probability)
    slope[:, 0] += 1.0
    return log_probability[:, 0], slope
