"""S3: how soon things count. An event accepted until it has changed that user's next answer; an item accepted
until a search finds it. Over HTTP, 10,000 items, about half a minute.

    python benchmarks/speed/s3_freshness.py [--times 300]

The clock starts when the request is sent and stops when an answer shows the effect, so it holds two requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from time import perf_counter

import uvloop
from _bench import Bench, at_most, percentile_ms
from _http import Connection, post, service
from _shop import make_shop

N_ITEMS = 10_000
TRIES = 50  # answers until the effect must be there


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=300)
    times = arguments.parse_args().times
    with (
        Bench("S3", f"made shop of {N_ITEMS:,} items, zero-shot bundle") as bench,
        tempfile.TemporaryDirectory() as at,
    ):
        folder = Path(at) / "shop"
        make_shop(folder, N_ITEMS).store.close()
        with service(folder) as port:
            uvloop.run(measure(bench, port, times))
        bench.goal = {"event_p99_ms": at_most(50), "item_p99_ms": at_most(100)}


async def measure(bench: Bench, port: int, times: int) -> None:
    connection = await Connection.open(port)
    for number in range(times // 10):  # warm
        await event(connection, f"warm-{number}", number)
    events = [await event(connection, f"fresh-{number}", number) for number in range(times)]
    items = [await item(connection, number) for number in range(times // 3)]
    connection.close()
    bench.ours |= {"event_p99_ms": percentile_ms(events, 99), "item_p99_ms": percentile_ms(items, 99)}
    bench.peers |= {"event_p50_ms": percentile_ms(events, 50), "item_p50_ms": percentile_ms(items, 50)}


async def event(connection: Connection, person: str, number: int) -> float:
    """Somebody new clicks; their list names the click as a reason."""
    item_id = f"item-{number}"
    start = perf_counter()
    await connection.ask(post("/v1/events", {"user_id": person, "item_id": item_id, "type": "click"}))
    for _ in range(TRIES):
        said = json.loads(await connection.ask(post("/v1/recommend", {"user_id": person, "n": 20})))
        if any(item_id in reason["items"] for place in said["items"] for reason in place["reasons"]):
            return perf_counter() - start
    raise RuntimeError(f"the click of {person} on {item_id} never counted")


async def item(connection: Connection, number: int) -> float:
    """A new item comes; a search for its name finds it."""
    item_id, name = f"new-{number}", f"novelty{number} wonder{number}"
    start = perf_counter()
    await connection.ask(post("/v1/items", {"item_id": item_id, "title": name}))
    for _ in range(TRIES):
        said = json.loads(await connection.ask(post("/v1/search", {"text": name, "n": 5})))
        if item_id in {place["item_id"] for place in said["items"]}:
            return perf_counter() - start
        await asyncio.sleep(0)
    raise RuntimeError(f"{item_id} was never found")


if __name__ == "__main__":
    main()
