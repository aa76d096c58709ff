"""`zhiyin simulate`: made-up people use copies of the shop, one copy a policy, and the truth about them is known.

The same people come at the same moments to every copy, with the same chances of looking, wanting and being late
(common random numbers); what they were shown before is their own history there. Lists come from the shop itself,
reactions go through its event log with the list's id, place and time, late ones after other lists were made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.errors import InvalidData
from zhiyin.metrics.bounds import normal
from zhiyin.metrics.intervals import Interval
from zhiyin.metrics.off_policy import Estimate
from zhiyin.models.popular import Popular
from zhiyin.policies.whitening import Whitening
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.simulation.browsing import Browsing, Visit
from zhiyin.simulation.world import Crowd, Hints, Nature, World
from zhiyin.types import Item
from zhiyin.workflows.lives import Arrival, Life, Turn, Visits
from zhiyin.workflows.scratch import scratch_copy

AXES = 16  # main axes of what was read that tastes lie along
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)  # where no event says what time it is
NEWEST = 1_000  # events of the log that are asked for the time
ARRIVED_BY = 0.6  # share of the rounds after which nothing new comes


@dataclass(frozen=True, slots=True)
class Wishes:
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
        drawn += [f"floor {said.floor:g}"] * (said.name != "greedy" and said.floor > 0)
        drawn += [f"holdout {said.holdout:g}"] * (said.holdout > 0)
        return f"{said.name} ({', '.join(drawn)})" if drawn else said.name

    def total(self, what: str) -> float:
        """Of all rounds: lists, clicks, worth, best, chance, explored, new_shown, new_clicks."""
        return float(sum(getattr(turn, what) for turn in self.turns))

    @property
    def regret(self) -> float:
        """Expected clicks that the best lists would have earned beyond these, of the same people, list by list."""
        return self.total("best") - self.total("worth")


@dataclass(frozen=True, slots=True)
class Simulated:
    """All policies before the same people."""

    shop: str
    wishes: Wishes
    n_items: int
    n_arriving: int
    courses: tuple[Course, ...]

    def gain(self, n: int) -> Interval:
        """Expected clicks a list that course n earned beyond the first, with an interval over the people."""
        more = np.subtract(self.courses[n].by_person, self.courses[0].by_person) / self.wishes.rounds
        return normal(Estimate(more, np.zeros(len(more)), np.ones(len(more))))

    @property
    def sentences(self) -> tuple[str, ...]:
        """For a terminal."""
        said = [
            f"{self.wishes.people:,} simulated people, {self.wishes.rounds:,} rounds, {self.n_items:,} items, "
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


def simulate(shop: Zhiyin, policies: Sequence[PolicySettings], wishes: Wishes) -> Simulated:
    """All rounds. Raises InvalidData without items, and for wishes that cannot be."""
    with begun(shop, policies, wishes) as simulation:
        shop.progress.start("simulating people", wishes.rounds)
        for done in range(1, wishes.rounds + 1):
            turns = simulation.turn()
            told = ", ".join(f"{turn.worth / turn.lists:.2f}" for turn in turns)
            shop.progress.advance(done, f"clicks a list {told}")
        shop.progress.done()
        return simulation.simulated()


@contextmanager
def begun(shop: Zhiyin, policies: Sequence[PolicySettings], wishes: Wishes) -> Iterator[Simulation]:
    """Before the first round: a copy of the shop for each policy, all gone when the block ends."""
    world, arrivals = world_of(shop, wishes)
    with ExitStack() as stack:
        lives = []
        for policy in policies:
            copy = stack.enter_context(scratch_copy(shop, policy))
            lives.append(Life(copy, world, wishes.browsing, wishes.people, arrivals))
        yield Simulation(shop.settings.name, world, lives, wishes, _now(shop))


class Simulation:
    """The copies as the rounds go by. `lives` may be looked at between two rounds, and their shops be used."""

    def __init__(self, name: str, world: World, lives: Sequence[Life], wishes: Wishes, at: datetime) -> None:
        self.name, self.world, self.lives, self.wishes, self.at = name, world, lives, wishes, at
        self.round = 0
        self.crowd = Crowd.drawn(world, wishes.people, self._rng(0))
        self._turns: list[tuple[Turn, ...]] = []

    def turn(self) -> tuple[Turn, ...]:
        """One round: everybody comes once, to each copy."""
        self.round += 1
        wishes, rng = self.wishes, self._rng(1, self.round)
        if self.round > 1:
            self.at += timedelta(hours=wishes.hours)
            self.crowd = self.crowd.drifted(self.world, wishes.hours / 24.0, rng)
        seconds = np.sort(rng.uniform(0.0, wishes.hours * 3_600, wishes.people))
        visits = Visits(
            number=self.round,
            at=self.at,
            moments=tuple(self.at + timedelta(seconds=round(one)) for one in seconds.tolist()),
            people=tuple(rng.permutation(wishes.people).tolist()),
            utility=self.world.utility(self.crowd.tastes),
            chances=tuple(
                Visit.of(len(self.world.ids), self._rng(2, self.round, one)) for one in range(wishes.people)
            ),
            n=wishes.n,
        )
        turns = tuple(life.turn(visits) for life in self.lives)
        if wishes.learn_every and self.round % wishes.learn_every == 0 and self.round < wishes.rounds:
            turns = tuple(replace(turn, note=life.learn()) for turn, life in zip(turns, self.lives, strict=True))
        self._turns.append(turns)
        return turns

    def settle(self) -> None:
        """Everything that is still to come of the lists so far is in the logs of the copies."""
        for life in self.lives:
            life.hear(None)

    def simulated(self) -> Simulated:
        """What was earned so far."""
        courses = tuple(
            Course(life.shop.settings.policy, tuple(turns), tuple(life.by_person.tolist()))
            for life, turns in zip(self.lives, zip(*self._turns, strict=True), strict=True)
        )
        wishes = replace(self.wishes, rounds=self.round)
        n_arriving = len(self.lives[0].arrivals)
        return Simulated(self.name, wishes, len(self.world.ids), n_arriving, courses)

    def _rng(self, *of_what: int) -> np.random.Generator:
        return np.random.default_rng([self.wishes.seed, *of_what])


def world_of(shop: Zhiyin, wishes: Wishes) -> tuple[World, tuple[Arrival, ...]]:
    """The items that can be shown now, with the vectors by which they are read and the past that they have; and
    those of them that are held back and come as new ones, under a new id. Raises InvalidData without items."""
    snapshot = shop.live().snapshot()
    rows = np.flatnonzero(snapshot.available)
    if not len(rows):
        raise InvalidData("there is no item that can be shown: zhiyin import, or POST /v1/items, adds some")
    rng = np.random.default_rng([wishes.seed, 3])
    vectors = snapshot.vectors[rows]
    popular = snapshot.models.get("popular")
    taken = np.log1p(popular.counts[rows]) if isinstance(popular, Popular) else np.zeros(len(rows))
    held = np.sort(rng.permutation(len(rows))[: round(wishes.arriving * len(rows))])
    misleads = np.zeros(len(rows), bool)
    misleads[held[1::2]] = True
    taken[held] = taken.mean()  # nobody has taken what is new
    items = [snapshot.items[row] for row in rows.tolist()]
    ids = [item.item_id for item in items if item is not None]
    arrivals = tuple(_arrivals(items, held.tolist(), wishes.rounds))
    for arrival in arrivals:
        ids[ids.index(arrival.held_back)] = arrival.item.item_id
    z = Whitening.of(vectors, min(AXES, max(1, len(rows) - 1)))(vectors)
    return World.drawn(wishes.nature, ids, z, rng, Hints(taken, misleads)), arrivals


def _arrivals(items: Sequence[Item | None], held: Sequence[int], rounds: int) -> Iterator[Arrival]:
    last = max(1.0, ARRIVED_BY * rounds)
    for number, row in enumerate(held):
        item = items[row]
        if item is not None:
            after = 1 + int(last * number / len(held))
            yield Arrival(after, item.item_id, replace(item, item_id=f"new-{number + 1}"))


def _now(shop: Zhiyin) -> datetime:
    """The hour after the newest events of the log: a copy lives on from there, whatever the clock on the wall."""
    last = shop.store.last_event()
    newest = shop.store.events(after=max(0, last - NEWEST), until=last)
    at = max((event.at for _, event in newest if event.at is not None), default=BEGINS)
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
