"""What a cross-encoder learns from: a question, the item that answers it, and items that do not.

The questions are those of the other tasks (wishes of the catalogue's fields, searches and what was clicked,
histories and what came next), put into words. Wrong answers are hard ones, as the text channels would retrieve
them, without near-duplicates of the right one and without what the person took, and random ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.encoders.cross import past_text
from zhiyin.encoders.lexical import LexicalEncoder
from zhiyin.encoders.twins import same
from zhiyin.models.base import best
from zhiyin.training.examples import Drawing, Example
from zhiyin.training.past import HeldOut, Past
from zhiyin.training.tasks import Near
from zhiyin.types import Item

WORDED = 40  # items with the same words as a question that are looked at
BETWEEN = "\x1e"  # of two texts that are read as one: no text has it
TRIES = 50

Wrote = Mapping[tuple[int, int], str]  # by person and item, their rows


@dataclass(frozen=True, slots=True)
class Group:
    """One question."""

    asked: str
    rows: tuple[int, ...]  # items, the right one first
    hidden: bool = False  # whether that is one that nothing is learned of

    def pairs(self, texts: Sequence[str]) -> tuple[str, ...]:
        """What is read of each item."""
        return tuple(f"{self.asked}{BETWEEN}{texts[row]}" for row in self.rows)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The catalogue as questions and wrong answers are made of it."""

    catalogue: Sequence[Item]
    past: Past
    near: Near  # items that read like each
    lexical: LexicalEncoder
    words: sp.csr_array  # (I, columns) unit rows
    able: Rows  # items that may be answers: they have a text
    wrote: Wrote = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Sequence[Item], past: Past, near: Near, wrote: Wrote) -> Shelf:
        lexical, rows = LexicalEncoder.fit(catalogue)
        able = np.flatnonzero([bool(text) for text in past.texts]).astype(np.int32)
        return cls(catalogue, past, near, lexical, rows, able, wrote)

    def asked(self, example: Example) -> str:
        """A question in words: what was typed, or the items of a history, the newest first."""
        texts = [piece for piece, _ in example.asked if isinstance(piece, str)]
        rows = [piece for piece, _ in example.asked if isinstance(piece, int)]
        return texts[0] if texts else self.past_of(rows, example.user)

    def past_of(self, rows: Sequence[int], user: int = PAD) -> str:
        """A history (oldest first) in words, as it is when lists are made."""
        wrote = {self.catalogue[row].item_id: text for row in rows if (text := self.wrote.get((user, row)))}
        return past_text((self.catalogue[row] for row in dict.fromkeys(reversed(rows))), wrote)

    def wrong(self, asked: str, target: int, out: Rows, n: tuple[int, int], rng: np.random.Generator) -> list[int]:
        """So many hard and random wrong answers to a question, none of the items that are `out`."""
        hard, anyhow = n
        out = np.append(out, target)
        able = rng.permutation(np.union1d(self.near.rows[target], self._worded(asked)))
        found = self._different(able[~np.isin(able, out)], target, hard)
        others = rng.permutation(self.able)[: 2 * (hard + anyhow) + len(out)]
        others = others[~np.isin(others, [*out, *found])]
        return found + self._different(others, target, hard + anyhow - len(found))

    def _worded(self, asked: str) -> Rows:
        """Items that share the rarest words with a question, as far as they may be learned of."""
        scores = np.asarray((self.words @ self.lexical.encode_texts([asked]).T).todense(), np.float32)[:, 0]
        scores[self.past.hidden] = 0.0
        rows = best(scores, WORDED)
        return rows[(scores[rows] > 0) & np.isin(rows, self.able)]

    def _different(self, rows: Rows, target: int, n: int) -> list[int]:
        """The first n that are not nearly the same as the target."""
        found: list[int] = []
        right = self.past.texts[target]
        for row in rows.tolist():
            if len(found) == n:
                break
            if not same(self.past.texts[row], right):
                found.append(row)
        return found


@dataclass(frozen=True, slots=True)
class Groups:
    """The questions of each step, which follow from the seed and the number of the step alone."""

    drawings: Sequence[Drawing]
    shelf: Shelf
    size: int  # groups
    wrong: tuple[int, int]  # hard and random ones, of each
    seed: int

    def at(self, step: int) -> list[Group]:
        """Tasks take turns. Hidden items are no answers, right or wrong."""
        rng = np.random.default_rng([self.seed, step])
        found: list[Group] = []
        for n in range(TRIES * self.size):
            if len(found) == self.size:
                break
            drawn = self.drawings[(step + n) % len(self.drawings)].draw(rng)
            if drawn and (group := self._group(drawn[int(rng.integers(len(drawn)))], rng)):
                found.append(group)
        return found

    def _group(self, example: Example, rng: np.random.Generator) -> Group | None:
        asked = self.shelf.asked(example)
        hidden = np.flatnonzero(self.shelf.past.hidden)
        out = np.concatenate([example.no_rivals, _rows(example), hidden]).astype(np.int32)
        named = [row for row in example.against if row != example.target]
        wrong = self.shelf.wrong(asked, example.target, out, self.wrong, rng)
        rows = tuple(dict.fromkeys((example.target, *named, *wrong)))[: 1 + sum(self.wrong)]
        return Group(asked, rows) if asked and len(rows) > 1 else None


def held_groups(shelf: Shelf, wishes: Sequence[Drawing], n: int, wrong: tuple[int, int], seed: int) -> list[Group]:
    """At most n questions to judge by: what held-out people took next, of known and of hidden items, and wishes
    for hidden items."""
    rng, past = np.random.default_rng([seed, 5]), shelf.past
    found = [_held(shelf, held, place, wrong, rng) for held, place in _places(past, (2 * n) // 3)]
    found += _wished(shelf, wishes, n // 3, wrong, rng)
    return [group for group in found if group is not None]


def _places(past: Past, n: int) -> list[tuple[HeldOut, int]]:
    both = [[(held, place) for place in range(len(held.users))] for held in (past.held, past.held_hidden)]
    return [*both[0][: n - min(len(both[1]), n // 2)], *both[1][: n // 2]]


def _held(
    shelf: Shelf, held: HeldOut, place: int, wrong: tuple[int, int], rng: np.random.Generator
) -> Group | None:
    user, known, target = (int(column[place]) for column in (held.users, held.known, held.targets))
    begin = int(shelf.past.whole.indptr[user])
    rows = shelf.past.whole.rows[begin : begin + known]
    asked = shelf.past_of([row for row in rows.tolist() if row != target], user)
    others = shelf.wrong(asked, target, rows, wrong, rng)
    return Group(asked, (target, *others), bool(shelf.past.hidden[target])) if asked and others else None


def _wished(
    shelf: Shelf, wishes: Sequence[Drawing], n: int, wrong: tuple[int, int], rng: np.random.Generator
) -> list[Group]:
    found: list[Group] = []
    for k in range(n if wishes else 0):
        for one in wishes[k % len(wishes)].draw(rng)[:1]:
            others = shelf.wrong(shelf.asked(one), one.target, one.no_rivals, wrong, rng)
            found.append(Group(shelf.asked(one), (one.target, *others), hidden=True))
    return found


def _rows(example: Example) -> list[int]:
    return [piece for piece, _ in example.asked if isinstance(piece, int)]
