"""What an event says about liking: the one table of polarity and weight.

A weight is signed: > 0 the person wanted it, < 0 they did not, 0 says nothing (an impression). Weights are
relative to a purchase = 1; they follow the usual order of commitment and can be changed in zhiyin.toml. What an
event is worth as an answer to a list is the same table, unless `rewards` says otherwise (zhiyin.data.rewards).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from zhiyin.types import EventType

WEIGHTS: Mapping[EventType, float] = MappingProxyType(
    {
        "impression": 0.0,
        "search": 0.0,
        "edit": 0.0,
        "view": 0.3,
        "click": 0.5,
        "share": 1.0,
        "like": 1.0,
        "cart": 0.8,
        "purchase": 1.0,
        "rating": 1.0,
        "review": 1.0,
        "dislike": -1.0,
        "hide": -1.0,
    }
)


class Signals(BaseModel):
    """How events become signed weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[EventType, float] = Field(
        default_factory=dict, description="Weight of an event type, where it differs from the built-in table."
    )
    rewards: dict[EventType, Annotated[float, Field(ge=-1, le=1)]] = Field(
        default_factory=dict,
        description="What an event is worth as an answer to a list, -1 to 1, where that differs from its weight.",
    )
    rating_threshold: float | None = Field(
        default=None,
        description="Ratings and reviews with stars below this count as dislike; unset: any rating is interest.",
    )
    dwell_full: float = Field(
        default=30.0, gt=0, description="Seconds of viewing that count as much as a like; shorter views less."
    )

    def weight(self, type_: EventType, value: float | None) -> float:
        """The signed weight of one event; `value` is stars for ratings and reviews, seconds for views."""
        base = self.weights.get(type_, WEIGHTS[type_])
        if type_ in ("rating", "review") and value is not None and self.rating_threshold is not None:
            return base if value >= self.rating_threshold else -base
        if type_ == "view" and value is not None:
            return base + (1.0 - base) * min(max(value, 0.0) / self.dwell_full, 1.0)
        return base
