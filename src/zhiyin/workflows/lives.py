"""One copy of a shop under one policy, with the people who use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush

import numpy as np

from zhiyin.bundle import SHORT
from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import key_of
from zhiyin.errors import InvalidData, NotPublishable
from zhiyin.evaluation.posing import Terms
from zhiyin.metrics.intervals import Interval
from zhiyin.policies.base import Noise, Policy
from zhiyin.ranking.diversity import Diversity
from zhiyin.shop import Zhiyin
from zhiyin.simulation.browsing import CLICKS, Browsing, Visit
from zhiyin.simulation.world import World, sigmoid
from zhiyin.types import Event, EventType, Item, Query, Recommendation
from zhiyin.workflows.courses import Turn
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.publish import publish
from zhiyin.workflows.train import train
from zhiyin.workflows.worlds import Arrival


@dataclass(frozen=True, slots=True)
class Visits:
    """A round, the same for every copy: who comes when, and what they want."""

    number: int
    at: datetime
    moments: tuple[datetime, ...]  # rising
    people: tuple[int, ...]  # who comes at each
    utility: Doubles  # (P, I)
    chances: tuple[Visit, ...]  # by person
    n: int


class Life:
    """A copy that is used. `wants` holds the truth about every list: what its person wants of each candidate."""

    def __init__(
        self, shop: Zhiyin, world: World, browsing: Browsing, n_people: int, arrivals: Sequence[Arrival]
    ) -> None:
        self.shop, self.world, self.arrivals = shop, world, tuple(arrivals)
        self.by_person = np.zeros(n_people)
        self.wants: dict[str, Doubles] = {}
        self._browsing = browsing
        self._had = np.zeros((n_people, len(world.ids)), bool)  # clicked, which nobody wants twice, or hidden
        self._new = {arrival.item.item_id for arrival in arrivals}
        self._there = np.array([id_ not in self._new for id_ in world.ids])
        self._pending: list[tuple[datetime, str, Event]] = []  # a heap of what is still to come
        shop.store.delete_items([one.held_back for one in arrivals if one.held_back is not None])

    def turn(self, visits: Visits) -> Turn:
        """Everybody is shown a list and reacts, in time or late."""
        self._arrive(visits.number, visits.at)
        self.hear(visits.at)
        recommender = self.shop.recommender()
        shown = [
            recommender.recommend(
                Query(user_id=name_of(person), n=visits.n), f"simulated-{visits.number}-{person}", moment
            )
            for person, moment in zip(visits.people, visits.moments, strict=True)
        ]
        self.shop.store.log(shown)
        tallies = [self._react(one, person, visits) for one, person in zip(shown, visits.people, strict=True)]
        clicks, worth, best, chance, new_clicks = np.sum(tallies, axis=0).tolist()
        places = [place for one in shown for place in one.items]
        return Turn(
            lists=len(shown),
            clicks=round(clicks),
            worth=worth,
            best=best,
            chance=chance,
            places=len(places),
            explored=sum(place.explored for place in places),
            new_shown=sum(place.item_id in self._new for place in places),
            new_clicks=round(new_clicks),
        )

    def hear(self, until: datetime | None) -> None:
        """What happened by then is in the log; None: all that is still to come."""
        events = []
        while self._pending and (until is None or self._pending[0][0] <= until):
            events.append(heappop(self._pending)[-1])
        if events:
            self.shop.add_events(events)

    def learn(self) -> str:
        """Train on all that is in the log, measure, and promote what may go live: what came of it."""
        made = train(self.shop).bundle
        try:
            evaluate_bundle(self.shop, made, Terms(max_users=500, resamples=200))
            publish(self.shop, made)
        except (NotPublishable, InvalidData) as error:
            return str(error)
        return f"bundle {made[:SHORT]} was trained, measured and published"

    def truth(self, policy: Policy, draws: int = 20, rewards: Mapping[EventType, float] = CLICKS) -> Interval:
        """What lists that this policy fills would have earned, had it filled all lists so far from their own
        candidates: the expected value of every drawn list is exact, and so many are drawn for each. The interval
        is that of the draws alone, of these lists and no others."""
        lists = (one for one in self.shop.store.recommendations() if one.recommendation_id in self.wants)
        values = np.array([self._values(one, policy, draws, rewards) for one in lists])
        error = 1.96 * float(np.sqrt(values.var(axis=1, ddof=min(1, draws - 1)).sum() / draws)) / len(values)
        value = float(values.mean())
        return Interval(value, value - error, value + error)

    def _values(
        self, one: Recommendation, policy: Policy, draws: int, rewards: Mapping[EventType, float]
    ) -> list[float]:
        snapshot = self.shop.live().snapshot()
        rows = snapshot.vocabulary.rows([item_id for item_id, _ in one.candidates])
        scores = np.array([score for _, score in one.candidates])
        diversity = Diversity.of(snapshot.vectors[rows], self.shop.settings.ranking.diversity)
        wants, values = self.wants[one.recommendation_id], []
        for draw in range(draws):
            noise = Noise(key_of(f"{one.recommendation_id} {draw}"), snapshot.vocabulary.keys[rows])
            order, _ = policy.choose(scores, len(one.items), noise, diversity)
            values.append(self._browsing.value(wants[order], rewards))
        return values

    def _arrive(self, number: int, at: datetime) -> None:
        come = [one.item for one in self.arrivals if one.round == number]
        if come:
            self.shop.put_items([_published(item, at) for item in come])
            self._there[[self.world.rows[item.item_id] for item in come]] = True

    def _react(
        self, shown: Recommendation, person: int, visits: Visits
    ) -> tuple[float, float, float, float, float]:
        """The reactions are on their way; what the list earned, is worth, could have been worth, would be worth by
        chance, and what of the first was new."""
        utility = np.where(self._had[person] | ~self._there, -np.inf, visits.utility[person])
        wants = sigmoid(utility)
        rows = [self.world.rows[place.item_id] for place in shown.items]
        self.wants[shown.recommendation_id] = wants[[self.world.rows[id_] for id_, _ in shown.candidates]]
        open_ = wants[self._there & ~self._had[person]]
        best, chance = self._browsing.best(open_, visits.n), self._browsing.by_chance(open_, visits.n)
        worth = self._browsing.value(wants[rows])
        self.by_person[person] += worth
        clicked = 0, 0
        for one in visits.chances[person].reactions(self._browsing, rows, utility[rows]):
            item_id = shown.items[one.place].item_id
            if one.type in ("click", "hide"):
                self._had[person, rows[one.place]] = True
            if one.type == "click":
                clicked = clicked[0] + 1, clicked[1] + (item_id in self._new)
            at = shown.at + timedelta(milliseconds=round(1_000 * one.seconds))
            event_id = f"{shown.recommendation_id}-{one.place}-{one.type}"
            event = Event(
                name_of(person),
                item_id,
                one.type,
                at=at,
                event_id=event_id,
                recommendation_id=shown.recommendation_id,
                position=one.place,
            )
            heappush(self._pending, (at, event_id, event))
        return clicked[0], worth, best, chance, clicked[1]


def name_of(person: int) -> str:
    """A user id that says what it is."""
    return f"simulated-{person + 1}"


def _published(item: Item, at: datetime) -> Item:
    return replace(item, published_at=at)
