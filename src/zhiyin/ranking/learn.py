"""Learning the gates: those under which what people took next stands high.

The loss is a smooth NDCG (`objective`), solved by L-BFGS-B with gates ≥ 0; every bucket is drawn towards the gates
of all, so that a bucket with few examples stays near them, and all towards the prior ones. Some targets are items
hidden from the fit entirely, as if they had just arrived. Channels without which as much is worth are left out
(`proving`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from zhiyin.data.dataset import Dataset, Doubles, Floats
from zhiyin.models.base import Model, Recipe
from zhiyin.models.vectors import is_vector
from zhiyin.ranking.contest import Contests, contests, spread, wish_scales
from zhiyin.ranking.examples import Examples, carve
from zhiyin.ranking.fusion import BUCKETS, KINDS, WARM_KIND, Fusion, Kinds, prior_gates
from zhiyin.ranking.objective import Objective
from zhiyin.ranking.proving import Gates, Places, idle

HIDDEN = 0.05, 0.2  # least and most of the items
STAY = ("words", "meaning", "popular")
MOST_NUMBERS = 60_000_000  # scores of a channel that learning looks at


class FusionRecipe(Recipe):
    """How the gates are learned."""

    n_examples: int = Field(
        default=6_000,
        ge=0,
        description="Held-out events the gates are learned from, of people as they are now; and as many of people "
        "as they began.",
    )
    hidden_share: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share of the items hidden to simulate cold ones; unset: as many as nobody took yet, at least "
        "a twentieth and at most a fifth.",
    )
    min_examples: int = Field(default=50, ge=1, description="Fewer examples than this: the prior gates stay.")
    reg: float = Field(
        default=2.0, ge=0, description="Pull of each bucket's gates towards the gates of all, in examples."
    )
    proven: bool = Field(
        default=True, description="Whether channels that held-out events are as well off without are left out."
    )
    rest: float = Field(
        default=2.0, ge=0, description="Pull of all gates to the prior ones, of constants to 0, in examples."
    )

    def carve(self, data: Dataset, seed: int) -> tuple[Dataset, Examples]:
        """The part to fit, and examples held out of it: fewer in a catalogue so large that each is much work."""
        affordable = max(MOST_NUMBERS // max(2 * len(data.items), 1), self.min_examples)
        share = self.hidden_share
        if share is None:
            share = float(np.clip((data.support == 0).mean(), *HIDDEN)) if len(data.items) else HIDDEN[0]
        return carve(data, min(self.n_examples, affordable), share, seed)

    def learn(self, models: Mapping[str, Model], examples: Examples, kind: Kinds, seed: int) -> Fusion:
        """Of those models that earn their place. `kind` (I,): of the items in the part that the models were fitted
        on."""
        channels = tuple(models)
        scales = spread(models, examples.batch, seed)
        wish = wish_scales(models)
        untaught = Fusion(
            channels, scales, prior_gates(channels), np.zeros((len(BUCKETS), KINDS), np.float32), wish, kind,
            learned=False,
        )  # fmt: skip
        if len(examples) < self.min_examples:
            return untaught
        met = contests(models, untaught, examples, np.random.default_rng(seed))
        kept, (gates, constants) = self._solved(met, channels)
        names = tuple(channels[c] for c in kept)
        return Fusion(names, scales[kept], gates, constants, wish[kept], kind, learned=True)

    def _solved(self, met: Contests, channels: tuple[str, ...]) -> tuple[Places, Gates]:
        """The places of the channels that earn theirs, and gates and constants of these as in `solve`.

        Where some lists stand for more than others, for more of new items is still to come, the gates of warm
        items are those by all lists evenly: how warm ones stand to each other has nothing to do with it."""
        start, kept = prior_gates(channels)[:, 0, 0], np.arange(len(channels))
        found = self.solve(Objective.of(met.even), start)
        gone = idle(met.even, start, found, self.solve, groups(channels)) if self.proven else ()
        if gone:
            kept = np.array([c for c, name in enumerate(channels) if group_of(name) not in gone])
            met, start = met.hearing(kept), start[kept]
            found = self.solve(Objective.of(met.even), start, (found[0][kept], found[1]))
        if np.ptp(met.counts) > 0:
            found = self.solve(Objective.of(met), start, found, warm_stay=True)
        return kept, found

    def solve(
        self, objective: Objective, start: Floats, begin: Gates | None = None, *, warm_stay: bool = False
    ) -> Gates:
        """Gates (C, H, KINDS) and constants (H, KINDS). The parameters are each bucket's gates (H, C, KINDS), the
        gates of all buckets (C, KINDS), and the constants; those of warm items stay 0. `start` (C,): the prior
        gates; `begin`: where to look first, and with `warm_stay` the gates of warm items."""
        from scipy.optimize import minimize  # noqa: PLC0415  # heavy, and a server never learns

        n_buckets, n_channels = len(BUCKETS), len(start)
        shape = (n_buckets, n_channels, KINDS)
        home = np.repeat(start[:, None], KINDS, axis=1).astype(np.float64)  # (C, KINDS)
        first, constants = np.tile(home, (n_buckets, 1, 1)), np.zeros((n_buckets, KINDS))
        if begin is not None:
            first, constants = begin[0].transpose(1, 0, 2).astype(np.float64), begin[1].astype(np.float64)
        theta = np.concatenate([first.ravel(), first.mean(axis=0).ravel(), constants.ravel()])
        n_gates, n_constants = n_buckets * n_channels * KINDS, n_buckets * KINDS
        reg, rest = self.reg / len(objective), self.rest / len(objective)

        def loss(theta: Doubles) -> tuple[float, Doubles]:
            gates = theta[:n_gates].reshape(shape)
            common = theta[n_gates:-n_constants].reshape(n_channels, KINDS)
            constants = theta[-n_constants:].reshape(n_buckets, KINDS)
            value, d_gates, d_constants = asked.loss(gates, constants)
            away, pull = gates - common, reg * (gates - common)
            back = rest * (common - home)
            value += 0.5 * float((pull * away).sum() + (back * (common - home)).sum())
            value += 0.5 * rest * float((constants**2).sum())
            gradient = [d_gates + pull, back - pull.sum(axis=0), d_constants + rest * constants]
            return value, np.concatenate([part.ravel() for part in gradient])

        bounds = _bounds(first, warm_stay=warm_stay)
        with objective.shared() as asked:
            found = minimize(loss, theta, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 200})
        gates = found.x[:n_gates].reshape(shape)
        return (
            np.ascontiguousarray(gates.transpose(1, 0, 2), np.float32),
            found.x[-n_constants:].reshape(n_buckets, KINDS).astype(np.float32),
        )


def _bounds(first: Doubles, *, warm_stay: bool) -> list[tuple[float | None, float | None]]:
    """Of all parameters: no gate (H, C, KINDS) is below 0, a constant of warm items is 0, and with `warm_stay` the
    gates of warm items are as they are `first`."""
    least, most = np.zeros_like(first), np.full_like(first, np.inf)
    if warm_stay:
        least[:, :, WARM_KIND] = most[:, :, WARM_KIND] = first[:, :, WARM_KIND]
    held = [*zip(least.ravel().tolist(), most.ravel().tolist(), strict=True)]
    free = [(0.0, 0.0) if kind == WARM_KIND else (None, None) for kind in range(KINDS)]
    return [*held, *[(0.0, None)] * first[0].size, *free * len(first)]


def group_of(channel: str) -> str:
    """What it is left out with: channels of named vectors are left out together."""
    return "vectors" if is_vector(channel) else channel


def groups(channels: Sequence[str]) -> dict[str, list[int]]:
    """The places of channels that may be left out. Reading tells of what is new, and popular of what to show a
    stranger, so they stay."""
    found: dict[str, list[int]] = {}
    for place, channel in enumerate(channels):
        if channel not in STAY:
            found.setdefault(group_of(channel), []).append(place)
    return found
