"""Reasons from exact arithmetic: which parts made the score, and through which items or words.

A reason is true by construction: its share is the part's share of all positive parts, its items are those
history entries whose contribution to that channel's score is largest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from zhiyin.data.vocabulary import Vocabulary
from zhiyin.encoders.lexical import words_of
from zhiyin.models.base import Batch, Model
from zhiyin.types import Item, Reason

MAX_REASONS, MAX_SOURCES = 3, 2
MIN_SHARE = 0.1


class World(Protocol):
    """What reasons need to know of a snapshot."""

    @property
    def models(self) -> Mapping[str, Model]: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def items(self) -> Sequence[Item | None]: ...


def reasons_for(
    parts: Mapping[str, float], row: int, world: World, history: Batch, wish: Batch | None
) -> tuple[Reason, ...]:
    """The largest positive parts of one item's score, each with what it came through, largest first."""
    total = sum(part for part in parts.values() if part > 0)
    if not total:
        return ()
    largest = sorted(parts, key=lambda name: -parts[name])[:MAX_REASONS]
    return tuple(
        _reason(name, parts[name] / total, row, world, history, wish)
        for name in largest
        if parts[name] / total >= MIN_SHARE
    )


def _reason(channel: str, share: float, row: int, world: World, history: Batch, wish: Batch | None) -> Reason:
    words: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    if channel == "wish_words" and wish is not None:
        words = _shared_words(wish.texts[0], world.items[row])
    elif channel in world.models and len(history.rows):
        sources = _sources(world.models[channel].why(history, row), history, world.vocabulary)
    return Reason(channel, round(share, 4), sources, words)


def _sources(contributions: np.ndarray, history: Batch, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The history items that contributed most, each once."""
    found: dict[str, None] = {}
    for place in np.argsort(-contributions, kind="stable"):
        if contributions[place] <= 0 or len(found) == MAX_SOURCES:
            break
        found[vocabulary[int(history.rows[place])]] = None
    return tuple(found)


def _shared_words(text: str, item: Item | None) -> tuple[str, ...]:
    if item is None:
        return ()
    read = [item.title, item.text, *item.categories, item.brand or ""]
    read += [part for t in item.translations.values() for part in (t.title, t.text)]
    found = words_of(text) & words_of(" ".join(read))
    return tuple(sorted(found, key=lambda word: (-len(word), word))[:5])
