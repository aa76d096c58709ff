"""The lists of the log as another policy would have met them: candidates, what was shown, what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.rewards import outcome, reward_of
from zhiyin.data.signals import WEIGHTS, Signals
from zhiyin.data.vocabulary import Rows, Vocabulary
from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.models.index import cells_of
from zhiyin.policies.base import Order, Policy
from zhiyin.policies.whitening import Whitening
from zhiyin.ranking.diversity import Diversity
from zhiyin.ranking.learned import Traits
from zhiyin.recommender import traits_of
from zhiyin.shop import Zhiyin
from zhiyin.snapshot import Snapshot
from zhiyin.types import QUESTIONS, EventType, Recommendation
from zhiyin.workflows.logged_lists import GONE, TAUGHT, arranged, with_worlds

ASKS = "that ask somebody new, which no policy fills"


@dataclass(frozen=True, slots=True)
class Worth:
    """Which lists, and what is held to be worth something."""

    signals: Signals
    reward: EventType | None = None  # this event alone, worth 1; None: any, by the weights of the signals
    scenario: str | None = None  # lists of this one alone
    newest: int | None = None  # so many lists alone


@dataclass(frozen=True, slots=True)
class Shown:
    """A list of N places from k candidates."""

    person: str
    scenario: str
    items: Rows  # (k,) rows of the space; PAD for what is not there
    scores: Doubles  # (k,)
    diversity: Diversity
    order: Order  # (N,)
    before: Doubles  # (N,) log-probabilities, as they were logged
    rewards: Doubles  # (N,) between -1 and 1
    served: Policy | None  # who filled it, where that can be made again
    plain: Doubles  # (k, 2) of what is known of candidates, as zhiyin.ranking.learned reads it
    alone: Doubles | None  # (k,) scores without what a log taught before; None where that is not known
    mixing: float | None = (
        None  # what an adaptive policy multiplies its temperature by; None: nothing was believed
    )


@dataclass(frozen=True, slots=True)
class Space:
    """What items read like today, whichever bundle listed them; the last row is what is not there any more."""

    vocabulary: Vocabulary
    z: Floats  # (I + 1, 64) whitened; 0 of what has no text
    cells: Rows  # (I + 1,) those that read alike share one
    whitening: Whitening  # of what the encoder read

    @classmethod
    def of(cls, world: Snapshot) -> Space:
        """√I cells of k-means."""
        read = traits_of(world, np.arange(len(world.items), dtype=np.int32)).vectors
        told = (read != 0).any(axis=1)
        whitening = Whitening.of(read[told])
        z = np.zeros((len(read) + 1, whitening.axes.shape[1]), np.float32)
        z[:-1][told] = whitening(read[told])
        n_cells = max(2, round(np.sqrt(len(read))))
        return cls(world.vocabulary, z, np.append(cells_of(z[:-1], n_cells), np.int32(n_cells)), whitening)


def shown_lists(shop: Zhiyin, worth: Worth, space: Space) -> tuple[list[Shown], dict[str, int]]:
    """All lists in question in the order of the log, and how many are left out, by why. Raises NotFound where none
    is left."""
    earned = rewards_of(shop, worth)
    lists = with_worlds(shop, _lists(shop, worth))
    told = [_shown(one, world, shop, space, earned) for one, world in lists]
    kept = [one for one in told if isinstance(one, Shown)]
    left_out = Counter(one for one in told if isinstance(one, str))
    if not kept:
        told_of = "".join(f"; {n:,} {why}" for why, n in left_out.items())
        raise NotFound(
            f"no list in the log says anything about another policy{told_of}: serve lists, and "
            "send events with their recommendation_id"
        )
    return kept, dict(left_out)


def worth_of(shop: Zhiyin, reward: str | None) -> Worth:
    """All lists, and this event alone, or all as zhiyin.toml weighs them. Raises InvalidSettings where there is no
    such event."""
    if reward is not None and reward not in WEIGHTS:
        raise InvalidSettings(f"no event is called {reward!r}: there are {', '.join(WEIGHTS)}")
    return Worth(shop.settings.data.signals, cast("EventType | None", reward))


def rewards_of(shop: Zhiyin, worth: Worth) -> Mapping[str, Mapping[str, float]]:
    """By recommendation id, then item: between -1 and 1, what showing it came to."""
    found: dict[str, dict[str, float]] = {}
    for one in shop.store.answers.stream():
        if worth.reward is None:
            reward = reward_of(worth.signals, one.type, one.value)
        else:
            reward = float(one.type == worth.reward)
        items = found.setdefault(one.recommendation_id, {})
        items[one.item_id] = outcome((reward, items.get(one.item_id, 0.0)))
    return found


def _lists(shop: Zhiyin, worth: Worth) -> Iterator[Recommendation]:
    """The lists in question."""
    shop.progress.start("asking the policy about logged lists", 0)
    newest = None if worth.newest is None else reversed(shop.store.recent(limit=worth.newest))
    for number, one in enumerate(shop.store.recommendations() if newest is None else newest, start=1):
        if worth.scenario is None or one.query.scenario == worth.scenario:
            yield one
        if number % 100 == 0:
            shop.progress.advance(number, "")
    shop.progress.done()


def _shown(
    one: Recommendation,
    world: Snapshot | None,
    shop: Zhiyin,
    space: Space,
    earned: Mapping[str, Mapping[str, float]],
) -> Shown | str:
    """A list, or why it says nothing."""
    if one.query.scenario == QUESTIONS:
        return ASKS
    list_ = arranged(shop, one, world)
    if isinstance(list_, str) or world is None:
        return GONE if world is None else str(list_)
    ids = [item_id for item_id, _ in one.candidates]
    traits = traits_of(world, world.vocabulary.rows(ids))
    found = earned.get(one.recommendation_id, {})
    return Shown(
        person=one.query.user_id or f"list {one.recommendation_id}",  # who is not known is met once
        scenario=one.query.scenario,
        items=space.vocabulary.rows(ids),
        scores=list_.scores,
        diversity=list_.diversity,
        order=list_.order,
        before=list_.before,
        rewards=np.array([found.get(place.item_id, 0.0) for place in one.items]),
        served=list_.served,
        plain=traits.plain,
        alone=_alone(one, list_.scores, traits, shop),
        mixing=one.mixing,
    )


def _alone(one: Recommendation, scores: Doubles, traits: Traits, shop: Zhiyin) -> Doubles | None:
    """Scores without the part that a log taught before."""
    if not one.policy.endswith(TAUGHT):
        return scores
    learned = shop.learned() if one.settings == shop.settings.digest() else None
    return None if learned is None else learned.without(scores, traits)
