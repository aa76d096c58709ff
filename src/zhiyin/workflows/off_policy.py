"""`zhiyin replay --policy NAME`: what the lists of the log would have earned, had another policy filled them.

Each list is in the log with its candidates, their scores and the probability of every place. The policy in
question is asked how likely it would have filled the same places from the same candidates. Where that tells too
little, there is no number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from pydantic import ValidationError

from zhiyin.data.dataset import Doubles
from zhiyin.data.rewards import outcome, reward_of
from zhiyin.data.signals import WEIGHTS, Signals
from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.metrics.bounds import normal
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.metrics.off_policy_lists import LoggedLists, self_normalised
from zhiyin.metrics.overlap import Overlap
from zhiyin.policies.base import Policy
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin, policy_of
from zhiyin.snapshot import Snapshot
from zhiyin.types import EventType, Recommendation
from zhiyin.workflows.logged_lists import arranged, with_worlds

WORST = ("green", "amber", "red")


@dataclass(frozen=True, slots=True)
class Question:
    """Another policy, and what is held to be worth something."""

    policy: Policy
    signals: Signals
    reward: EventType | None = None  # this event alone, worth 1; None: any, by the weights of the signals
    scenario: str | None = None  # lists of this one alone


@dataclass(frozen=True, slots=True)
class Told:
    """One way to tell what another policy would have earned a list."""

    way: str
    assumes: str
    overlap: Overlap
    value: Interval | None  # None where the log cannot tell
    gain: Interval | None  # over what was earned, list by list


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """All that the log says of the question."""

    n_lists: int
    earned: Interval  # a list, as they were shown
    told: tuple[Told, ...]
    left_out: Mapping[str, int]  # lists, by why

    @property
    def answered(self) -> bool:
        """Whether the log can tell, in any way."""
        return any(one.value is not None for one in self.told)

    @property
    def sentences(self) -> tuple[str, ...]:
        """For a terminal."""
        low, high = self.earned.low, self.earned.high
        lines = [f"{self.n_lists:,} lists earned {self.earned.value:.4f} each [{low:.4f}, {high:.4f}]"]
        lines += [f"left out: {n:,} lists {why}" for why, n in self.left_out.items()]
        return tuple(lines)


def question_of(shop: Zhiyin, said: Mapping[str, str | float | None], reward: str | None) -> Question:
    """Of a policy in the words of [policy] in zhiyin.toml, which also says what is left open. Raises
    InvalidSettings where there is no such policy or event."""
    if reward is not None and reward not in WEIGHTS:
        raise InvalidSettings(f"no event is called {reward!r}: there are {', '.join(WEIGHTS)}")
    policy = policy_of(policy_said(shop, said))
    return Question(policy, shop.settings.data.signals, cast("EventType | None", reward))


def policy_said(shop: Zhiyin, said: Mapping[str, str | float | None]) -> PolicySettings:
    """The words of [policy], and what they leave open as the shop has it. Raises InvalidSettings."""
    words = shop.settings.policy.model_dump() | {name: one for name, one in said.items() if one is not None}
    try:
        return PolicySettings.model_validate(words)
    except ValidationError as error:
        told = (f"{one['loc'][0]}: {one['msg']}, got {one['input']!r}" for one in error.errors())
        raise InvalidSettings(f"no such policy: {'; '.join(told)}") from None


def off_policy(shop: Zhiyin, question: Question) -> OffPolicy:
    """Raises NotFound where there is no list to learn from."""
    earned = rewards_of(shop, question)
    rows = [
        _row(one, world, question, shop, earned.get(one.recommendation_id, {}))
        for one, world in with_worlds(shop, _lists(shop, question))
    ]
    kept = [row for row in rows if isinstance(row, _Row)]
    left_out = Counter(row for row in rows if isinstance(row, str))
    if not kept:
        told = "".join(f"; {n:,} {why}" for why, n in left_out.items())
        raise NotFound(
            f"no list in the log says anything about another policy{told}: serve lists, and "
            "send events with their recommendation_id"
        )
    log = _together(kept)
    return OffPolicy(len(kept), normal(_mean(log.rewards.sum(axis=1))), _ways(log), dict(left_out))


def rewards_of(shop: Zhiyin, question: Question) -> Mapping[str, Mapping[str, float]]:
    """By recommendation id, then item: between -1 and 1, what showing it came to."""
    found: dict[str, dict[str, float]] = {}
    for one in shop.store.answers.stream():
        if question.reward is None:
            reward = reward_of(question.signals, one.type, one.value)
        else:
            reward = float(one.type == question.reward)
        items = found.setdefault(one.recommendation_id, {})
        items[one.item_id] = outcome((reward, items.get(one.item_id, 0.0)))
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """(N,) of one list."""

    rewards: Doubles
    before: Doubles
    target: Doubles


def _lists(shop: Zhiyin, question: Question) -> Iterator[Recommendation]:
    """The lists in question."""
    shop.progress.start("asking the policy about logged lists", 0)
    for number, one in enumerate(shop.store.recommendations(), start=1):
        if question.scenario is None or one.query.scenario == question.scenario:
            yield one
        if number % 100 == 0:
            shop.progress.advance(number, "")
    shop.progress.done()


def _row(
    one: Recommendation, world: Snapshot | None, question: Question, shop: Zhiyin, earned: Mapping[str, float]
) -> _Row | str:
    """What a list says, or why it says nothing."""
    found = arranged(shop, one, world)
    if isinstance(found, str):
        return found
    rewards = np.array([earned.get(place.item_id, 0.0) for place in one.items])
    return _Row(rewards, found.before, question.policy.log_probs(found.scores, found.order, found.diversity))


def _together(rows: list[_Row]) -> LoggedLists:
    """As (n, L): what a shorter list lacks earns nothing, for sure."""
    shape = len(rows), max(len(row.rewards) for row in rows)
    rewards, before, target = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for n, row in enumerate(rows):
        width = len(row.rewards)
        rewards[n, :width], before[n, :width], target[n, :width] = row.rewards, row.before, row.target
    return LoggedLists(rewards, before, target)


def _ways(log: LoggedLists) -> tuple[Told, ...]:
    """From what assumes most to what assumes nothing."""
    whole = np.repeat(log.so_far[:, -1:], log.rewards.shape[1], axis=1)
    ways = (
        ("place by place", "a place earns by its item alone", log.weights),
        ("cascade", "a place earns by its item and those above", log.so_far),
        ("whole list", "a place earns by the whole list", whole),
    )
    return tuple(_told(way, assumes, log.rewards, weights) for way, assumes, weights in ways)


def _told(way: str, assumes: str, rewards: Doubles, weights: Doubles) -> Told:
    overlap = min(
        (Overlap.of(weights[:, place]) for place in range(weights.shape[1])),
        key=lambda one: (-WORST.index(one.light), one.effective),
    )
    if overlap.light == "red":
        return Told(way, assumes, overlap, None, None)
    found = self_normalised(rewards, weights)
    gain = normal(_mean(found.addends - rewards.sum(axis=1)))
    return Told(way, assumes, overlap, normal(found), gain)


def _mean(addends: Doubles) -> Estimate:
    return Estimate(addends, np.zeros(len(addends)), np.ones(len(addends)))
