"""How fast the SQLite store is: appends by batch size, reads, the list log. Prints JSON.

    python benchmarks/speed/store.py [--events N] [--folder PATH]

Every append is a durable transaction; the events are built before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import numpy as np

from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.types import AsOf, Event, Place, Query, Recommendation

T = TypeVar("T")

USERS, ITEMS = 5_000, 10_000
START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=200_000)
    arguments.add_argument("--folder", type=Path, help="on the disk to measure; default: a temporary one")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print(json.dumps(measure(Path(folder), given.events), indent=2))


def measure(folder: Path, n_events: int) -> dict[str, float | str]:
    events = make_events(n_events + 12_000)
    store = SqliteStore(folder / "bench.db")
    numbers: dict[str, float | str] = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for size, many in ((10_000, events[:n_events]), (100, events[n_events:-2_000]), (1, events[-2_000:])):
        numbers[f"append_{size}_events_per_s"] = round(len(many) / append_all(store, many, size))
    rng = np.random.default_rng(5)
    people = [f"user-{row}" for row in rng.integers(0, USERS, 1_000)]
    for name, seconds in quantiles(lambda user: store.history(user, limit=50), people):
        numbers[f"history_50_{name}_ms"] = seconds
    lists = [make_list(number, rng) for number in range(1_000)]
    for name, seconds in quantiles(lambda shown: store.log([shown]), lists):
        numbers[f"log_1_{name}_ms"] = seconds
    start = perf_counter()
    streamed = sum(1 for _ in store.events())
    numbers["stream_events_per_s"] = round(streamed / (perf_counter() - start))
    start = perf_counter()
    store.erase(people[0])
    numbers["erase_ms"] = round((perf_counter() - start) * 1e3, 1)
    numbers["bytes_per_event"] = round((folder / "bench.db").stat().st_size / streamed)
    store.close()
    return numbers


def append_all(store: SqliteStore, events: Sequence[Event], size: int) -> float:
    start = perf_counter()
    for first in range(0, len(events), size):
        store.append(events[first : first + size])
    return perf_counter() - start


def quantiles(act: Callable[[T], object], arguments: Sequence[T]) -> list[tuple[str, float]]:
    seconds = []
    for argument in arguments:
        start = perf_counter()
        act(argument)
        seconds.append(perf_counter() - start)
    return [(f"p{q}", round(float(np.percentile(seconds, q)) * 1e3, 3)) for q in (50, 95)]


def make_events(n: int) -> list[Event]:
    rng = np.random.default_rng(3)
    users, items = rng.integers(0, USERS, n), rng.zipf(1.3, n) % ITEMS
    return [
        Event(f"user-{user}", f"item-{item}", "click", at=START + timedelta(seconds=second))
        for second, (user, item) in enumerate(zip(users, items, strict=True))
    ]


def make_list(number: int, rng: np.random.Generator) -> Recommendation:
    scores = rng.normal(size=200).tolist()
    parts = {"taste": 0.5, "words": 0.25, "meaning": 0.125}
    return Recommendation(
        recommendation_id=f"list-{number}",
        at=START,
        query=Query(f"user-{number}"),
        bundle="bench",
        settings="bench",
        as_of=AsOf(number, number),
        policy="softmax",
        variant="control",
        mode="trained",
        items=tuple(Place(f"item-{row}", scores[row], parts, -0.5) for row in range(20)),
        candidates=tuple((f"item-{row}", score) for row, score in enumerate(scores)),
    )


if __name__ == "__main__":
    main()
