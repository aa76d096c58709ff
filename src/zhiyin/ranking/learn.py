"""Learning the gates: a conditional logit over lists of candidates, one target each (McFadden 1974).

The probability that the person takes the target out of a list is softmax(Σ_c gate_c · z_c). That is convex in
the gates, solved by L-BFGS-B with gates ≥ 0, and every bucket is drawn towards the gates of all (`reg`), so
that a bucket with few examples stays near them. Examples are held out of the part that is fitted; some of
their targets are items hidden from it entirely, as if they had just arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import logsumexp

from zhiyin.data.dataset import Dataset, Doubles, Floats, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.models.base import Batch, Model, Recipe
from zhiyin.ranking.fusion import AGAIN, BUCKETS, KINDS, READS, Fusion, buckets, prior_gates, standardised

BATCH = 128
N_OTHERS = 300  # unseen items drawn for each example
OWN = 200  # items of the asker's own that compete where people take things again
REPEATS = 0.3  # share of repeated events from which on what comes back is a target, too
UNMEASURED = 0.1  # the usual spread of cosines, for a catalogue too small to measure it


@dataclass(frozen=True, slots=True)
class Examples:
    """N held-out events: a history that the fitted part knows, and the item it led to."""

    batch: Batch  # N askers
    targets: Rows  # (N,)


class FusionRecipe(Recipe):
    """How the gates are learned."""

    n_examples: int = Field(default=3_000, ge=0, description="Held-out events the gates are learned from.")
    hidden_share: float = Field(default=0.1, ge=0, lt=1, description="Items hidden to simulate cold ones.")
    min_examples: int = Field(default=50, ge=1, description="Fewer examples than this: the prior gates stay.")
    reg: float = Field(default=0.02, ge=0, description="Pull of each bucket's gates towards the gates of all.")

    rest: float = Field(default=0.002, ge=0, description="Pull of all gates to the prior ones, of constants to 0.")

    def learn(self, models: Mapping[str, Model], examples: Examples, cold: Mask, seed: int) -> Fusion:
        """`cold` (I,) are the items that are cold in the part the models were fitted on."""
        channels = tuple(models)
        scales = spread(models, examples.batch, seed)
        wish = wish_scales(models)
        untaught = Fusion(
            channels, scales, prior_gates(channels), np.zeros((len(BUCKETS), KINDS), np.float32), wish, cold,
            learned=False,
        )  # fmt: skip
        if len(examples.targets) < self.min_examples:
            return untaught
        lists = _lists(models, untaught, examples, np.random.default_rng(seed))
        gates, constants = self._solve(lists, len(channels), prior_gates(channels)[:, 0, 0])
        return Fusion(channels, scales, gates, constants, wish, cold, learned=True)

    def _solve(self, lists: Lists, n_channels: int, start: Floats) -> tuple[Floats, Floats]:
        """Gates (C, H, KINDS) and constants (H, KINDS). The parameters are each bucket's gates (H, C, KINDS), the
        gates of all buckets (C, KINDS), and the constants; those of warm items stay 0."""
        from scipy.optimize import minimize  # noqa: PLC0415  # heavy, and a server never learns

        n_buckets = len(BUCKETS)
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
            value, d_gates, d_constants = lists.loss(gates, constants)
            away, pull = gates - common, self.reg * (gates - common)
            back = self.rest * (common - home)
            value += 0.5 * float((pull * away).sum() + (back * (common - home)).sum())
            value += 0.5 * self.rest * float((constants**2).sum())
            gradient = [d_gates + pull, back - pull.sum(axis=0), d_constants + self.rest * constants]
            return value, np.concatenate([part.ravel() for part in gradient])

        found = minimize(loss, theta, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 300})
        gates = found.x[:n_gates].reshape(shape)
        return (
            np.ascontiguousarray(gates.transpose(1, 0, 2), np.float32),
            found.x[-n_constants:].reshape(n_buckets, KINDS).astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class Lists:
    """N lists of k candidates, the target first: what the gates are learned from."""

    features: Floats  # (N, k, C) standardised scores
    kind: npt.NDArray[np.int64]  # (N, k) of the items
    drawn: Doubles  # (N, k) logarithm of how many items a candidate stands for; -inf where a list is shorter
    bucket: npt.NDArray[np.int64]  # (N,)

    def loss(self, gates: Doubles, constants: Doubles) -> tuple[float, Doubles, Doubles]:
        """Mean negative log-probability of the targets, and its gradients by gates (H, C, KINDS) and constants
        (H, KINDS)."""
        by_kind = gates[self.bucket]  # (N, C, KINDS)
        logits = self.drawn + np.take_along_axis(constants[self.bucket], self.kind, axis=1)
        for kind in range(KINDS):
            logits += np.where(self.kind == kind, np.einsum("nkc,nc->nk", self.features, by_kind[:, :, kind]), 0.0)
        log_probability = logits - logsumexp(logits, axis=1, keepdims=True)
        slope = np.exp(log_probability)
        slope[:, 0] -= 1.0
        slope /= len(self.bucket)
        d_gates, d_constants = np.zeros_like(gates), np.zeros_like(constants)
        for kind in range(KINDS):
            of_kind = slope * (self.kind == kind)
            np.add.at(d_gates[:, :, kind], self.bucket, np.einsum("nk,nkc->nc", of_kind, self.features))
            np.add.at(d_constants[:, kind], self.bucket, of_kind.sum(axis=1))
        return -float(log_probability[:, 0].mean()), d_gates, d_constants


def spread(models: Mapping[str, Model], batch: Batch, seed: int) -> Floats:
    """(C,) standard deviation of each channel's scores over all items, for up to 256 of the askers; for single
    items of the catalogue as histories where nobody has one."""
    n_items = next(iter(models.values())).n_items
    if not n_items:
        return np.full(len(models), UNMEASURED, np.float32)
    rng = np.random.default_rng(seed)
    with_history = np.flatnonzero(batch.lengths > 0)
    if len(with_history):
        sample = some(batch, np.sort(rng.permutation(with_history)[:256]))
    else:
        sample = singles(rng.permutation(n_items)[:256])
    scales = [_usual(model, sample) for model in models.values()]
    return np.maximum(np.array(scales, np.float32), np.float32(1e-6))


def _usual(model: Model, sample: Batch) -> float:
    """The root mean square of the scores that are not zero, each asker's around their mean."""
    total, count = 0.0, 0
    for part in parts_of(sample):
        scores = model.score(part)
        said = scores != 0
        count += int(said.sum())
        total += float(((scores - scores.mean(axis=1, keepdims=True))[said] ** 2).sum())
    return float(np.sqrt(total / max(count, 1)))


def wish_scales(models: Mapping[str, Model]) -> Floats:
    """(C,) how much a channel's scores of a typed text vary over the catalogue; titles stand in for wishes,
    which are not there to learn from. 0 for channels that do not read."""
    scales = np.zeros(len(models), np.float32)
    for c, (name, model) in enumerate(models.items()):
        if name in READS:
            found = model.score(singles(np.arange(min(model.n_items, 64)))).std() if model.n_items else 0.0
            scales[c] = found if found > 1e-6 else UNMEASURED
    return scales


def singles(rows: npt.NDArray[np.int64]) -> Batch:
    """One asker for each row, whose history is that item alone."""
    n = len(rows)
    ones, zeros = np.ones(n, np.float32), np.zeros(n, np.float32)
    return Batch(np.arange(n + 1, dtype=np.int64), rows.astype(np.int32), ones, zeros)


def some(batch: Batch, askers: npt.NDArray[np.int64]) -> Batch:
    """Only these askers, in this order."""
    lengths = batch.lengths[askers]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries = np.arange(indptr[-1]) + np.repeat(batch.indptr[askers] - indptr[:-1], lengths)
    return Batch(indptr, batch.rows[entries], batch.weights[entries], batch.ages[entries])


def parts_of(batch: Batch, size: int = BATCH) -> Iterator[Batch]:
    """The same askers in batches of bounded size."""
    for start in range(0, len(batch), size):
        yield some(batch, np.arange(start, min(start + size, len(batch))))


def _lists(models: Mapping[str, Model], fusion: Fusion, examples: Examples, rng: np.random.Generator) -> Lists:
    features, kinds, drawn = [], [], []
    again = AGAIN in models
    width = max(int(examples.batch.lengths.max(initial=0)), 1) if again else 0
    for start, part in zip(range(0, len(examples.targets), BATCH), parts_of(examples.batch), strict=True):
        targets = examples.targets[start : start + BATCH]
        rows, counts = _candidates(part, targets, len(fusion.cold), rng)
        if again:
            rows, counts = _with_own(part, rows, counts, min(width, OWN))
        at = np.maximum(rows, 0)
        chosen = [np.take_along_axis(model.score(part), at, axis=1) for model in models.values()]
        features.append(
            np.stack([standardised(s, scale) for s, scale in zip(chosen, fusion.scales, strict=True)], axis=2)
        )
        kinds.append(fusion.kinds(part, at))
        drawn.append(np.where(rows >= 0, counts, -np.inf))
    return Lists(np.concatenate(features), np.concatenate(kinds), np.concatenate(drawn), buckets(examples.batch))


def _candidates(part: Batch, targets: Rows, n_items: int, rng: np.random.Generator) -> tuple[Rows, Doubles]:
    """(B, k): the target, then unseen items drawn from all with equal chance; -1 where a draw was seen or is
    the target. (Drawing the channels' favourites teaches each channel to distrust itself: docs/LOG.md.) And the
    logarithm of how many items each stands for, which for a target that was drawn like the others is the same."""
    rows = np.full((len(part), 1 + min(N_OTHERS, n_items)), -1, np.int32)
    rows[:, 0] = targets
    for b in range(len(part)):
        others = rng.choice(n_items, rows.shape[1] - 1, replace=False).astype(np.int32)
        known = np.isin(others, part.rows[part.indptr[b] : part.indptr[b + 1]]) | (others == targets[b])
        rows[b, 1:] = np.where(known, -1, others)
    return rows, np.full(rows.shape, np.log(n_items / max(rows.shape[1] - 1, 1)))


def _with_own(part: Batch, rows: Rows, counts: Doubles, most: int) -> tuple[Rows, Doubles]:
    """With the asker's own newest items as candidates, all of them: each stands for itself alone, and so does a
    target that is one of them (McFadden 1978, sampling of alternatives with positive conditioning)."""
    own = np.full((len(part), most), -1, np.int32)
    counts = counts.copy()
    for b in range(len(part)):
        history = part.rows[part.indptr[b] : part.indptr[b + 1]]
        mine = np.array(list(dict.fromkeys(history[::-1].tolist()))[:most], np.int32)
        if rows[b, 0] in mine:
            counts[b, 0] = 0.0
        own[b, : len(mine)] = np.where(mine == rows[b, 0], -1, mine)
    return np.hstack([rows, own]), np.hstack([counts, np.zeros(own.shape)])


def carve(data: Dataset, recipe: FusionRecipe, seed: int) -> tuple[Dataset, Examples]:
    """The part to fit, and examples held out of it: of sampled people the newest item that was new to them, or any
    of their items where histories have no order.

    A share of the items is hidden from everybody, as if they had just arrived; they come up as targets as often as
    people took them, so cold and warm items are learned on one scale. Histories are cut to random lengths
    for half of the examples, so that short ones are learned from too.
    """
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(data.support > 0)
    hidden = np.zeros(len(data.items), bool)
    hidden[rng.permutation(known)[: int(recipe.hidden_share * len(known))]] = True
    if data.ordered and data.repeat_share >= REPEATS:
        targets, late = _late(data)
        targets = np.sort(rng.permutation(targets)[: recipe.n_examples])
        held = hidden[data.item_rows] | late
    else:
        targets = np.sort(rng.permutation(_new_to_them(data, rng))[: recipe.n_examples])
        pairs = _pairs_of(data)
        held = hidden[data.item_rows] | np.isin(pairs, pairs[targets])
    return data.keep(~held), _examples(data, targets, ~held, rng)


def _pairs_of(data: Dataset) -> npt.NDArray[np.int64]:
    """(E,) one number for each pair of a user and an item."""
    return data.user_rows.astype(np.int64) * len(data.items) + data.item_rows


def _late(data: Dataset) -> tuple[npt.NDArray[np.int64], Mask]:
    """Targets where people come back: the items of everybody's last tenth of liked events, each once, new or old
    to them as it comes; and (E,) everything from where that tenth begins."""
    liked = np.flatnonzero(data.weights > 0)
    users = data.user_rows[liked]
    counts = np.bincount(users, minlength=len(data.users))
    place = np.arange(len(liked)) - (np.cumsum(counts) - counts)[users]  # in the history of liked events
    late = liked[place >= counts[users] - np.maximum(counts[users] // 10, 1)]
    late = late[counts[data.user_rows[late]] >= 2]
    begins = np.full(len(data.users), len(data), np.int64)
    np.minimum.at(begins, data.user_rows[late], late)
    _, first = np.unique(_pairs_of(data)[late], return_index=True)
    return late[np.sort(first)], np.arange(len(data)) >= begins[data.user_rows]


def _new_to_them(data: Dataset, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Of each user with two liked items or more: the event in which they first liked the newest of them, or a
    random one of them in a set, whose places in the dataset follow the rows of the items. What they come back to
    is no target: it would teach that things look like themselves."""
    liked = np.flatnonzero(data.weights > 0)
    _, first = np.unique(_pairs_of(data)[liked], return_index=True)
    firsts = np.sort(liked[first])
    users = data.user_rows[firsts]
    if not data.ordered:
        firsts = firsts[np.lexsort((rng.random(len(firsts)), users))]
    last = np.append(users[1:] != users[:-1], True)[: len(users)]
    counts = np.bincount(users, minlength=len(data.users))
    return firsts[last & (counts[users] >= 2)]


def _examples(data: Dataset, targets: npt.NDArray[np.int64], fitted: Mask, rng: np.random.Generator) -> Examples:
    """The history of each target: the user's fitted events before it, or all of them where there is no order."""
    ages = data.ages().astype(np.float32)
    users = data.user_rows[targets]
    histories = []
    for place, user in zip(targets, users, strict=True):
        before = np.arange(data.indptr[user], place if data.ordered else data.indptr[user + 1])
        before = before[fitted[before]]
        if rng.random() < 0.5 and len(before) > 1:
            before = before[-rng.integers(1, len(before)) :]
        histories.append(before)
    indptr = np.concatenate([[0], np.cumsum([len(h) for h in histories])]).astype(np.int64)
    entries = np.concatenate(histories) if histories else np.zeros(0, np.int64)
    since = np.repeat(ages[targets], np.diff(indptr))
    batch = Batch(indptr, data.item_rows[entries], data.weights[entries], ages[entries] - since)
    return Examples(batch, data.item_rows[targets])
