"""Learning the gates: those under which what people took next stands high.

Of a held-out event i, with r_i = Σ_j w_j · σ((s_j − s_i) / τ) the soft count of the items above its target, the
gain is 1 / log2(2 + r_i): a smooth NDCG (Qin, Liu & Li 2010, "A General Approximation Framework for Direct
Optimization of Information Retrieval Measures"). A little of the log-likelihood of a conditional logit (McFadden
1974) keeps sight of targets that stand low. Solved by L-BFGS-B with gates ≥ 0; every bucket is drawn towards the
gates of all, so that a bucket with few examples stays near them, and all towards the prior ones. Some targets are
items hidden from the fit entirely, as if they had just arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from scipy.special import expit, logsumexp

from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.models.base import Model, Recipe
from zhiyin.ranking.contest import Contests, contests, spread, wish_scales
from zhiyin.ranking.examples import Examples, carve
from zhiyin.ranking.fusion import BUCKETS, KINDS, Fusion, prior_gates

TAU = 0.25  # of the soft count: how near below the target an item may be to count a little
LIKELIHOOD = 0.02  # weight of the log-likelihood beside the gain
MOST_NUMBERS = 60_000_000  # scores of a channel that learning looks at


class FusionRecipe(Recipe):
    """How the gates are learned."""

    n_examples: int = Field(default=3_000, ge=0, description="Held-out events the gates are learned from.")
    hidden_share: float = Field(default=0.1, ge=0, lt=1, description="Items hidden to simulate cold ones.")
    min_examples: int = Field(default=50, ge=1, description="Fewer examples than this: the prior gates stay.")
    reg: float = Field(default=0.005, ge=0, description="Pull of each bucket's gates towards the gates of all.")
    rest: float = Field(
        default=0.0005, ge=0, description="Pull of all gates to the prior ones, of constants to 0."
    )

    def carve(self, data: Dataset, seed: int) -> tuple[Dataset, Examples]:
        """The part to fit, and examples held out of it: fewer in a catalogue so large that each is much work."""
        affordable = max(MOST_NUMBERS // max(len(data.items), 1), self.min_examples)
        return carve(data, min(self.n_examples, affordable), self.hidden_share, seed)

    def learn(self, models: Mapping[str, Model], examples: Examples, cold: Mask, seed: int) -> Fusion:
        """`cold` (I,) are the items that are cold in the part the models were fitted on."""
        channels = tuple(models)
        scales = spread(models, examples.batch, seed)
        wish = wish_scales(models)
        untaught = Fusion(
            channels, scales, prior_gates(channels), np.zeros((len(BUCKETS), KINDS), np.float32), wish, cold,
            learned=False,
        )  # fmt: skip
        if len(examples) < self.min_examples:
            return untaught
        rng = np.random.default_rng(seed)
        met = contests(models, untaught, examples.shortened(rng), rng)
        gates, constants = self._solve(Objective(met), prior_gates(channels)[:, 0, 0])
        return Fusion(channels, scales, gates, constants, wish, cold, learned=True)

    def _solve(self, objective: Objective, start: Floats) -> tuple[Floats, Floats]:
        """Gates (C, H, KINDS) and constants (H, KINDS). The parameters are each bucket's gates (H, C, KINDS), the
        gates of all buckets (C, KINDS), and the constants; those of warm items stay 0."""
        from scipy.optimize import minimize  # noqa: PLC0415  # heavy, and a server never learns

        n_buckets, n_channels = len(BUCKETS), len(start)
        shape = (n_buckets, n_channels, KINDS)
        home = np.repeat(start[:, None], KINDS, axis=1).astype(np.float64)  # (C, KINDS)
        theta = np.concatenate(
            [np.tile(home, (n_buckets, 1, 1)).ravel(), home.ravel(), np.zeros(n_buckets * KINDS)]
        )
        n_gates, n_constants = n_buckets * n_channels * KINDS, n_buckets * KINDS
        free = [(0.0, 0.0), (None, None), (None, None)]  # by kind
        bounds = [(0.0, None)] * (n_gates + n_channels * KINDS) + free * n_buckets

        def loss(theta: Doubles) -> tuple[float, Doubles]:
            gates = theta[:n_gates].reshape(shape)
            common = theta[n_gates:-n_constants].reshape(n_channels, KINDS)
            constants = theta[-n_constants:].reshape(n_buckets, KINDS)
            value, d_gates, d_constants = objective.loss(gates, constants)
            away, pull = gates - common, self.reg * (gates - common)
            back = self.rest * (common - home)
            value += 0.5 * float((pull * away).sum() + (back * (common - home)).sum())
            value += 0.5 * self.rest * float((constants**2).sum())
            gradient = [d_gates + pull, back - pull.sum(axis=0), d_constants + self.rest * constants]
            return value, np.concatenate([part.ravel() for part in gradient])

        found = minimize(loss, theta, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 200})
        gates = found.x[:n_gates].reshape(shape)
        return (
            np.ascontiguousarray(gates.transpose(1, 0, 2), np.float32),
            found.x[-n_constants:].reshape(n_buckets, KINDS).astype(np.float32),
        )


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
