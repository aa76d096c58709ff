"""The click model as torch learns it: the same net as in zhiyin.models.click_head, and the projection of items."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.data.dataset import Floats
from zhiyin.models.click_head import ClickHead
from zhiyin.models.clicks import FIELDS, ClicksRecipe

FIRST = 0.02  # size of what the layers add at first, beside the products
LOUD = 15.0  # of the products of unit vectors at first
TINY = 1e-12


class ClickNet(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """`projection` (dim, D), `layers` those of a ClickHead; the popularity of items is learned beside, so that the
    net need not say it, and is not served."""

    def __init__(self, recipe: ClicksRecipe, rows: Floats, seed: int) -> None:
        """`rows` (I, dim) what items are read as: the projection begins as their main axes."""
        super().__init__()
        self.recipe, self.dropout = recipe, recipe.dropout
        draw = torch.Generator().manual_seed(seed)
        dim, inner = min(recipe.dim, rows.shape[1]), recipe.inner

        def small(*shape: int, size: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=draw) * size)

        self.projection = nn.Parameter(torch.from_numpy(_main_axes(rows, dim)))
        self.asker = small(FIELDS, dim, inner, size=1.0)
        self.item = small(dim, inner, size=1.0)
        self.meet = small(FIELDS, dim, inner, size=1.0)  # of the products, times √D: they are that much smaller
        self.shift = nn.Parameter(torch.zeros(inner))
        self.out = small(inner, size=FIRST)
        self.straight = nn.Parameter(torch.full((FIELDS, dim), LOUD / FIELDS))
        self.popular = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(()))
        self.level = nn.Parameter(
            torch.tensor(-math.log(LOUD))
        )  # of a squared error: log of what a score is worth

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.projection.device

    def sides(self, raw: Tensor) -> Tensor:
        """(n, 2, F, D) unit fields of askers from the sums (n, 2, F, dim) of what they are read as."""
        found = raw @ self.projection
        return found / found.norm(dim=-1, keepdim=True).clamp(min=TINY)

    def forward(self, sides: Tensor, rows: Tensor) -> Tensor:
        """(n, k) scores for n askers of k items as they are read, (k, dim) or (n, k, dim)."""
        items = rows @ self.projection
        total = self._side(sides[:, 0], items)
        if bool(sides[:, 1].any()):
            total = total - self._side(sides[:, 1], items)
        return total

    def _side(self, asker: Tensor, items: Tensor) -> Tensor:
        meet = self._meet
        inner = self.item + torch.einsum("nfd,fdm->ndm", asker, meet)
        start = self.shift + torch.einsum("nfd,fdm->nm", asker, self.asker)
        each = items if items.ndim == 3 else items.expand(len(asker), *items.shape)
        within = torch.baddbmm(start[:, None], each, inner).relu_()
        left = functional.dropout(torch.ones_like(start), self.dropout, self.training)  # of each example's units
        straight = (asker * self.straight).sum(dim=1)
        said = (within @ (left * self.out)[:, :, None] + each @ straight[:, :, None])[..., 0]
        zero = functional.relu(start) @ self.out
        alone = functional.relu(items @ self.item + self.shift) @ self.out - functional.relu(self.shift) @ self.out
        somebody = asker.flatten(1).any(dim=1)[:, None]
        return (said - zero[:, None] - alone) * somebody

    @property
    def _meet(self) -> Tensor:
        return self.meet * math.sqrt(self.projection.shape[1])

    def served(self) -> tuple[ClickHead, Floats]:
        """The net in numpy, and the projection of what items are read as."""
        with torch.no_grad():
            found = {field.name: _numbers(getattr(self, field.name)) for field in fields(ClickHead)}
            found["meet"] = _numbers(self._meet)
            return ClickHead.of_arrays(found), _numbers(self.projection)


def _main_axes(rows: Floats, dim: int) -> Floats:
    """(full dim, dim) along which the rows differ most."""
    told = rows[rows.any(axis=1)].astype(np.float64)
    _, axes = np.linalg.eigh(told.T @ told)
    return np.ascontiguousarray(axes[:, ::-1][:, :dim], np.float32)


def _numbers(tensor: Tensor) -> Floats:
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)
