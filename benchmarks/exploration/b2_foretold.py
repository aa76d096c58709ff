"""B2: purchases that come a day after a click: what open windows foretell, beside waiting for them.

    python benchmarks/exploration/b2_foretold.py [--seeds 200,201,202,203,204]   # writes results/B2.json, an hour

300 items of the made shop; 150 people come once a day for 30 days. A click is worth .1, a purchase 1; it follows a
day after the click on average, and counts within four. 15 % of the items arrive until day 18, half of their texts
mislead. The copies train, measure and publish after days 12 and 24, with `[belief] progressive` and without.
Counted are expected purchases a list from the first training on, and places that a new item has in its first five
days: of the better half of new items, and of the others.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from _result import Goal, rounded, write
from b1_loop import item_of
from scipy.stats import t

from zhiyin.data.dataset import Doubles
from zhiyin.data.shop.catalogue import read_goods
from zhiyin.data.signals import Signals
from zhiyin.data.store.open import open_store
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.settings import DataSettings, Settings
from zhiyin.settings_lists import BeliefSettings, PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.simulation.browsing import Browsing
from zhiyin.workflows.courses import Scene
from zhiyin.workflows.simulate import Simulation, begun

ROUNDS, LEARN_EVERY, FIRST_DAYS = 30, 12, 5
DAY = 86_400.0  # seconds
BOUGHT = {"purchase": 1.0}
BROWSING = Browsing(purchase=1.5, decides=DAY)
ARMS = {
    "foretold": BeliefSettings(window=4.0 * DAY, progressive=True),
    "waiting": BeliefSettings(window=4.0 * DAY),
}


@dataclass(frozen=True, slots=True)
class Earned:
    """By one shop in one world."""

    purchases: float  # a list, expected, after the first training
    better: float  # places of a new item of the better half in its first days
    worse: float  # of one of the other half
    kept: bool  # whether the last training found that open windows foretell something

    @property
    def share(self) -> float:
        """Of the places of new items, that the better half has."""
        return self.better / (self.better + self.worse)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="200,201,202,203,204")
    seeds = [int(seed) for seed in parser.parse_args().seeds.split(",")]
    started = perf_counter()
    found = {name: [lived(said, seed) for seed in seeds] for name, said in ARMS.items()}
    purchases = {name: np.array([one.purchases for one in some]) for name, some in found.items()}
    shares = {name: np.array([one.share for one in some]) for name, some in found.items()}
    gain, low, high = _interval(purchases["foretold"] / purchases["waiting"] - 1.0)
    new, new_low, new_high = _interval(shares["foretold"] - shares["waiting"])
    write(
        "B2",
        {
            "gain": gain,
            "gain_low": low,
            "gain_high": high,
            "purchases": float(purchases["foretold"].mean()),
            "better_new": new,
            "better_new_low": new_low,
            "better_new_high": new_high,
        },
        {"gain_low": Goal(0.0, "at least")},
        {
            name: {"purchases": rounded(float(some.mean()))}
            for name, some in purchases.items()
            if name != "foretold"
        },
        {
            "data": f"made shop, 150 people × {ROUNDS} days × 6 places, trained every {LEARN_EVERY}",
            "seeds": {name: [rounded(one.purchases) for one in some] for name, some in found.items()},
            "places": {
                name: [[rounded(one.better), rounded(one.worse)] for one in some] for name, some in found.items()
            },
            "kept": sum(one.kept for one in found["foretold"]),
            "seconds": {"total": round(perf_counter() - started, 1)},
            "runs": len(seeds),
            "note": "purchases a list, expected, after the first training; better_new: share of the places of new "
            "items in their first days that the better half has, beyond the same without; Student's t over seeds",
        },
    )


def lived(said: BeliefSettings, seed: int) -> Earned:
    """All days of a shop under these settings."""
    with TemporaryDirectory() as folder:
        signals = Signals(rewards={"click": 0.1})
        settings = Settings(folder=Path(folder), belief=said, data=DataSettings(signals=signals))
        with Zhiyin(settings, open_store(f"sqlite:///{folder}/shop.db"), SentenceEncoder()) as shop:
            shop.put_items([item_of(good) for good in read_goods()])
            scene = Scene(ROUNDS, 150, 6, seed, 0.15, LEARN_EVERY, 24.0, browsing=BROWSING)
            with begun(shop, [PolicySettings()], scene) as simulation:
                for _ in range(ROUNDS):
                    simulation.turn()
                return _earned(simulation)


def _earned(simulation: Simulation) -> Earned:
    (life,), world = simulation.lives, simulation.world
    bought, shown = [], Counter[tuple[str, int]]()
    for one in life.shop.store.recommendations():
        day = int(one.recommendation_id.split("-")[1])
        shown.update((place.item_id, day) for place in one.items)
        if day > LEARN_EVERY:
            wants = dict(zip((id_ for id_, _ in one.candidates), life.wants[one.recommendation_id], strict=True))
            bought.append(BROWSING.value(np.array([wants[place.item_id] for place in one.items]), BOUGHT))
    new = [one for one in life.arrivals if one.round > LEARN_EVERY]
    quality = np.array([world.quality[world.rows[one.item.item_id]] for one in new])
    places = np.array(
        [sum(shown[one.item.item_id, one.round + day] for day in range(FIRST_DAYS)) for one in new], np.float64
    )
    good, belief = quality > np.median(quality), life.shop.live().folded.bundle.fitted.belief
    kept = belief is not None and belief.progressive is not None
    return Earned(float(np.mean(bought)), float(places[good].mean()), float(places[~good].mean()), kept)


def _interval(values: Doubles) -> tuple[float, float, float]:
    """Mean and 95 % by Student's t."""
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    half = float(t.ppf(0.975, len(values) - 1)) * error
    return mean, mean - half, mean + half


if __name__ == "__main__":
    main()
