"""What a bundle knows of beliefs: the prior, what turns vectors into z, and what base and belief mean in scores.

    reward = β · f + b_i + θ_u · z_i + noise,   f = (1, s, s̄, typed, s · typed, hour on the circle)

where s̄ is the mean score of the list's places and s what the item has beyond that: lists of one bundle score
higher than those of another, and what a list shows is chosen by differences. So a unit
of the score is worth β_s of reward, and what is believed enters the score divided by that. Where the score hardly
foretells the reward, β_s is held to what a correlation of LEAST would make it: a division by nothing is no belief.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from zhiyin.data.answers import Outline
from zhiyin.data.dataset import Doubles
from zhiyin.data.vocabulary import Keys, Rows
from zhiyin.policies.belief import Prior
from zhiyin.policies.examination import Examination, Looks
from zhiyin.policies.gaussian import Gaussian
from zhiyin.policies.progressive import Progressive, Told, Trace
from zhiyin.policies.whitening import Whitening

LEAST = 0.05
SURE = 0.95  # of being wanted, at most, where a silence is weighed: then it still counts something
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class BeliefModel:
    """Immutable; a part of a bundle."""

    prior: Prior
    whitening: Whitening
    base: tuple[float, ...]  # (7,) β
    worth: float  # of one unit of the score, in rewards; > 0
    kinds: tuple[str, ...]  # first categories that κ was learned for; any other is the kind after the last
    window: float  # seconds in which an answer counts, after which silence does
    half_life: float  # seconds in which what was seen comes to count half
    since: float  # the moment at which an outcome counts 1 in the sums; 2 a half-life later
    looks: Examination  # how far people look
    people: Keys  # sorted keys of the user ids it was learned from
    progressive: Progressive | None = None  # what open windows foretell; None: they count once there is an answer

    @property
    def stages(self) -> tuple[float, ...]:
        """Seconds after an exposure at which it is looked at again; the last is the window."""
        return (self.window,) if self.progressive is None else tuple(one.after for one in self.progressive.stages)

    def settled(self, trace: Trace) -> bool:
        """Whether this is the outcome, and not only foretells it."""
        return self.progressive is None or len(trace) == len(self.progressive.stages)

    def told(self, trace: Trace, base: float) -> Told:
        """What stands of an exposure, as an outcome."""
        if self.progressive is None or self.settled(trace):
            return Told(trace[-1] - base, 1.0, 0.0)
        return self.progressive.told(trace, base)

    def expected(self, outline: Outline, item_id: str) -> float:
        """Base: what is expected of a place of this list before anything is believed."""
        return sum(weight * told for weight, told in zip(self.base, features(outline, item_id), strict=True))

    def looked(self, outline: Outline, item_id: str, base: float) -> float:
        """How much a silence about this item of the list counts."""
        place = list(outline.scores).index(item_id)
        return self.looks.share(place, outline.scenario, min(base, SURE))

    def share(self, at: float) -> float:
        """How much an outcome of this moment weighs in the sums."""
        return 2.0 ** min(max((at - self.since) / self.half_life, -1_000.0), 1_000.0)

    def fade(self, now: float) -> float:
        """What sums are multiplied by so that an outcome of `now` counts 1."""
        return 1.0 / self.share(now)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        prior = self.prior
        numbers = [prior.noise, prior.spread, self.worth, self.window, self.half_life, self.since]
        return {
            "text_mean": prior.text.mean,
            "text_covariance": prior.text.covariance,
            "people_mean": prior.people.mean,
            "people_covariance": prior.people.covariance,
            "pseudo": prior.pseudo,
            "centre": self.whitening.centre,
            "axes": self.whitening.axes,
            "base": np.array(self.base),
            "numbers": np.array(numbers),
            "surfaces": np.frombuffer(json.dumps([*self.looks.surfaces]).encode(), np.uint8),
            "looks": np.array([looks.curves for looks in (*self.looks.surfaces.values(), self.looks.anywhere)]),
            "kinds": np.frombuffer(json.dumps(self.kinds).encode(), np.uint8),
            "people": self.people,
            **({"stages": self.progressive.array} if self.progressive else {}),
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        noise, spread, worth, window, half_life, since = arrays["numbers"].tolist()
        *looks, anywhere = (Looks.of_curves(curves) for curves in arrays["looks"])
        text = Gaussian(arrays["text_mean"], arrays["text_covariance"])
        people = Gaussian(arrays["people_mean"], arrays["people_covariance"])
        return cls(
            Prior(text, people, noise, spread, arrays["pseudo"]),
            Whitening(arrays["centre"], arrays["axes"]),
            tuple(arrays["base"].tolist()),
            worth,
            tuple(json.loads(arrays["kinds"].tobytes())),
            window,
            half_life,
            since,
            Examination(dict(zip(json.loads(arrays["surfaces"].tobytes()), looks, strict=True)), anywhere),
            arrays["people"],
            Progressive.of_array(arrays["stages"]) if "stages" in arrays else None,
        )


def kinds_of(kinds: Sequence[str], categories: Sequence[tuple[str, ...]]) -> Rows:
    """(I,) of items by their categories: the place of the first, or the one after the last."""
    place = {name: n for n, name in enumerate(kinds)}
    firsts = (some[0] if some else "" for some in categories)
    return np.array([place.get(first, len(kinds)) for first in firsts], np.int32)


def features(outline: Outline, item_id: str) -> tuple[float, ...]:
    """(7,) f of a place of this list."""
    level = sum(outline.scores.values()) / len(outline.scores)
    beyond, typed, turn = outline.scores[item_id] - level, float(outline.typed), 2.0 * math.pi * outline.at / DAY
    return 1.0, beyond, level, typed, beyond * typed, math.sin(turn), math.cos(turn)


def worth_of(base: Sequence[float], beyond: Doubles, rewards: Doubles) -> float:
    """β_s, or what a correlation of LEAST would make it; `beyond` (E,) is s. Scores that are all alike foretell
    nothing: 1."""
    spread = float(beyond.std())
    return max(base[1], LEAST * float(rewards.std()) / spread) if spread > 0 else 1.0
