"""S1: one answer in process, all default channels, histories of 50, one core. Goal: p50 ≤ 2 ms, p99 ≤ 5 ms.

python benchmarks/speed/s1_recommend.py [--items 100000] [--answers 500]
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
from _bench import Bench, at_most
from _shop import make_shop, train
from threadpoolctl import threadpool_limits

from zhiyin.types import Query

WARM_UP = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=100_000)
    arguments.add_argument("--answers", type=int, default=500)
    arguments.add_argument("--people", type=int, default=10_000)
    given = arguments.parse_args()
    data = f"made shop, {given.items:,} items, {given.people:,} people with histories of 50, 20 places, softmax"
    with tempfile.TemporaryDirectory() as folder, Bench("S1", data) as bench:
        bench.goal |= {"p50_ms": at_most(2.0), "p99_ms": at_most(5.0)}
        shop = make_shop(Path(folder), given.items, people=given.people)
        start = perf_counter()
        train(shop)
        bench.seconds["train"] = round(perf_counter() - start, 1)
        recommender = shop.recommender()
        spent = []
        with threadpool_limits(1):
            for number in range(given.answers + WARM_UP):
                query = Query(user_id=f"person-{number}", n=20)
                start = perf_counter()
                recommender.recommend(query, f"list-{number}", datetime.now(UTC))
                spent.append((perf_counter() - start) * 1e3)
        p50, p99 = np.quantile(spent[WARM_UP:], [0.5, 0.99])
        bench.ours |= {"p50_ms": float(p50), "p99_ms": float(p99)}


if __name__ == "__main__":
    main()
