"""People like one: those who like what the person likes, the more so the fewer others like it.

    similarity of a and b = Σ_shared 1 / log₂(1 + people who like the item) / √(items of a · items of b)

The cosine of two sets (Salton) in which a shared item counts by how few share it (Adamic & Adar 2003, "Friends and
Neighbors on the Web"). Read from the log when asked and kept nowhere, so that whoever was erased never appears.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import log2, sqrt

from zhiyin.data.signals import Signals
from zhiyin.errors import NotFound
from zhiyin.live import HISTORY
from zhiyin.shop import Zhiyin
from zhiyin.types import Event

ASKED_BY = 50  # newest liked items of the person, by which others are found
MOST_MET = 200  # others whose histories are read
SHOWN = 5  # shared items


@dataclass(frozen=True, slots=True)
class Kindred:
    """Somebody who likes the same things."""

    user_id: str
    similarity: float
    n_shared: int
    shared: tuple[str, ...]  # item ids, those that the fewest like first


@dataclass(frozen=True, slots=True)
class SimilarPeople:
    """The person, whatever id was asked for, and those most like them first."""

    user_id: str
    people: tuple[Kindred, ...]


def similar_people(shop: Zhiyin, user_id: str, n: int) -> SimilarPeople:
    """At most n. Raises NotFound for somebody who did nothing."""
    store, signals = shop.store, shop.settings.data.signals
    person = store.resolve(user_id)
    past = store.history(person, limit=HISTORY)
    if not past:
        raise NotFound(f"user {user_id!r} did nothing yet, so nobody is known to be like them")
    own = _liked(past, signals)
    likes = _liked_by_person(store.events_of(own[-ASKED_BY:]), signals)
    likers = Counter(item for items in likes.values() for item in items)
    worth = {item: 1.0 / log2(1 + count) for item, count in likers.items()}
    likes.pop(person, None)
    common = {id_: sum(worth[item] for item in items) for id_, items in likes.items()}
    met = sorted(common, key=lambda id_: (-common[id_], id_))[:MOST_MET]
    sizes = {id_: len(_liked(store.history(id_, limit=HISTORY), signals)) for id_ in met}
    found = [
        Kindred(
            id_,
            common[id_] / sqrt(len(own) * max(sizes[id_], len(likes[id_]))),
            len(likes[id_]),
            tuple(sorted(likes[id_], key=lambda item: (-worth[item], item))[:SHOWN]),
        )
        for id_ in met
    ]
    return SimilarPeople(person, tuple(sorted(found, key=lambda one: (-one.similarity, one.user_id))[:n]))


def _liked(events: Iterable[Event], signals: Signals) -> list[str]:
    """The items whose events sum to more than nothing, those first seen first."""
    return next(iter(_liked_by_person(events, signals).values()), [])


def _liked_by_person(events: Iterable[Event], signals: Signals) -> dict[str, list[str]]:
    """By person the items whose events sum to more than nothing; only people who have any."""
    weights: dict[str, dict[str, float]] = {}
    for event in events:
        item_id, of = str(event.item_id), weights.setdefault(event.user_id, {})
        of[item_id] = of.get(item_id, 0.0) + signals.weight(event.type, event.value)
    found = {id_: [item for item, weight in of.items() if weight > 0] for id_, of in weights.items()}
    return {id_: items for id_, items in found.items() if items}
