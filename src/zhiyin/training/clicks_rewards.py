"""Learning from what lists earned: places that were filled by chance, with the chance of each in the log.

The target policy fills a place by a softmax over the click model's scores of the logged candidates that do not
stand above it. What it would earn, as a multiple of what the log earned, is R = mean of min(π / p, clip) ·
reward (Ionides 2008; Swaminathan & Joachims 2015). A place that was certain says nothing of what else might have
stood there, and is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from zhiyin.data.shown import Shown
from zhiyin.metrics.off_policy import Estimate, snips_of
from zhiyin.metrics.overlap import Overlap
from zhiyin.training.clicks_net import ClickNet
from zhiyin.training.clicks_past import Gallery, Places

CHANCE = math.log(0.999)  # the log-probability from which on a place was certain
HELD = 0.3  # share of the lists, the newest, by which β is chosen
IN_A_STEP = 32  # lists
LEAST = 200  # places by chance that are held out
SUPPORT = 0.05  # least effective share of them


@dataclass(frozen=True, slots=True)
class Logged:
    """L lists, and who they were made for."""

    shown: Shown
    gallery: Gallery
    seed: int

    @classmethod
    def of(cls, shown: Shown, gallery: Gallery, seed: int) -> Self:
        """Those with a place that was filled by chance; of a log without times it is not known who asked."""
        chance = np.bincount(shown.lists, shown.log_propensities < CHANCE, minlength=len(shown)) > 0
        timed = bool(np.isfinite(gallery.past.at).all())
        return cls(shown.take(np.flatnonzero(chance & timed)), gallery, seed)

    def __len__(self) -> int:
        return len(self.shown)

    def halves(self) -> tuple[Logged, Logged]:
        """The older lists, to learn from, and the newest, to judge by."""
        order = np.argsort(self.shown.at, kind="stable")
        cut = round(len(order) * (1 - HELD))
        older, newest = (
            Logged(self.shown.take(some), self.gallery, self.seed) for some in (order[:cut], order[cut:])
        )
        return older, newest

    @property
    def usual(self) -> float:
        """What a place that was filled by chance earned in the log."""
        return float(self.shown.rewards[self.shown.log_propensities < CHANCE].mean())

    def earned(self, net: ClickNet, number: int, clip: float) -> Tensor:
        """R of some lists, others in each step, as a multiple of what the log earned."""
        rng = np.random.default_rng([self.seed, 11, number])
        some = np.sort(rng.permutation(len(self))[:IN_A_STEP])
        shown = self.shown.take(some)
        chosen = self._chosen(net, shown)
        chance = shown.log_propensities < CHANCE
        logged = _on(shown.log_propensities[chance], net)
        weight = (chosen[_on(chance, net)] - logged).exp().clamp(max=clip)
        return (weight * _on(shown.rewards[chance], net)).mean() / max(self.usual, 1e-9)

    def value(self, net: ClickNet) -> Estimate:
        """What its softmax would earn in a place that is filled by chance."""
        chosen = []
        with torch.no_grad():
            for start in range(0, len(self), IN_A_STEP):
                part = self.shown.take(np.arange(start, min(start + IN_A_STEP, len(self))))
                chosen.append(self._chosen(net, part).cpu().numpy())
        chance = self.shown.log_propensities < CHANCE
        target = np.concatenate([np.zeros(0), *chosen])[chance]
        return snips_of(
            self.shown.rewards[chance].astype(np.float64), np.exp(target - self.shown.log_propensities[chance])
        )

    def supported(self, value: Estimate) -> str:
        """Why an estimate cannot be trusted; nothing where it can."""
        n = len(value.bottom)
        if n < LEAST:
            return f"{n:,} places of the newest logged lists were filled by chance, it takes {LEAST}"
        if (effective := Overlap.of(value.bottom).effective) < SUPPORT * n:
            return f"{n:,} places that were filled by chance say as much as {effective:.0f} would"
        return ""

    def _chosen(self, net: ClickNet, shown: Shown) -> Tensor:
        """(N,) log-probability with which each place would have been filled, given those above it."""
        asking = self.gallery.past.moments(shown.users, shown.at)
        sides = net.sides(_on(self.gallery.askers(asking), net))
        pool, real = _padded(shown.pools, shown.pool)
        scores = net(sides, _on(self.gallery.items[pool], net)).masked_fill(~_on(real, net), -math.inf)
        rows, there = _padded(shown.indptr, shown.rows)
        found = []
        for place in range(rows.shape[1]):
            at = _on((pool == rows[:, [place]]) & real, net)
            found.append(torch.log_softmax(scores, dim=1).masked_fill(~at, 0.0).sum(dim=1))
            scores = scores.masked_fill(at & _on(there[:, [place]], net), -math.inf)
        return torch.stack(found, dim=1)[_on(there, net)]


def _padded(indptr: Places, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(L, widest) rows of each list, and which are real."""
    sizes = np.diff(indptr)
    steps = np.arange(max(int(sizes.max(initial=0)), 1))
    real = steps < sizes[:, None]
    places = np.where(real, indptr[:-1, None] + steps, 0)
    return np.where(real, rows[places], 0), real


def _on(array: np.ndarray, net: ClickNet) -> Tensor:
    kind = torch.float32 if array.dtype.kind == "f" else torch.int64 if array.dtype.kind == "i" else torch.bool
    return torch.from_numpy(np.ascontiguousarray(array)).to(net.device, kind)
