"""The sequence channel, learned: once beside held-out entries, then on with what was held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from zhiyin.data.dataset import Dataset, Mask
from zhiyin.models.base import Run
from zhiyin.models.meaning import Meaning
from zhiyin.models.sequence import Reading, Sequence, SequenceRecipe
from zhiyin.training.beginning import borrowed_vectors, first_vectors
from zhiyin.training.judging import Held
from zhiyin.training.learning import Learning, Lesson
from zhiyin.training.net import LENGTH, Net
from zhiyin.training.rivals import Rivals
from zhiyin.training.windows import Histories, Windows


@dataclass(frozen=True, slots=True)
class Taught:
    """A net that learned, and how long that took."""

    model: Sequence
    net: Net
    taken: Mask  # (I,) by anybody in what it learned from
    steps: int  # after which the best weights were found
    epochs: int  # the same, begun ones counted
    worth: float  # of its own held-out entries


def teach(recipe: SequenceRecipe, data: Dataset, run: Run, meaning: Meaning) -> Taught:
    """Learn from the beginning, stopping early by the newest entries of some people, which are held out."""
    histories, batch, targets = Histories.of(data).held_out(run.seed)
    taken = histories.taken(len(data.items))
    own = first_vectors(histories, len(data.items), recipe.dim, run.seed) * np.float32(LENGTH)
    net = Net(recipe, meaning.vectors, taken, own, run.seed)
    windows = Windows.of(histories, recipe, run.seed)
    held = Held(batch, targets, taken) if len(targets) else None
    steps, minutes = recipe.epochs * windows.steps(), recipe.minutes / (1 + recipe.again)
    return _taught(net, _lesson(recipe, windows, held, run, steps, minutes), meaning)


def go_on(recipe: SequenceRecipe, data: Dataset, run: Run, meaning: Meaning, before: Taught) -> Taught:
    """Learn on from all of `data`, of which `before` knows a part, for `again` of the steps that were best there.

    Learning anew from all would cost as much again, and less would be learned in the same minutes.
    """
    histories = Histories.of(data)
    taken = histories.taken(len(data.items))
    own = borrowed_vectors(before.net.own_parts(), before.taken, histories)
    net = Net(recipe, meaning.vectors, taken, own, run.seed)
    net.take({name: one for name, one in before.net.named_parameters() if name != "own"})
    windows = Windows.of(histories, recipe, run.seed)
    steps, minutes = max(1, round(recipe.again * before.steps)), recipe.minutes * recipe.again / (1 + recipe.again)
    return _taught(net, _lesson(recipe, windows, None, run, steps, minutes), meaning)


def _lesson(
    recipe: SequenceRecipe, windows: Windows, held: Held | None, run: Run, steps: int, minutes: float
) -> Lesson:
    support = np.bincount(windows.histories.rows, minlength=1)
    rivals = Rivals.of(support, recipe.negatives, recipe.by_popularity, run.seed)
    return Lesson(windows, rivals, held, recipe, steps, minutes, run.seed, run.progress, run.keep)


def _taught(net: Net, lesson: Lesson, meaning: Meaning) -> Taught:
    with torch.random.fork_rng():
        standing = Learning(net, lesson).run()
    served, vectors = net.served()
    reading = Reading.of(meaning, net.reading())
    steps = standing.best_step or standing.step
    epochs = max(1, -(-steps // max(lesson.windows.steps(), 1)))
    taken = net.taken.cpu().numpy()[:, 0] > 0
    model = Sequence.of(served, vectors, taken, reading, lesson.seed)
    return Taught(model, net, taken, steps, epochs, standing.best)
