"""Reasons from exact arithmetic: which parts made the score, and through which items or words.

A reason is true by construction: its share is the part's share of all positive parts, its items are those
history entries whose contribution to that channel's score is largest, and its path is the one through the graph
that added most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows, Vocabulary
from zhiyin.models.base import Model
from zhiyin.models.clicks import ClicksScorer
from zhiyin.models.context import ContextScorer
from zhiyin.models.graph import GraphScorer
from zhiyin.models.vectors import Vectors
from zhiyin.models.words import Words
from zhiyin.ranking.fusion import PROFILE, Heard
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
    parts: Sequence[Mapping[str, float]], rows: Rows, world: World, heard: Heard
) -> list[tuple[Reason, ...]]:
    """For each of the N places its largest positive parts, each with what it came through, largest first."""
    largest = [
        [(name, share) for name, share in _largest(one) if _can_be_told(name, row, world, heard)]
        for one, row in zip(parts, rows.tolist(), strict=True)
    ]
    sources = _sources(largest, rows, heard) if len(heard.history.rows) else {}
    return [
        tuple(
            _reason(channel, share, int(rows[n]), sources.get((channel, n), []), world, heard)
            for channel, share in one
        )
        for n, one in enumerate(largest)
    ]


def _reason(channel: str, share: float, row: int, sources: Sequence[int], world: World, heard: Heard) -> Reason:
    words = _shared_words(heard.text, row, world) if channel == "wish_words" else ()
    if channel == PROFILE and heard.said is not None:
        words = heard.said.told(row)
    sources = _brought(channel, sources, world)
    scorer = heard.past.get(channel)
    if isinstance(scorer, ContextScorer):
        words = scorer.often(row)
    if isinstance(scorer, ClicksScorer):
        words = scorer.quoted(row)
    found = scorer.path(row) if isinstance(scorer, GraphScorer) else None
    begin, path = found or (None, None)
    if begin is not None:  # a path tells where it begins
        sources = [begin, *(source for source in sources if source != begin)][:MAX_SOURCES]
    return Reason(channel, round(share, 4), tuple(world.vocabulary[source] for source in sources), words, path)


def _can_be_told(channel: str, row: int, world: World, heard: Heard) -> bool:
    """Not what an item only borrowed from others: its vector, or the hours at which people take it."""
    scorer = heard.past.get(channel)
    if isinstance(scorer, ContextScorer):
        return bool(scorer.often(row))
    return bool(_brought(channel, [row], world))


def _brought(channel: str, rows: Sequence[int], world: World) -> Sequence[int]:
    """Of a channel of vectors only items that have one of their own: it is a guess that the others are alike."""
    model = world.models.get(channel)
    return [row for row in rows if model.told[row]] if isinstance(model, Vectors) else rows


def _largest(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Names and shares of the positive parts that made most of the score."""
    total = sum(part for part in parts.values() if part > 0)
    names = sorted(parts, key=lambda name: -parts[name])[:MAX_REASONS]
    return [(name, parts[name] / total) for name in names if total and parts[name] / total >= MIN_SHARE]


def _sources(
    largest: Sequence[Sequence[tuple[str, float]]], rows: Rows, heard: Heard
) -> dict[tuple[str, int], list[int]]:
    """By channel and place: rows of the history items that contributed most, each once."""
    found: dict[tuple[str, int], list[int]] = {}
    for channel, scorer in heard.past.items():
        places = [n for n, one in enumerate(largest) if any(name == channel for name, _ in one)]
        if places:
            top = _top_sources(scorer.why(rows[places]), heard.history.rows)
            found.update({(channel, n): sources for n, sources in zip(places, top, strict=True)})
    return found


def _top_sources(contributions: Floats, history: Rows) -> list[list[int]]:
    """Of (H, p) contributions to p places: rows of the MAX_SOURCES items of the (H,) history whose entries added
    most, each item once; the older entry of equals."""
    found: list[list[int]] = [[] for _ in range(contributions.shape[1])]
    left, places = contributions.copy(), np.arange(contributions.shape[1])
    for _ in range(MAX_SOURCES):
        first = left.argmax(axis=0)
        added, sources = left[first, places], history[first]
        for place in np.flatnonzero(added > 0).tolist():
            found[place].append(int(sources[place]))
        left[history[:, None] == sources[None, :]] = -np.inf
    return found


def _shared_words(text: str, row: int, world: World) -> tuple[str, ...]:
    words = world.models.get("words")
    return words.shared(text, row)[:MAX_WORDS] if isinstance(words, Words) else ()
