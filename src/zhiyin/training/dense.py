"""A dense layer on top of a language model, learned first: from vectors that are counted once.

It begins as what it need not be, the vectors as they are but for their common part, and costs seconds. What is
learned within the model goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.data.dataset import Floats
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import Pretrained
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
SAME = 1e-4  # between a number of the graph and of torch

Encode = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Kept:
    """Vectors of texts without the dense layer, each counted once."""

    encode: Encode  # of the net below
    where: str  # it runs
    rows: dict[str, Floats] = field(default_factory=dict)

    def of(self, texts: Sequence[str]) -> Floats:
        """(n, dim)"""
        missing = [text for text in dict.fromkeys(texts) if text not in self.rows]
        if missing:
            self.rows.update(zip(missing, self.encode(missing), strict=True))
        return np.stack([self.rows[text] for text in texts])

    def read(self, texts: Sequence[str], progress: Progress, minutes: float) -> Floats:
        """The same of many, for which there are so many minutes: what it takes is told before.

        Raises InvalidSettings where that is more.
        """
        some = texts[:: max(1, len(texts) // TRIED)][:TRIED]
        self.encode(some[:WARM])  # the first are slower than any others
        began = monotonic()
        self.of(some)
        needed = (monotonic() - began) / len(some) * len(texts) / 60
        where = f"{len(texts):,} texts once on this {self.where}"
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


def with_dense(net: TowerNet, kept: Kept, texts: Sequence[str], progress: Progress, minutes: float) -> None:
    """Put the layer on top of the net, of which nothing else learns yet; the vectors of the texts are kept.

    Raises InvalidSettings where reading them alone takes more than these minutes.
    """
    read = kept.read([text for text in dict.fromkeys(texts) if text], progress, minutes)
    dim = read.shape[1]
    layer = nn.Linear(dim, dim)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(dim))
        layer.bias.copy_(torch.from_numpy(-centre_of(read)))
    for one in net.parameters():
        one.requires_grad_(False)
    net.dense = layer.to(net.device)


@contextmanager
def below_dense(net: TowerNet, model: Pretrained, longest: int, some: Sequence[str]) -> Iterator[Kept]:
    """How the net reads as it is, before it has a dense layer.

    On a processor by the graph of its files, if that says the same of `some` texts, which it does not where texts
    were read first or the files hold more than the net. Text by text, each on one thread, nothing waits for a
    thread that others hold up: beside other work that is several times as fast (docs/LOG.md).
    """
    where = net.device.type
    with TemporaryDirectory(prefix="zhiyin-") as folder:
        encode = _without_dense(net)
        if where == "cpu":
            graph = LanguageEncoder(model, Path(folder), "float32", longest=longest).encode
            if np.allclose(graph(some), encode(some), atol=SAME, rtol=0.0):
                encode = graph
        yield Kept(encode, where)


def _without_dense(net: TowerNet) -> Encode:
    def encode(texts: Sequence[str]) -> Floats:
        dense, net.dense = net.dense, None
        try:
            return net.encode(texts)
        finally:
            net.dense = dense

    return encode


@contextmanager
def one_thread() -> Iterator[None]:
    """For products so small that threads would wait for each other longer than they count."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


def craft_of(recipe: TowerRecipe, minutes: float, seed: int) -> Craft:
    """As much as a layer needs that costs nearly nothing."""
    return Craft(
        recipe.dense, minutes * (1.0 if recipe.method == "dense" else SHARE), RATE, judgements=recipe.judgements,
        patience=recipe.patience, checkpoint=recipe.checkpoint, seed=seed,
    )  # fmt: skip


def gradients_of(net: TowerNet) -> Gradients:
    """Nothing is read by them: for the scaler alone."""
    return Gradients(net, 1, "float32")
