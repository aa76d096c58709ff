"""Where a training stands, in one file that appears whole or not at all.

Only tensors and numbers: what is random follows from seed, epoch and step, so nothing else is needed to go on as
if nothing had happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from zhiyin.errors import BrokenBundle
from zhiyin.files import appearing

Tensors = Mapping[str, Tensor]
STORY = "story"  # of the metadata


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a training is: the next step is the `step`-th of all, the `within`-th of its epoch."""

    step: int = 0
    epoch: int = 0
    within: int = 0
    planned: int = 0  # steps in all, as they were planned when it began
    seconds: float = 0.0  # that it took so far, in all its runs
    best: float = -1.0  # of the held-out entries, and after which step
    best_step: int = 0
    idle: int = 0  # epochs since then
    over: bool = False
    early: bool = False  # it stopped because nothing was gained
    late: bool = False  # it stopped because its time was over
    broken: bool = False  # it stopped because the loss was no number

    @property
    def goes_on(self) -> bool:
        return self.step < self.planned and not (self.early or self.late or self.broken)

    def after_step(self, seconds: float, most: float) -> Self:
        """One step later, after so many seconds of at most so many."""
        step, within = self.step + 1, self.within + 1
        return replace(
            self, step=step, within=within, seconds=seconds, late=seconds > most and step < self.planned
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    standing: Standing
    tensors: Tensors = field(default_factory=dict)


def save(path: Path, checkpoint: Checkpoint) -> None:
    """The file of before stays until this one is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    with appearing(path) as draft:
        save_file(tensors, draft, {STORY: json.dumps(asdict(checkpoint.standing))})


def load(path: Path) -> Checkpoint | None:
    """What `save` kept; None where nothing is. Raises BrokenBundle for a file that is none."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            standing = Standing(**json.loads(file.metadata()[STORY]))
            return Checkpoint(standing, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BrokenBundle(f"the checkpoint {path} cannot be read ({error}): remove it, train again") from error
