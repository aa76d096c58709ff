"""A language model adapted to a shop: from what people did there to weights that are served without torch."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

import numpy as np
import orjson
import torch

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import unit
from zhiyin.encoders.bert import Shape
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.endpoints.rewording import Reworded
from zhiyin.errors import InvalidData, InvalidSettings
from zhiyin.files import appearing
from zhiyin.models.dense import centre_of
from zhiyin.progress import Progress, Silent
from zhiyin.training.augmenting import Others, wording_of
from zhiyin.training.below import Below
from zhiyin.training.contrastive import ClickHead, Objective
from zhiyin.training.craft import Craft
from zhiyin.training.dense import (
    RATE,
    Turning,
    below_dense,
    craft_of,
    gradients_of,
    one_thread,
    with_dense,
)
from zhiyin.training.examples import Batches, Drawing
from zhiyin.training.finding import found_rate
from zhiyin.training.gradients import Gradients
from zhiyin.training.methods import learned, merged, upper_layers, with_method
from zhiyin.training.past import Past
from zhiyin.training.pretraining import pretrained
from zhiyin.training.tasks import Near, Next, of_histories
from zhiyin.training.tower_judging import Judged, Panel
from zhiyin.training.tower_learning import Teacher, TowerLearning, Way
from zhiyin.training.tower_net import TowerNet, device_of, load_net
from zhiyin.training.tower_recipe import OF_HISTORIES, TowerRecipe
from zhiyin.training.tower_state import Curve
from zhiyin.training.wishes import Fields, of_fields
from zhiyin.types import Item

log = logging.getLogger(__name__)

NEAR = 50  # items that read most like each, of which hard rivals are drawn
FIRST = 5  # of these are left out: they may be the same thing
PRETRAINED, TURNED, ADAPTED = CHECKPOINTS = ("pretraining.safetensors", "dense.safetensors", "safetensors")
ASKED = 8  # texts by which it is seen that the graph says what the net says


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which model is to learn what."""

    model: Pretrained
    recipe: TowerRecipe
    past: Past
    catalogue: Sequence[Item]
    language: str = "en"
    seed: int = 0
    progress: Progress = field(default_factory=Silent)
    keep: Path | None = None  # folder of the checkpoints
    reworded: Reworded | None = None  # other wordings of items, by row

    def path(self, what: str) -> Path | None:
        """Of what is kept of this assignment: another one has another name."""
        if self.keep is None:
            return None
        recipe = self.recipe.model_dump_json(exclude={"back_translation"})  # what came of it is in the digest
        told = hashlib.sha256(f"{self.model.fingerprint} {recipe} {self.seed}".encode())
        told.update(self.digest().encode())
        return self.keep / f"tower-{told.hexdigest()[:16]}.{what}"

    def digest(self) -> str:
        """Of all that is learned from."""
        digest = hashlib.sha256(orjson.dumps(self.past.texts))
        for array in (self.past.histories.indptr, self.past.histories.rows, self.past.hidden):
            digest.update(array.tobytes())
        digest.update(repr((self.past.typed, self.past.refused)).encode())
        if self.wordings:
            share = self.recipe.back_translation.share
            digest.update(repr((share, sorted(self.wordings.items()))).encode())
        return digest.hexdigest()

    @property
    def wordings(self) -> Mapping[int, tuple[str, ...]]:
        return {} if self.reworded is None else self.reworded.wordings

    @property
    def others(self) -> Others:
        """What of items is read instead of their texts, now and then."""
        return Others(self.wordings, self.recipe.back_translation.share)

    @property
    def begun(self) -> bool:
        """Whether a run of this assignment left a checkpoint, from which it goes on."""
        found = (self.path(what) for what in CHECKPOINTS)
        return any(path is not None and path.is_file() for path in found)


@dataclass(frozen=True, slots=True)
class Tower:
    """What came out."""

    weights: dict[str, Floats]
    before: Judged | None
    after: Judged | None
    learning_rate: float
    n_learned: int  # parameters that learned
    seconds: float
    told: str  # how it ended
    curve: Curve
    net: TowerNet
    tasks: tuple[str, ...]

    @property
    def gained(self) -> bool:
        """Whether held-out people are better off than with the model as it was."""
        return self.before is None or self.after is None or self.after.worth > self.before.worth


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The teacher of all tasks."""

    net: TowerNet
    batches: Batches
    objective: Objective
    gradients: Gradients
    panel: Panel

    def add(self, number: int) -> float:
        batch = self.batches.at(number)
        return self.gradients.add(
            batch.texts, lambda vectors: self.objective(vectors, batch), (self.batches.seed << 20) + number
        )

    def judge(self) -> Judged | None:
        return self.panel.judge(self.net.encode) if len(self.panel.targets) else None


def adapt(asked: Assignment) -> Tower:
    """Learn it. A run that was killed goes on where it was.

    Raises MissingExtra without torch's companions, InvalidData where nothing can be learned from.
    """
    began = monotonic()
    with torch.random.fork_rng():
        return _adapted(asked, began)


def _adapted(asked: Assignment, began: float) -> Tower:
    recipe, shape = asked.recipe, Shape.of(asked.model.config)
    torch.manual_seed(asked.seed)
    net = load_net(asked.model, recipe.longest, recipe.dropout).to(device_of(recipe.precision))
    say_precision(recipe, net)
    close = near(net, asked) if recipe.hard else Near(np.zeros((0, 0), np.int32))
    drawings = drawings_of(asked, close)
    pretrained(net, asked.past, recipe, asked.progress, asked.path(PRETRAINED))
    wording = wording_of(asked.catalogue, asked.past, recipe.augment, asked.seed, asked.others)
    batches = Batches(tuple(drawings), wording, _often(asked), recipe.batch, asked.seed)
    panel = Panel.of(asked.past, recipe.judged, asked.seed)
    first = _turned(net, asked, batches, panel, began) if recipe.dense else None
    if recipe.method == "dense" and first is not None:
        learning, rate = first, RATE
        learned_in = sum(one.numel() for one in learned(net).values())
    else:
        net = _ready(net, asked, shape)
        gradients = Gradients(net, recipe.at_once, recipe.precision, recipe.adversarial)
        teacher = Behaviour(net, batches, Objective.of(recipe, net.head), gradients, panel)
        rate = recipe.learning_rate or tried(net, teacher, asked)
        craft = Craft.of(recipe, rate, monotonic() - began, asked.seed)
        title = "adapting the language model"
        learning = TowerLearning(net, Way(title, teacher, gradients, craft, asked.progress, asked.path(ADAPTED)))
        learning.run()
        learned_in = sum(one.numel() for one in learned(net).values())
    before = (first or learning).curve.at(0)
    seconds = learning.standing.seconds + (first.standing.seconds if first and first is not learning else 0.0)
    return Tower(
        merged(net, shape), before, learning.curve.at(learning.standing.best_step), rate, learned_in, seconds,
        learning.told(), learning.curve, net, tuple(drawing.task for drawing in drawings),
    )  # fmt: skip


def _turned(net: TowerNet, asked: Assignment, batches: Batches, panel: Panel, began: float) -> TowerLearning:
    """The dense layer on top, learned before all else."""
    recipe = asked.recipe
    known = [text for text, hidden in zip(asked.past.texts, asked.past.hidden, strict=True) if not hidden]
    longest_ones = sorted((text for text in known if text), key=len)[-ASKED:]
    with below_dense(net, asked.model, recipe.longest, longest_ones) as kept:
        other = [text for some in asked.wordings.values() for text in some]
        with_dense(net, kept, [*known, *other], asked.progress, recipe.minutes - (monotonic() - began) / 60)
        head = ClickHead(net.words.shape[1], asked.seed) if "click" in recipe.tasks else None
        wording = wording_of(asked.catalogue, asked.past, 0.0, asked.seed, asked.others)  # that were read
        plain = replace(batches, wording=wording, size=2 * recipe.batch)
        teacher = Turning(net, kept, plain, Objective.of(recipe, head), panel)
        craft = craft_of(recipe, max(recipe.minutes - (monotonic() - began) / 60, 0.1), asked.seed)
        way = Way(
            "turning its vectors",
            teacher,
            gradients_of(net),
            craft,
            asked.progress,
            asked.path(TURNED),
        )
        learning = TowerLearning(net, way)
        with one_thread():
            learning.run()
    return learning


def drawings_of(asked: Assignment, near: Near) -> list[Drawing]:
    """The tasks that this shop has something for, those that it has not are told.

    Raises InvalidData where it is none.
    """
    recipe, past = asked.recipe, asked.past
    fields = Fields.of(asked.catalogue, past) if set(recipe.tasks) - set(OF_HISTORIES) else None
    found: list[Drawing] = []
    for task in dict.fromkeys(recipe.tasks):
        drawing: Drawing | None
        if task in OF_HISTORIES:
            drawing = of_histories(past, task, recipe.window, recipe.recency)
            if isinstance(drawing, Next):
                drawing = Next(drawing.histories, drawing.window, drawing.recency, recipe.hard, near)
        else:
            drawing = of_fields(fields, task, asked.language) if fields is not None else None
        if drawing is None:
            log.warning("nothing to learn the task %s from: left out", task)
        else:
            found.append(drawing)
    if recipe.method == "dense" and not recipe.dense:
        raise InvalidSettings('tower.method = "dense" learns the dense layer alone: give tower.dense some steps')
    if not found:
        raise InvalidData(
            f"there is nothing to learn {', '.join(recipe.tasks)} from: import events of people who took two "
            "items or more that have a text, or set tower.tasks to what the catalogue has, such as wish and typo"
        )
    return found


def _ready(net: TowerNet, asked: Assignment, shape: Shape) -> TowerNet:
    """Of which that learns what the method says."""
    torch.manual_seed(asked.seed)
    device = net.device
    net = with_method(net, asked.recipe, shape)
    if n_upper := upper_layers(asked.recipe, shape):
        net.below = Below(net.inner, n_upper)
    if "click" in asked.recipe.tasks:
        net.head = ClickHead(shape.dim, asked.seed)
    if asked.recipe.checkpointing:
        if asked.recipe.method == "prefix":
            raise InvalidSettings("tower.checkpointing does not go with the method prefix: leave it out")
        net.inner.gradient_checkpointing_enable()
        net.inner.enable_input_require_grads()
    return net.to(device)


def tried(net: TowerNet, teacher: Teacher, asked: Assignment) -> float:
    """The learning rate, of which a note is kept for a run that goes on."""
    note = asked.path("rate")
    if note is not None and note.is_file():
        return float(note.read_text("utf-8"))
    asked.progress.start("finding a learning rate", 0)
    rate = found_rate(net, teacher.add, Craft.of(asked.recipe, 1.0, 0.0, asked.seed), asked.recipe.method)
    asked.progress.done()
    if note is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        with appearing(note) as draft:
            draft.write_text(repr(rate), "utf-8")
    return rate


def _often(asked: Assignment) -> Floats:
    """(I,) minus the log of how often each item is drawn, as far as the recipe forgives it."""
    share = (asked.past.support + 1.0) / (asked.past.support + 1.0).sum()
    return (-asked.recipe.correction * np.log(share)).astype(np.float32)


def near(net: TowerNet, asked: Assignment) -> Near:
    """What reads like what, before anything is learned."""
    asked.progress.start("finding what reads alike", 0)
    read = net.encode(asked.past.texts)
    vectors = unit(read - centre_of(read))
    told = np.array([bool(text) for text in asked.past.texts]) & ~asked.past.hidden
    rows = np.zeros((len(vectors), NEAR - FIRST), np.int32)
    for start in range(0, len(vectors), 512):
        scores = vectors[start : start + 512] @ vectors.T
        scores[:, ~told] = -np.inf
        some = np.argsort(-scores, axis=1, kind="stable")[:, FIRST:NEAR]
        rows[start : start + 512, : some.shape[1]] = some
    asked.progress.done()
    return Near(rows)


def say_precision(recipe: TowerRecipe, net: TowerNet) -> None:
    if recipe.precision in ("bfloat16", "float16") and net.device.type == "cpu":
        log.warning("tower.precision = %s needs a GPU: on this processor it is float32", recipe.precision)
