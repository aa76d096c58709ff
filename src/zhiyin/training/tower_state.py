"""All that a tower's training is at a moment, as tensors: what a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from zhiyin.training.checkpoint import Checkpoint, Standing, Tensors
from zhiyin.training.craft import Parameters
from zhiyin.training.methods import restore_state, state_of
from zhiyin.training.tower_judging import Judged


@dataclass(slots=True)
class Curve:
    """What was seen on the way."""

    steps: list[tuple[float, float, float]] = field(default_factory=list)  # step, loss, rate
    judged: list[tuple[float, ...]] = field(default_factory=list)  # step, and what Judged has

    def add(self, step: int, loss: float, rate: float) -> None:
        self.steps.append((float(step), loss, rate))

    def judge(self, step: int, judged: Judged) -> None:
        told = (judged.ndcg, judged.ndcg_hidden, judged.worth_known, judged.worth_hidden)
        self.judged.append((float(step), *told))

    def at(self, step: int) -> Judged | None:
        """What was said after this step."""
        found = [Judged(*rest) for number, *rest in self.judged if number == step]
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    tensors: Tensors

    def at(self, standing: Standing) -> Checkpoint:
        return Checkpoint(standing, self.tensors)


def tensors_of(  # these six are what there is
    net: nn.Module,
    own: Parameters,
    optimizer: torch.optim.Optimizer,
    average: Mapping[str, Tensor],
    best: Mapping[str, Tensor],
    curve: Curve,
) -> Snapshot:
    """Everything that the next step depends on, and what was seen so far."""
    found: dict[str, Tensor] = {f"net.{name}": one for name, one in own.items()}
    found |= {f"average.{name}": one for name, one in average.items()}
    found |= {f"best.{name}": one for name, one in best.items()}
    for name, one in own.items():
        for key, value in optimizer.state[one].items():
            found[f"optimizer.{key}.{name}"] = torch.as_tensor(value)
    found |= {f"method.{name}": one for name, one in state_of(net).items()}
    found["curve.steps"] = torch.tensor(curve.steps, dtype=torch.float64).reshape(-1, 3)
    found["curve.judged"] = torch.tensor(curve.judged, dtype=torch.float64).reshape(-1, 5)
    return Snapshot(found)


def restored(
    net: nn.Module, own: Parameters, optimizer: torch.optim.Optimizer, kept: Tensors
) -> tuple[dict[str, Tensor], dict[str, Tensor], Curve]:
    """The averaged weights, the best ones and the curve; the optimizer and the method are as they were."""
    device = net.device
    for key, value in _part(kept, "optimizer.").items():
        moment, _, name = key.partition(".")
        optimizer.state[own[name]][moment] = value.to(device if value.ndim else "cpu")
    restore_state(net, {name: one.to(device) for name, one in _part(kept, "method.").items()})
    curve = Curve(
        [tuple(row) for row in np.asarray(kept["curve.steps"]).tolist()],
        [tuple(row) for row in np.asarray(kept["curve.judged"]).tolist()],
    )
    average, best = ({name: kept[f"{part}.{name}"].to(device) for name in own} for part in ("average", "best"))
    return average, best, curve


def _part(kept: Tensors, start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): one for name, one in kept.items() if name.startswith(start)}
