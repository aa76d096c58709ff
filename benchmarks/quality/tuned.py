"""T1: the default recipe as it is, beside the best that `zhiyin tune` finds for it in ten minutes.

    python benchmarks/quality/tuned.py --data DIR [--sets ml100k,amazon_scientific] [--minutes 10] [--fast]

Each data set becomes a shop of its own and is asked as a shop is: settings are chosen on the validation part, the
test part is asked once, about what was found and about what there was. The baselines that have settings are
searched for as long. Writes results/T1.json.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import orjson
from run import RESULTS, commit, machine, rounded

from zhiyin.data.folders import read_events, read_items, read_relations
from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.record import Section
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.workflows.searching import Budget
from zhiyin.workflows.tune import UNTUNED, Tuned, Wishes, tune

SETS = ("ml100k", "amazon_scientific")
MINUTES, TRIALS = 10.0, 200


def main() -> None:
    given = arguments()
    began, found = perf_counter(), {name: tuned(name, given) for name in given.sets.split(",")}
    result = result_of(found, perf_counter() - began, given)
    (given.out / "T1.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(
        orjson.dumps(
            {name: result[name] for name in ("ours", "peers", "interval")}, option=orjson.OPT_INDENT_2
        ).decode()
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--fast", action="store_true", help="200 people and two trials, to see that it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def tuned(name: str, given: argparse.Namespace) -> Tuned:
    budget = Budget(given.minutes * 60, 2 if given.fast else TRIALS)
    terms = Terms(max_users=200, resamples=500) if given.fast else Terms()
    encoder = CachedEncoder(SentenceEncoder(threads=os.cpu_count() or 1), given.cache)
    with tempfile.TemporaryDirectory() as folder:
        shop = Zhiyin(Settings(folder=Path(folder), name=name), MemoryStore(), encoder)
        with shop:
            fill(shop, given.data / name)
            return tune(shop, Wishes(budget, terms, given.seed, test=True))


def fill(shop: Zhiyin, folder: Path) -> None:
    """Everything that the data set has, as `zhiyin import` would bring it."""
    shop.put_items(read_items(folder))
    shop.store.put_relations(read_relations(folder))
    shop.add_events(list(read_events(folder, implicit=False)))


def result_of(found: Mapping[str, Tuned], seconds: float, given: argparse.Namespace) -> dict[str, object]:
    """In the layout of all results: ours is the default recipe; what was tuned stands beside it."""
    tests = {name: one.test for name, one in found.items() if one.test is not None}
    ours, peers, interval = {}, {}, {}
    for name, test in tests.items():
        metric, key = found[name].metric, f"{name}_{found[name].metric}"
        peers |= {peer: {**peers.get(peer, {}), key: value} for peer, value in beside(test, metric).items()}
        ours[key] = test.peers[UNTUNED][metric]
        gain = test.gains[UNTUNED][metric]
        ours[f"{name}_gain_of_tuning"] = gain.value
        interval[f"{name}_gain_of_tuning"] = [round(gain.low, 5), round(gain.high, 5)]
    return {
        "id": "T1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": "+".join(found),
        "recipe": "default",
        "seed": given.seed,
        "ours": rounded(ours),
        "interval": interval,
        "peers": {peer: rounded(numbers) for peer, numbers in peers.items()},
        "goal": {},
        "met": True,
        "seconds": {"all": round(seconds, 1)},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": 1,
        "note": f"test part; tuned for {given.minutes:g} minutes each on the validation part, the baselines too; "
        "gain_of_tuning: tuned - default, person by person",
        "searches": {name: searched(one) for name, one in found.items()},
    } | ({"fast": True} if given.fast else {})


def beside(test: Section, metric: str) -> dict[str, float]:
    """The best that each search found."""
    others = {f"{peer}_tuned": numbers[metric] for peer, numbers in test.peers.items() if peer != UNTUNED}
    return {"tuned": test.ours[metric]} | others


def searched(one: Tuned) -> dict[str, object]:
    """How each search went, by the validation part."""
    return {
        "question": one.words,
        "settings": dict(one.settings),
        **{
            search.name: {
                "trials": len(search.trials),
                "seconds": round(search.seconds),
                "start": round(search.start.value, 5),
                "best": round(search.best.value, 5),
            }
            for search in one.searches
        },
    }


if __name__ == "__main__":
    main()
