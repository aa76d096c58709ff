"""Bandits of others, in an environment of their own: reads arrays, writes what they got wrong.

    python peers.py sets --out sets.npz            # the data sets inside river's wheel
    python peers.py play --problem p.npz --out errors.json [--seed 0]
    python peers.py clock --out seconds.json       # Vowpal Wabbit fills 12 places of 1,000 candidates

A problem holds NAME.x and NAME.y and, a row a shuffle, NAME.orders. One pass: an arm is chosen for each row, and
whether it was the right class is all that is learned from.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
from mabwiser.mab import MAB, LearningPolicy
from river import datasets
from vowpalwabbit import Workspace

RIVER = ("ImageSegments", "Phishing", "Bananas")
VOWPAL = {
    "epsilon .05": "--cb_explore {k} --epsilon 0.05",
    "epsilon .02 dr": "--cb_explore {k} --epsilon 0.02 --cb_type dr",
    "bag 5": "--cb_explore {k} --bag 5",
    "cover 5": "--cb_explore {k} --cover 5",
    "squarecb": "--cb_explore_adf --squarecb -q sa",
    "rnd 3": "--cb_explore_adf --rnd 3 --epsilon 0.02 -q sa",
}
MABWISER = {
    f"{name} alpha {alpha:g}": (policy, alpha)
    for name, policy in (("lints", LearningPolicy.LinTS), ("linucb", LearningPolicy.LinUCB))
    for alpha in (0.1, 0.3, 1.0)
}
CANDIDATES, DIM, PLACES, LISTS = 1_000, 64, 12, 10  # of the clock


class Player(Protocol):
    def choose(self, x: np.ndarray, rng: np.random.Generator) -> int: ...

    def learn(self, x: np.ndarray, arm: int, reward: float) -> None: ...


class OfVowpal:
    """One workspace; what it chooses is drawn from the probabilities that it says, and these it is told again."""

    def __init__(self, options: str, n_arms: int) -> None:
        self._adf = "_adf" in options
        self._vw = Workspace(f"{options.format(k=n_arms)} --quiet --random_seed 1", enable_logging=False)
        self._n_arms, self._probability = n_arms, 1.0

    def choose(self, x: np.ndarray, rng: np.random.Generator) -> int:
        said = self._vw.predict(self._lines(x))
        chances = np.array(said) / np.sum(said)
        arm = int(rng.choice(self._n_arms, p=chances))
        self._probability = float(chances[arm])
        return arm

    def learn(self, x: np.ndarray, arm: int, reward: float) -> None:
        self._vw.learn(self._lines(x, (arm, 1.0 - reward)))

    def _lines(self, x: np.ndarray, told: tuple[int, float] | None = None) -> str | list[str]:
        features = " ".join(f"f{n}:{value:.5g}" for n, value in enumerate(x))
        if not self._adf:
            label = f"{told[0] + 1}:{told[1]}:{self._probability:.6g} " if told else ""
            return f"{label}| {features}"
        lines = [f"shared |s {features}"]
        for arm in range(self._n_arms):
            label = f"0:{told[1]}:{self._probability:.6g} " if told and told[0] == arm else ""
            lines.append(f"{label}|a a{arm}")
        return lines


class OfMabwiser:
    """Linear policies with their usual ridge of 1; the first row of each arm is a pull by turns."""

    def __init__(self, policy: Callable[..., object], alpha: float, n_arms: int) -> None:
        self._mab = MAB(list(range(n_arms)), policy(alpha=alpha))
        self._n_arms, self._pulls = n_arms, 0

    def choose(self, x: np.ndarray, rng: np.random.Generator) -> int:
        return self._pulls % self._n_arms if self._pulls < self._n_arms else int(self._mab.predict([with_one(x)]))

    def learn(self, x: np.ndarray, arm: int, reward: float) -> None:
        act = self._mab.fit if self._pulls == 0 else self._mab.partial_fit
        act([arm], [reward], [with_one(x)])
        self._pulls += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("act", choices=("sets", "play", "clock"))
    parser.add_argument("--problem", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    if given.act == "sets":
        np.savez(given.out, **river_sets())
        return
    told = clock() if given.act == "clock" else play(dict(np.load(given.problem)), given.seed)
    given.out.write_text(json.dumps(told))


def river_sets() -> dict[str, np.ndarray]:
    found = {}
    for name in RIVER:
        rows = list(getattr(datasets, name)())
        found[f"{name}.x"] = np.array([list(x.values()) for x, _ in rows], float)
        found[f"{name}.y"] = np.unique([str(y) for _, y in rows], return_inverse=True)[1]
    return found


def play(problem: dict[str, np.ndarray], seed: int) -> dict[str, dict[str, list[float]]]:
    """Of each player and set, the errors of each shuffle."""
    makers: dict[str, Callable[[int], Player]] = {
        **{f"vw {name}": lambda k, options=options: OfVowpal(options, k) for name, options in VOWPAL.items()},
        **{f"mabwiser {name}": lambda k, said=said: OfMabwiser(*said, k) for name, said in MABWISER.items()},
    }
    names = [key[:-2] for key in problem if key.endswith(".x")]
    told = {}
    for player, make in makers.items():
        told[player] = {
            name: [
                errors(
                    make(int(problem[f"{name}.y"].max()) + 1),
                    problem[f"{name}.x"][order],
                    problem[f"{name}.y"][order],
                    seed,
                )
                for order in problem[f"{name}.orders"]
            ]
            for name in names
        }
        print(player, round(float(np.mean([np.mean(one) for one in told[player].values()])), 4), flush=True)
    return told


def errors(player: Player, x: np.ndarray, y: np.ndarray, seed: int) -> float:
    rng, wrong = np.random.default_rng(seed), 0
    for row, truth in zip(x, y.tolist(), strict=True):
        arm = player.choose(row, rng)
        wrong += arm != truth
        player.learn(row, arm, float(arm == truth))
    return wrong / len(y)


def with_one(x: np.ndarray) -> list[float]:
    return [*x.tolist(), 1.0]


def clock() -> dict[str, float]:
    """Milliseconds of 12 places, one after another, by SquareCB over what is left."""
    rng = np.random.default_rng(0)
    vw = Workspace("--cb_explore_adf --squarecb --quiet", enable_logging=False)
    items = [
        " ".join(f"f{n}:{value:.4g}" for n, value in enumerate(z)) for z in rng.standard_normal((CANDIDATES, DIM))
    ]
    spent = []
    for _ in range(LISTS):
        left = [f"|a {item}" for item in items]
        start = perf_counter()
        first = np.array(vw.predict(left))
        spent.append(perf_counter() - start)
        assert abs(first.sum() - 1.0) < 1e-3
    return {"vw_squarecb_one_place_ms": float(np.median(spent)) * 1e3}


if __name__ == "__main__":
    main()
