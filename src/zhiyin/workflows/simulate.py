"""`zhiyin simulate`: made-up people use copies of the shop, one copy a policy, and the truth about them is known.

The same people come at the same moments to every copy, with the same chances of looking, wanting and being late
(common random numbers); what they were shown before is their own history there. Lists come from the shop itself,
reactions go through its event log with the list's id, place and time, late ones after other lists were made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.simulation.browsing import Visit
from zhiyin.simulation.world import Crowd, World
from zhiyin.workflows.courses import Course, Scene, Simulated, Turn
from zhiyin.workflows.lives import Life, Visits
from zhiyin.workflows.scratch import scratch_copy
from zhiyin.workflows.worlds import Newcomer, world_of

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)  # where no event says what time it is
NEWEST = 1_000  # events of the log that are asked for the time


def simulate(shop: Zhiyin, policies: Sequence[PolicySettings], scene: Scene) -> Simulated:
    """All rounds. Raises InvalidData without items, and for a scene that cannot be."""
    with begun(shop, policies, scene) as simulation:
        shop.progress.start("simulating people", scene.rounds)
        for done in range(1, scene.rounds + 1):
            turns = simulation.turn()
            told = ", ".join(f"{turn.worth / turn.lists:.2f}" for turn in turns)
            shop.progress.advance(done, f"clicks a list {told}")
        shop.progress.done()
        return simulation.simulated()


@contextmanager
def begun(
    shop: Zhiyin, policies: Sequence[PolicySettings], scene: Scene, newcomers: Sequence[Newcomer] = ()
) -> Iterator[Simulation]:
    """Before the first round: a copy of the shop for each policy, all gone when the block ends. `newcomers` arrive
    beside what the scene holds back."""
    world, arrivals = world_of(shop, scene, newcomers)
    with ExitStack() as stack:
        lives = []
        for policy in policies:
            copy = stack.enter_context(scratch_copy(shop, policy))
            lives.append(Life(copy, world, scene.browsing, scene.people, arrivals))
        yield Simulation(shop.settings.name, world, lives, scene, _now(shop))


class Simulation:
    """The copies as the rounds go by. `lives` may be looked at between two rounds, and their shops be used."""

    def __init__(self, name: str, world: World, lives: Sequence[Life], scene: Scene, at: datetime) -> None:
        self.name, self.world, self.lives, self.scene, self.at = name, world, lives, scene, at
        self.round = 0
        self.crowd = Crowd.drawn(world, scene.people, self._rng(0))
        self._turns: list[tuple[Turn, ...]] = []

    def turn(self) -> tuple[Turn, ...]:
        """One round: everybody comes once, to each copy."""
        self.round += 1
        scene, rng = self.scene, self._rng(1, self.round)
        if self.round > 1:
            self.at += timedelta(hours=scene.hours)
            self.crowd = self.crowd.drifted(self.world, scene.hours / 24.0, rng)
        seconds = np.sort(rng.uniform(0.0, scene.hours * 3_600, scene.people))
        visits = Visits(
            number=self.round,
            at=self.at,
            moments=tuple(self.at + timedelta(seconds=round(one)) for one in seconds.tolist()),
            people=tuple(rng.permutation(scene.people).tolist()),
            utility=self.world.utility(self.crowd.tastes),
            chances=tuple(
                Visit.of(len(self.world.ids), self._rng(2, self.round, one)) for one in range(scene.people)
            ),
            n=scene.n,
        )
        turns = tuple(life.turn(visits) for life in self.lives)
        if scene.learn_every and self.round % scene.learn_every == 0 and self.round < scene.rounds:
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
        scene = replace(self.scene, rounds=self.round)
        n_arriving = len(self.lives[0].arrivals)
        return Simulated(self.name, scene, len(self.world.ids), n_arriving, courses)

    def _rng(self, *of_what: int) -> np.random.Generator:
        return np.random.default_rng([self.scene.seed, *of_what])


def _now(shop: Zhiyin) -> datetime:
    """The hour after the newest events of the log: a copy lives on from there, whatever the clock on the wall."""
    last = shop.store.last_event()
    newest = shop.store.events(after=max(0, last - NEWEST), until=last)
    at = max((event.at for _, event in newest if event.at is not None), default=BEGINS)
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
