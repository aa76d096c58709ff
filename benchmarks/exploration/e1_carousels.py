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
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path
from time import perf_counter
from types import ModuleType

import numpy as np
from _result import RESULTS, Goal, rounded, write
from carousel_players import IN_SIGHT, PEERS, PLACES, Believing, Chance, Made, ours
from plots import Line, plotted

ITEMS = "deezer_carousel/items.parquet"
SIGHT = {"whole": PLACES, "three": IN_SIGHT}
GOALS = {"whole": Goal(11.0, "at most"), "three": Goal(13.7, "at most")}
FRESH, CHOOSING = 100, range(5)  # first of the seeds that are reported
SHARPNESS, OPTIMISM = 5.0, 0.0  # as --choose says
ROUNDS, CHANCE, BLIND = 100, "random lists", "ours, nothing inferred"
PLAYERS: dict[str, Made] = {
    "ours": ours(SHARPNESS, OPTIMISM),
    BLIND: ours(SHARPNESS, OPTIMISM, inferring=False),
    **PEERS,
}


@dataclass(frozen=True, slots=True)
class Game:
    """One run of 100 rounds."""

    data: Path
    environment: Path
    player: str
    mode: str
    seed: int

    @property
    def made(self) -> Made:
        known: dict[str, Made] = {CHANCE: lambda seed, n_items, *_: Chance(seed, n_items), **PLAYERS}
        return known[self.player] if self.player in known else ours(*map(float, self.player.split()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--environment", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="games at once")
    parser.add_argument("--choose", action="store_true")
    given = parser.parse_args()
    environment = given.environment or given.data.parent / "exploration" / "carousel.py"
    if not environment.is_file():
        raise SystemExit(f"no simulator at {environment}: --environment FILE")
    world = Game(given.data, environment, CHANCE, "whole", 0)
    if given.choose:
        choose(world, given.jobs)
    else:
        report(world, range(FRESH, FRESH + given.seeds), given.jobs)


def report(world: Game, seeds: range, jobs: int) -> None:
    started = perf_counter()
    games = [replace(world, player=name, mode=mode, seed=seed)
             for mode, name, seed in product(SIGHT, PLAYERS, seeds)
             if mode == "three" or name != BLIND]  # fmt: skip
    found = all_played([replace(world, seed=seed) for seed in seeds] + games, jobs)
    shares: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in PLAYERS}
    for game in games:
        share = 100.0 * found[game] / found[replace(world, seed=game.seed)].sum()
        shares[game.player].setdefault(game.mode, []).append(share)
    means = {
        name: {mode: float(np.mean([one.sum() for one in of])) for mode, of in modes.items()}
        for name, modes in shares.items()
    }
    every = {mode: [float(one.sum()) for one in of] for mode, of in shares["ours"].items()}
    (RESULTS / "E1.svg").write_text(plot(shares), encoding="utf-8")
    told = {
        "data": sha256((world.data / ITEMS).read_bytes()).hexdigest()[:16],
        "interval": {mode: [rounded(min(of)), rounded(max(of))] for mode, of in every.items()},
        "seeds": {mode: [rounded(one) for one in of] for mode, of in every.items()},
        "seconds": {"total": round(perf_counter() - started, 1)},
        "runs": len(seeds),
        "note": f"% of the regret of random lists, seeds {seeds[0]} to {seeds[-1]}; interval: least and most "
        f"of them; softmax over log-rates, C = {SHARPNESS:g}, c = {OPTIMISM:g}, chosen on other seeds (--choose); "
        f"{BLIND}: places that do not count as seen are taken as never looked at",
    }
    write("E1", means.pop("ours"), GOALS, {name: rounded_all(of) for name, of in means.items()}, told)


def all_played(games: list[Game], jobs: int) -> dict[Game, np.ndarray]:
    with ProcessPoolExecutor(jobs) as pool:
        found = {}
        for game, regret in zip(games, pool.map(regrets, games), strict=True):
            print(game.mode, game.player, game.seed, round(float(regret.sum())), flush=True)
            found[game] = regret
        return found


def regrets(game: Game) -> np.ndarray:
    """(100,) regret of each round."""
    env = loaded(game.environment).Carousels(game.data / ITEMS, seed=game.seed)
    player = game.made(game.seed, len(env.theta), int(env.segments.max()) + 1, SIGHT[game.mode])
    found = []
    for batch in env.rounds(game.mode):
        lists = player.choose(batch.segments)
        feedback = batch.show(lists)
        player.learn(batch.segments, lists, feedback.seen, feedback.streamed)
        found.append(env.regret)
    if isinstance(player, Believing) and not np.isfinite(player.logs).all():
        raise ValueError("a list was shown that is said to be impossible")
    return np.diff(found, prepend=0.0)


def plot(shares: dict[str, dict[str, list[np.ndarray]]]) -> str:
    """Regret of each round, of that of random lists: mean of the seeds."""
    panels = {
        f"mode “{mode}”": [
            Line(name, ROUNDS * np.mean(of[mode], axis=0)) for name, of in shares.items() if mode in of
        ]
        for mode in SIGHT
    }
    return plotted(panels, "round", "regret of a round, % of random lists")


def choose(world: Game, jobs: int) -> None:
    """A grid over C and c, on seeds that are not reported."""
    chance = [replace(world, seed=seed) for seed in CHOOSING]
    tried = [f"{sharpness:g} {optimism:g}" for sharpness, optimism in product((3.0, 5.0, 8.0), (0.0, 0.3))]
    games = [replace(world, player=name, mode=mode, seed=seed)
             for name, mode, seed in product(tried, SIGHT, CHOOSING)]  # fmt: skip
    found = all_played(chance + games, jobs)
    for name, mode in product(tried, SIGHT):
        shares = [100.0 * found[replace(one, player=name, mode=mode)].sum() / found[one].sum() for one in chance]
        print(f"C and c {name}, {mode}: {np.mean(shares):.2f}", flush=True)


def loaded(path: Path) -> ModuleType:
    """The simulator."""
    spec = spec_from_file_location("carousel", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python module: --environment FILE")
    module = module_from_spec(spec)
    sys.modules["carousel"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def rounded_all(numbers: dict[str, float]) -> dict[str, float]:
    return {name: rounded(value) for name, value in numbers.items()}


if __name__ == "__main__":
    main()
