"""A causal transformer in plain numpy: what an asker is after each item they took, in order.

Pre-norm blocks of attention and a two-layer net, as SASRec (Kang & McAuley 2018) is built today (Klenitskiy &
Vasilev 2023). Where an entry stands is told by a learned number for each distance between two entries, added to
their attention (Raffel et al. 2020, T5, without its buckets): so what was read of a beginning stays as it was
whatever comes after. zhiyin.training fits the same arrays under the same names.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Floats
from zhiyin.models.base import Arrays

TINY = 1e-5  # of a variance, as torch has it


@dataclass(frozen=True, slots=True)
class Causal:
    """N blocks of width D with h heads, over at most L entries, F wide within."""

    gain: Floats  # (2 N + 1, D) of the norms, two a block and the last one
    shift: Floats  # (2 N + 1, D)
    asked: Floats  # (N, D, 3 D) queries, keys and values
    heard: Floats  # (N, D, D) out of the heads
    near: Floats  # (N, h, L) what a distance adds to the attention
    wide: Floats  # (N, D, F)
    wide_shift: Floats  # (N, F)
    back: Floats  # (N, F, D)
    back_shift: Floats  # (N, D)

    @property
    def length(self) -> int:
        """The most entries that are read."""
        return int(self.near.shape[2])

    def states(self, entries: Floats) -> Floats:
        """(B, T, D) what each of B askers is after each of their T <= L entries (B, T, D), oldest first."""
        x = entries * np.float32(loudness(entries.shape[2]))
        bias = self._bias(x.shape[1])
        for n in range(len(self.asked)):
            x = x + self._attention(n, self._norm(2 * n, x), bias[n])
            within = self._norm(2 * n + 1, x) @ self.wide[n] + self.wide_shift[n]
            x = x + np.maximum(within, np.float32(0.0)) @ self.back[n] + self.back_shift[n]
        return self._norm(-1, x)

    def arrays(self) -> Arrays:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        return cls(**{field.name: np.asarray(arrays[field.name], np.float32) for field in fields(cls)})

    def _norm(self, place: int, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        return centred / np.sqrt(variance + np.float32(TINY)) * self.gain[place] + self.shift[place]

    def _attention(self, n: int, x: Floats, bias: Floats) -> Floats:
        n_askers, n_entries, dim = x.shape
        heads = self.near.shape[1]
        parts = (x @ self.asked[n]).reshape(n_askers, n_entries, 3, heads, dim // heads)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)  # (B, h, T, D / h) each
        loud = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(dim // heads)) + bias
        loud = np.exp(loud - loud.max(axis=-1, keepdims=True))
        loud /= loud.sum(axis=-1, keepdims=True)
        return (loud @ value).transpose(0, 2, 1, 3).reshape(n_askers, n_entries, dim) @ self.heard[n]

    def _bias(self, n_entries: int) -> Floats:
        """(N, h, T, T): of the distance; -inf for what comes later."""
        back = distances(n_entries)
        return np.where(back < 0, np.float32(-np.inf), self.near[:, :, np.maximum(back, 0)])


def loudness(dim: int) -> float:
    """What entries are multiplied by, so that a block does not drown them."""
    return 0.5 * float(np.sqrt(dim))


def distances(n_entries: int) -> npt.NDArray[np.int64]:
    """(T, T) how many places before each entry another stands; negative for those after it."""
    place = np.arange(n_entries)
    return place[:, None] - place[None, :]
