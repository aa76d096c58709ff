"""The net of the sequence channel as torch learns it: the same arrays under the same names as in
zhiyin.models.causal, and the vectors of the items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.data.dataset import Floats, Mask
from zhiyin.models.causal import TINY, Causal, distances, loudness
from zhiyin.models.sequence import SequenceRecipe

WIDER = 4  # times the width, within a block
FIRST = 0.02  # size of what is learned from nothing
LENGTH = 0.5  # of a vector of an item at first, own part and text each


class Net(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """`text` (I, dim) unit rows, `taken` (I,) by anybody: the others have no own part."""

    text: Tensor
    taken: Tensor

    def __init__(self, recipe: SequenceRecipe, text: Floats, taken: Mask, own: Floats, seed: int) -> None:
        """`own` (I, D): what the own parts begin as."""
        super().__init__()
        n, dim, inner = recipe.blocks, recipe.dim, WIDER * recipe.dim
        self.recipe = recipe
        draw = torch.Generator().manual_seed(seed)

        def small(*shape: int, size: float = FIRST) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=draw) * size)

        self.own = nn.Parameter(torch.from_numpy(own.copy()))
        self.projection = small(text.shape[1], dim, size=LENGTH / math.sqrt(dim * text.shape[1]))
        self.gain = nn.Parameter(torch.ones(2 * n + 1, dim))
        self.shift = nn.Parameter(torch.zeros(2 * n + 1, dim))
        self.asked = small(n, dim, 3 * dim, size=1 / math.sqrt(3 * dim))
        self.heard = small(n, dim, dim)
        self.near = nn.Parameter(torch.zeros(n, recipe.heads, recipe.length))
        self.wide = small(n, dim, inner, size=1 / math.sqrt(3 * dim))
        self.wide_shift = nn.Parameter(torch.zeros(n, inner))
        self.back = small(n, inner, dim)
        self.back_shift = nn.Parameter(torch.zeros(n, dim))
        self.register_buffer("text", torch.from_numpy(text * np.float32(math.sqrt(text.shape[1]))))
        self.register_buffer("taken", torch.from_numpy(taken.astype(np.float32)[:, None]))

    def vectors(self, told: Tensor | None = None, rows: Tensor | None = None) -> Tensor:
        """(I, D) of all items, or of these rows; `told` (I, 1) is 0 where an item is known by its text alone for
        once."""
        shown = self.taken if told is None else self.taken * told
        if rows is None:
            return self.own * shown + self.text @ self.projection
        return self.own[rows] * shown[rows] + self.text[rows] @ self.projection

    def states(self, entries: Tensor) -> Tensor:
        """(n, T, D) of the entries (n, T, D), as Causal.states."""
        x = self._dropped(entries * loudness(self.recipe.dim))
        back = torch.from_numpy(distances(x.shape[1])).to(x.device)
        bias = self.near[:, :, back.clamp(min=0)].masked_fill(back < 0, -math.inf)
        for n in range(self.recipe.blocks):
            x = x + self._dropped(self._attention(n, self._norm(2 * n, x), bias[n]))
            within = functional.relu(self._norm(2 * n + 1, x) @ self.wide[n] + self.wide_shift[n])
            x = x + self._dropped(self._dropped(within) @ self.back[n] + self.back_shift[n])
        return self._norm(-1, x)

    def told(self) -> Tensor:
        """(I, 1) 0 for a random share of the items, 1 for the others."""
        drawn = torch.rand(len(self.text), 1)
        return (drawn >= self.recipe.hide_own).float().to(self.text.device)

    def served(self) -> tuple[Causal, Floats]:
        """The net in numpy, and the vectors of the items (I, D)."""
        arrays = {field.name: _numbers(getattr(self, field.name)) for field in fields(Causal)}
        return Causal.of_arrays(arrays), _numbers(self.vectors())

    def own_parts(self) -> Floats:
        """(I, D)"""
        return _numbers(self.own)

    def reading(self) -> Floats:
        """(dim, D) the projection of unit rows of texts."""
        return _numbers(self.projection * math.sqrt(self.text.shape[1]))

    def take(self, weights: Mapping[str, Tensor]) -> None:
        """Have these weights from now on; those that are not named stay."""
        named = dict(self.named_parameters())
        with torch.no_grad():
            for name, one in weights.items():
                named[name].copy_(one)

    def _norm(self, place: int, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self.gain[place], self.shift[place], TINY)

    def _attention(self, n: int, x: Tensor, bias: Tensor) -> Tensor:
        n_askers, n_entries, dim = x.shape
        heads = self.recipe.heads
        parts = (x @ self.asked[n]).view(n_askers, n_entries, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype)[None])
        return heard.transpose(1, 2).reshape(n_askers, n_entries, dim) @ self.heard[n]

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.recipe.dropout, self.training)


def _numbers(tensor: Tensor) -> Floats:
    return tensor.detach().cpu().numpy().copy()
