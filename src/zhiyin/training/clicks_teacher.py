"""One step of the click model: examples, rivals, what is hidden, the loss, and how good it is by what was held
out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from zhiyin.data.dataset import Floats
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.models.clicks import NOW, PAST, WRITTEN, ClicksRecipe
from zhiyin.training.clicks_losses import Scored, cross_entropy, softmax, squared
from zhiyin.training.clicks_net import ClickNet
from zhiyin.training.clicks_past import Asking, Gallery, Places
from zhiyin.training.clicks_rewards import Logged
from zhiyin.training.rivals import Rivals
from zhiyin.training.tower_judging import Judged

RANKED = 3_000  # items among which held-out ones are ranked, at most
AT_ONCE = 64  # askers that are ranked together


@dataclass(frozen=True, slots=True)
class HeldClicks:
    """N people, what each took next, and the items that are ranked."""

    gallery: Gallery
    asking: Asking
    targets: Rows  # (N,)
    ranked: Rows  # (n,)


@dataclass(frozen=True)
class ClickTeacher:
    """What `TowerLearning` asks for."""

    net: ClickNet
    recipe: ClicksRecipe
    gallery: Gallery
    examples: Places  # entries that are learned
    vain: Rows  # (E, A) items shown in vain beside each entry, PAD for none
    rivals: Rivals
    held: HeldClicks | None
    logged: Logged | None  # lists that earned something
    beta: float
    seed: int

    @cached_property
    def scaler(self) -> torch.amp.GradScaler:
        """Nothing is scaled: products are in 32 bits."""
        return torch.amp.GradScaler(self.net.device.type, enabled=False)

    @property
    def size(self) -> int:
        """Examples in a step."""
        return min(self.recipe.batch, len(self.examples))

    def steps(self) -> int:
        """Of an epoch."""
        return max(1, len(self.examples) // self.size)

    def add(self, number: int) -> float:
        """The gradient of the batch of this number; its loss."""
        torch.manual_seed((self.seed << 32) + number)
        loss = self.loss(self._batch(number), number)
        if self.logged is not None and self.beta:
            loss = loss - self.beta * self.logged.earned(self.net, number, self.recipe.clip)
        loss.backward()
        return float(loss.detach())

    def loss(self, entries: Places, number: int) -> Tensor:
        """Of these entries, with the rivals of a step."""
        said = self._scored(entries, number)
        if self.recipe.loss == "mse":
            return squared(said, self.net.level)
        return softmax(said) if self.recipe.loss == "softmax" else cross_entropy(said)

    def judge(self) -> Judged | None:
        """By what people took next, among what was taken by anybody; None where nobody is held out."""
        held = self.held
        if held is None or not len(held.targets):
            return None
        self.net.eval()
        above = np.zeros(len(held.targets))
        items = _on(self.gallery.items[held.ranked], self.net)
        with torch.no_grad():
            for start in range(0, len(above), AT_ONCE):
                some = slice(start, start + AT_ONCE)
                above[some] = self._above(held, some, items)
        self.net.train()
        worth = 1.0 / np.log2(2.0 + above)
        top = np.where(above < 10, worth, 0.0)
        return Judged(float(top.mean()), float("nan"), float(worth.mean()), float("nan"))

    def _above(self, held: HeldClicks, some: slice, items: Tensor) -> npt.NDArray[np.float64]:
        """How many items stand above each target, ties half."""
        asking = Asking(held.asking.begin[some], held.asking.end[some], held.asking.without[some])
        sides = self.net.sides(_on(held.gallery.askers(asking), self.net))
        targets = held.targets[some]
        own = self.net(sides, _on(held.gallery.items[targets][:, None], self.net)) + self._prior(targets)[:, None]
        scores = self.net(sides, items) + self._prior(held.ranked)
        other = _on(held.ranked[None, :] != targets[:, None], self.net)
        counted = ((scores > own).double() + 0.5 * (scores == own).double()) * other
        above: npt.NDArray[np.float64] = counted.sum(dim=1).cpu().numpy()
        return above

    def _batch(self, number: int) -> Places:
        """Every example once an epoch, in an order of its own."""
        epoch, within = divmod(number, self.steps())
        order = np.random.default_rng([self.seed, 3, epoch]).permutation(self.examples)
        return np.sort(order[within * self.size : (within + 1) * self.size])

    def _scored(self, entries: Places, number: int) -> Scored:
        past, items, net = self.gallery.past, self.gallery.items, self.net
        targets, (rows, added) = past.rows[entries], self.rivals.at(number)
        raw = hidden(self.gallery.askers(past.before(entries)), self.recipe.hide, [self.seed, 5, number])
        sides = net.sides(_on(raw, net))
        vain = self.vain[entries]
        shown = vain != PAD
        beside = net(sides, _on(items[np.maximum(vain, 0)], net)) if shown.any() else torch.zeros(vain.shape)
        met = net(sides, _on(items[targets][:, None], net))[:, 0]
        bias = net.bias if self.recipe.loss == "cross_entropy" else torch.zeros((), device=net.device)
        return Scored(
            met=met + self._prior(targets) + bias,
            rivals=net(sides, _on(items[rows], net)) + self._prior(rows) + bias,
            added=_on(added, net),
            real=_on(rows[None, :] != targets[:, None], net),
            vain=beside.to(net.device) + self._prior(np.maximum(vain, 0)) + bias,
            shown=_on(shown, net),
            marks=_on(past.marks[entries], net),
        )

    def _prior(self, rows: npt.NDArray[np.integer]) -> Tensor:
        """What everybody takes of these rows, in the units of scores; nothing of how much things are liked."""
        if self.recipe.loss == "mse":
            return torch.zeros(rows.shape, device=self.net.device)
        return self.net.popular * _on(self._often[rows], self.net)

    @cached_property
    def _often(self) -> Floats:
        """(I,) log of how often each was taken, around 0."""
        past = self.gallery.past
        often = np.log1p(np.bincount(past.rows[past.weights > 0], minlength=len(self.gallery.items)))
        return (often - often.mean()).astype(np.float32)


def hidden(raw: Floats, share: float, seed: list[int]) -> Floats:
    """(n, 2, F, dim) of a share of those who did something and wrote something, only one of both is seen."""
    rng = np.random.default_rng(seed)
    drawn, which = rng.random(len(raw)), rng.random(len(raw)) < 0.5
    both = raw[:, :, WRITTEN].any(axis=(1, 2)) & raw[:, :, PAST].any(axis=(1, 2)) & (drawn < share)
    raw[both & which, :, WRITTEN] = 0.0
    for field in (PAST, NOW):
        raw[both & ~which, :, field] = 0.0
    return raw


def _on(array: np.ndarray, net: ClickNet) -> Tensor:
    kind = torch.bool if array.dtype.kind == "b" else torch.float32
    return torch.from_numpy(np.ascontiguousarray(array)).to(net.device, kind)
