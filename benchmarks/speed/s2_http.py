"""S2: lists over HTTP, 20 items, logged durably, at 10,000 and 100,000 items. About two minutes.

    python benchmarks/speed/s2_http.py [--seconds 6] [--train]

The service runs in one process, the load beside it on the same machine. Without --train a zero-shot bundle
answers for people with 50 events; with it all default channels do.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

from _bench import Bench, at_least, at_most, percentile_ms
from _http import closed_loop, get, open_loop, post, service
from _shop import PEOPLE, make_shop, train
from threadpoolctl import threadpool_limits

from zhiyin.shop import Zhiyin
from zhiyin.types import Query

N = 20
CLIENTS = 16
ALONE = 300  # requests one after another


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=6.0, help="of each load")
    arguments.add_argument("--train", action="store_true", help="fit all default channels first")
    given = arguments.parse_args()
    mode = "all default channels" if given.train else "zero-shot bundle"
    with (
        Bench("S2", f"made shops of 10,000 and 100,000 items, {PEOPLE} people with 50 events, {mode}") as bench,
        tempfile.TemporaryDirectory() as folder,
        threadpool_limits(1),
    ):
        for n_items, name in ((10_000, "10k"), (100_000, "100k")):
            with make_shop(Path(folder) / name, n_items) as shop:
                if given.train:
                    train(shop)
                inside = in_process(shop)
            measure(bench, Path(folder) / name, name, inside, given.seconds)
        bench.ours["overhead_ms"] = bench.peers["overhead_10k_ms"]
        bench.ours["p99_ms_at_half"] = bench.peers["p99_100k_ms_at_half"]
        bench.goal = {
            "overhead_ms": at_most(0.5),
            "rps_10k": at_least(900),
            "rps_100k": at_least(350),
            "p99_ms_at_half": at_most(20),
        }


def in_process(shop: Zhiyin) -> float:
    """Median milliseconds of a list and its durable log, without HTTP."""
    seconds = []
    for number in range(ALONE):
        start = perf_counter()
        shop.answer(Query(user_id=f"person-{number % PEOPLE}", n=N))
        seconds.append(perf_counter() - start)
    return percentile_ms(seconds[ALONE // 10 :], 50)


def measure(bench: Bench, folder: Path, name: str, inside: float, seconds: float) -> None:
    with service(folder) as port:
        closed_loop(port, ask, clients=2, seconds=1.0)  # warm
        alone = percentile_ms(closed_loop(port, ask, clients=1, seconds=seconds / 2).seconds, 50)
        most = closed_loop(port, ask, clients=CLIENTS, seconds=seconds).per_second
        half = open_loop(port, ask, rate=most / 2, seconds=seconds)
        empty = closed_loop(port, lambda _: get("/healthz"), clients=CLIENTS, seconds=2.0).per_second
    bench.ours[f"rps_{name}"] = most
    bench.peers |= {
        f"in_process_{name}_ms": inside,
        f"http_{name}_ms": alone,
        f"overhead_{name}_ms": alone - inside,
        f"p99_{name}_ms_at_half": percentile_ms(half.seconds, 99),
        f"p50_{name}_ms_at_half": percentile_ms(half.seconds, 50),
        f"empty_{name}_rps": empty,
    }
    bench.ours["share_of_empty"] = most / empty


def ask(number: int) -> bytes:
    return post("/v1/recommend", {"user_id": f"person-{number % PEOPLE}", "n": N})


if __name__ == "__main__":
    main()
