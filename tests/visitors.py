"""People who look at lists of a shop and click what is good, as a page would report it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.shop import Zhiyin
from zhiyin.types import Event, Query, Recommendation

FIRST_DAY = datetime(2026, 10, 1, tzinfo=UTC)
MINUTES = 11  # between two lists


def visited(
    shop: Zhiyin,
    likes: Callable[[str, str], float],
    n_lists: int,
    *,
    day: float = 0.0,
    n_people: int = 40,
    places: int = 5,
    seed: int = 0,
) -> list[Recommendation]:
    """Lists for people drawn by chance, all of their places seen; `likes` of person and item is the probability of
    a click. From this day on, a list each MINUTES."""
    rng = np.random.default_rng(seed)
    lists = []
    for number in range(n_lists):
        at = FIRST_DAY + timedelta(days=day, minutes=MINUTES * number)
        user = f"user {rng.integers(n_people)}"
        one = shop.recommender().recommend(Query(user, n=places), f"list {day} {number}", at)
        shop.store.log([one])
        shop.add_events(_answers(one, user, likes, rng))
        lists.append(one)
    return lists


def _answers(
    one: Recommendation, user: str, likes: Callable[[str, str], float], rng: np.random.Generator
) -> list[Event]:
    events = []
    for position, place in enumerate(one.items):
        told = {"recommendation_id": one.recommendation_id, "position": position}
        events.append(Event(user, place.item_id, "impression", one.at + timedelta(seconds=1), **told))
        if rng.random() < likes(user, place.item_id):
            events.append(Event(user, place.item_id, "click", one.at + timedelta(seconds=30 + position), **told))
    return events
