"""How weights move: the optimizer, how its rate rises and falls, which mean of the weights counts in the end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from zhiyin.training.tower_recipe import PretrainingRecipe, TowerRecipe

BETAS = (0.9, 0.98)
MOST_GRADIENT = 1.0
AVERAGED = 0.98  # of the moving mean, at most
LAST = 0.02  # of the highest rate at the end

Parameters = Mapping[str, nn.Parameter]


@dataclass(frozen=True, slots=True)
class Craft:
    """All of learning that is not what is learned."""

    steps: int  # at most
    minutes: float
    learning_rate: float
    warm: float = 0.1
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    optimizer: Literal["adamw", "adafactor"] = "adamw"
    weight_decay: float = 0.01
    average: Literal["ema", "swa", "none"] = "ema"
    accumulate: int = 1
    judgements: int = 0
    patience: int = 3
    checkpoint: float = 2.0  # minutes
    seed: int = 0

    @classmethod
    def of(cls, recipe: TowerRecipe, learning_rate: float, seconds_spent: float, seed: int) -> Craft:
        """Of learning from behaviour, after so many seconds of the recipe's minutes."""
        minutes = max(recipe.minutes - seconds_spent / 60, 0.0)
        return cls(
            recipe.steps, minutes, learning_rate, recipe.warm, recipe.schedule, recipe.optimizer,
            recipe.weight_decay, recipe.average, recipe.accumulate, recipe.judgements, recipe.patience,
            recipe.checkpoint, seed,
        )  # fmt: skip

    @classmethod
    def of_pretraining(cls, recipe: PretrainingRecipe, checkpoint: float, seed: int) -> Craft:
        """Of reading texts: nothing is judged, the last weights count."""
        return cls(
            recipe.steps, recipe.minutes, recipe.learning_rate, average="none", checkpoint=checkpoint, seed=seed
        )

    def rate(self, step: int, planned: int) -> float:
        """The share of the highest rate in a step."""
        warm = self.warm * planned
        if step < warm:
            return (step + 1) / (warm + 1)
        left = 1.0 - (step - warm) / max(planned - warm, 1)
        falls = {"constant": 1.0, "linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2}
        return LAST + (1 - LAST) * falls[self.schedule]

    def optimizer_of(self, parameters: Parameters) -> torch.optim.Optimizer:
        """Matrices decay, biases and norms do not."""
        matrices = [one for one in parameters.values() if one.ndim >= 2]
        others = [one for one in parameters.values() if one.ndim < 2]
        groups = [{"params": matrices, "weight_decay": self.weight_decay}, {"params": others, "weight_decay": 0.0}]
        groups = [group for group in groups if group["params"]]
        if self.optimizer == "adafactor":
            return torch.optim.Adafactor(groups, lr=self.learning_rate)
        return torch.optim.AdamW(groups, lr=self.learning_rate, betas=BETAS)


class Average:
    """The weights that count: a moving mean (Polyak & Juditsky 1992), the mean of the second half (Izmailov et al.
    2018, "SWA"), or the last."""

    def __init__(self, kind: Literal["ema", "swa", "none"], parameters: Parameters) -> None:
        self._kind, self.weights = kind, copied(parameters)

    def add(self, parameters: Parameters, step: int, planned: int) -> None:
        """After the step of this number, from 0."""
        share = self._share(step, planned)
        with torch.no_grad():
            for name, one in parameters.items():
                self.weights[name].lerp_(one, share)

    def _share(self, step: int, planned: int) -> float:
        if self._kind == "ema":
            return 1.0 - min(AVERAGED, (1 + step) / (10 + step))
        behind = step - planned // 2
        return 1.0 / (1 + behind) if self._kind == "swa" and behind > 0 else 1.0


def copied(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of their own from now on."""
    return {name: one.detach().clone() for name, one in parameters.items()}


def put(parameters: Parameters, weights: Mapping[str, Tensor]) -> None:
    """Have these weights."""
    with torch.no_grad():
        for name, one in parameters.items():
            one.copy_(weights[name])


def clipped(parameters: Iterable[nn.Parameter]) -> float:
    """The length of the gradient, which is at most MOST_GRADIENT afterwards."""
    return float(torch.nn.utils.clip_grad_norm_(list(parameters), MOST_GRADIENT))
