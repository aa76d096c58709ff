"""Two policies side by side: the lists of both for one person, and both before made-up people.

Nothing of it is logged: lists are computed and thrown away, and people use copies of the shop that go away.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import get_args

import numpy as np
import orjson
from pydantic import ValidationError

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData, ZhiyinError
from zhiyin.service.answers import Metadata, item_in, metadata
from zhiyin.service.problems import BadBody, Overloaded, told
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.simulation.browsing import Browsing
from zhiyin.simulation.world import Crowd, World
from zhiyin.snapshot import Snapshot
from zhiyin.types import Place, Query, Reason
from zhiyin.workflows.courses import Scene, Turn
from zhiyin.workflows.simulate import Simulation, begun
from zhiyin.workflows.worlds import world_of

PLACES = 8  # of each list
MADE_UP = 6  # people to choose from, beside those of the shop
LOVED = 3  # items that a made-up person already said they like
MOST_PEOPLE, MOST_ROUNDS = 60, 30
MOST_EVENTS, MOST_ITEMS = 200_000, 20_000  # of a shop that is copied while it serves
NAMES: tuple[str, ...] = get_args(PolicySettings.model_fields["name"].annotation)


@dataclass(frozen=True, slots=True)
class Card:
    """One place of a list."""

    item_id: str
    probability: float  # with which it was drawn for this place, given those above
    explored: bool
    score: float
    reasons: tuple[Reason, ...]
    want: float | None  # the truth about a made-up person: whether they want it, if they look
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Side:
    """What one policy shows."""

    policy: PolicySettings
    items: tuple[Card, ...]
    expected: float | None  # clicks of a made-up person


@dataclass(frozen=True, slots=True)
class Pair:
    """Both lists for one person, drawn by the same chances."""

    sides: tuple[Side, Side]
    shared: int  # items that stand in both
    loved: tuple[str, ...]  # titles of what a made-up person likes


@dataclass(frozen=True, slots=True)
class Stand:
    """One policy after a round: means over its lists."""

    clicks: float  # expected
    best: float
    chance: float
    happened: float
    explored: float  # share of places
    regret: float  # added up over the rounds, a list


@dataclass(frozen=True, slots=True)
class Step:
    """A round of both."""

    round: int
    of: int
    sides: tuple[Stand, ...]


class Stage:
    """Where two policies of a shop are shown. Safe to share between threads; one race at a time."""

    def __init__(self, shop: Zhiyin) -> None:
        self._shop = shop
        self._racing = Lock()
        self._made: tuple[Snapshot, World, Crowd] | None = None

    def pair(self, left: PolicySettings, right: PolicySettings, query: Query, draw: int) -> Pair:
        """For somebody the shop knows, or for nobody it knows."""
        sides = [self._places(policy, query, draw) for policy in (left, right)]
        return self._paired((left, right), sides, None, ())

    def made_up(self, left: PolicySettings, right: PolicySettings, person: int, draw: int) -> Pair:
        """For a made-up person, of whom the truth is known. `person` from 0. Raises InvalidData as a race does."""
        self._check_size()
        snapshot, world, crowd = self._people()
        wants = world.wants(crowd.tastes[person : person + 1])[0]
        loved = [world.ids[row] for row in np.argsort(-wants, kind="stable")[:LOVED].tolist()]
        query = Query(like=tuple(loved), n=PLACES)
        sides = [self._places(policy, query, draw) for policy in (left, right)]
        titles = tuple(item_in(snapshot, item_id).title or item_id for item_id in loved)
        return self._paired((left, right), sides, (world, wants), titles)

    def check_race(self) -> None:
        """Raises Overloaded while there is one, and InvalidData for a shop that is too large to be copied while it
        serves."""
        if self._racing.locked():
            raise Overloaded("two policies are being simulated already: one at a time, try again in a minute")
        self._check_size()

    async def race(self, policies: Sequence[PolicySettings], scene: Scene) -> AsyncIterator[bytes]:
        """A line of JSON a round; whoever goes away ends it. What goes wrong is a problem in the last line."""
        if not self._racing.acquire(blocking=False):
            yield bytes(told(Overloaded("two policies are being simulated already: try again in a minute")).body)
            return
        loop, stack = asyncio.get_running_loop(), ExitStack()
        alone = ThreadPoolExecutor(1, thread_name_prefix="zhiyin-race")
        try:
            begin = partial(stack.enter_context, begun(self._shop, policies, scene))
            simulation = await loop.run_in_executor(alone, begin)
            regrets = np.zeros(len(policies))
            for _ in range(scene.rounds):
                turns = await loop.run_in_executor(alone, simulation.turn)
                regrets += [(turn.best - turn.worth) / turn.lists for turn in turns]
                yield orjson.dumps(_step(simulation, turns, regrets.tolist())) + b"\n"
        except ZhiyinError as error:
            yield bytes(told(error).body) + b"\n"
        finally:
            leaving = alone.submit(self._leave, stack)  # after the round under way, also where nobody waits for it
            alone.shutdown(wait=False)
        await asyncio.wrap_future(leaving)

    def _leave(self, stack: ExitStack) -> None:
        try:
            stack.close()
        finally:
            self._racing.release()

    def _check_size(self) -> None:
        counts = self._shop.store.counts()
        if counts["events"] > MOST_EVENTS or counts["items"] > MOST_ITEMS:
            raise InvalidData(
                f"a shop of {counts['items']:,} items and {counts['events']:,} events is too large for "
                "made-up people while it serves: zhiyin simulate --policy NAME does the same beside it"
            )

    def _places(self, policy: PolicySettings, query: Query, draw: int) -> tuple[Place, ...]:
        recommender = self._shop.recommender(policy=policy)
        return recommender.recommend(query, f"side by side {draw}", datetime.now(UTC)).items

    def _people(self) -> tuple[Snapshot, World, Crowd]:
        """Made anew when the catalogue, or what reads it, has changed."""
        now, made = self._shop.live().snapshot(), self._made
        if made is None or made[0].items is not now.items or made[0].bundle is not now.bundle:
            world, _ = world_of(self._shop, Scene(arriving=0.0))
            self._made = made = now, world, Crowd.drawn(world, MADE_UP, np.random.default_rng(0))
        return made

    def _paired(
        self,
        policies: tuple[PolicySettings, PolicySettings],
        sides: Sequence[tuple[Place, ...]],
        truth: tuple[World, Doubles] | None,
        loved: tuple[str, ...],
    ) -> Pair:
        snapshot = self._shop.live().folded
        left, right = (
            _side(policy, places, truth, snapshot) for policy, places in zip(policies, sides, strict=True)
        )
        shared = {card.item_id for card in left.items} & {card.item_id for card in right.items}
        return Pair((left, right), len(shared), loved)


def policy_in(said: str) -> PolicySettings:
    """A policy as JSON in an address. Raises BadBody."""
    try:
        return PolicySettings.model_validate_json(said, strict=True)
    except ValidationError as error:
        why = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadBody(f'a policy is JSON such as {{"name": "greedy"}}: {why}, got {said[:80]!r}') from None


def _side(
    policy: PolicySettings, places: Sequence[Place], truth: tuple[World, Doubles] | None, snapshot: Snapshot
) -> Side:
    wants = None
    if truth is not None:
        world, known = truth
        wants = np.array([known[world.rows[place.item_id]] for place in places])
    cards = tuple(
        Card(
            item_id=place.item_id,
            probability=math.exp(place.log_propensity),
            explored=place.explored,
            score=place.score,
            reasons=place.reasons,
            want=None if wants is None else float(wants[n]),
            metadata=metadata(item_in(snapshot, place.item_id)),
        )
        for n, place in enumerate(places)
    )
    return Side(policy, cards, None if wants is None else Browsing().value(wants))


def _step(simulation: Simulation, turns: Sequence[Turn], regrets: Sequence[float]) -> Step:
    return Step(
        simulation.round,
        simulation.scene.rounds,
        tuple(
            Stand(
                clicks=turn.worth / turn.lists,
                best=turn.best / turn.lists,
                chance=turn.chance / turn.lists,
                happened=turn.clicks / turn.lists,
                explored=turn.explored / max(1, turn.places),
                regret=regret,
            )
            for turn, regret in zip(turns, regrets, strict=True)
        ),
    )
