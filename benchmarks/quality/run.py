"""How good the lists are, on the published protocols, beside all baselines. Writes results/Q*.json.

    python benchmarks/quality/run.py --data DIR [--only Q1,Q3] [--fast] [--seed N] [--cache DIR]

DIR holds one folder a data set, as zhiyin.data.folders reads them. Every row is judged with the default recipe,
fitted on the training part only; each runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe
from zhiyin.workflows.evaluate import evaluate_protocol
from zhiyin.workflows.evaluation import Evaluation
from zhiyin.workflows.posing import Terms

RESULTS = Path(__file__).parent / "results"

Numbers = Mapping[str, float]
Found = Mapping[str, Evaluation]  # by the name of what was asked


@dataclass(frozen=True, slots=True)
class Ask:
    """One protocol of one data set."""

    data: str
    protocol: str | None = None
    filter_history: bool | None = None
    recipe: DefaultRecipe | None = None  # unset: the default one


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A row of the table: what is asked, the numbers that count, and what they should be."""

    asks: Mapping[str, Ask]  # the first one gives interval and peers
    ours: Callable[[Found], Numbers]
    goal: Numbers
    note: str


def of_first(*metrics: str) -> Callable[[Found], Numbers]:
    def numbers(found: Found) -> Numbers:
        first = next(iter(found.values()))
        return {metric: first.whole.ours[metric] for metric in metrics}

    return numbers


def of_each(*metrics: str) -> Callable[[Found], Numbers]:
    def numbers(found: Found) -> Numbers:
        return {f"{name}_{metric}": one.whole.ours[metric] for name, one in found.items() for metric in metrics}

    return numbers


def cold(found: Found) -> Numbers:
    """With all that is known of an item, and with titles only."""
    metrics = ("recall@20", "ndcg@20")
    ours = {metric: found["cold"].whole.ours[metric] for metric in metrics}
    return ours | {f"titles_{metric}": found["titles"].whole.ours[metric] for metric in metrics}


def beside_ease(found: Found) -> Numbers:
    one = next(iter(found.values()))
    full = one.whole.ours["ndcg@10_full_ideal"]
    return {
        "ndcg@10": one.whole.ours["ndcg@10"],
        "ndcg@10_full_ideal": full,
        "ratio_to_ease": full / one.whole.peers["ease"]["ndcg@10_full_ideal"],
    }


def gains(found: Found) -> Numbers:
    """Lower end of the interval of the gain over the best baseline, relative to that baseline."""
    each = {}
    for name, one in found.items():
        best = one.whole.best_peer(one.main)
        each[f"{name}_gain"] = one.whole.gains[best][one.main].low / one.whole.peers[best][one.main]
    return {"min_gain_over_best_baseline": min(each.values())} | each


BENCHMARKS: Mapping[str, Benchmark] = {
    "Q1": Benchmark(
        {"beauty": Ask("amazon_beauty")},
        of_first("hr@10", "ndcg@10"),
        {"hr@10": 0.115, "ndcg@10": 0.070},
        "leave-one-out, strict",
    ),
    "Q3": Benchmark(
        {
            "cold": Ask("citeulike", "cold"),
            "titles": Ask("citeulike", "cold", recipe=DefaultRecipe(off=("graph",))),
        },
        cold,
        {"recall@20": 0.36, "ndcg@20": 0.235, "titles_recall@20": 0.30, "titles_ndcg@20": 0.19},
        "recall is divided by the number of targets; titles: without citations",
    ),
    "Q4": Benchmark(
        {"warm": Ask("citeulike", "warm"), "overall": Ask("citeulike", "overall")},
        of_each("recall@20", "ndcg@20"),
        {
            "warm_recall@20": 0.3252,
            "warm_ndcg@20": 0.2156,
            "overall_recall@20": 0.2285,
            "overall_ndcg@20": 0.1747,
        },
        "the same model as Q3",
    ),
    "Q5": Benchmark(
        {"random8020": Ask("ml1m", "random8020")},
        beside_ease,
        {"ratio_to_ease": 1.02},
        "ndcg@10_full_ideal has the ideal over all of a user's targets, as the published table",
    ),
    "Q6": Benchmark(
        {
            "online_retail_new": Ask("online_retail", filter_history=True),
            "online_retail_all": Ask("online_retail", filter_history=False),
            "ml100k": Ask("ml100k"),
        },
        gains,
        {"min_gain_over_best_baseline": 0.0},
        "global time split, strict; new: without repeat purchases, all: with them",
    ),
    "Q7": Benchmark(
        {"mcrec": Ask("ml100k", "mcrec")},
        of_first("ndcg@10_full_ideal"),
        {"ndcg@10_full_ideal": 0.300},
        "kg_link names films by their ids in MovieLens 1M, so the graph as given links at random: see docs/LOG.md",
    ),
}


def main() -> None:
    given = arguments()
    ids = given.only.split(",") if given.only else list(BENCHMARKS)
    if unknown := set(ids) - set(BENCHMARKS):
        sys.exit(f"unknown {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}")
    if len(ids) == 1:
        result = run(ids[0], given)
        (RESULTS / f"{ids[0]}.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
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
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    return parser.parse_args()


def run(id_: str, given: argparse.Namespace) -> dict[str, object]:
    benchmark = BENCHMARKS[id_]
    encoder = CachedEncoder(SentenceEncoder(threads=os.cpu_count() or 1), given.cache)
    found = {
        name: evaluate_protocol(
            given.data / ask.data / "splits" / "protocol.json",
            Run(encoder, given.seed),
            ask.recipe,
            name=ask.protocol,
            terms=Terms(
                filter_history=ask.filter_history,
                max_users=2_000 if given.fast else 0,
                resamples=500 if given.fast else 2_000,
            ),
        )
        for name, ask in benchmark.asks.items()
    }
    return result_of(id_, benchmark, found) | ({"fast": True} if given.fast else {})


def result_of(id_: str, benchmark: Benchmark, found: Found) -> dict[str, object]:
    first = next(iter(found.values()))
    ours = benchmark.ours(found)
    return {
        "id": id_,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "data": "+".join(one.question.split for one in found.values()),
        "recipe": "default",
        "seed": first.seed,
        "ours": rounded(ours),
        "interval": {name: first.whole.interval[name] for name in first.reported},
        "peers": {
            name: rounded({metric: numbers[metric] for metric in first.reported})
            for name, numbers in first.whole.peers.items()
        },
        "goal": benchmark.goal,
        "met": all(ours[name] > goal for name, goal in benchmark.goal.items()),
        "seconds": {f"{ask} {stage}": took for ask, one in found.items() for stage, took in one.seconds.items()},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "runs": 1,
        "note": benchmark.note,
        "asked": {name: details(one) for name, one in found.items()},
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


def commit() -> str:
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
