"""E5: experiments that somebody looks at every day, and every hour. Goal: ≤ 5 % find an effect that is not there.

    python benchmarks/exploration/e5_experiments.py [--runs 2000] [--seed 100]   # writes results/E5.json

People come for 30 days and a coin gives each a variant. A look finds an effect where the interval of the
difference excludes 0; an experiment found one where any of its looks did. Without an effect, that is a false
positive; power is told for effects that a single look at the end, planned as such, would find in 80 % and in 99 %
of experiments. Ours is the asymptotic confidence sequence; beside it an interval for one look asked at every look,
the same corrected for 30 looks, the one look at the end, and for clicks the empirical Bernstein sequence, which is
exact for any n.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from _result import Goal, write
from scipy.stats import norm

from zhiyin.data.dataset import Doubles
from zhiyin.metrics.bounds import ERROR, NORMAL, looked_at_often, variance_of_gap, weighted

DAYS, HOURS, AN_HOUR = 30, 24, 16  # people an hour, in both variants together
PEOPLE = DAYS * HOURS * AN_HOUR
AT_ONCE = 100  # experiments
DAILY = np.arange(HOURS, DAYS * HOURS + 1, HOURS) - 1  # looks, of those at every hour
END = "one look at the end"
POWERS = (0.8, 0.99)  # of one look at the end
Draw = Callable[[np.random.Generator, tuple[int, int]], Doubles]


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured of a person."""

    draw: Draw  # without an effect
    share: float  # of people who see the new variant
    lift: Callable[[Doubles, float, np.random.Generator], Doubles]  # the same people with a larger mean


def clicks(rate: float, share: float) -> Case:
    """1 or 0; more of them click."""

    def lifted(values: Doubles, by: float, rng: np.random.Generator) -> Doubles:
        return np.maximum(values, rng.random(values.shape) < by / (1.0 - rate))

    return Case(lambda rng, shape: (rng.random(shape) < rate).astype(float), share, lifted)


def spent(rng: np.random.Generator, shape: tuple[int, int]) -> Doubles:
    """What people spend: 5 of 100 buy, a few of them much."""
    return (rng.random(shape) < 0.05) * rng.lognormal(0.0, 1.0, shape)


CASES = {
    "clicks": clicks(0.05, 0.5),
    "rare": clicks(0.01, 0.5),
    "few": clicks(0.05, 0.1),  # see the new variant
    "spent": Case(spent, 0.5, lambda values, by, rng: values * (1.0 + by / (0.05 * np.exp(0.5)))),
}


@dataclass(frozen=True, slots=True)
class Looks:
    """What is known at each look of each experiment, for the old variant and the new."""

    n: Doubles  # (2, runs, looks)
    mean: Doubles  # (2, runs, looks)
    variance: Doubles  # (2, runs, looks) of a person

    @classmethod
    def of(cls, values: Doubles, new: Doubles) -> Looks:
        """From (runs, PEOPLE) values and who saw the new variant."""
        sums = np.stack([_until(np.stack([1.0 - new, new]) * values**power) for power in range(3)])
        n = np.maximum(sums[0], 1.0)  # who has nobody has a mean of 0 of one
        mean = sums[1] / n
        return cls(n, mean, np.maximum(sums[2] / n - mean**2, 0.0))

    def found(self) -> dict[str, np.ndarray]:
        """(runs, looks) of each way to look."""
        gap = np.abs(self.mean[1] - self.mean[0])
        of_gap, n = variance_of_gap(self.n, self.mean, self.variance), self.n.sum(axis=0)
        error = np.sqrt(of_gap)
        often = looked_at_often(of_gap * n, n, float(PEOPLE))
        return {
            "ours": gap > often,
            "one look's interval": gap > NORMAL * error,
            "corrected for 30 looks": gap > norm.isf(ERROR / 2 / DAYS) * error,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=100)
    given, started = parser.parse_args(), perf_counter()
    found = {name: one_case(case, given) for name, case in CASES.items()}
    ways = found["clicks"]
    worst = {way: max(value for of in found.values() for key, value in of.get(way, {}).items()
                      if key.startswith("false")) for way in ways}  # fmt: skip
    details = {f"{key}_{name}": value for name, of in found.items() for key, value in of["ours"].items()}
    ours = {"false_positive": worst["ours"], "power": ways["ours"]["power_80"], **details}
    peers = {
        way: {"false_positive": worst[way], "power": of["power_80"]}
        | {f"{key}_{name}": value for name, case in found.items() for key, value in case.get(way, {}).items()}
        for way, of in ways.items() if way != "ours"
    }  # fmt: skip
    told = {
        "data": f"made-up experiments, {given.runs} a case and effect, {PEOPLE} people in {DAYS} days",
        "interval": {"false_positive": wilson(worst["ours"], given.runs)},
        "seconds": {"all": round(perf_counter() - started, 1)},
        "runs": given.runs,
        "note": "false_positive: the worst of all cases, looked at daily and hourly; power: of daily looks at "
        "clicks, of the effect that one look at the end finds in 80 %; days: until found, of those that were; "
        "clicks of 5 %, rare of 1 %, few: a tenth sees the new variant, spent: 5 % buy, log-normal",
    }
    write("E5", ours, {"false_positive": Goal(ERROR, "at most")}, peers, told)


def one_case(case: Case, given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Of each way to look, how often it finds what."""
    spread = float(case.draw(np.random.default_rng(0), (1_000, 1_000)).std())
    one = spread * np.sqrt(
        1.0 / PEOPLE / case.share + 1.0 / PEOPLE / (1.0 - case.share)
    )  # error of a look at the end
    told: dict[str, dict[str, float]] = {}
    for way, looks in played(case, 0.0, given).items():
        told[way] = {"false_positive_daily": _ever(looks[:, DAILY])}
        if way != END:
            told[way]["false_positive_hourly"] = _ever(looks)
    for power in POWERS:
        effect = float(one * (NORMAL + norm.ppf(power)))
        for way, looks in played(case, effect, given).items():
            daily = looks[:, DAILY]
            told[way] |= {f"power_{100 * power:.0f}": _ever(daily)}
            if daily.any():
                told[way] |= {
                    f"days_{100 * power:.0f}": float(daily[daily.any(axis=1)].argmax(axis=1).mean() + 1.0)
                }
    return told


def played(case: Case, effect: float, given: argparse.Namespace) -> Mapping[str, np.ndarray]:
    """(runs, looks) of each way to look: whether it finds an effect there."""
    rng, whole = np.random.default_rng([given.seed, round(1e9 * effect)]), []
    bounded = case.draw is not spent and case.share == 0.5
    for first in range(0, given.runs, AT_ONCE):
        shape = (min(AT_ONCE, given.runs - first), PEOPLE)
        values, new = case.draw(rng, shape), (rng.random(shape) < case.share).astype(float)
        if effect:
            values = np.where(new > 0, case.lift(values, effect, rng), values)
        found = Looks.of(values, new).found()
        last = found["one look's interval"].copy()
        last[:, :-1] = False
        found[END] = last
        if bounded:
            found["bernstein sequence"] = bernstein_found(values, new)
        whole.append(found)
    return {way: np.concatenate([found[way] for found in whole]) for way in whole[0]}


def bernstein_found(values: Doubles, new: Doubles) -> np.ndarray:
    """(runs, looks) whether the two variants' own sequences, each with half of the error, lie apart."""
    found = np.zeros((len(values), DAYS * HOURS), bool)
    for run, (row, saw) in enumerate(zip(values, new > 0, strict=True)):
        low, high = zip(*(_sequence(row, seen) for seen in (~saw, saw)), strict=True)
        found[run] = (low[1] > high[0]) | (low[0] > high[1])
    return found


def _sequence(values: Doubles, seen: np.ndarray) -> tuple[Doubles, Doubles]:
    """Bounds of one variant's mean at each look."""
    rewards = values[seen]
    low, high = weighted(np.ones(len(rewards)), rewards, ERROR / 2)
    n = seen.reshape(-1, AN_HOUR).sum(axis=1).cumsum()
    return np.append(0.0, low)[n], np.append(1.0, high)[n]


def _until(values: Doubles) -> Doubles:
    """(…, looks) sums of (…, PEOPLE) values up to each look."""
    return values.reshape(*values.shape[:-1], DAYS * HOURS, AN_HOUR).sum(axis=-1).cumsum(axis=-1)


def _ever(looks: np.ndarray) -> float:
    return float(looks.any(axis=1).mean())


def wilson(share: float, n: int) -> list[float]:
    """The 95 % interval of a share (Wilson 1927)."""
    middle = (share + NORMAL**2 / (2 * n)) / (1 + NORMAL**2 / n)
    half = NORMAL * np.sqrt(share * (1 - share) / n + NORMAL**2 / (4 * n**2)) / (1 + NORMAL**2 / n)
    return [round(float(middle - half), 4), round(float(middle + half), 4)]


if __name__ == "__main__":
    main()
