"""What people answered to lists, and as much of the lists as is needed to learn from that.

An answer is an event that names a recommendation; that the item came into view (`impression`) is one, too. The
outline of a list is what was expected of its places before anything was believed of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from zhiyin.types import EventType, Recommendation

BELIEF, EXPLORE = "belief", "explore"  # parts of a score that were learned from answers


class Answer(NamedTuple):
    """One event with a recommendation id."""

    seq: int
    user_id: str  # the merged one
    item_id: str
    type: EventType
    value: float | None
    at: int | None  # microseconds since 1970
    recommendation_id: str


class Outline(NamedTuple):
    """What is needed of a list."""

    at: float  # seconds since 1970
    scenario: str
    typed: bool  # whether a wish was typed
    scores: Mapping[str, float]  # of its places from the top, by item id, without BELIEF and EXPLORE
    log_propensities: Sequence[float]  # of the same places


def outline_of(recommendation: Recommendation) -> Outline:
    """Of a list as it was logged."""
    query = recommendation.query
    scores = {
        place.item_id: place.score - place.parts.get(BELIEF, 0.0) - place.parts.get(EXPLORE, 0.0)
        for place in recommendation.items
    }
    typed = query.text is not None and bool(query.text.strip())
    logged = [place.log_propensity for place in recommendation.items]
    return Outline(recommendation.at.timestamp(), query.scenario, typed, scores, logged)


class AnswerLog(Protocol):
    """The answers among the events, and the outlines of the lists that they name."""

    def stream(self, *, after: int = 0, until: int | None = None) -> Iterator[Answer]:
        """All with after < seq <= until in the order of the log, by the merged ids."""
        ...

    def of(self, user_id: str, *, limit: int, until: int | None = None) -> list[Answer]:
        """The newest `limit` of a person (all merged ids), in the order of the log."""
        ...

    def outlines(self, recommendation_ids: Sequence[str]) -> Mapping[str, Outline]:
        """By id, of those that are there."""
        ...
