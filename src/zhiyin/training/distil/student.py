"""A smaller model is taught to say what its teachers say of the shop's texts (DistilBERT: Sanh et al. 2019).

It begins as its teacher with layers, tokens or numbers gone. What is random in a step follows from the seed and
the number of the step, so a run that is killed ends with the same bits as one that was not.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import prune

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.bert import PREFIX_KEY
from zhiyin.errors import InvalidData
from zhiyin.training.craft import Craft
from zhiyin.training.cures import OF_STUDENTS
from zhiyin.training.distil.losses import Distance
from zhiyin.training.distil.recipe import Teaching
from zhiyin.training.distil.static import Bench
from zhiyin.training.distil.targets import Targets
from zhiyin.training.gradients import Gradients
from zhiyin.training.pruning.layers import layer_of
from zhiyin.training.pruning.model import LooseModel
from zhiyin.training.tower_judging import Judged
from zhiyin.training.tower_learning import TowerLearning, Way
from zhiyin.training.tower_net import TowerNet, device_of, load_net

HELD, MOST_HELD = 0.1, 500  # texts that are judged by
FEWEST = 20  # texts to learn from


@dataclass(frozen=True, slots=True)
class Taught:
    """The student as it has become."""

    model: LooseModel
    before: float  # mean cosine to the targets on held-out texts
    after: float
    told: str  # how it ended, in words
    seconds: float


def taught(
    student: LooseModel, texts: Sequence[str], teachers: Sequence[Floats], teaching: Teaching, bench: Bench
) -> Taught:
    """Teach; `teachers` (n, dim) each one's rows of the n texts. Zeros of a sparse student stay zeros.

    Raises MissingExtra without torch and transformers, InvalidData for fewer than FEWEST texts.
    """
    if len(texts) < FEWEST:
        raise InvalidData(f"{len(texts)} texts are too few to teach by, {FEWEST} are needed: --minutes 0")
    if any(name.endswith(PREFIX_KEY) for name in student.weights):
        raise InvalidData("a model with a prefix in front of every text cannot be taught further: --minutes 0")
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as folder:
        files = student.saved(Path(folder) / "student")
        torch.manual_seed(bench.seed)  # parts that the files lack, as a pooler that no sentence goes through
        net = load_net(files, min(teaching.longest, files.longest), None)
    net = net.to(device_of("auto"))
    _keep_zeros(net, student)
    targets = Targets.of(teachers, student.shape.dim, lambda n: net.encode(texts[:n]))
    school = _School(net, texts, targets, teaching, bench.seed)
    learning = TowerLearning(net, school.way(bench))
    before = school.cosine()
    standing = learning.run()
    return Taught(_with_weights(student, net), before, school.cosine(), learning.told(), standing.seconds)


class _School:
    """What `TowerLearning` asks for: gradients of batches, and how good the student is."""

    def __init__(
        self, net: TowerNet, texts: Sequence[str], targets: Targets, teaching: Teaching, seed: int
    ) -> None:
        order = np.random.default_rng(seed).permutation(len(texts)).astype(np.int32)
        n_held = max(1, min(MOST_HELD, int(len(order) * HELD)))
        self._held, self._known = order[:n_held], order[n_held:]
        self._net, self._texts, self._targets, self._teaching, self._seed = net, texts, targets, teaching, seed
        self._gradients = Gradients(net, teaching.batch, "auto", cures=OF_STUDENTS)
        self._distance = Distance(teaching.ranking, teaching.temperature)

    def add(self, number: int) -> float:
        chosen = self._batch(number)
        wanted = self._targets.part(chosen)
        device = self._net.device
        loss = partial(
            self._distance,
            wanted=torch.from_numpy(wanted.rows).to(device),
            whole=torch.from_numpy(wanted.whole).to(device),
        )
        return self._gradients.add(tuple(self._texts[n] for n in chosen), loss, (self._seed << 32) + number)

    def judge(self) -> Judged:
        return Judged(float("nan"), float("nan"), self.cosine(), float("nan"))

    def cosine(self) -> float:
        """To the targets, mean over the held-out texts."""
        said = self._net.encode([self._texts[n] for n in self._held])
        return float((said * self._targets.rows[self._held]).sum(axis=1).mean())

    def way(self, bench: Bench) -> Way:
        teaching = self._teaching
        craft = Craft(
            steps=teaching.steps,
            minutes=teaching.minutes,
            learning_rate=teaching.learning_rate,
            average="ema",
            judgements=teaching.judgements,
            patience=teaching.patience,
            checkpoint=teaching.checkpoint,
            seed=self._seed,
        )
        path = bench.unfinished / f"student-{self._digest()}.safetensors"
        return Way("teaching a smaller model", self, self._gradients, craft, bench.progress, path, OF_STUDENTS)

    def _batch(self, number: int) -> Rows:
        """Of step `number`: every text once an epoch."""
        size = min(self._teaching.batch, len(self._known))
        an_epoch = len(self._known) // size
        order = np.random.default_rng((self._seed, number // an_epoch)).permutation(self._known)
        start = number % an_epoch * size
        return order[start : start + size]

    def _digest(self) -> str:
        """Of all that decides what comes out: the checkpoint of another lesson has another name."""
        digest = hashlib.sha256(repr((astuple(self._teaching), self._seed)).encode())
        for text in self._texts:
            digest.update(text.encode() + b"\0")
        digest.update(self._targets.whole.tobytes())
        for name, one in sorted(self._net.named_parameters()):
            digest.update(name.encode() + one.detach().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]


def _keep_zeros(net: TowerNet, student: LooseModel) -> None:
    """What is zero in the matrices of the layers takes no part."""
    for matrix in _matrices(net, student.shape.kind):
        mask = matrix.weight.detach() != 0
        if not bool(mask.all()):
            prune.custom_from_mask(matrix, "weight", mask)


def _matrices(net: TowerNet, kind: str) -> list[torch.nn.Linear]:
    """Those of the layers."""
    found = net.inner.named_modules()
    layers = ((f"{name}.weight", one) for name, one in found if isinstance(one, torch.nn.Linear))
    return [one for name, one in layers if layer_of(kind, name) is not None]


def _with_weights(student: LooseModel, net: TowerNet) -> LooseModel:
    """As it is now: what its files have, zeros where they were."""
    for one in net.inner.modules():
        if isinstance(one, torch.nn.Linear) and prune.is_pruned(one):
            prune.remove(one, "weight")
    found = {name: one.detach().cpu().numpy().copy() for name, one in net.inner.named_parameters()}
    known = {name for name in found if any(told.endswith(name) for told in student.weights)}
    return replace(student, weights={name: found[name] for name in sorted(known)})
