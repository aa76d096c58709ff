"""A cross-encoder taught by what a shop knows: from questions with right and wrong answers to weights.

The training itself is the one of an adapted encoder (zhiyin.training.tower_learning): planned by its cost, judged
on the way, stopped early, gone on with after a kill with the same bits; only what is learned is another thing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import Shape
from zhiyin.errors import InvalidData
from zhiyin.training.craft import Craft
from zhiyin.training.cross_groups import Group, Groups, Shelf, Wrote, held_groups
from zhiyin.training.cross_net import CrossNet, cross_weights
from zhiyin.training.cross_recipe import CrossRecipe
from zhiyin.training.cures import OF_CROSS
from zhiyin.training.examples import Drawing
from zhiyin.training.gradients import Gradients
from zhiyin.training.methods import learned, with_method
from zhiyin.training.past import Past
from zhiyin.training.tasks import Near, Next
from zhiyin.training.tower import Assignment, drawings_of, near, say_precision, tried
from zhiyin.training.tower_judging import Judged
from zhiyin.training.tower_learning import TowerLearning, Way
from zhiyin.training.tower_net import device_of, load_net
from zhiyin.training.tower_state import Curve
from zhiyin.training.wishes import Fields, of_fields

JUDGED_AMONG = (8, 3)  # hard and random wrong answers of a question that is judged by
AT_PLACES = 10


@dataclass(frozen=True, slots=True)
class Lesson:
    """Which model is to learn what: `asked.recipe` is what the recipe shares with an adapted encoder."""

    asked: Assignment
    recipe: CrossRecipe
    wrote: Wrote

    @classmethod
    def of(cls, asked: Assignment, recipe: CrossRecipe, wrote: Wrote) -> Lesson:
        """Checkpoints of another recipe, or of other reviews, have another folder."""
        told = hashlib.sha256(f"{recipe.model_dump_json()} {sorted(wrote.items())}".encode()).hexdigest()
        keep = None if asked.keep is None else Path(asked.keep) / told[:16]
        return cls(replace(asked, recipe=recipe.as_tower(), keep=keep), recipe, wrote)


@dataclass(frozen=True, slots=True)
class Cross:
    """What came out."""

    weights: dict[str, Floats]
    before: Judged | None
    after: Judged | None
    learning_rate: float
    n_learned: int  # parameters
    seconds: float
    told: str  # how it ended
    curve: Curve
    net: CrossNet
    tasks: tuple[str, ...]

    @property
    def gained(self) -> bool:
        """Whether questions that were held out are answered better than before anything was learned."""
        return self.before is None or self.after is None or self.after.worth > self.before.worth


@dataclass(frozen=True, slots=True)
class Reading:
    """The teacher: what is right of each group."""

    net: CrossNet
    groups: Groups
    gradients: Gradients
    held: Sequence[Group]
    recipe: CrossRecipe

    def add(self, number: int) -> float:
        texts, groups = self.groups.shelf.past.texts, self.groups.at(number)
        pairs = tuple(pair for group in groups for pair in group.pairs(texts))
        sizes = [len(group.rows) for group in groups]
        return self.gradients.add(
            pairs, lambda scores: loss_of(scores, sizes, self.recipe), (self.groups.seed << 20) + number
        )

    def judge(self) -> Judged | None:
        if not self.held:
            return None
        texts = self.groups.shelf.past.texts
        scores = self.net.scores([pair for group in self.held for pair in group.pairs(texts)])
        return judged(scores, self.held)


def learn_cross(lesson: Lesson) -> Cross:
    """Learn it. A run that was killed goes on where it was.

    Raises MissingExtra without torch's companions, InvalidData where nothing can be learned from.
    """
    began = monotonic()
    with torch.random.fork_rng():
        return _learned(lesson, began)


def _learned(lesson: Lesson, began: float) -> Cross:
    asked, recipe = lesson.asked, lesson.recipe
    shape = Shape.of(asked.model.config)
    torch.manual_seed(asked.seed)
    plain = load_net(asked.model, recipe.longest, recipe.dropout).to(device_of(recipe.precision))
    say_precision(asked.recipe, plain)
    close = near(plain, asked)
    drawings = [_without_rivals(one) for one in drawings_of(asked, close)]
    shelf = Shelf.of(asked.catalogue, asked.past, close, lesson.wrote)
    groups = Groups(drawings, shelf, recipe.groups, (recipe.hard, recipe.random), asked.seed)
    if not groups.at(0):
        raise InvalidData(
            "no question could be made of which a right and a wrong answer are known: import items that have texts"
        )
    held = held_groups(shelf, hidden_wishes(asked, recipe), recipe.judged, JUDGED_AMONG, asked.seed)
    net = _ready(CrossNet(plain, asked.model, recipe.longest, asked.seed), lesson, shape)
    gradients = Gradients(net, recipe.at_once, recipe.precision, cures=OF_CROSS)
    teacher = Reading(net, groups, gradients, held, recipe)
    rate = recipe.learning_rate or tried(net, teacher, asked)
    craft = Craft.of(asked.recipe, rate, monotonic() - began, asked.seed)
    title = "teaching two texts to be read as one"
    way = Way(title, teacher, gradients, craft, asked.progress, asked.path("safetensors"), OF_CROSS)
    learning = TowerLearning(net, way)
    learning.run()
    return Cross(
        cross_weights(net, shape), learning.curve.at(0), learning.curve.at(learning.standing.best_step), rate,
        sum(one.numel() for one in learned(net).values()), learning.standing.seconds, learning.told(),
        learning.curve, net, tuple(drawing.task for drawing in drawings),
    )  # fmt: skip


def loss_of(scores: Tensor, sizes: Sequence[int], recipe: CrossRecipe) -> Tensor:
    """Of (P,) numbers of pairs, group after group, the right one of each first: minus the log of its share of the
    softmax over its group (van den Oord et al. 2018; Gao, Dai & Callan 2021, "Localized contrastive estimation"),
    or the cross-entropy of each pair being right (Nogueira & Cho 2019), right and wrong ones weighing as much."""
    parts = torch.split(scores, list(sizes))
    if recipe.loss == "softmax":
        return torch.stack([torch.logsumexp(part, dim=0) - part[0] for part in parts]).mean()
    right = torch.cat([part[:1] for part in parts])
    wrong = torch.cat([part[1:] for part in parts])
    return (functional.softplus(-right).mean() + functional.softplus(wrong).mean()) / 2


def judged(scores: Floats, held: Sequence[Group]) -> Judged:
    """NDCG@10 and the mean of 1 / log2(1 + rank) of the right answers among their groups, of known and of hidden
    items, ties at their middle."""
    ranks, hidden = np.zeros(len(held)), np.array([group.hidden for group in held], bool)
    start = 0
    for n, group in enumerate(held):
        part = scores[start : start + len(group.rows)]
        ranks[n] = 1 + (part[1:] > part[0]).sum() + 0.5 * (part[1:] == part[0]).sum()
        start += len(group.rows)
    worth = 1.0 / np.log2(1.0 + ranks)
    ndcg = worth * (ranks <= AT_PLACES)
    means = [values[w].mean() if w.any() else np.nan for values in (ndcg, worth) for w in (~hidden, hidden)]
    return Judged(*map(float, means))


def hidden_wishes(asked: Assignment, recipe: CrossRecipe) -> list[Drawing]:
    """Wishes for the items that nothing is learned of."""
    flipped: Past = replace(asked.past, hidden=~asked.past.hidden)
    if not asked.past.hidden.any():
        return []
    fields = Fields.of(asked.catalogue, flipped)
    tasks = [task for task in ("wish", "typo", "attribute", "without") if task in recipe.tasks]
    found = [of_fields(fields, task, asked.language) for task in tasks]
    return [one for one in found if one is not None]


def _without_rivals(drawing: Drawing) -> Drawing:
    """Groups bring their own wrong answers."""
    return (
        replace(drawing, hard=0, near=Near(np.zeros((0, 0), np.int32))) if isinstance(drawing, Next) else drawing
    )


def _ready(net: CrossNet, lesson: Lesson, shape: Shape) -> CrossNet:
    """Of which that learns what the method says, and the end."""
    device = next(net.inner.parameters()).device
    with_method(net, lesson.asked.recipe, shape)
    net.head.requires_grad_(True)
    return net.to(device)
