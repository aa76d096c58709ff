"""The click model, learned: once beside held-out entries, then on with what was held out.

First by what people took. Where lists that were shown by chance are in the log, it then goes on from there for
each of a few weights β of what they earned, l − β R, and the weight is kept whose softmax would have earned most
on the newest lists, by a self-normalised estimate; none, where its gain is not above half its standard error, or
where so few places count that nobody could say.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.encoders.cache import forgetful
from zhiyin.encoders.pair import at_hand
from zhiyin.encoders.remembering import Known
from zhiyin.models.base import Run
from zhiyin.models.clicks import Clicks, ClicksRecipe, Sight
from zhiyin.models.meaning import Meaning
from zhiyin.models.reader import Reader
from zhiyin.training.clicks_net import ClickNet
from zhiyin.training.clicks_past import ClickPast, Gallery, against, read_texts
from zhiyin.training.clicks_rewards import Logged
from zhiyin.training.clicks_teacher import RANKED, ClickTeacher, HeldClicks
from zhiyin.training.craft import Craft, copied, put
from zhiyin.training.cures import OF_CLICKS
from zhiyin.training.rivals import Rivals
from zhiyin.training.tower_learning import TowerLearning, Way

log = logging.getLogger(__name__)

BETAS = (1.0, 5.0, 25.0)
SURE = 0.5  # standard errors that a gain must have
ON_TOP = 0.2  # share of the steps, and of the minutes, that each weight is tried for
LEAST_STEPS = 150  # that it is tried for, at least: less would tell nothing
JUDGEMENTS = 12


@dataclass(frozen=True, slots=True)
class TaughtClicks:
    """A click model that learned, and how."""

    model: Clicks
    net: ClickNet
    seen: Meaning | Reader  # what its items are read as
    steps: int  # after which the best weights were found
    epochs: int  # the same, begun ones counted
    beta: float
    worth: float  # of its own held-out entries


def teach(recipe: ClicksRecipe, data: Dataset, run: Run, seen: Meaning | Reader) -> TaughtClicks | None:
    """Learn from the beginning. None where nobody took two things."""
    lesson = _Lesson.of(recipe, data, run, seen)
    gallery = lesson.gallery
    entries, known = gallery.past.held_out(run.seed)
    vain = against(data, gallery.past)
    taken = np.flatnonzero(np.bincount(gallery.past.rows, minlength=len(gallery.items)))
    ranked = np.random.default_rng([run.seed, 9]).permutation(taken)[:RANKED].astype(np.int32)
    held = HeldClicks(gallery, gallery.past.before(entries), gallery.past.rows[entries], np.sort(ranked))
    lesson = replace(lesson, gallery=gallery.keep(known), vain=vain[known], held=held)
    if not len(lesson.examples):
        return None
    net = _net(recipe, seen.vectors, run.seed)
    tries = 0 if recipe.beta == 0 or not len(data.shown) else len(BETAS) if recipe.beta is None else 1
    share = 1 / (1 + recipe.again + ON_TOP * tries)
    teacher = lesson.teacher(net, None, 0.0)
    steps = recipe.epochs * teacher.steps()
    learning = lesson.learned(teacher, steps, recipe.minutes * share)
    best = learning.standing.best_step or learning.standing.step
    beta = (
        lesson.rewarded(net, max(LEAST_STEPS, round(ON_TOP * best)), recipe.minutes * share * ON_TOP)
        if tries
        else 0.0
    )
    return _taught(lesson, net, seen, best, beta)


def go_on(
    recipe: ClicksRecipe, data: Dataset, run: Run, seen: Meaning | Reader, before: TaughtClicks
) -> TaughtClicks:
    """Learn on from all of `data`, of which `before` knows a part, for `again` of the steps that were best
    there."""
    seen = aligned(seen, before.seen)
    lesson = _Lesson.of(recipe, data, run, seen)
    lesson = replace(lesson, vain=against(data, lesson.gallery.past))
    net = _net(recipe, seen.vectors, run.seed)
    put(dict(net.named_parameters()), dict(before.net.named_parameters()))
    logged = Logged.of(data.shown, lesson.gallery, run.seed) if before.beta else None
    teacher = lesson.teacher(net, logged, before.beta)
    steps = max(1, round(recipe.again * before.steps))
    lesson.learned(teacher, steps, recipe.minutes * recipe.again / (1 + recipe.again))
    return replace(_taught(lesson, net, seen, before.steps, before.beta), epochs=before.epochs, worth=before.worth)


def aligned(seen: Meaning | Reader, origin: Meaning | Reader) -> Meaning | Reader:
    """The same reading with its company turned to lie as that of another fit does, whose axes may be others
    (Schönemann 1966): what was learned of the one holds for the other."""
    if not (isinstance(seen, Reader) and isinstance(origin, Reader)):
        return seen
    left, _, right = np.linalg.svd(seen.company.T.astype(np.float64) @ origin.company[: len(seen.company)])
    turn = (left @ right).astype(np.float32)
    vectors, half = seen.vectors.copy(), seen.axes.shape[1]
    vectors[:, half:] = vectors[:, half:] @ turn
    return replace(seen, company=seen.company @ turn, vectors=vectors)


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learned from, and how."""

    recipe: ClicksRecipe
    run: Run
    data: Dataset
    gallery: Gallery
    known: Known  # the encoder, with what people wrote
    vain: np.ndarray
    held: HeldClicks | None = None

    @classmethod
    def of(cls, recipe: ClicksRecipe, data: Dataset, run: Run, seen: Meaning | Reader) -> _Lesson:
        past, encoder = ClickPast.of(data, recipe.texts), forgetful(at_hand(run.encoder))
        read = read_texts(past.texts, encoder)
        known = Known(encoder, dict(zip(dict.fromkeys(past.texts), read, strict=True)))
        gallery = Gallery.of(past, seen, read, recipe.texts)
        return cls(recipe, run, data, gallery, known, np.zeros((0, 0), np.int32))

    @property
    def examples(self) -> np.ndarray:
        """Entries to learn: for a softmax those that were liked."""
        past = self.gallery.past
        liked = past.weights > 0
        return np.flatnonzero(past.supports & (liked if self.recipe.loss == "softmax" else past.weights != 0))

    def teacher(self, net: ClickNet, logged: Logged | None, beta: float) -> ClickTeacher:
        past, recipe, seed = self.gallery.past, self.recipe, self.run.seed
        support = np.bincount(past.rows[past.weights > 0], minlength=len(self.gallery.items))
        rivals = Rivals.of(support, recipe.negatives, recipe.by_popularity, seed)
        return ClickTeacher(
            net, recipe, self.gallery, self.examples, self.vain, rivals, self.held, logged, beta, seed
        )

    def learned(self, teacher: ClickTeacher, steps: int, minutes: float) -> TowerLearning:
        """The net of the teacher learns; it then has the weights that count."""
        recipe = self.recipe
        craft = Craft(
            steps=steps,
            minutes=minutes,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            judgements=JUDGEMENTS if self.held is not None else 0,
            patience=recipe.patience,
            checkpoint=recipe.checkpoint,
            seed=self.run.seed,
        )
        title = "learning what people take of what they are shown"
        way = Way(title, teacher, teacher, craft, self.run.progress, self._path(teacher, craft), OF_CLICKS)
        with torch.random.fork_rng():
            learning = TowerLearning(teacher.net, way)
            learning.run()
        return learning

    def rewarded(self, net: ClickNet, steps: int, minutes: float) -> float:
        """The weight of what lists earned, by which the net then has learned on."""
        older, newest = Logged.of(self.data.shown, self.gallery, self.run.seed).halves()
        plain = newest.value(net)
        if (why := newest.supported(plain)) and self.recipe.beta is None:
            log.info("clicks: nothing is learned from what lists earned: %s", why)
            return 0.0
        first, best = copied(dict(net.named_parameters())), (0.0, plain, copied(dict(net.named_parameters())))
        for beta in BETAS if self.recipe.beta is None else (self.recipe.beta,):
            put(dict(net.named_parameters()), first)
            unjudged = replace(self, held=None)
            unjudged.learned(unjudged.teacher(net, older, beta), steps, minutes)
            value = newest.value(net)
            gain, error = value.gain_over(best[1])
            log.info(
                "clicks: beta %g earns %.4f ± %.4f of a place, none %.4f",
                beta,
                value.value,
                value.error,
                plain.value,
            )
            if self.recipe.beta is not None or (gain > SURE * error and not newest.supported(value)):
                best = beta, value, copied(dict(net.named_parameters()))
        put(dict(net.named_parameters()), best[2])
        return best[0]

    def _path(self, teacher: ClickTeacher, craft: Craft) -> Path | None:
        """Of the checkpoint: of another lesson it has another name."""
        if self.run.keep is None:
            return None
        told = f"{self.recipe.model_dump_json()} {craft.steps} {craft.minutes} {craft.seed} {teacher.beta}"
        digest = hashlib.sha256(f"{told} {self.held is None} {len(self.data.shown)}".encode())
        past = self.gallery.past
        for array in (past.indptr, past.rows, past.weights, past.noted):
            digest.update(np.ascontiguousarray(array).tobytes())
        return self.run.keep / f"clicks-{digest.hexdigest()[:16]}.safetensors"


def _taught(lesson: _Lesson, net: ClickNet, seen: Meaning | Reader, steps: int, beta: float) -> TaughtClicks:
    teacher = lesson.teacher(net, None, 0.0)
    judged = teacher.judge()
    head, projection = net.served()
    sight = Sight.of(seen, projection)
    ordered = lesson.gallery.past.ordered
    model = Clicks.of(head, seen, sight, lesson.known, most=lesson.recipe.texts, ordered=ordered)
    epochs = max(1, -(-steps // teacher.steps()))
    return TaughtClicks(model, net, seen, steps, epochs, beta, judged.worth if judged else 0.0)


def _net(recipe: ClicksRecipe, rows: Floats, seed: int) -> ClickNet:
    net = ClickNet(recipe, rows, seed)
    return net.to("cuda") if torch.cuda.is_available() else net
