"""What a tower learns from: somebody asks with some texts, and wants an item that must win against others.

Examples of all tasks have this one form, and go into the same batch, so that what one of them brings is a rival of
what the others want, and every text is read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Floats, Mask
from zhiyin.data.vocabulary import PAD
from zhiyin.training.tower_recipe import Task

Piece = int | str  # an item by its row, or a text
NOBODY = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Example:
    """One question."""

    task: Task
    asked: tuple[tuple[Piece, float], ...]  # with weights: an older entry of a history counts less
    target: int  # item row
    against: tuple[int, ...] = ()  # items that it must win against, beside all others of the batch
    no_rivals: npt.NDArray[np.int32] = field(default_factory=lambda: NOBODY)  # items that would be right, too
    user: int = PAD  # row of who asks, where that is known


class Drawing(Protocol):
    """A task, of which examples are drawn that share texts."""

    @property
    def task(self) -> Task: ...

    def draw(self, rng: np.random.Generator) -> list[Example]: ...


class Wording(Protocol):
    """What is read of an item this time."""

    def of(self, row: int, rng: np.random.Generator) -> str: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """A examples over N distinct texts."""

    texts: tuple[str, ...]
    tasks: tuple[Task, ...]  # (A,)
    asked: Floats  # (A, N) weights
    targets: npt.NDArray[np.int64]  # (A,) place among the texts
    rivals: Mask  # (A, N) what each target must win against, itself included
    against: Mask  # (A, N) those that were named
    added: Floats  # (N,) to a score: minus the log of how often a text is in a batch, up to a constant

    @classmethod
    def of(cls, examples: Sequence[Example], wording: Wording, often: Floats, rng: np.random.Generator) -> Self:
        """`often` (I,): minus the log of how often each item is drawn; what is no item is no rival."""
        rows = sorted({row for one in examples for row in _items(one)})
        worded = {row: wording.of(row, rng) for row in rows}
        texts = list(dict.fromkeys([*worded.values(), *(text for one in examples for text in _texts(one))]))
        place = {text: n for n, text in enumerate(texts)}
        place_of: dict[Piece, int] = {row: place[text] for row, text in worded.items()}
        place_of |= {text: n for text, n in place.items() if text not in place_of}
        asked = np.zeros((len(examples), len(texts)), np.float32)
        rivals = np.zeros((len(examples), len(texts)), bool)
        rivals[:, [place_of[row] for row in rows]] = True
        against = np.zeros_like(rivals)
        targets = np.array([place_of[one.target] for one in examples], np.int64)
        added = np.zeros(len(texts), np.float32)
        added[[place_of[row] for row in rows]] = often[rows]
        for n, one in enumerate(examples):
            for piece, weight in one.asked:
                asked[n, place_of[piece]] += weight
            right = np.isin(rows, one.no_rivals)
            rivals[n, [place_of[rows[k]] for k in np.flatnonzero(right)]] = False
            rivals[n, [place_of[piece] for piece, _ in one.asked]] = False
            against[n, [place_of[row] for row in one.against]] = True
        rivals |= against
        rivals[np.arange(len(targets)), targets] = True
        against[np.arange(len(targets)), targets] = False
        tasks = tuple(one.task for one in examples)
        return cls(tuple(texts), tasks, asked, targets, rivals, against, added)


@dataclass(frozen=True, slots=True)
class Batches:
    """One batch a step, which follows from the seed and the number of the step alone."""

    drawings: tuple[Drawing, ...]
    wording: Wording
    often: Floats  # (I,)
    size: int  # texts
    seed: int

    def at(self, step: int) -> Batch:
        """Every task fills its share of the texts."""
        rng = np.random.default_rng([self.seed, step])
        examples: list[Example] = []
        pieces: set[Piece] = set()
        for n, drawing in enumerate(self.drawings, start=1):
            full = self.size * n // len(self.drawings)
            for _ in range(self.size):  # of few items the texts may never be enough
                if max(len(pieces), len(examples)) >= full:
                    break
                drawn = drawing.draw(rng)
                examples += drawn
                for one in drawn:
                    pieces.update(_items(one), _texts(one))
        return Batch.of(examples, self.wording, self.often, rng)


@dataclass(frozen=True, slots=True)
class AsTheyAre:
    """The texts of the catalogue."""

    texts: Sequence[str]

    def of(self, row: int, rng: np.random.Generator) -> str:
        return self.texts[row]


def _items(example: Example) -> tuple[int, ...]:
    return (*(piece for piece, _ in example.asked if isinstance(piece, int)), example.target, *example.against)


def _texts(example: Example) -> tuple[str, ...]:
    return tuple(piece for piece, _ in example.asked if isinstance(piece, str))
