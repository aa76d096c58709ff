"""E1: carousels of 12 of 862 items, 10 segments, 100 rounds of 2,000 people. Goal: regret ≤ 11.0 % ("whole") and
≤ 13.7 % ("three") of that of random lists, with one setting.

    python benchmarks/exploration/e1_carousels.py --data DIR [--environment FILE] [--seeds 5]   # results/E1.*
    python benchmarks/exploration/e1_carousels.py --data DIR --choose                           # on seeds 0 to 4

The simulator is not part of this project: --environment is its file, by default DIR/../exploration/carousel.py. In
"whole" all 12 places count as seen without a click, in "three" the first three. Everybody meets the same people.
"""

from __future__ import annotations

import argparse
import sys
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from time import perf_counter
from types import ModuleType

import numpy as np
from _result import RESULTS, Goal, rounded, write
from carousel_players import IN_SIGHT, PEERS, PLACES, Believing, Chance, Made, Player, ours
from plots import Line, plotted

ITEMS = "deezer_carousel/items.parquet"
SIGHT = {"whole": PLACES, "three": IN_SIGHT}
GOALS = {"whole": Goal(11.0, "at most"), "three": Goal(13.7, "at most")}
FRESH, CHOOSING = 100, range(5)  # first of the seeds that are reported
SHARPNESS, OPTIMISM = 5.0, 0.0  # as --choose says


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--environment", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--choose", action="store_true")
    given = parser.parse_args()
    world = loaded(given.environment or given.data.parent / "exploration" / "carousel.py")
    if given.choose:
        choose(world, given.data)
    else:
        report(world, given.data, given.seeds)


def report(world: ModuleType, data: Path, n_seeds: int) -> None:
    started, seeds = perf_counter(), range(FRESH, FRESH + n_seeds)
    games = {
        "ours": ours(SHARPNESS, OPTIMISM),
        "ours, nothing inferred": ours(SHARPNESS, OPTIMISM, inferring=False),
    }
    games |= PEERS
    chance = {seed: regrets(world, data, seed, "whole", lambda seed, i, *_: Chance(seed, i)) for seed in seeds}
    shares: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in games}
    for mode, (name, made), seed in product(SIGHT, games.items(), seeds):
        share = 100.0 * regrets(world, data, seed, mode, made) / chance[seed].sum()
        shares[name].setdefault(mode, []).append(share)
        print(mode, name, seed, round(float(share.sum()), 2), flush=True)
    means = {
        name: {mode: float(np.sum(of) / n_seeds) for mode, of in modes.items()} for name, modes in shares.items()
    }
    every = {mode: [float(one.sum()) for one in of] for mode, of in shares["ours"].items()}
    (RESULTS / "E1.svg").write_text(plot(shares, chance), encoding="utf-8")
    told = {
        "data": sha256((data / ITEMS).read_bytes()).hexdigest()[:16],
        "interval": {mode: [rounded(min(of)), rounded(max(of))] for mode, of in every.items()},
        "seeds": {mode: [rounded(one) for one in of] for mode, of in every.items()},
        "seconds": {"total": round(perf_counter() - started, 1)},
        "runs": n_seeds,
        "note": f"% of the regret of random lists, seeds {seeds[0]} to {seeds[-1]}; interval: least and most "
        f"of them; softmax over log-rates, C = {SHARPNESS:g}, c = {OPTIMISM:g}, chosen on other seeds (--choose)",
    }
    write("E1", means.pop("ours"), GOALS, {name: rounded_all(of) for name, of in means.items()}, told)


def regrets(world: ModuleType, data: Path, seed: int, mode: str, made: Made) -> np.ndarray:
    """(100,) regret of each round."""
    env = world.Carousels(data / ITEMS, seed=seed)
    player: Player = made(seed, len(env.theta), int(env.segments.max()) + 1, SIGHT[mode])
    found = []
    for batch in env.rounds(mode):
        lists = player.choose(batch.segments)
        feedback = batch.show(lists)
        player.learn(batch.segments, lists, feedback.seen, feedback.streamed)
        found.append(env.regret)
    if isinstance(player, Believing) and not np.isfinite(player.logs).all():
        raise ValueError("a list was shown that is said to be impossible")
    return np.diff(found, prepend=0.0)


def plot(shares: dict[str, dict[str, list[np.ndarray]]], chance: dict[int, np.ndarray]) -> str:
    """Regret of each round, of that of random lists: mean of the seeds."""
    n_rounds = len(next(iter(chance.values())))
    panels = {
        f"mode “{mode}”": [Line(name, n_rounds * np.mean(of[mode], axis=0)) for name, of in shares.items()]
        for mode in SIGHT
    }
    return plotted(panels, "round", "regret of a round, % of random lists")


def choose(world: ModuleType, data: Path) -> None:
    """A grid over C and c, on seeds that are not reported."""
    games = list(product(SIGHT, CHOOSING))
    chance = {
        seed: regrets(world, data, seed, "whole", lambda seed, i, *_: Chance(seed, i)).sum() for seed in CHOOSING
    }
    for sharpness, optimism in product((3.0, 5.0, 8.0), (0.0, 0.3)):
        made = ours(sharpness, optimism)
        found = {
            (mode, seed): 100 * regrets(world, data, seed, mode, made).sum() / chance[seed] for mode, seed in games
        }
        told = ", ".join(f"{mode} {np.mean([found[mode, seed] for seed in CHOOSING]):.2f}" for mode in SIGHT)
        print(f"C {sharpness:g}, c {optimism:g}: {told}", flush=True)


def loaded(path: Path) -> ModuleType:
    """The simulator."""
    spec = spec_from_file_location("carousel", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"no simulator at {path}: --environment FILE")
    module = module_from_spec(spec)
    sys.modules["carousel"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def rounded_all(numbers: dict[str, float]) -> dict[str, float]:
    return {name: rounded(value) for name, value in numbers.items()}


if __name__ == "__main__":
    main()
