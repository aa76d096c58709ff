"""B1: what beliefs are worth to made-up people: the same shop with them and without.

    python benchmarks/exploration/b1_loop.py [--seeds 100,101,102,103,104]   # writes results/B1.json, some minutes

300 items of the made shop, nothing trained; 150 people come 16 times to copies of it, 15 % of the items arrive
later, half of their texts mislead. Every four rounds the copies train, measure and publish. The goal is of our own
making: that beliefs pay, the lower end of the interval over seeds above 0. Optimism was chosen on seeds 0 to 2.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from _result import Goal, rounded, write

from zhiyin.data.shop.catalogue import Good, read_goods
from zhiyin.data.store.open import open_store
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.settings import Settings
from zhiyin.settings_lists import BeliefSettings, PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item
from zhiyin.workflows.courses import Scene
from zhiyin.workflows.simulate import begun

ROUNDS, LEARN_EVERY = 16, 4
T_FOUR = 2.776  # of Student's t with four degrees of freedom, 95 %
WITHOUT = BeliefSettings(on=False)
BESIDE = {"no optimism": BeliefSettings(optimism=0.0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="100,101,102,103,104")
    seeds = [int(seed) for seed in parser.parse_args().seeds.split(",")]
    started = perf_counter()
    told = {"with": BeliefSettings(), "without": WITHOUT, **BESIDE}
    clicks = {name: np.array([clicks_a_list(said, seed) for seed in seeds]) for name, said in told.items()}
    gains = clicks["with"] / clicks["without"] - 1.0
    low = float(gains.mean() - T_FOUR * gains.std(ddof=1) / np.sqrt(len(gains)))
    write(
        "B1",
        {"gain": float(gains.mean()), "gain_low": low, "clicks": float(clicks["with"].mean())},
        {"gain_low": Goal(0.0, "at least")},
        {name: {"clicks": rounded(float(found.mean()))} for name, found in clicks.items() if name != "with"},
        {
            "data": f"made shop, 150 people × {ROUNDS} rounds × 6 places, trained every {LEARN_EVERY}",
            "seeds": {name: [rounded(one) for one in found] for name, found in clicks.items()},
            "seconds": {"total": round(perf_counter() - started, 1)},
            "runs": len(seeds),
            "note": "clicks a list, expected, after the first training; interval of Student's t over seeds",
        },
    )


def clicks_a_list(said: BeliefSettings, seed: int) -> float:
    """From the first training on."""
    with TemporaryDirectory() as folder:
        settings = Settings(folder=Path(folder), belief=said)
        shop = Zhiyin(settings, open_store(f"sqlite:///{folder}/shop.db"), SentenceEncoder())
        with shop:
            shop.put_items([item_of(good) for good in read_goods()])
            scene = Scene(ROUNDS, 150, 6, seed, 0.15, LEARN_EVERY)
            with begun(shop, [PolicySettings()], scene) as simulation:
                turns = [simulation.turn()[0] for _ in range(ROUNDS)][LEARN_EVERY:]
    return sum(turn.worth for turn in turns) / sum(turn.lists for turn in turns)


def item_of(good: Good) -> Item:
    row = good.row
    return Item(
        good.item_id,
        str(row["title"]),
        str(row["text"]),
        categories=(good.department, good.aisle),
        price=good.price,
    )


if __name__ == "__main__":
    main()
