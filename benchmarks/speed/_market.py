"""A made market for training: texts of real words, few items that many take, people with tastes and habits.

Popularity falls as 1 / (rank + 30)^0.9, so that of 10,000 items the first hundredth is taken as often as
the last half; histories have lognormal lengths; four of ten events stay near the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.data.shop.catalogue import read_goods
from zhiyin.types import Event, EventType, Item

AISLES = 200
TASTES = 4  # aisles that a person likes
MEAN_LENGTH, SPREAD = 25, 0.9  # events of a person, and the sigma of their logarithm
NEAR = 0.4  # of the events: an item close to the one before
ANYTHING = 0.15  # of the events: whatever is popular
CLOSE = 6  # places between two items that go together
TITLE_WORDS, TEXT_WORDS = 6, 36
DAYS = 180
START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS: tuple[EventType, ...] = ("view", "click", "cart", "purchase")
KIND_SHARES = (0.55, 0.25, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Market:
    """So many items and events; everything follows from the seed."""

    n_items: int
    n_events: int
    seed: int = 5

    def items(self) -> Iterator[Item]:
        """Items of an aisle share half of their words; the other words are anybody's."""
        rng = np.random.default_rng(self.seed)
        words = np.array(sorted({word for good in read_goods() for word in str(good.row["text"]).split()}))
        of_aisle = rng.integers(0, len(words), (AISLES, 60))
        for number in range(self.n_items):
            aisle = number % AISLES
            own = words[of_aisle[aisle][rng.integers(0, 60, (TITLE_WORDS + TEXT_WORDS) // 2)]]
            others = words[(rng.random((TITLE_WORDS + TEXT_WORDS) // 2) ** 2 * len(words)).astype(np.int64)]
            said = rng.permutation(np.concatenate([own, others])).tolist()
            yield Item(
                f"item-{number}",
                title=" ".join(said[:TITLE_WORDS]),
                text=" ".join(said[TITLE_WORDS:]),
                categories=(f"department {aisle // 10}", f"aisle {aisle}"),
                brand=f"brand {number % 311}",
                price=round(float(rng.lognormal(3, 1)), 2),
            )

    def events(self) -> Iterator[Event]:
        """Person by person, each in order of time."""
        rng = np.random.default_rng(self.seed + 1)
        people = self._people(rng)
        items = self._taken(people, rng).tolist()
        kinds = rng.choice(len(KINDS), self.n_events, p=KIND_SHARES).tolist()
        minutes = rng.integers(0, DAYS * 24 * 60, self.n_events)
        minutes = minutes[np.lexsort((minutes, people))].tolist()
        for row, person in enumerate(people.tolist()):
            at = START + timedelta(minutes=minutes[row], seconds=row % 60)
            yield Event(f"person-{person}", f"item-{items[row]}", KINDS[kinds[row]], at=at)

    def _people(self, rng: np.random.Generator) -> np.ndarray:
        """(E,) who did it, ascending."""
        n_people = max(self.n_events // MEAN_LENGTH, 1)
        lengths = rng.lognormal(0, SPREAD, n_people)
        return np.sort(rng.choice(n_people, self.n_events, p=lengths / lengths.sum()))

    def _taken(self, people: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(E,) what was taken: from an aisle that the person likes, near the item before, or just popular."""
        likes = rng.integers(0, AISLES, (people[-1] + 1, TASTES))[people, rng.integers(0, TASTES, len(people))]
        per_aisle = -(-self.n_items // AISLES)
        items = self._shelf(per_aisle, rng, len(people)) * AISLES + likes
        anything = rng.random(len(people)) < ANYTHING
        items[anything] = self._shelf(self.n_items, rng, int(anything.sum()))
        follows = (rng.random(len(people)) < NEAR) & (np.diff(people, prepend=-1) == 0)
        steps = rng.integers(1, CLOSE, len(people)) * AISLES
        for row in np.flatnonzero(follows):
            items[row] = items[row - 1] + steps[row]
        return items % self.n_items

    @staticmethod
    def _shelf(n: int, rng: np.random.Generator, times: int) -> np.ndarray:
        """So many places of a shelf of n, the first ones more often."""
        share = (np.arange(n) + 30.0) ** -0.9
        return rng.choice(n, times, p=share / share.sum())
