"""A portrait: all lines of one person, from their events and what the catalogue is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.signals import Signals
from zhiyin.data.vocabulary import Vocabulary
from zhiyin.models.base import Model
from zhiyin.models.popular import Popular
from zhiyin.models.words import Words
from zhiyin.profile.background import Background
from zhiyin.profile.lines import Line, search_lines, trait_lines
from zhiyin.profile.past import Touched, past_of
from zhiyin.profile.traits import Language
from zhiyin.profile.written import Texts, written_lines
from zhiyin.types import Event, Item


class World(Protocol):
    """What a portrait needs to know of a snapshot."""

    @property
    def items(self) -> Sequence[Item | None]: ...

    @property
    def models(self) -> Mapping[str, Model]: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def vectors(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Diary:
    """What the log holds of a person."""

    events: Sequence[Event]  # with an item, oldest first
    searches: Sequence[Event] = ()  # in the order of the log


def portrait(
    world: World, known: Background, signals: Signals, diary: Diary, language: Language
) -> tuple[Line, ...]:
    """What items are, topics, words, searches. `language`: of whoever reads, for words and names of topics."""
    events = diary.events
    weights = [signals.weight(event.type, event.value) for event in events]
    rows = world.vocabulary.rows(str(event.item_id) for event in events)
    past = past_of(events, weights, rows, world.items)
    traits = trait_lines(past, known, _popularity(world))
    words = world.models.get("words")
    written: list[Line] = []
    if isinstance(words, Words) and past.liked.touched:
        whole = len(known.rows) == len(world.vectors)
        texts = Texts(words, world.vectors, world.vectors if whole else world.vectors[known.rows], language)
        if language == "zh" and not _chinese(past.liked.touched):
            texts = replace(texts, script="en")
        written = written_lines(past, texts, [line.trait.value for line in traits])
    return (*traits, *written, *search_lines(diary.searches))


def _chinese(touched: Sequence[Touched]) -> bool:
    """Whether any of it can be read in Chinese."""
    return any("zh" in (one.item.language, *one.item.translations) for one in touched)


def _popularity(world: World) -> Doubles | None:
    """(I,) how often people take each item; None where nothing was counted."""
    popular = world.models.get("popular")
    return popular.counts if isinstance(popular, Popular) and popular.counts.any() else None
