"""What a simulation is asked for, and what it found: rounds, policies, and all of them side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import orjson

from zhiyin.errors import InvalidData
from zhiyin.metrics.bounds import normal
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.settings_lists import PolicySettings
from zhiyin.simulation.browsing import Browsing
from zhiyin.simulation.world import Nature


@dataclass(frozen=True, slots=True)
class Scene:
    """What is simulated."""

    rounds: int = 20
    people: int = 40
    n: int = 10  # places of a list
    seed: int = 0
    arriving: float = 0.05  # share of the items that come as new ones; half of their texts mislead
    learn_every: int = 0  # rounds after which the copies train, evaluate and publish; 0: never
    hours: float = 6.0  # between two rounds, in each of which everybody comes once
    nature: Nature = field(default_factory=Nature)
    browsing: Browsing = field(default_factory=Browsing)

    def __post_init__(self) -> None:
        if min(self.rounds, self.people, self.n) < 1:
            raise InvalidData(
                f"rounds, people and places are 1 or more, got {self.rounds}, {self.people} and {self.n}"
            )
        if not 0.0 <= self.arriving <= 0.5:
            raise InvalidData(f"the share of items that arrive is from 0 to 0.5, got {self.arriving}")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one round earned, over all its lists."""

    lists: int
    clicks: int  # as they happened, the late ones too
    worth: float  # clicks to be expected of these lists: exact
    best: float  # of the best lists for the same people, with the same past
    chance: float  # of lists that chance alone draws
    places: int
    explored: int  # of these, that a greedy policy would have filled otherwise
    new_shown: int  # places with items that arrived
    new_clicks: int
    note: str = ""  # what came of learning after this round


@dataclass(frozen=True, slots=True)
class Course:
    """What one policy earned, round by round."""

    policy: PolicySettings
    turns: tuple[Turn, ...]
    by_person: tuple[float, ...]  # clicks to be expected of all lists of each

    @property
    def name(self) -> str:
        """As a person would call it."""
        said = self.policy
        drawn = [f"temperature {said.temperature:g}"] * (said.name == "softmax")
        drawn += ["tempered"] * (said.name == "softmax" and said.tempered)
        drawn += ["adaptive"] * (said.name in ("softmax", "budgeted") and said.adaptive)
        drawn += [f"floor {said.floor:g}"] * (said.name != "greedy" and said.floor > 0)
        drawn += [f"holdout {said.holdout:g}"] * (said.holdout > 0)
        return f"{said.name} ({', '.join(drawn)})" if drawn else said.name

    def total(self, what: str) -> float:
        """Of all rounds: what a Turn counts, by its name."""
        return float(sum(getattr(turn, what) for turn in self.turns))

    @property
    def regret(self) -> float:
        """Expected clicks that the best lists would have earned beyond these, of the same people, list by list."""
        return self.total("best") - self.total("worth")


@dataclass(frozen=True, slots=True)
class Simulated:
    """All policies before the same people."""

    shop: str
    scene: Scene
    n_items: int
    n_arriving: int
    courses: tuple[Course, ...]

    def gain(self, n: int) -> Interval:
        """Expected clicks a list that course n earned beyond the first, with an interval over the people."""
        more = np.subtract(self.courses[n].by_person, self.courses[0].by_person) / self.scene.rounds
        return normal(Estimate(more, np.zeros(len(more)), np.ones(len(more))))

    def to_json(self) -> str:
        """Everything, for programs."""
        return orjson.dumps(self, default=_plain, option=orjson.OPT_INDENT_2).decode()

    @property
    def sentences(self) -> tuple[str, ...]:
        """For a terminal."""
        said = [
            f"{self.scene.people:,} simulated people, {self.scene.rounds:,} rounds, {self.n_items:,} items, "
            f"{self.n_arriving:,} of them new, half of these with texts that mislead; nothing of it is in the log "
            "of the shop"
        ]
        for n, course in enumerate(self.courses[1:], start=1):
            gain = self.gain(n)
            said.append(
                f"{course.name} earned {gain.value:+.4f} clicks a list [{gain.low:+.4f}, {gain.high:+.4f}] "
                f"beyond {self.courses[0].name}, of the same people"
            )
        said += [f"{course.name}: {turn.note}" for course in self.courses for turn in course.turns if turn.note]
        return tuple(said)


def _plain(value: object) -> object:
    if isinstance(value, PolicySettings):
        return value.model_dump()
    raise TypeError(f"a {type(value).__name__} is not JSON")
