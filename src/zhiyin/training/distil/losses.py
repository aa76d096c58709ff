"""How far a student is from its teachers: row by row, and in what it holds to be near."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Distance:
    """Regression on rows (Reimers & Gurevych 2020) and, `ranking` times, who is near (Passalis & Tefas 2018)."""

    ranking: float
    temperature: float

    def __call__(self, said: Tensor, wanted: Tensor, whole: Tensor) -> Tensor:
        """The mean over a batch of unit rows: `said` and `wanted` (B, dim), `whole` (B, teachers' dims)."""
        total = regression(said, wanted)
        return total + self.ranking * ranking(said, whole, self.temperature) if self.ranking else total


def regression(said: Tensor, wanted: Tensor) -> Tensor:
    """1 - cosine: half of the squared distance of unit rows."""
    return 1.0 - (said * wanted).sum(dim=1).mean()


def ranking(said: Tensor, whole: Tensor, temperature: float) -> Tensor:
    """KL(teacher | student) of the softmax over the other texts of the batch, the mean over its texts."""
    alone = torch.eye(len(said), dtype=torch.bool, device=said.device)
    if len(said) < 2:
        return said.sum() * 0.0
    lowest = torch.finfo(said.dtype).min
    told, learned = ((one @ one.T / temperature).masked_fill(alone, lowest) for one in (whole, said))
    return functional.kl_div(
        learned.log_softmax(dim=1), told.log_softmax(dim=1), reduction="batchmean", log_target=True
    )
