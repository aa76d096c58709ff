"""Simulated people in the made-up shop: synthetic, and the same for the same seed.

Each person has a few favourite departments, tastes among aisles, a purse, and often one need that runs across
departments (the answer sets of the wishes). They come in sessions, some of which begin with a search; within a
session one thing leads to another of its kind. What they like longer they look at longer, then like, put into
the cart, buy. Nothing is seen before it is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from zhiyin.data.shop.catalogue import Good, Wish
from zhiyin.types import Event, EventType

Vector = npt.NDArray[np.float64]

SEED = 20_260_601
PEOPLE, DAYS = 400, 60
START = datetime(2026, 4, 1, tzinfo=UTC)
SESSIONS = 6.0  # a person's, on average
LOOKS = 5.0  # in a session, on average
NEEDY = 0.7  # share of people with a need
SEARCHING = 0.25  # share of sessions that begin with a search
FAVOURITES = (2.4, 1.6, 1.0)  # what a favourite department adds, in logits
NEED, KIND = 2.6, 1.2  # what a need adds, and being in the department of the item before
_HOURS = np.array([1, 0, 0, 0, 0, 1, 3, 5, 5, 4, 4, 5, 7, 6, 4, 4, 4, 5, 7, 9, 11, 10, 7, 3], np.float64)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's hidden mind: what they feel for each item, in logits."""

    user_id: str
    liking: Vector  # (I,)
    mood: float  # how often they go further than looking


def simulate(goods: Sequence[Good], wishes: Sequence[Wish], seed: int = SEED) -> list[Event]:
    """All events of all people, in the order of time."""
    rng = np.random.default_rng(seed)
    world = _World(goods, wishes, rng)
    people = [world.person(f"person-{number:03d}", rng) for number in range(1, PEOPLE + 1)]
    events = [event for person in people for event in _life(world, person, rng)]
    return sorted(events, key=lambda event: (str(event.at), event.user_id, str(event.event_id)))


class _World:
    """The goods as arrays, and what they are to everybody."""

    def __init__(self, goods: Sequence[Good], wishes: Sequence[Wish], rng: np.random.Generator) -> None:
        self.goods = goods
        self.departments, self.department = np.unique([good.department for good in goods], return_inverse=True)
        self._aisles, self._aisle = np.unique([good.aisle for good in goods], return_inverse=True)
        self._price = np.log([good.price for good in goods])
        self._appeal = rng.normal(0, 0.6, len(goods))
        self._needs = [np.array([good.item_id in wish.answers for good in goods]) for wish in wishes]
        days = [(datetime.fromisoformat(good.published) - START) / timedelta(days=1) for good in goods]
        self.published = np.array(days)  # days after START

    def person(self, user_id: str, rng: np.random.Generator) -> Person:
        liking = self._appeal + rng.normal(0, 0.5, len(self._aisles))[self._aisle]
        favourites = rng.choice(len(self.departments), len(FAVOURITES), replace=False)
        for department, more in zip(favourites, FAVOURITES, strict=True):
            liking = liking + more * (self.department == department)
        purse = rng.normal(3.4, 0.6)  # log price they feel well with
        liking = liking - 0.5 * np.abs(self._price - purse)
        if rng.random() < NEEDY:
            liking = liking + NEED * self._needs[rng.integers(len(self._needs))]
        return Person(user_id, liking, mood=float(rng.normal(0, 0.5)))


def _life(world: _World, person: Person, rng: np.random.Generator) -> Iterator[Event]:
    """A person's sessions, in any order."""
    bought: set[int] = set()
    for number in range(1 + rng.poisson(SESSIONS * rng.gamma(2, 0.5))):
        day, hour = rng.integers(DAYS), rng.choice(24, p=_HOURS / _HOURS.sum())
        began = START + timedelta(days=int(day), hours=int(hour), seconds=int(rng.integers(3600)))
        yield from _session(_Visit(world, person, f"{person.user_id}-{number:02d}", began, rng), bought)


class _Visit:
    """One session: where the clock stands, and how events are written down."""

    def __init__(
        self, world: _World, person: Person, session_id: str, at: datetime, rng: np.random.Generator
    ) -> None:
        self.world, self.person, self.rng = world, person, rng
        self._session_id, self._at, self._count = session_id, at, 0
        self.day = (at - START) / timedelta(days=1)

    def event(
        self, type_: EventType, row: int | None, *, value: float | None = None, text: str | None = None
    ) -> Event:
        """What happens now; then the clock moves on."""
        self._count += 1
        made = Event(
            user_id=self.person.user_id,
            item_id=None if row is None else self.world.goods[row].item_id,
            type=type_,
            at=self._at,
            value=value,
            text=text,
            event_id=f"{self._session_id}-{self._count:02d}",
            session_id=self._session_id,
        )
        self._at += timedelta(seconds=int((value or 0) + self.rng.integers(3, 20)))
        return made


def _session(visit: _Visit, bought: set[int]) -> Iterator[Event]:
    world, rng = visit.world, visit.rng
    left = world.published <= visit.day
    before: int | None = None
    for _ in range(1 + rng.poisson(LOOKS - 1)):
        logits = visit.person.liking.copy()
        if before is not None:
            logits += KIND * (world.department == world.department[before])
        row = _drawn(np.where(left, logits, -np.inf), rng)
        left[row] = False
        if before is None and rng.random() < SEARCHING:
            yield visit.event("search", None, text=world.goods[row].aisle.lower())
        yield from _look(visit, row, bought)
        before = row


def _look(visit: _Visit, row: int, bought: set[int]) -> Iterator[Event]:
    """Click, look, and perhaps more: the better it is liked, the further it goes."""
    rng = visit.rng
    liking = float(visit.person.liking[row]) - float(np.quantile(visit.person.liking, 0.95)) + visit.person.mood
    yield visit.event("click", row)
    dwell = round(float(np.clip(rng.lognormal(2.6 + 0.5 * liking, 0.6), 1, 240)), 1)
    yield visit.event("view", row, value=dwell)
    if liking < -1.5 and rng.random() < 0.15:
        yield visit.event("dislike" if rng.random() < 0.5 else "hide", row)
        return
    if rng.random() < _chance(liking - 1.8):
        yield visit.event("like", row)
    if row not in bought and rng.random() < _chance(liking - 1.2):
        yield visit.event("cart", row)
        if rng.random() < 0.6:
            bought.add(row)
            yield visit.event("purchase", row)


def _drawn(logits: Vector, rng: np.random.Generator) -> int:
    return int(np.argmax(logits + rng.gumbel(size=len(logits))))


def _chance(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))
