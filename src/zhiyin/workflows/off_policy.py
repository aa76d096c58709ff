"""`zhiyin replay --policy NAME`: what the lists of the log would have earned, had another policy filled them.

Each list is in the log with its candidates, their scores and the probability of every place. The policy in
question is asked how likely it would have filled the same places from the same candidates. Where that tells too
little, there is no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from zhiyin.errors import InvalidSettings
from zhiyin.metrics.bounds import bootstrap
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.policies.base import Policy
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin, policy_of
from zhiyin.types import IntervalName
from zhiyin.workflows.asking import asked
from zhiyin.workflows.shown_lists import Space, Worth, shown_lists, worth_of
from zhiyin.workflows.ways import SEED, Told, ways


@dataclass(frozen=True, slots=True)
class Question:
    """Another policy, what is worth something, and how doubt is told."""

    policy: Policy
    worth: Worth
    interval: IntervalName = "bootstrap"


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """All that the log says of the question."""

    n_lists: int
    n_people: int
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
        each = f"{self.earned.value:.4f} each [{self.earned.low:.4f}, {self.earned.high:.4f}]"
        lines = [f"{self.n_lists:,} lists of {self.n_people:,} people earned {each}"]
        lines += [f"left out: {n:,} lists {why}" for why, n in self.left_out.items()]
        return tuple(lines)


def question_of(
    shop: Zhiyin,
    said: Mapping[str, str | float | None],
    reward: str | None,
    interval: IntervalName = "bootstrap",
) -> Question:
    """Of a policy in the words of [policy] in zhiyin.toml, which also says what is left open. Raises
    InvalidSettings where there is no such policy or event."""
    taught = shop.live().folded.bundle.fitted.tempering
    return Question(policy_of(policy_said(shop, said), taught), worth_of(shop, reward), interval)


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
    space = Space.of(shop.live().snapshot())
    shown, left_out = shown_lists(shop, question.worth, space)
    found = asked(shown, question.policy, space)
    earned = found.log.rewards.sum(axis=1)
    nothing = np.zeros(len(earned))
    lists = Estimate(earned, nothing, nothing + 1.0)
    rng = np.random.default_rng(SEED)
    return OffPolicy(
        n_lists=len(shown),
        n_people=int(found.people.max()) + 1,
        earned=bootstrap(lists, rng, people=found.people),
        told=ways(found, question.interval),
        left_out=left_out,
    )
