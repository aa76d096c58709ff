"""S6: titles read a second by the encoders that the product ships, two threads. Goal of the int8 one: ≥ 800.

    python benchmarks/speed/s6_encode.py [--fast] [--data DIR]

The titles are those of made items, or with --data those of a public catalogue (amazon_beauty). Tokenizing counts;
loading the weights does not. --fast: 200 titles once, printed and not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from _bench import Bench, at_least, median
from _market import Market

from zhiyin.encoders.base import Encoder
from zhiyin.encoders.sentence import SentenceEncoder

THREADS = 2
TITLES, TIMES = 2_000, 5
ENCODERS: dict[str, Callable[[], Encoder]] = {"int8": lambda: SentenceEncoder(threads=THREADS)}
GOALS = {"int8": 800.0, "static": 10_000.0}  # titles a second


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--fast", action="store_true")
    arguments.add_argument("--data", type=Path, help="folder of the public data sets")
    arguments.add_argument("--child", choices=list(ENCODERS), help=argparse.SUPPRESS)
    given = arguments.parse_args()
    titles = titles_of(given.data, 200 if given.fast else TITLES)
    if given.child:
        print(json.dumps(per_second(ENCODERS[given.child](), titles, 1 if given.fast else TIMES)))
        return
    whose = "amazon_beauty" if given.data else "made items"
    words = np.mean([len(title.split()) for title in titles])
    data = f"{len(titles):,} titles of {whose}, {words:.1f} words each, {THREADS} threads"
    with Bench("S6", data, keep=not given.fast) as bench:
        for name in ENCODERS:
            bench.ours[f"{name}_per_s"] = apart(name)
            bench.goal[f"{name}_per_s"] = at_least(GOALS[name])


def titles_of(data: Path | None, n: int) -> list[str]:
    """Distinct ones."""
    if data is None:
        return [item.title for item in islice(Market(n, n).items(), n)]
    import pyarrow.parquet as pq  # noqa: PLC0415

    column = pq.read_table(data / "amazon_beauty" / "items.parquet", columns=["title"])["title"].to_pylist()
    return list(islice(dict.fromkeys(title for title in column if title), n))


def apart(name: str) -> float:
    """Of one encoder in a process of its own, so that its threads are what the environment says."""
    said = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], f"--child={name}"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": str(THREADS)},
    )
    return float(json.loads(said.stdout))


def per_second(encoder: Encoder, titles: Sequence[str], times: int) -> float:
    """Median over so many passes."""
    encoder.encode(titles[:32])
    return len(titles) / median(lambda: encoder.encode(titles), times)


if __name__ == "__main__":
    main()
