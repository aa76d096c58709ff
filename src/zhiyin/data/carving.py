"""Splits made inside a training set, to learn gates and fusion weights without touching validation or test.

They hide by item or by user, not by moment: good for comparing channels, not for a number to publish.
"""

from __future__ import annotations

import numpy as np

from zhiyin.data.dataset import Dataset, Mask
from zhiyin.data.ragged import Ragged
from zhiyin.data.splits import Past, Split
from zhiyin.errors import InvalidData


def simulated_cold(data: Dataset, share: float, rng: np.random.Generator) -> Split:
    """All events of a random share of the items with support are hidden, as if the items had just arrived.

    Their positive events are the targets, whatever else the users did is their history, also later events.
    All items are candidates, so that cold ones must win against warm ones; hidden ones have support 0.
    """
    _check_share(share)
    supported = np.flatnonzero(data.support)
    hidden = np.zeros(len(data.items), bool)
    hidden[rng.choice(supported, min(len(supported), max(1, round(share * len(supported)))), replace=False)] = True
    cold = hidden[data.item_rows]
    return _carved(data, ~cold, cold & (data.weights > 0))


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


def _carved(data: Dataset, kept: Mask, wanted: Mask) -> Split:
    """Users with something kept and something wanted that they do not have otherwise."""
    past = Past.of(data, kept)
    masked = past.seen
    targets = Ragged.of_pairs(data.user_rows[wanted], data.item_rows[wanted], len(data.users)).without(masked)
    users = np.arange(len(data.users), dtype=np.int32)
    split = Split(data.keep(kept), users, past, targets, masked, np.ones(len(data.items), bool))
    return split.take(np.flatnonzero((targets.sizes > 0) & (past.lengths > 0)))


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise InvalidData(f"the share to hide is a number between 0 and 1, got {share}")
