"""The click model's net, in plain numpy: what somebody is, and what a thing is, to how likely they take it.

An asker is F vectors (fields) of D numbers, an item one. With ∘ the product number by number, the net is

    f(h, v) = out · relu(shift + Σ_f asker_f h_f + (item + Σ_f meet_f diag(h_f)) v) + Σ_f straight_f · (h_f ∘ v)

a factorisation machine (Rendle 2010) beside a layer that sees asker, item and what they have in common (He et al.
2017, "NeuMF"; Guo et al. 2017, "DeepFM"). For one asker everything but v is known: the first layer is folded once,
and a candidate costs D · m products. What is told is f less what it would be for nobody and for nothing,

    f(h, v) − f(0, v) − f(h, 0) + f(0, 0)

so that 0 is an item like any other: what everybody takes is said by other channels.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.models.base import Arrays

AT_ONCE = 4_000_000  # numbers of a product of steps and items


@dataclass(frozen=True, slots=True)
class ClickHead:
    """F fields and items of D numbers, m units inside."""

    asker: Floats  # (F, D, m)
    item: Floats  # (D, m)
    meet: Floats  # (F, D, m)
    shift: Floats  # (m,)
    out: Floats  # (m,)
    straight: Floats  # (F, D)

    def folded(self, asker: Floats) -> FoldedHead:
        """For one asker (F, D)."""
        n_fields, dim, inner = self.meet.shape
        item = self.item + np.einsum("fd,fdm->dm", asker, self.meet)
        start = self.shift + asker.reshape(-1) @ self.asker.reshape(n_fields * dim, inner)
        return FoldedHead(item, start, (self.straight * asker).sum(axis=0), self.out)

    def alone(self, items: Floats) -> Floats:
        """(n,) f(0, v) − f(0, 0) of the (n, D) items: what a thing is to anybody."""
        inner = np.maximum(items @ self.item + self.shift, np.float32(0.0))
        return inner @ self.out - np.maximum(self.shift, np.float32(0.0)) @ self.out

    def steps(self, askers: Floats | Doubles, items: Floats | Doubles) -> Floats | Doubles:
        """(S, n) f(h, v) − f(h, 0) of S states of an asker (S, F, D) for n items, as precise as these are."""
        n_fields, dim, inner = self.meet.shape
        meet = self.meet.reshape(n_fields * dim, inner)
        start = askers.reshape(len(askers), -1) @ self.asker.reshape(n_fields * dim, inner) + self.shift
        zero = np.maximum(start, np.float32(0.0)) @ self.out
        same, found = items @ self.item, np.zeros((len(askers), len(items)), items.dtype)
        size = max(1, AT_ONCE // max(len(items) * (n_fields * dim + inner), 1))
        for begin in range(0, len(askers), size):
            some = slice(begin, begin + size)
            both = (askers[some, None] * items[None, :, None, :]).reshape(-1, n_fields * dim)
            within = (both @ meet).reshape(-1, len(items), inner) + same + start[some, None]
            straight = (askers[some] * self.straight).sum(axis=1) @ items.T
            found[some] = np.maximum(within, np.float32(0.0)) @ self.out + straight - zero[some, None]
        return found

    def arrays(self) -> Arrays:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        return cls(**{field.name: np.asarray(arrays[field.name], np.float32) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class FoldedHead:
    """The net for one asker."""

    item: Floats  # (D, m)
    start: Floats  # (m,)
    straight: Floats  # (D,)
    out: Floats  # (m,)

    def score(self, items: Floats) -> Floats:
        """(n,) f(h, v) − f(h, 0)."""
        within = items @ self.item
        within += self.start
        np.maximum(within, np.float32(0.0), out=within)
        with np.errstate(
            invalid="ignore"
        ):  # of a few short rows BLAS raises the flag now and then, all being finite
            return within @ self.out + items @ self.straight - np.maximum(self.start, np.float32(0.0)) @ self.out
