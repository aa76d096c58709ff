"""Splits that hide by item or by person, not by moment: what is new, and what a set without order hides.

What others did later stays known, so these say how new items and new people are served, not how a shop would
have done on a day of the past.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Dataset, Mask
from zhiyin.data.ragged import Pointers, Ragged
from zhiyin.data.splits import Past, Split
from zhiyin.errors import InvalidData

FOLD_IN = 0.8  # of a new person's positive events that are given where no number is asked for (Liang et al. 2018)


def simulated_cold(data: Dataset, share: float, rng: np.random.Generator) -> Split:
    """All events of a random share of the items with support are hidden, as if the items had just arrived.

    Their positive events are the targets, whatever else the users did is their history, also later events.
    All items are candidates, so that cold ones must win against warm ones; hidden ones have support 0.
    """
    (hidden,) = drawn(np.flatnonzero(data.support), len(data.items), share, rng)
    return new_items(data, hidden, hidden)


def drawn(
    among: npt.NDArray[np.integer], n: int, share: float, rng: np.random.Generator, times: int = 1
) -> list[Mask]:
    """`times` (n,) masks that do not overlap, each of a random share of the numbers in `among`."""
    _check_share(share)
    mixed = rng.permutation(among)
    size = min(len(mixed) // times, max(1, round(share * len(mixed))))
    masks = np.zeros((times, n), bool)
    for which, mask in enumerate(masks):
        mask[mixed[which * size : (which + 1) * size]] = True
    return list(masks)


def new_items(data: Dataset, asked: Mask, hidden: Mask) -> Split:
    """All events of the `hidden` (I,) items are; wanted are those of them that are `asked` (I,)."""
    rows = data.item_rows
    return _carved(data, ~hidden[rows], asked[rows] & (data.weights > 0))


def new_people(data: Dataset, asked: Mask, fit: Dataset, given: int, rng: np.random.Generator) -> Split:
    """Strong generalisation: the `asked` (U,) people, of whom `fit` knows nothing, tell their first `given`
    positive events (0: four fifths of them) and want what they chose later that is new to them.

    Items that nobody else had are no targets: that is another question. What lies between counts as told; in a
    set without order random events are told. Nobody is masked more than what they told.
    """
    order = np.arange(len(data)) if data.ordered else np.lexsort((rng.random(len(data)), data.user_rows))
    before, n = _positive_before(data, order)
    told = np.maximum(1, (FOLD_IN * n).astype(np.int64)) if given == 0 else np.full(len(n), given)
    known = asked[data.user_rows] & (before < told[data.user_rows])
    supported = (fit.support > 0)[data.item_rows]
    wanted = asked[data.user_rows] & ~known & (data.weights > 0) & supported
    wanted &= (n > told)[data.user_rows]
    return replace(_carved(data, known, wanted), fit=fit)


def warm_carve(data: Dataset, share: float, rng: np.random.Generator) -> Split:
    """The last positive event of a random share of the users is hidden, with all after it.

    A dataset without time and order (`data.ordered` is false) loses a random positive event instead.
    """
    _check_share(share)
    wanted = _one_each(data, rng)
    wanted &= (rng.random(len(data.users)) < share)[data.user_rows]
    place = np.full(len(data.users), len(data))
    place[data.user_rows[wanted]] = np.flatnonzero(wanted)
    kept = np.arange(len(data)) < place[data.user_rows] if data.ordered else ~wanted
    return _carved(data, kept, wanted)


def _one_each(data: Dataset, rng: np.random.Generator) -> Mask:
    """(E,) one positive event of each user: the last, or any where there is no order."""
    positive = np.flatnonzero(data.weights > 0)
    if not data.ordered:
        positive = positive[np.lexsort((rng.random(len(positive)), data.user_rows[positive]))]
    ends = np.flatnonzero(np.diff(data.user_rows[positive], append=-1))
    chosen = np.zeros(len(data), bool)
    chosen[positive[ends]] = True
    return chosen


def _positive_before(data: Dataset, order: Pointers) -> tuple[Pointers, Pointers]:
    """(E,) how many positive events of its user come before each event in this order, and (U,) how many in all."""
    positive = data.weights[order] > 0
    counted = np.append(0, np.cumsum(positive))
    n = np.diff(counted[data.indptr])
    before = np.empty(len(data), np.int64)
    before[order] = counted[:-1] - np.repeat(counted[data.indptr[:-1]], np.diff(data.indptr))
    return before, n


def _carved(data: Dataset, kept: Mask, wanted: Mask) -> Split:
    """Users with something kept and something wanted that they do not have otherwise."""
    past = Past.of(data, kept, wanted=wanted)
    masked = past.seen
    targets = Ragged.of_pairs(data.user_rows[wanted], data.item_rows[wanted], len(data.users)).without(masked)
    users = np.arange(len(data.users), dtype=np.int32)
    split = Split(data.keep(kept), users, past, targets, masked, np.ones(len(data.items), bool))
    return split.take(np.flatnonzero((targets.sizes > 0) & (past.lengths > 0)))


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise InvalidData(f"the share to hide is a number between 0 and 1, got {share}")
