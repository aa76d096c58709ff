"""A dense layer on top of a language model, learned first: from vectors that are counted once.

It begins as what it need not be, the vectors as they are but for their common part, and costs seconds. What is
learned within the model goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.data.dataset import Floats
from zhiyin.errors import InvalidSettings
from zhiyin.models.dense import centre_of
from zhiyin.progress import Progress
from zhiyin.training.contrastive import Objective
from zhiyin.training.craft import Craft
from zhiyin.training.examples import Batches
from zhiyin.training.gradients import Gradients
from zhiyin.training.tower_judging import Judged, Panel
from zhiyin.training.tower_net import TowerNet
from zhiyin.training.tower_recipe import TowerRecipe

RATE = 2e-3
SHARE = 0.3  # of the minutes, at most
TRIED, WARM = 256, 32  # texts by which it is told what reading all will take, and before that
AT_ONCE = 512  # texts between two reports of progress


@dataclass(frozen=True, slots=True)
class Kept:
    """Vectors of texts without the dense layer, each counted once."""

    net: TowerNet
    rows: dict[str, Floats] = field(default_factory=dict)

    def of(self, texts: Sequence[str]) -> Floats:
        """(n, dim)"""
        missing = [text for text in dict.fromkeys(texts) if text not in self.rows]
        if missing:
            dense, self.net.dense = self.net.dense, None
            self.rows.update(zip(missing, self.net.encode(missing), strict=True))
            self.net.dense = dense
        return np.stack([self.rows[text] for text in texts])

    def read(self, texts: Sequence[str], progress: Progress, minutes: float) -> Floats:
        """The same of many, for which there are so many minutes: what it takes is told before.

        Raises InvalidSettings where that is more.
        """
        some = texts[:: max(1, len(texts) // TRIED)][:TRIED]
        self.net.encode(some[:WARM])  # the first are slower than any others
        began = monotonic()
        self.of(some)
        needed = (monotonic() - began) / len(some) * len(texts) / 60
        where = f"{len(texts):,} texts once on this {self.net.device.type}"
        if needed > minutes:
            raise InvalidSettings(
                f"reading {where} would take {needed:.0f} min, and tower.minutes leaves {minutes:.1f}: raise it, "
                "or take a GPU"
            )
        progress.start(f"reading {where}, about {needed:.1f} min of {minutes:.1f}", len(texts))
        for start in range(0, len(texts), AT_ONCE):
            self.of(texts[start : start + AT_ONCE])
            progress.advance(min(start + AT_ONCE, len(texts)))
        progress.done()
        return self.of(texts)


@dataclass(frozen=True, slots=True)
class Turning:
    """The teacher of the dense layer alone."""

    net: TowerNet
    kept: Kept
    batches: Batches
    objective: Objective
    panel: Panel

    def add(self, number: int) -> float:
        batch = self.batches.at(number)
        found = self.objective(self._turned(batch.texts), batch)
        found.backward()
        return float(found.detach())

    def judge(self) -> Judged | None:
        return self.panel.judge(self._said) if len(self.panel.targets) else None

    def _said(self, texts: Sequence[str]) -> Floats:
        with torch.no_grad():
            found: Floats = self._turned(texts).cpu().numpy()
        return found

    def _turned(self, texts: Sequence[str]) -> Tensor:
        rows = torch.from_numpy(self.kept.of(texts)).to(self.net.device)
        return functional.normalize(self.net.dense(rows), dim=1)


def with_dense(net: TowerNet, texts: Sequence[str], progress: Progress, minutes: float) -> Kept:
    """Put the layer on top of the net, of which nothing else learns yet; the vectors of the texts.

    Raises InvalidSettings where reading them alone takes more than these minutes.
    """
    kept = Kept(net)
    read = kept.read([text for text in dict.fromkeys(texts) if text], progress, minutes)
    dim = read.shape[1]
    layer = nn.Linear(dim, dim)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(dim))
        layer.bias.copy_(torch.from_numpy(-centre_of(read)))
    for one in net.parameters():
        one.requires_grad_(False)
    net.dense = layer.to(net.device)
    return kept


def craft_of(recipe: TowerRecipe, minutes: float, seed: int) -> Craft:
    """As much as a layer needs that costs nearly nothing."""
    return Craft(
        recipe.dense, minutes * (1.0 if recipe.method == "dense" else SHARE), RATE, judgements=recipe.judgements,
        patience=recipe.patience, checkpoint=recipe.checkpoint, seed=seed,
    )  # fmt: skip


def gradients_of(net: TowerNet) -> Gradients:
    """Nothing is read by them: for the scaler alone."""
    return Gradients(net, 1, "float32")
