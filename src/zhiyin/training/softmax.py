"""The loss: that what comes next is told from a sample of what could have come."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import PAD, Rows
from zhiyin.training.net import Net


def softmax_loss(net: Net, read: Rows, wanted: Rows, told: Tensor, rivals: tuple[Rows, Doubles]) -> Tensor:
    """Minus the log-probability of all that came next, summed. `read` and `wanted` (n, T) as `Windows.epoch` gives
    them, `told` as `Net.told`, and `rivals` for all of them as `Rivals.at`; nothing is its own rival."""
    device = told.device
    real, (rows, added) = wanted != PAD, rivals
    targets = wanted[real]
    needed = np.unique(np.concatenate([read.ravel(), targets, rows]))
    vectors = net.vectors(told, _on(needed, device))  # of a large catalogue few take part in a step
    entries, target, rival = (_on(np.searchsorted(needed, some), device) for some in (read, targets, rows))
    state = net.states(vectors[entries])[_on(real, device)]
    scores = state @ vectors[rival].T + _on(added.astype(np.float32), device)
    at = np.minimum(np.searchsorted(rows, targets), len(rows) - 1)
    met = np.flatnonzero(rows[at] == targets)
    scores[_on(met, device), _on(at[met], device)] = -math.inf
    own = (state * vectors[target]).sum(dim=1, keepdim=True)
    first = torch.zeros(len(targets), dtype=torch.long, device=device)
    return functional.cross_entropy(torch.cat([own.float(), scores.float()], dim=1), first, reduction="sum")


def _on(numbers: npt.NDArray[np.generic], device: torch.device) -> Tensor:
    """On the device; rows as 64-bit numbers."""
    return torch.from_numpy(numbers.astype(np.int64) if numbers.dtype.kind == "i" else numbers).to(device)
