"""How a student is taught."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Teaching:
    """Nothing is learned where `minutes` is 0."""

    minutes: float = 10.0
    steps: int = 3_000  # at most
    batch: int = 64  # texts
    learning_rate: float = 2e-4
    ranking: float = 1.0  # weight of the ranking loss beside the regression
    temperature: float = 0.05  # of both distributions of the ranking loss
    longest: int = 96  # tokens of a text that are read while it learns
    judgements: int = 10
    patience: int = 4
    checkpoint: float = 1.0  # minutes between two
