"""How sure a mean over users is, and whether one system beats another on the same users.

The percentile bootstrap (Efron 1979): users are drawn with replacement, all metrics and all systems with the
same draw, so that differences are paired. A draw is kept as how often each user was drawn (multinomial
weights), and a batch of draws is one matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Doubles
from zhiyin.errors import InvalidData

RESAMPLES = 10_000
LEVEL = 0.95
_CELLS = 500_000  # draws x users worked on at once: stays in the cache


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and where it could as well lie."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def intervals(
    values: Mapping[str, Doubles], rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """The mean and its 95 % interval of each (U,) vector; users with NaN are left out of that vector.

    Vectors that lack the same users share their draws. Raises InvalidData where no user has a value.
    """
    groups: dict[bytes, list[str]] = {}
    for name, vector in values.items():
        groups.setdefault(np.isfinite(vector).tobytes(), []).append(name)
    found: dict[str, Interval] = {}
    for names in groups.values():
        matrix = np.stack([_present(name, values[name]) for name in names], axis=1)
        means = resampled_means(matrix, rng, resamples)
        found.update({name: _percentile(matrix[:, at].mean(), means[:, at]) for at, name in enumerate(names)})
    return {name: found[name] for name in values}


def interval(values: Doubles, rng: np.random.Generator, *, resamples: int = RESAMPLES) -> Interval:
    """The mean of (U,) `values` and its 95 % interval; users with NaN are left out."""
    return intervals({"values": values}, rng, resamples=resamples)["values"]


def difference(
    ours: Doubles, theirs: Doubles, rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> Interval:
    """mean(ours) - mean(theirs) over the same (U,) users, paired. Raises InvalidData if the users differ."""
    _check_paired(ours, theirs)
    return interval(ours - theirs, rng, resamples=resamples)


def gap(some: Doubles, others: Doubles, rng: np.random.Generator, *, resamples: int = RESAMPLES) -> Interval:
    """mean(some) - mean(others) over different users, each drawn by themselves; users with NaN are left out.

    Raises InvalidData where one side has no user with a value.
    """
    sides = [_present(name, values) for name, values in (("one side", some), ("the other side", others))]
    draws = [resampled_means(values[:, None], rng, resamples)[:, 0] for values in sides]
    return _percentile(sides[0].mean() - sides[1].mean(), draws[0] - draws[1])


def relative_gain(
    ours: Doubles, theirs: Doubles, rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> Interval:
    """mean(ours) / mean(theirs) - 1 over the same (U,) users, paired.

    Raises InvalidData if theirs is 0 throughout or the users differ.
    """
    _check_paired(ours, theirs)
    both = np.stack([_present("ours", ours), _present("theirs", theirs)], axis=1)
    mean = both.mean(axis=0)
    if mean[1] <= 0:
        raise InvalidData(
            "a relative gain needs a system to compare with whose mean is above 0; give the difference"
        )
    draws = resampled_means(both, rng, resamples)
    ratio = draws[:, 0] / np.where(draws[:, 1] > 0, draws[:, 1], np.finfo(np.float64).tiny)
    return _percentile(mean[0] / mean[1] - 1.0, ratio - 1.0)


def resampled_means(values: Doubles, rng: np.random.Generator, resamples: int = RESAMPLES) -> Doubles:
    """(resamples, M) means of (U, M) `values` over users drawn with replacement, M columns at once."""
    n_users = len(values)
    step = max(1, _CELLS // n_users)
    means = np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, step):
        n = min(step, resamples - start)
        drawn = rng.integers(n_users, size=(n, n_users), dtype=np.int64)
        drawn += np.arange(0, n * n_users, n_users)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=n * n_users).reshape(n, n_users)
        means[start : start + n] = weights.astype(np.float64) @ values / n_users
    return means


def _percentile(value: float, draws: Doubles) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high))


def _present(name: str, vector: Doubles) -> Doubles:
    present = vector[np.isfinite(vector)]
    if not len(present):
        raise InvalidData(f"no user has a value of {name}: an interval needs at least one")
    return present


def _check_paired(ours: Doubles, theirs: Doubles) -> None:
    if ours.shape != theirs.shape or (np.isfinite(ours) != np.isfinite(theirs)).any():
        n_ours, n_theirs = np.isfinite(ours).sum(), np.isfinite(theirs).sum()
        raise InvalidData(f"a pair needs the same users: got {n_ours} and {n_theirs}; judge both on one split")
