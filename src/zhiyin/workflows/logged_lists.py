"""Lists of the log as the policy had them before it, and why some cannot be had any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.errors import NotFound
from zhiyin.live import Live
from zhiyin.policies.base import Order, Policy
from zhiyin.policies.mixing import warmed
from zhiyin.ranking.diversity import Diversity
from zhiyin.ranking.learned import PART
from zhiyin.shop import Zhiyin, policy_of
from zhiyin.snapshot import Snapshot
from zhiyin.types import Recommendation

GONE = "whose bundle, or candidates, are no longer there"
ALTERED = "of which the probabilities come out otherwise today"
EMPTY = "without a place"
TAUGHT = f", {PART}"  # after the name of a policy
SAME = 1e-6  # of a log-probability that is made again


@dataclass(frozen=True, slots=True)
class Arranged:
    """What a policy chose from, and what it chose."""

    scores: Doubles  # (k,) of the candidates
    order: Order  # (N,)
    diversity: Diversity
    before: Doubles  # (N,) log-probabilities as they were logged
    served: Policy | None  # what chose it, where the settings are still those


def with_worlds(shop: Zhiyin, lists: Iterable[Recommendation]) -> Iterator[tuple[Recommendation, Snapshot | None]]:
    """The lists, each with the catalogue as the bundle reads it that made it; None where that bundle is gone.
    Lists of a bundle stand together in the log, so that one is kept at a time."""
    bundle, world = "", None
    for one in lists:
        if one.bundle != bundle:
            bundle, world = one.bundle, _world(shop, one.bundle)
        yield one, world


def arranged(shop: Zhiyin, one: Recommendation, world: Snapshot | None) -> Arranged | str:
    """A list as it was chosen, or why that is not known."""
    place_of = {item_id: n for n, (item_id, _) in enumerate(one.candidates)}
    if not one.items:
        return EMPTY
    if world is None or any(item_id not in world.vocabulary for item_id in place_of):
        return GONE
    scores = np.array([score for _, score in one.candidates])
    order = np.array([place_of[place.item_id] for place in one.items], np.int64)
    vectors = world.vectors[world.vocabulary.rows(place_of)]
    diversity = Diversity.of(vectors, shop.settings.ranking.diversity)
    before = np.array([place.log_propensity for place in one.items])
    served = warmed(policy_of(shop.settings.policy, world.bundle.fitted.tempering), one.mixing)
    if one.settings != shop.settings.digest() or one.policy.removesuffix(TAUGHT) != served.name:
        return Arranged(scores, order, diversity, before, None)
    if np.abs(served.log_probs(scores, order, diversity) - before).max() > SAME:
        return ALTERED
    return Arranged(scores, order, diversity, before, served)


def _world(shop: Zhiyin, bundle: str) -> Snapshot | None:
    live = shop.publication()
    if live is not None and live.bundle == bundle:
        return shop.live().snapshot()
    try:
        return Live(shop.bundle(bundle), shop.store, shop.settings.data.signals).snapshot()
    except NotFound:
        return None
