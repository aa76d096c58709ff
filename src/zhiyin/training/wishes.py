"""Tasks beyond history: wishes made of the catalogue's own fields, so that a typed sentence works.

Vague ones ("something like …"), misspelled ones, such for something ("lamp, white") and for all but
something ("lamp, but not white"). What a thing is comes of its categories, what it is like of brand,
attributes and the words of titles; where a catalogue has titles only, words that several titles share are both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np

from zhiyin.training.examples import Drawing, Example
from zhiyin.training.past import Past
from zhiyin.training.tower_recipe import Task
from zhiyin.types import Item

T = TypeVar("T")
LEAST = 3  # items that share a value
MOST, MOST_OF_A_KIND = 0.3, 0.6  # of all items: what more of them share says nothing
LONGEST = 30  # characters of a value
AGAINST = 2  # items named that a wish rules out
TRIES = 20
_WORD = re.compile(r"[^\W\d_]{3,}|[\u4e00-\u9fff]{1,4}")
_TEMPLATES: Mapping[Task, Mapping[str, Sequence[str]]] = {
    "wish": {
        "en": ("something with {0}", "I would like {0}", "looking for {0}", "{0} or the like", "{0}"),
        "zh": ("想要{0}", "有没有{0}", "类似{0}的", "{0}"),
        "other": ("{0}",),
    },
    "attribute": {
        "en": ("{0} {1}", "{1} {0}", "{0}, {1}", "{0} that is {1}", "a {1} {0}"),
        "zh": ("{1}的{0}", "{0} {1}", "要{1}{0}"),
        "other": ("{0} {1}", "{1} {0}"),
    },
    "without": {
        "en": ("{0}, but not {1}", "{0} without {1}", "{0}, no {1}", "{0} that is not {1}", "{0} except {1}"),
        "zh": ("{0}，不要{1}", "不是{1}的{0}", "{0}，除了{1}"),
        "other": ("{0} -{1}",),
    },
}


@dataclass(frozen=True, slots=True)
class Fields:
    """What items are, and what they are like; only such as may be learned of."""

    rows: tuple[int, ...]  # items that have a text
    titles: Mapping[int, tuple[str, ...]]  # words
    kinds: Mapping[int, tuple[str, ...]]
    values: Mapping[int, tuple[str, ...]]
    of_kind: Mapping[str, tuple[int, ...]]
    of_value: Mapping[str, frozenset[int]]

    @classmethod
    def of(cls, catalogue: Sequence[Item], past: Past) -> Self:
        rows = tuple(row for row, text in enumerate(past.texts) if text and not past.hidden[row])
        titles = {row: tuple(_WORD.findall(catalogue[row].title or past.texts[row][:200])) for row in rows}
        shared = _shared({row: {word.lower() for word in titles[row]} for row in rows})
        kinds = _shared(
            {row: {name.strip() for name in catalogue[row].categories} for row in rows}, MOST_OF_A_KIND
        )
        kinds = {row: kinds[row] or shared[row] for row in rows}
        named = _shared({row: set(_said(catalogue[row])) for row in rows})
        values = {row: tuple(dict.fromkeys((*named[row], *shared[row]))) for row in rows}
        return cls(
            rows, titles, kinds, values, {kind: tuple(some) for kind, some in _turned(kinds).items()},
            {value: frozenset(some) for value, some in _turned(values).items()},
        )  # fmt: skip


def of_fields(fields: Fields, task: Task, language: str) -> Drawing | None:
    """The task; None where the catalogue has nothing for it."""
    worded = {row for row in fields.rows if fields.titles[row]}
    if not worded:
        return None
    if task == "typo":
        return Typo(fields, tuple(sorted(worded)))
    templates = _TEMPLATES[task].get(language, _TEMPLATES[task]["other"])
    if task == "wish":
        return Wish(fields, tuple(sorted(worded)), templates)
    able = [row for row in fields.rows if fields.kinds[row] and set(fields.values[row]) - set(fields.kinds[row])]
    if not able:
        return None
    made: Callable[[Fields, tuple[int, ...], Sequence[str]], Drawing] = (
        Attribute if task == "attribute" else Without
    )
    return made(fields, tuple(able), templates)


@dataclass(frozen=True, slots=True)
class Wish:
    """A few words of a title, in any order."""

    fields: Fields
    able: tuple[int, ...]
    templates: Sequence[str]
    task: Task = "wish"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        row = _one(self.able, rng)
        words = self.fields.titles[row]
        some = rng.permutation(len(words))[: int(rng.integers(1, 4))]
        wish = _one(self.templates, rng).format(" ".join(words[n] for n in some))
        return [Example(self.task, ((wish, 1.0),), row)]


@dataclass(frozen=True, slots=True)
class Typo:
    """A part of a title as it is typed in haste."""

    fields: Fields
    able: tuple[int, ...]
    task: Task = "typo"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        row = _one(self.able, rng)
        words = list(self.fields.titles[row])
        first = int(rng.integers(len(words)))
        part = words[first : first + int(rng.integers(1, 5))]
        wrong = int(rng.integers(len(part)))
        part = [misspelled(word, rng) if n == wrong or rng.random() < 0.3 else word for n, word in enumerate(part)]
        return [Example(self.task, ((" ".join(part).lower(), 1.0),), row)]


@dataclass(frozen=True, slots=True)
class Attribute:
    """What it is, and what it is like."""

    fields: Fields
    able: tuple[int, ...]
    templates: Sequence[str]
    task: Task = "attribute"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        fields, row = self.fields, _one(self.able, rng)
        kind = _one(fields.kinds[row], rng)
        values = [value for value in fields.values[row] if value != kind]
        if not values:
            return []
        value = _one(values, rng)
        right = [other for other in fields.of_kind[kind] if other in fields.of_value[value]]
        wish = _one(self.templates, rng).format(kind, value)
        return [Example(self.task, ((wish, 1.0),), row, (), np.array(right, np.int32))]


@dataclass(frozen=True, slots=True)
class Without:
    """What it is, and what it must not be like: some that are like it are named as wrong."""

    fields: Fields
    able: tuple[int, ...]
    templates: Sequence[str]
    task: Task = "without"

    def draw(self, rng: np.random.Generator) -> list[Example]:
        fields = self.fields
        for _ in range(TRIES):
            other = _one(self.able, rng)
            kind = _one(fields.kinds[other], rng)
            values = [value for value in fields.values[other] if value != kind]
            if not values:
                continue
            value = _one(values, rng)
            wrong = [row for row in fields.of_kind[kind] if row in fields.of_value[value]]
            right = [row for row in fields.of_kind[kind] if row not in fields.of_value[value]]
            if right:
                against = tuple(rng.permutation(wrong)[:AGAINST].tolist())
                wish = _one(self.templates, rng).format(kind, value)
                right_rows = np.array(right, np.int32)
                return [Example(self.task, ((wish, 1.0),), _one(right, rng), against, right_rows)]
        return []


def misspelled(word: str, rng: np.random.Generator) -> str:
    """With a letter too few or too many, two of them exchanged, or one wrong; another word than before where it
    has two different letters."""
    place, kind = int(rng.integers(max(len(word) - 1, 1))), int(rng.integers(4))
    before, here, after = word[:place], word[place : place + 1], word[place + 1 :]
    match kind:
        case 0 if len(word) > 1:
            return before + after
        case 1:
            return before + here + here + after
        case 2 if after and after[0] != here:
            return before + after[0] + here + after[1:]
        case _:
            return before + _one([letter for letter in word + "ae" if letter != here], rng) + after


def _said(item: Item) -> list[str]:
    """Values in words: of true ones the name."""
    found = [item.brand] if item.brand else []
    for name, value in item.attributes.items():
        if isinstance(value, bool):
            found += [name.replace("_", " ")] if value else []
        elif isinstance(value, str):
            found.append(value)
    return [value.strip() for value in found if 0 < len(value.strip()) <= LONGEST]


def _shared(of: Mapping[int, set[str]], share: float = MOST) -> dict[int, tuple[str, ...]]:
    """Only what at least LEAST items have, and at most a share of them."""
    counts = Counter(value for values in of.values() for value in values)
    most = max(share * len(of), LEAST)
    return {
        row: tuple(sorted(v for v in values if v and LEAST <= counts[v] <= most)) for row, values in of.items()
    }


def _turned(of: Mapping[int, tuple[str, ...]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row, values in of.items():
        for value in values:
            found[value].append(row)
    return dict(found)


def _one(among: Sequence[T], rng: np.random.Generator) -> T:
    return among[int(rng.integers(len(among)))]
