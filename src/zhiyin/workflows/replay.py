"""`zhiyin replay`: make a logged list again and compare it bit for bit.

A list is a function of (query, recommendation id, bundle, settings, position in the logs, time of asking): all
of them are in the log, except the settings, of which the digest is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from zhiyin.encoders.pair import Reading
from zhiyin.errors import InvalidSettings, NotFound
from zhiyin.live import Live
from zhiyin.shop import Zhiyin
from zhiyin.types import FALLBACK, Recommendation


@dataclass(frozen=True, slots=True)
class Replayed:
    """The logged list, the list made again, and what differs between them."""

    logged: Recommendation
    again: Recommendation
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.differences


def replay(shop: Zhiyin, recommendation_id: str) -> Replayed:
    """Raises NotFound without such a list or its bundle, InvalidSettings if policy or ranking changed since."""
    logged = shop.store.recommendation(recommendation_id)
    if logged is None:
        raise NotFound(f"no list {recommendation_id!r} in the log: take an id that an answer carried")
    digest = shop.settings.digest()
    if logged.settings != digest:
        raise InvalidSettings(
            f"list {recommendation_id!r} was made with the settings {logged.settings}, here are {digest}: "
            "put [policy] and [ranking] of zhiyin.toml back to what they were, then replay"
        )
    heard = Reading(logged.reading, failed=logged.mode == FALLBACK)  # no endpoint is asked again
    live = Live(shop.bundle(logged.bundle), shop.store, shop.settings.data.signals, lambda _: heard)
    again = shop.recommender(live).recommend(logged.query, recommendation_id, logged.at, logged.as_of)
    return Replayed(logged, again, tuple(_differences(logged, again)))


def _differences(logged: Recommendation, again: Recommendation) -> list[str]:
    """One sentence for each field, and for each place, that is not exactly the same. How much was in doubt is
    not in the log of lists that were made before that was told."""
    told, apart = [], {"items", "candidates"} | ({"mixing"} if logged.mixing is None else set())
    for name in (field.name for field in fields(Recommendation) if field.name not in apart):
        before, now = getattr(logged, name), getattr(again, name)
        if before != now:
            told.append(f"{name} was {before}, is {now}")
    places = max(len(logged.items), len(again.items))
    for place in range(places):
        before, now = logged.items[place : place + 1], again.items[place : place + 1]
        if before != now:
            told.append(f"place {place + 1} was {_said(before)}, is {_said(now)}")
    moved = sum(a != b for a, b in zip(logged.candidates, again.candidates, strict=False))
    moved += abs(len(logged.candidates) - len(again.candidates))
    return [*told, f"{moved:,} of {len(logged.candidates):,} candidates differ"] if moved else told


def _said(places: tuple[object, ...]) -> str:
    return str(places[0]) if places else "empty"
