"""The temperature that the log of lists taught: C = 1 / temperature of π ∝ exp(C · score)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

# From the temperature that stands to those that are tried. Of long lists the log tells only of near ones.
STEPS = tuple(2.0**power for power in (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0))


@dataclass(frozen=True, slots=True)
class Tempering:
    """What lists are drawn at, and why; a part of a bundle."""

    start: float  # what the settings said when it was learned
    temperature: float
    tried: float  # what the older lists spoke for; `temperature` where the newer ones agreed
    gain: float  # of a list by that, over what stood, told by the newer lists
    error: float  # one standard error of that
    n_lists: int  # that spoke

    def standing(self, said: float) -> float:
        """The temperature to draw at; where the settings say another one by now, that one."""
        return self.temperature if self.start == said else said

    @property
    def sentence(self) -> str:
        """For a terminal."""
        if not self.n_lists:
            return f"temperature: {self.temperature:.4g}; the log tells of no other one yet"
        told = f"{self.tried:.4g} earns {self.gain:+.4f} ± {self.error:.4f} a list, by {self.n_lists:,} lists"
        if self.tried == self.temperature:
            return f"temperature: {told}: taken"
        return f"temperature: {told}: not for sure, {self.temperature:.4g} stays"

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        numbers = (self.start, self.temperature, self.tried, self.gain, self.error, float(self.n_lists))
        return {"numbers": np.array(numbers)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        start, temperature, tried, gain, error, n_lists = arrays["numbers"].tolist()
        return cls(start, temperature, tried, gain, error, int(n_lists))
