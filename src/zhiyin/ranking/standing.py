"""What a person says of their profile, in the score: the part `profile`, one addend a line.

    fields     + lift, or − cost, where the item has the trait
    words      the same, where the item says the word
    sentences  what a typed wish would add (gates times φ of words and meaning), times `read`
    sentences  of what is turned down: − cost where the item says all its words, in either number, and where it
               only reads like it − DOWN · read times what a typed wish would add there, if that is positive

So more of a trait never lowers anything, less of anything never raises anything. What is turned down is told by
its words first: much that one likes reads like it (coffee and decaf). "Never" leaves out what has the trait or
says the words. Before somebody did anything their sentences are all that is known, and those about what they
like are as loud as a typed wish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.lexical import columns_of
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Batch, Model, Scorer, union
from zhiyin.models.words import Words
from zhiyin.profile.edits import Said
from zhiyin.profile.spelling import spellings, stands_in
from zhiyin.profile.traits import READ, WORD, Test, Trait, has
from zhiyin.ranking.fusion import READS, WISH_GATES, Fusion, buckets, standardised
from zhiyin.types import Item

TOLD = 2  # lines that a reason names
DOWN = 0.5  # how loud what reads like something turned down is, against what reads like something liked
Items = Sequence[Item | None]  # by row
Wish = Callable[[str], Batch]  # a text as the readers take it


@dataclass(frozen=True, slots=True)
class LineWeights:
    """How loud lines are, in units of the score."""

    lift: float = 1.5  # of what there shall be more
    cost: float = 4.0  # of what there shall be less, or none
    read: float = 0.4  # of a sentence against a typed wish, beside a history


@dataclass(frozen=True, slots=True)
class Line:
    """One line that stands, with those who read it where it is a sentence."""

    said: Said
    scorers: Mapping[str, Scorer]  # by channel


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked beside what was said."""

    history: Batch
    typed: bool
    weights: LineWeights
    alone: Wish  # how a sentence is read that is all there is
    beside: Wish  # and beside other things


class World(Protocol):
    """What lines need to know of a snapshot."""

    @property
    def items(self) -> Items: ...

    @property
    def models(self) -> Mapping[str, Model]: ...

    @property
    def fusion(self) -> Fusion: ...


class Spoken:
    """All that a person says of their profile, for one query."""

    def __init__(self, lines: Sequence[Line], world: World, weights: LineWeights, *, alone: bool) -> None:
        self._lines, self._world, self._weights, self._alone = lines, world, weights, alone
        self._words = words_in(world.models)
        self._ranked = (
            np.zeros(0, np.int32),
            np.zeros((len(lines), 0)),
        )  # the last rows asked for, and their addends

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    @property
    def alone(self) -> bool:
        return self._alone

    def retrieve(self, k: int) -> Rows:
        """What there shall be more of: at most k rows a line and reader, ascending."""
        wanted = [line for line in self._lines if line.said.stance == "more"]
        return union([scorer.retrieve(k) for line in wanted for scorer in line.scorers.values()])

    def addends(self, rows: Rows) -> Doubles:
        """(L, k) what each line adds to these rows."""
        added = np.vstack([self._addend(line, rows) for line in self._lines])
        self._ranked = rows, added
        return added

    def told(self, row: int) -> tuple[str, ...]:
        """The lines that raise this row most, as they were said; ties by their order."""
        rows, ranked = self._ranked
        found = np.flatnonzero(rows == row)
        added = ranked[:, found[0]] if len(found) else self.addends(np.array([row], np.int32))[:, 0]
        order = np.argsort(-added, kind="stable")[:TOLD].tolist()
        return tuple(self._lines[place].said.trait.value for place in order if added[place] > 0)

    def _addend(self, line: Line, rows: Rows) -> Doubles:
        trait, more, weights = line.said.trait, line.said.stance == "more", self._weights
        if trait.field not in READ:
            found = having(trait, rows, self._world.items, self._words)
            return np.asarray(found * (weights.lift if more else -weights.cost), np.float64)
        heard = self._read(line, rows)
        if more:
            return heard * (1.0 if self._alone else weights.read)
        says = having(trait, rows, self._world.items, self._words)
        return np.asarray(-weights.cost * says - DOWN * weights.read * np.maximum(heard, 0.0), np.float64)

    def _read(self, line: Line, rows: Rows) -> Doubles:
        """(k,) what a typed wish would add."""
        fusion, heard = self._world.fusion, np.zeros(len(rows))
        for name, scorer in line.scorers.items():
            scale = float(fusion.wish_scales[fusion.channels.index(name)]) if name in fusion.channels else 0.0
            if scale > 0:
                heard += WISH_GATES[name] * standardised(scorer.score(rows), scale).astype(np.float64)
        return heard


def spoken_of(said: Sequence[Said], world: World, asking: Asking) -> Spoken | None:
    """None for who said nothing."""
    if not said:
        return None
    sentences = any(one.stance == "more" and one.trait.field in READ for one in said)
    alone = sentences and not asking.typed and buckets(asking.history)[0] == 0
    lines = [Line(one, _scorers(one, world.models, asking.alone if alone else asking.beside)) for one in said]
    return Spoken(lines, world, asking.weights, alone=alone)


def refused(said: Sequence[Said], rows: Rows, items: Items, models: Mapping[str, Model]) -> Mask:
    """(k,) which of these rows have what the person never wants, or say all words of it."""
    out = np.zeros(len(rows), bool)
    for one in said:
        if one.stance == "never":
            out |= having(one.trait, rows, items, words_in(models))
    return out


def having(trait: Trait, rows: Rows, items: Items, words: Words) -> Mask:
    """(k,) which of these rows have a trait; for words and sentences, which say all their words."""
    if trait.field == WORD:
        return words.saying([_columns(trait.value)], rows)
    if trait.field not in READ:
        return _passing(has(trait), rows, items)
    said = spellings(trait.value)
    says = words.saying([[column for form in forms for column in _columns(form)] for forms in said], rows)
    says[says] = _passing(lambda item: stands_in(item, said), rows[says], items)
    return says


def _columns(word: str) -> list[int]:
    """Of one word: where it is two Chinese characters the pair's, which comes last; none of what is no word."""
    return [column for _, column in columns_of(word)][-1:]


def _passing(test: Test, rows: Rows, items: Items) -> Mask:
    return np.fromiter(((item := items[row]) is not None and test(item) for row in rows.tolist()), bool, len(rows))


def words_in(models: Mapping[str, Model]) -> Words:
    """Raises BrokenBundle without the channel."""
    words = models.get("words")
    if not isinstance(words, Words):
        raise BrokenBundle("a bundle needs the channel words: take it out of recipe.off, train again")
    return words


def _scorers(said: Said, models: Mapping[str, Model], wish: Wish) -> Mapping[str, Scorer]:
    """A sentence is read by all that read; of other lines only the words are looked up, and only to find items."""
    if said.trait.field in READ:
        batch = wish(said.trait.value)
        return {name: models[name].scorer(batch) for name in READS if name in models}
    return {"words": models["words"].scorer(wish(said.trait.value))} if said.stance == "more" else {}
