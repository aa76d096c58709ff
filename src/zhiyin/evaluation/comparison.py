"""What two bundles got on one question: the noun that `zhiyin compare` writes.

The champion is what there is, the challenger what would come. A difference is challenger - champion, over the same
people, so it is surer than the intervals of either alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import orjson

from zhiyin.data.dataset import Doubles
from zhiyin.evaluation.comparing import Bootstrap, as_gain
from zhiyin.evaluation.record import Gain, Question

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the two."""

    bundle: str
    live: bool
    seed: int
    recipe: Mapping[str, object]
    seconds: float  # of fitting what was measured


@dataclass(frozen=True, slots=True)
class Versus:
    """Both means over the people who have a value, and the difference."""

    n_users: int
    champion: float
    challenger: float
    gain: Gain


@dataclass(frozen=True, slots=True)
class People:
    """How many got more, as much, and less from the challenger, by the metric that decides."""

    better: int
    equal: int
    worse: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the recipe in which the two differ; "" where one has none."""

    name: str  # dotted
    champion: str
    challenger: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that there is to say of two bundles on one question."""

    format: int
    shop: str  # its name
    champion: Contender
    challenger: Contender
    question: Question
    main: str  # the metric that decides
    metrics: Mapping[str, Versus]
    buckets: Mapping[str, Versus]  # of `main`
    cold: Mapping[str, Versus]  # of `main`, on what was carved apart
    people: People
    settings: tuple[Setting, ...]
    baseline: str  # the best on `main`
    baseline_value: float
    doubts: tuple[str, ...]  # leaks that were seen
    refused: bool  # with one of them the numbers are worth nothing
    verdict: tuple[str, ...]
    versions: Mapping[str, str]
    resamples: int

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)


def versus(champion: Doubles, challenger: Doubles, bootstrap: Bootstrap) -> Versus | None:
    """Of (U,) values of the same people, NaN for those who have none; nothing where nobody has."""
    has = np.isfinite(champion) & np.isfinite(challenger)
    if not has.any():
        return None
    gain = as_gain(bootstrap.of({"gain": challenger[has] - champion[has]})["gain"])
    return Versus(int(has.sum()), float(champion[has].mean()), float(challenger[has].mean()), gain)
