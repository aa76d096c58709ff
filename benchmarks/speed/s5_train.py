"""S5: `train` with the default recipe, 1,000,000 events × 10,000 items. Goal: ≤ 120 s, ≤ 3 GB, two cores.

    python benchmarks/speed/s5_train.py [--fast] [--profile FILE]

The store is filled before the clock starts. What is measured is a process of its own from its start to its end:
it opens the shop, reads the log, reads every text with the shipped sentence encoder (nothing is cached), fits,
and writes a bundle. --fast: 8,000 events × 500 items, printed and not kept.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from _bench import HERE, Bench, at_most, own_peak_mb
from _market import Market

from zhiyin.data.store.open import open_store
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.workflows.train import train

WHOLE, FAST = Market(10_000, 1_000_000), Market(500, 8_000)
BATCH = 20_000
CORES = 2
SECONDS, PEAK_MB = 120.0, 3_072.0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fast", action="store_true")
    arguments.add_argument("--profile", type=Path, help="also write what cProfile says; the clock then says more")
    arguments.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        profiled(given.child, given.profile) if given.profile else fit(given.child)
        return
    market = FAST if given.fast else WHOLE
    data = f"made market, {market.n_events:,} events × {market.n_items:,} items, texts of 42 words, none cached"
    with tempfile.TemporaryDirectory(dir=HERE) as name, Bench("S5", data, keep=not given.fast) as bench:
        fill(Path(name), market)
        seconds, peak, stages = measured(Path(name), given.profile)
        bench.ours |= {"seconds": seconds, "peak_mb": peak}
        bench.goal |= {"seconds": at_most(SECONDS), "peak_mb": at_most(PEAK_MB)}
        bench.seconds |= {stage: round(took, 1) for stage, took in stages.items()}


def fill(folder: Path, market: Market) -> None:
    """A shop with all of it in its store, and nothing trained."""
    (folder / "zhiyin.toml").write_text('name = "market"\n')
    store = open_store(load_settings(folder).store_url())
    store.put_items(list(market.items()))
    events = list(market.events())
    for start in range(0, len(events), BATCH):
        store.append(events[start : start + BATCH])
    store.close()


def measured(folder: Path, profile: Path | None) -> tuple[float, float, dict[str, float]]:
    """Seconds and peak MB of a process that trains, and the seconds of its stages. `computing`: of both cores
    together, which tells how long it only waited where the machine had other work."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # the child inherits it
    command = [sys.executable, __file__, "--child", str(folder), *(["--profile", str(profile)] if profile else [])]
    start = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"training failed with status {child.returncode}")
    told = json.loads(said.splitlines()[-1])
    stages = told["stages"] | {"computing": usage.ru_utime + usage.ru_stime}
    return perf_counter() - start, told["peak_mb"], stages


def profiled(folder: Path, target: Path) -> None:
    """As fit; what cProfile says lies in the target."""
    profile = cProfile.Profile()
    profile.runcall(fit, folder)
    profile.dump_stats(target)


def fit(folder: Path) -> None:
    """What the clock sees. Prints the stages' seconds and the peak as JSON."""
    with Zhiyin.open(folder) as shop:
        made = train(shop)
    print(*made.sentences(), sep="\n", file=sys.stderr)
    print(json.dumps({"stages": dict(made.seconds), "peak_mb": own_peak_mb()}))


if __name__ == "__main__":
    main()
