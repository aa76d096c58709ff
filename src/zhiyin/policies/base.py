"""The seam of the policies, and the noise that belongs to items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Keys

Order = npt.NDArray[np.int64]
_COIN = 1 << 63  # no list has so many places


class Walk(Protocol):
    """One list as its places fill."""

    @property
    def now(self) -> Doubles:
        """(k,) addends to the scores at the next place; 0 at the first."""
        ...

    def fill(self, pick: int) -> None:
        """The next place shows candidate `pick`."""
        ...


class Adjustment(Protocol):
    """What the places already filled do to the scores of the rest (diversity)."""

    def walk(self) -> Walk:
        """A list without any place filled."""
        ...


class Unadjusted:
    """Every place is chosen by score alone."""

    def __init__(self, n_candidates: int) -> None:
        self.now = np.zeros(n_candidates)

    def walk(self) -> Unadjusted:
        return self

    def fill(self, pick: int) -> None:
        """Nothing changes."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Uniform numbers in (0, 1) that belong to (draw, item, place): the order in which candidates arrive and
    which others there are never matters. `draw` is derived from the recommendation id."""

    draw: int
    keys: Keys  # (k,) key of each candidate's id

    def at(self, place: int) -> Doubles:
        """(k,) one number for each candidate at this place."""
        return _uniform(self.keys ^ np.uint64(_mixed(self.draw ^ (place + 1))))

    def until(self, n: int) -> Doubles:
        """(n, k) the numbers of the first n places."""
        places = np.array([_mixed(self.draw ^ (place + 1)) for place in range(n)], np.uint64)
        return _uniform(self.keys[None, :] ^ places[:, None])

    @property
    def coin(self) -> float:
        """One number that belongs to the list alone, whatever it may show."""
        return float(_uniform(np.array([_mixed(self.draw ^ _COIN)], np.uint64))[0])


class Policy(Protocol):
    """How places are filled from scored candidates."""

    @property
    def name(self) -> str: ...

    def choose(self, scores: Doubles, n: int, noise: Noise, adjustment: Adjustment) -> tuple[Order, Doubles]:
        """(k,) scores to the min(n, k) candidates shown, in order, and the log-probability of each given the
        places before it."""
        ...

    def log_probs(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        """The log-probability of each place of a given order, given the places before it."""
        ...

    def table(self, scores: Doubles, order: Order, adjustment: Adjustment) -> Doubles:
        """(N, k) the probability of every candidate at each place of a given order, given the places before it;
        those that a policy takes for equally good share it."""
        ...


def uniforms(draws: Sequence[int], keys: Keys) -> Doubles:
    """(B, k) what `Noise(draw, keys).at(0)` gives of each draw."""
    mixed = np.array([_mixed(draw ^ 1) for draw in draws], np.uint64)
    return _uniform(keys[None, :] ^ mixed[:, None])


def _mixed(value: int) -> int:
    """A 64-bit number scrambled (the finaliser of SplitMix64, Steele, Lea & Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 31)


def _uniform(keys: npt.NDArray[np.uint64]) -> Doubles:
    """The same scrambling over an array, as numbers in (0, 1)."""
    with np.errstate(over="ignore"):
        value = keys + np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(30)
        value *= np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(27)
        value *= np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(31)
    value >>= np.uint64(12)
    uniform = value.astype(np.float64)
    uniform += 0.5
    uniform *= 2.0**-52  # 53 bits and a half would round to 1
    return uniform
