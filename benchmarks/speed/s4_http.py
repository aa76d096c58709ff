"""S4, over HTTP: events a second in batches, validated, deduplicated and durable. About half a minute.

    python benchmarks/speed/s4_http.py [--events 100000]

The bodies are made before the clock starts; two connections send them, one batch after another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from time import perf_counter

import uvloop
from _bench import Bench, at_least
from _http import Connection, post, service
from _shop import made_events, make_shop

N_ITEMS = 10_000
BATCH = 1_000
SENDERS = 2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=100_000)
    n_events = arguments.parse_args().events
    with (
        Bench("S4", f"batches of {BATCH:,} events, seven fields each") as bench,
        tempfile.TemporaryDirectory() as at,
    ):
        folder = Path(at) / "shop"
        make_shop(folder, N_ITEMS, people=1).store.close()
        bodies = [made(number, BATCH) for number in range(n_events // BATCH)]
        with service(folder) as port:
            bench.ours["http_events_per_s"] = n_events / uvloop.run(send(port, bodies, duplicates=0))
            bench.peers["http_duplicates_per_s"] = n_events / uvloop.run(send(port, bodies, duplicates=BATCH))
        bench.goal = {"http_events_per_s": at_least(10_000)}


def made(number: int, size: int) -> bytes:
    events = [
        {
            "event_id": f"batch-{number}-{place}",
            "user_id": event.user_id,
            "item_id": event.item_id,
            "type": "click",
            "at": event.at.isoformat() if event.at else None,
            "recommendation_id": "0c9d2b7e4f5a4d6c8e1f2a3b4c5d6e7f",
            "position": place % 20,
        }
        for place, event in enumerate(list(made_events(N_ITEMS, size // 50)))
    ]
    return post("/v1/events", events)


async def send(port: int, bodies: list[bytes], *, duplicates: int) -> float:
    """Seconds until all is durable. Raises RuntimeError if the counts are not as expected."""
    waiting = iter(bodies)

    async def sender() -> None:
        connection = await Connection.open(port)
        for body in waiting:
            said = json.loads(await connection.ask(body))
            if said["duplicates"] != duplicates:
                raise RuntimeError(f"{duplicates} duplicates were sent, the service counted {said}")
        connection.close()

    start = perf_counter()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return perf_counter() - start


if __name__ == "__main__":
    main()
