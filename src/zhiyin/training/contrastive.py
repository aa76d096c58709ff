"""The loss: what is wanted stands above the rest of the batch, at every length of the vectors.

A softmax over the cosines of what is asked and the texts of the batch, divided by a temperature (van den Oord et
al. 2018, "InfoNCE"), a text that is drawn often being forgiven by the log of how often (Yi et al. 2019, eq. 3).
Lengths: Kusupati et al. 2022, "Matryoshka". A click is told by a small net on top (He et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.training.examples import Batch
from zhiyin.training.tower_recipe import TowerRecipe

NEVER = -1e4  # of what is no rival: its share of the softmax is zero, also in 16 bits
INNER = 64


class ClickHead(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """(n, dim) askers and items to the logit of a click."""

    def __init__(self, dim: int, seed: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2 * dim, INNER), nn.Linear(INNER, 1)
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in (self.first, self.last):
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=draw) / layer.in_features**0.5)
                layer.bias.zero_()

    def forward(self, asker: Tensor, item: Tensor) -> Tensor:
        scale = asker.shape[-1] ** 0.5
        both = torch.cat([asker * item * scale, (asker - item).abs() * scale], dim=-1)
        found: Tensor = self.last(functional.gelu(self.first(both)))[..., 0]
        return found


@dataclass(frozen=True, slots=True)
class Objective:
    """What is small when all is learned."""

    temperature: float
    dims: tuple[int, ...]
    head: ClickHead | None = None

    @classmethod
    def of(cls, recipe: TowerRecipe, head: ClickHead | None = None) -> Objective:
        return cls(recipe.temperature, recipe.dims, head)

    def __call__(self, vectors: Tensor, batch: Batch) -> Tensor:
        """The mean over the examples, from the (N, dim) unit rows of the batch's texts."""
        ranked = [n for n, task in enumerate(batch.tasks) if task != "click"]
        clicked = [n for n, task in enumerate(batch.tasks) if task == "click"]
        total = torch.zeros((), device=vectors.device)
        if ranked:
            lengths = sorted({vectors.shape[1], *(dim for dim in self.dims if dim < vectors.shape[1])})
            losses = [
                self._ranked(functional.normalize(vectors[:, :dim], dim=1), batch, ranked) for dim in lengths
            ]
            total = total + torch.stack(losses).mean() * len(ranked)
        if clicked and self.head is not None:
            total = total + self._clicked(self.head, vectors, batch, clicked) * len(clicked)
        return total / len(batch.tasks)

    def _ranked(self, vectors: Tensor, batch: Batch, which: list[int]) -> Tensor:
        scores = _asked(vectors, batch, which) @ vectors.T / self.temperature
        scores = scores + _on(batch.added, vectors)
        scores = scores.masked_fill(~torch.from_numpy(batch.rivals[which]).to(vectors.device), NEVER)
        return functional.cross_entropy(scores, torch.from_numpy(batch.targets[which]).to(vectors.device))

    def _clicked(self, head: ClickHead, vectors: Tensor, batch: Batch, which: list[int]) -> Tensor:
        """The cross-entropy of the target being taken, and of the others that were named not being taken."""
        asker = _asked(vectors, batch, which)
        rows, items = np.nonzero(batch.against[which])
        yes = head(asker, vectors[torch.from_numpy(batch.targets[which]).to(vectors.device)])
        no = head(asker[rows], vectors[items])
        logits = torch.cat([yes, no])
        said = torch.cat([torch.ones_like(yes), torch.zeros_like(no)])
        return functional.binary_cross_entropy_with_logits(logits, said)


def _asked(vectors: Tensor, batch: Batch, which: list[int]) -> Tensor:
    """(n, dim) unit rows of who asks."""
    return functional.normalize(_on(batch.asked[which], vectors) @ vectors, dim=1)


def _on(array: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(array).to(like.device, like.dtype)
