"""How good the lists are, on the published protocols, beside all baselines. Writes results/Q*.json.

    python benchmarks/quality/run.py --data DIR [--only Q1,Q3] [--fast] [--seed N] [--cache DIR] [--peers]

DIR holds one folder a data set, as zhiyin.data.folders reads them. Every row is judged with the default recipe,
Q2 with the deep one (it needs torch), fitted on the training part only; each runs in a process of its own, so that
its peak memory is its own.
--peers also asks libraries of others, on the first question of a row; their environment is made in the cache.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import orjson
from blanked import blanked_folder, marked
from guests import MINUTES, Guests, environment
from pictured import changed_folder
from rows import BENCHMARKS, Ask, Benchmark, Found, Numbers

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.judging import nobody
from zhiyin.evaluation.measuring import Measured
from zhiyin.evaluation.record import Evaluation
from zhiyin.models.base import Run
from zhiyin.workflows.evaluate import measure_protocol

RESULTS = Path(__file__).parent / "results"
ALONE = {"Q3", "Q11", "Q13", "R1"}  # new items, or ourselves with and without something: nobody else to ask


@dataclass(frozen=True, slots=True)
class Mute:
    """An encoder of the same shape that has nothing to say."""

    other: Encoder

    @property
    def fingerprint(self) -> str:
        return "mute"

    @property
    def licence(self) -> str:
        return self.other.licence

    @property
    def dim(self) -> int:
        return self.other.dim

    def encode(self, texts: Sequence[str]) -> Floats:
        return np.zeros((len(texts), self.dim), np.float32)


def main() -> None:
    given = arguments()
    ids = given.only.split(",") if given.only else list(BENCHMARKS)
    if unknown := set(ids) - set(BENCHMARKS):
        sys.exit(f"unknown {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}")
    if len(ids) == 1:
        result = run(ids[0], given)
        (given.out / f"{ids[0]}.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
        print(table(result), flush=True)
        return
    for id_ in ids:
        same = [word for word in sys.argv[1:] if not word.startswith("--only") and word != given.only]
        subprocess.run([sys.executable, __file__, *same, f"--only={id_}"], check=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", help=f"some of {','.join(BENCHMARKS)}")
    parser.add_argument("--fast", action="store_true", help="2,000 people and 500 resamples, to see that it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers", action="store_true", help="also implicit, LensKit and RecTools")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="that each of them searches its settings in"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    return parser.parse_args()


def run(id_: str, given: argparse.Namespace) -> dict[str, object]:
    commit()  # a checkout may move on while this runs
    benchmark = BENCHMARKS[id_]
    encoder = CachedEncoder(SentenceEncoder(threads=os.cpu_count() or 1), given.cache)
    asks_others = given.peers and id_ not in ALONE
    guests = Guests(environment(given.cache), given.minutes, given.seed) if asks_others else None
    found: dict[str, Measured] = {}
    for name, ask in benchmark.asks.items():
        found[name] = measured(ask, encoder, given, None if found else guests)
    told = {"searched": guests.told} if guests else {}
    return result_of(id_, benchmark, found) | told | ({"fast": True} if given.fast else {})


def measured(ask: Ask, encoder: Encoder, given: argparse.Namespace, guests: Guests | None) -> Measured:
    with tempfile.TemporaryDirectory() as target:
        folder = given.data / ask.data
        if ask.changes:
            folder = changed_folder(folder, ask.changes, Path(target))
        if ask.texts == "blanked":
            folder = blanked_folder(folder, Path(target))
        path = folder / "splits" / "protocol.json"
        terms = replace(ask.terms, max_users=2_000, resamples=500) if given.fast else ask.terms
        run = Run(encoder if ask.reads else Mute(encoder), given.seed)
        found = measure_protocol(path, run, ask.recipe, name=ask.protocol, terms=terms, guests=guests or nobody)
        return found if ask.texts == "all" else marked(found, path, ask.protocol, terms)


def result_of(id_: str, benchmark: Benchmark, found: Found) -> dict[str, object]:
    ours, asked = benchmark.ours(found), {name: one.evaluation for name, one in found.items()}
    first = next(iter(asked.values()))
    return {
        "id": id_,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": "+".join(one.question.split for one in asked.values()),
        "recipe": benchmark.recipe,
        "seed": first.seed,
        "ours": rounded(ours),
        "interval": {name: first.whole.interval[name] for name in first.reported},
        "peers": {
            name: rounded({metric: numbers[metric] for metric in first.reported})
            for name, numbers in first.whole.peers.items()
        },
        "goal": benchmark.goal,
        "met": all(ours[name] > goal for name, goal in benchmark.goal.items()),
        "seconds": {f"{ask} {stage}": took for ask, one in asked.items() for stage, took in one.seconds.items()},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": 1,
        "note": benchmark.note,
        "asked": {name: details(one) for name, one in asked.items()},
    }


def details(one: Evaluation) -> dict[str, object]:
    """What explains the numbers: of each protocol that was asked."""
    return {
        "question": asdict(one.question),
        "ours": rounded({name: one.whole.ours[name] for name in one.reported}),
        "best_baseline": one.whole.best_peer(one.main),
        "peers": {name: round(numbers[one.main], 5) for name, numbers in one.whole.peers.items()},
        "channels": {name: rounded(numbers) for name, numbers in one.channels.items()},
        "without": {name: rounded(numbers) for name, numbers in one.without.items()},
        "buckets": {name: {"n": part.n_users} | rounded(part.ours) for name, part in one.buckets.items()},
        "online": one.online,
        "verdict": one.verdict,
        "notes": one.notes,
    }


def rounded(numbers: Numbers) -> dict[str, float]:
    return {name: round(number, 5) for name, number in numbers.items()}


@cache
def commit() -> str:
    """As it was when it was first asked."""

    def said(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=RESULTS.parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    return said("rev-parse", "--short", "HEAD") + ("-dirty" if said("status", "--porcelain", "../../src") else "")


def machine() -> dict[str, object]:
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": platform.machine(), "cores": os.cpu_count(), "ram_gb": round(ram / 2**30)}


def table(result: Mapping[str, object]) -> str:
    """The numbers of one row as text."""
    lines = [f"{result['id']}  met: {result['met']}  peak {result['peak_mb']} MB  {result['note']}"]
    ours, goal = result["ours"], result["goal"]
    assert isinstance(ours, dict)
    assert isinstance(goal, Mapping)
    for name, value in ours.items():
        lines.append(f"  {name:32} {value:8.4f}" + (f"   goal {goal[name]:.4f}" if name in goal else ""))
    asked = result["asked"]
    assert isinstance(asked, dict)
    for name, one in asked.items():
        lines += [f"  {name}: {sentence}" for sentence in one["verdict"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
