"""The losses of the click model: pure functions of scores.

n examples: what each met (n,), R items drawn as rivals for all of them (n, R), and items that a list showed in
vain (n, A). What everybody takes is added to the scores while they are learned (`prior`), and taken off when
served.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Scored:
    """What the net says, with the prior of each item in it."""

    met: Tensor  # (n,)
    rivals: Tensor  # (n, R)
    added: Tensor  # (R,) to the score of each, as it stands for others (zhiyin.training.rivals)
    real: Tensor  # (n, R) false where a rival is what was met
    vain: Tensor  # (n, A)
    shown: Tensor  # (n, A) false for none
    marks: Tensor  # (n,) how much what was met was liked, -1 … 1


def softmax(said: Scored) -> Tensor:
    """− log of the share of what was liked among it, all that its rivals stand for, and what was shown in vain
    (Bengio & Senécal 2008)."""
    rivals = (said.rivals + said.added).masked_fill(~said.real, -math.inf)
    all_ = [said.met[:, None], rivals, said.vain.masked_fill(~said.shown, -math.inf)]
    liked = said.marks > 0
    found = functional.log_softmax(torch.cat(all_, dim=1), dim=1)[:, 0]
    return -(found * liked).sum() / liked.sum().clamp(min=1)


def cross_entropy(said: Scored) -> Tensor:
    """Of whether each is liked: what was met as it was, the mean rival not, nor what was shown in vain."""
    met = functional.binary_cross_entropy_with_logits(said.met, (said.marks > 0).float())
    return (
        met
        + _mean(functional.softplus(said.rivals), said.real)
        + _mean(functional.softplus(said.vain), said.shown)
    )


def squared(said: Scored, level: Tensor) -> Tensor:
    """Squared distance from how much it was liked; 0 is wanted of rivals and of what was shown in vain. `level`:
    log of what a score is worth."""
    size = level.exp()
    met = (said.met * size - said.marks).square().mean()
    return met + _mean((said.rivals * size).square(), said.real) + _mean((said.vain * size).square(), said.shown)


def _mean(values: Tensor, real: Tensor) -> Tensor:
    return (values * real).sum() / real.sum().clamp(min=1)
