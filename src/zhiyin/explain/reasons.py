"""Reasons from exact arithmetic: which parts made the score, and through which items or words.

A reason is true by construction: its share is the part's share of all positive parts, its items are those
history entries whose contribution to that channel's score is largest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows, Vocabulary
from zhiyin.models.base import Batch, Model
from zhiyin.models.words import Words
from zhiyin.types import Reason

MAX_REASONS, MAX_SOURCES, MAX_WORDS = 3, 2, 4
MIN_SHARE = 0.1


class World(Protocol):
    """What reasons need to know of a snapshot."""

    @property
    def models(self) -> Mapping[str, Model]: ...

    @property
    def vocabulary(self) -> Vocabulary: ...


def reasons_for(
    parts: Sequence[Mapping[str, float]], rows: Rows, world: World, history: Batch, wish: Batch | None
) -> list[tuple[Reason, ...]]:
    """For each of the N places its largest positive parts, each with what it came through, largest first."""
    largest = [_largest(one) for one in parts]
    speaking = {name for one in largest for name, _ in one if name in world.models}
    through = {name: world.models[name].why(history, rows) for name in speaking} if len(history.rows) else {}
    return [
        tuple(
            Reason(
                channel,
                round(share, 4),
                items=_sources(through[channel][:, n], history, world.vocabulary) if channel in through else (),
                words=_shared_words(wish, int(rows[n]), world)
                if wish is not None and channel == "wish_words"
                else (),
            )
            for channel, share in one
        )
        for n, one in enumerate(largest)
    ]


def _largest(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Names and shares of the positive parts that made most of the score."""
    total = sum(part for part in parts.values() if part > 0)
    names = sorted(parts, key=lambda name: -parts[name])[:MAX_REASONS]
    return [(name, parts[name] / total) for name in names if total and parts[name] / total >= MIN_SHARE]


def _sources(contributions: Floats, history: Batch, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The history items that contributed most, each once."""
    found: dict[str, None] = {}
    for place in np.argsort(-contributions, kind="stable").tolist():
        if contributions[place] <= 0 or len(found) == MAX_SOURCES:
            break
        found[vocabulary[int(history.rows[place])]] = None
    return tuple(found)


def _shared_words(wish: Batch, row: int, world: World) -> tuple[str, ...]:
    words = world.models.get("words")
    return words.shared(wish.texts[0], row)[:MAX_WORDS] if isinstance(words, Words) else ()
